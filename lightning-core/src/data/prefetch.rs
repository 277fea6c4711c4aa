//! Batches made ahead of time.

use super::Loader;
use serde_json::Value;
use std::sync::Arc;
use std::sync::mpsc::{IntoIter, sync_channel};
use std::thread::{Builder, JoinHandle};

/// Makes the batches of another loader on a thread of its own while the training is busy with those before. They
/// are the same batches in the same order.
///
/// At most `depth` finished batches wait, and one more is being made. Where no thread can be started, batches are
/// made when they are asked for.
///
/// ```
/// use lightning_core::data::{DataLoader, Loader, Prefetch};
/// let loader = DataLoader::new((0..1000).collect::<Vec<usize>>(), 32).shuffled(lightning_core::Seed(7));
/// let ahead = Prefetch::new(loader.clone(), 2);
/// assert!(ahead.epoch(4).eq(loader.epoch(4)));
/// ```
#[derive(Debug)]
pub struct Prefetch<L> {
    loader: Arc<L>,
    depth: usize,
}

impl<L: Loader> Prefetch<L> {
    /// Keeps up to `depth` batches ready.
    ///
    /// # Panics
    /// If `depth` is 0.
    #[track_caller]
    pub fn new(loader: L, depth: usize) -> Self {
        assert!(depth > 0, "Prefetch: at least one batch is made ahead");
        Prefetch { loader: Arc::new(loader), depth }
    }

    /// The loader that makes the batches.
    pub fn loader(&self) -> &L {
        &self.loader
    }
}

impl<L> Loader for Prefetch<L>
where
    L: Loader + Send + Sync + 'static,
    L::Batch: Send + 'static,
{
    type Batch = L::Batch;

    fn batches(&self) -> usize {
        self.loader.batches()
    }

    fn epoch(&self, epoch: u64) -> Box<dyn Iterator<Item = L::Batch> + '_> {
        self.epoch_from(epoch, 0)
    }

    fn epoch_from(&self, epoch: u64, first: usize) -> Box<dyn Iterator<Item = L::Batch> + '_> {
        let loader = Arc::clone(&self.loader);
        let (ready, batches) = sync_channel(self.depth);
        let work = move || {
            for batch in loader.epoch_from(epoch, first) {
                // Nobody wants more batches of an epoch that was left.
                if ready.send(batch).is_err() {
                    return;
                }
            }
        };
        match Builder::new().name("batches".into()).spawn(work) {
            Ok(thread) => Box::new(Ahead { batches: Some(batches.into_iter()), thread: Some(thread) }),
            Err(_) => self.loader.epoch_from(epoch, first),
        }
    }

    fn identity(&self) -> Value {
        self.loader.identity()
    }
}

/// The batches of an epoch, and the thread that makes them.
struct Ahead<B> {
    batches: Option<IntoIter<B>>,
    thread: Option<JoinHandle<()>>,
}

impl<B> Iterator for Ahead<B> {
    type Item = B;

    fn next(&mut self) -> Option<B> {
        let batch = self.batches.as_mut()?.next();
        if batch.is_none() {
            self.join();
        }
        batch
    }
}

impl<B> Ahead<B> {
    /// A data set that panicked does so here, as it would have without this thread.
    fn join(&mut self) {
        self.batches = None;
        if let Some(Err(panic)) = self.thread.take().map(JoinHandle::join)
            && !std::thread::panicking()
        {
            std::panic::resume_unwind(panic);
        }
    }
}

impl<B> Drop for Ahead<B> {
    fn drop(&mut self) {
        self.join();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Seed;
    use crate::data::{DataLoader, Dataset};
    use std::sync::atomic::{AtomicUsize, Ordering};

    /// Counts its batches and refuses one of them.
    struct Watched {
        made: Arc<AtomicUsize>,
        bad: Option<usize>,
    }
    impl Dataset for Watched {
        type Batch = Vec<usize>;
        fn len(&self) -> usize {
            1000
        }
        fn batch(&self, indices: &[usize]) -> Vec<usize> {
            self.made.fetch_add(1, Ordering::SeqCst);
            assert!(!indices.contains(&self.bad.unwrap_or(usize::MAX)), "a bad sample");
            indices.to_vec()
        }
    }

    #[test]
    fn batches_and_their_order_are_those_of_the_loader() {
        let loader = DataLoader::new((0..101).collect::<Vec<usize>>(), 4).shuffled(Seed(5));
        let ahead = Prefetch::new(loader.clone(), 3);
        for (epoch, first) in [(0, 0), (1, 7), (2, 25), (3, 99)] {
            assert!(ahead.epoch_from(epoch, first).eq(loader.epoch_from(epoch, first)));
        }
        assert_eq!((ahead.batches(), ahead.identity()), (loader.batches(), loader.identity()));
    }

    #[test]
    fn no_more_than_the_depth_is_made_ahead_and_an_epoch_can_be_left() {
        let made = Arc::new(AtomicUsize::new(0));
        let ahead = Prefetch::new(DataLoader::new(Watched { made: Arc::clone(&made), bad: None }, 1), 2);
        let mut epoch = ahead.epoch(0);
        for i in 0..10 {
            assert_eq!(epoch.next(), Some(vec![i]));
        }
        drop(epoch);
        // Ten taken, two that waited, one that was being made and one that was sent while it waited.
        assert!(made.load(Ordering::SeqCst) <= 14, "{made:?}");
    }

    #[test]
    #[should_panic(expected = "a bad sample")]
    fn a_panic_of_the_data_set_is_not_lost() {
        let watched = Watched { made: Arc::default(), bad: Some(500) };
        let _ = Prefetch::new(DataLoader::new(watched, 10), 2).epoch(0).count();
    }
}
