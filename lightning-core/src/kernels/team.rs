//! Sharing out the work of one kernel: the caller works, and helpers take what is left.
//!
//! A step of a small model is hundreds of kernels of a few microseconds. Rayon's pool is built for larger pieces: a caller
//! that is not one of its threads hands everything over and sleeps until it is done, two wake-ups of a thread for every
//! kernel. Here the caller takes tasks itself, helpers wait awake for a moment before they sleep, and a helper that comes too
//! late is not waited for.
//!
//! How many threads take part is rayon's number, so that one setting (`RAYON_NUM_THREADS`, or a pool that is installed)
//! rules both. One kernel is shared out at a time; a second one, begun meanwhile on another thread or inside a task, runs on
//! its own thread.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex, PoisonError, TryLockError};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

/// How long a helper waits for the next kernel before it sleeps: longer than what a training step does between two of them.
const AWAKE: Duration = Duration::from_micros(200);

/// Pauses between two looks at the clock, about 2 µs.
const PAUSES: usize = 64;

/// Calls `task(i)` for every `i < tasks`, in any order and on several threads at once.
///
/// # Panics
/// If a task does; the others may then not have run.
pub(crate) fn share(tasks: usize, task: impl Fn(usize) + Sync) {
    let alone = || (0..tasks).for_each(&task);
    let wanted = rayon::current_num_threads().min(tasks).saturating_sub(1);
    if wanted == 0 {
        return alone();
    }
    let mut helpers = match TEAM.helpers.try_lock() {
        Ok(helpers) => helpers,
        Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
        Err(TryLockError::WouldBlock) => return alone(),
    };
    hire(&mut helpers, wanted);
    let job = Job { task: &task, tasks, next: AtomicUsize::new(0), helpers: wanted, panic: Mutex::new(None) };
    {
        let _until_all_have_left = Offer::new(&job);
        for helper in helpers.iter().take(wanted) {
            if helper.asleep.swap(false, SeqCst) {
                helper.thread.unpark();
            }
        }
        job.work();
    }
    if let Some(payload) = job.panic.into_inner().unwrap_or_else(PoisonError::into_inner) {
        drop(helpers);
        resume_unwind(payload);
    }
}

/// Calls `f(start, piece)` for consecutive pieces of `size` elements.
pub(crate) fn share_pieces<A: Send>(all: &mut [A], size: usize, f: impl Fn(usize, &mut [A]) + Sync) {
    /// A slice that is handed out piece by piece.
    struct Pieces<A>(*mut A);
    // SAFETY: each piece is made once, for one thread; `A` may be sent to it.
    unsafe impl<A: Send> Sync for Pieces<A> {}
    impl<A> Pieces<A> {
        fn from(&self, start: usize) -> *mut A {
            self.0.wrapping_add(start)
        }
    }

    let len = all.len();
    let pieces = Pieces(all.as_mut_ptr());
    share(len.div_ceil(size.max(1)), |i| {
        let start = i * size;
        // SAFETY: start < len, pieces of different tasks do not overlap, `share` calls each task once and returns when all
        // are done, and `all` is borrowed until then.
        f(start, unsafe { std::slice::from_raw_parts_mut(pieces.from(start), size.min(len - start)) });
    });
}

/// What all threads know of each other.
struct Team {
    /// Locked while a kernel is shared out.
    helpers: Mutex<Vec<Arc<Helper>>>,
    /// Counts the kernels: helpers look for a change.
    round: AtomicUsize,
    /// The kernel that is shared out, or null.
    job: AtomicPtr<Job<'static>>,
    /// Helpers that may be reading the job.
    inside: AtomicUsize,
}

static TEAM: Team = Team {
    helpers: Mutex::new(Vec::new()),
    round: AtomicUsize::new(0),
    job: AtomicPtr::new(std::ptr::null_mut()),
    inside: AtomicUsize::new(0),
};

struct Helper {
    thread: Thread,
    asleep: AtomicBool,
}

/// One kernel.
struct Job<'a> {
    task: &'a (dyn Fn(usize) + Sync),
    tasks: usize,
    /// The first task that nobody has taken.
    next: AtomicUsize,
    /// Helpers that may take part, from the first on.
    helpers: usize,
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

impl Job<'_> {
    /// Takes tasks until there is none left.
    fn work(&self) {
        let work = || {
            loop {
                let i = self.next.fetch_add(1, SeqCst);
                if i >= self.tasks {
                    return;
                }
                (self.task)(i);
            }
        };
        if let Err(payload) = catch_unwind(AssertUnwindSafe(work)) {
            self.next.store(self.tasks, SeqCst);
            *self.panic.lock().unwrap_or_else(PoisonError::into_inner) = Some(payload);
        }
    }
}

/// A job that helpers can see; when it is dropped, none sees it any more.
struct Offer;

impl Offer {
    fn new(job: &Job<'_>) -> Self {
        // The lifetime is forgotten here. A helper enters (`inside`) before it reads the pointer, and `drop` takes the
        // pointer away before it waits for those inside: whoever has read it is waited for, whoever comes later reads null.
        TEAM.job.store(std::ptr::from_ref(job).cast_mut().cast(), SeqCst);
        TEAM.round.fetch_add(1, SeqCst);
        Offer
    }
}

impl Drop for Offer {
    fn drop(&mut self) {
        TEAM.job.store(std::ptr::null_mut(), SeqCst);
        let mut looks = 0;
        while TEAM.inside.load(SeqCst) > 0 {
            looks += 1;
            if looks < 1000 {
                std::hint::spin_loop();
            } else {
                thread::yield_now();
            }
        }
    }
}

/// Starts helpers until there are as many as wanted, or no more can be had.
fn hire(helpers: &mut Vec<Arc<Helper>>, wanted: usize) {
    while helpers.len() < wanted {
        let index = helpers.len();
        let (say, hear) = std::sync::mpsc::channel();
        let body = move || {
            let me = Arc::new(Helper { thread: thread::current(), asleep: AtomicBool::new(false) });
            if say.send(me.clone()).is_ok() {
                help(index, &me);
            }
        };
        let started = thread::Builder::new().name(format!("kernel helper {index}")).spawn(body);
        match started.ok().and_then(|_| hear.recv().ok()) {
            Some(helper) => helpers.push(helper),
            None => return,
        }
    }
}

/// The life of a helper.
fn help(index: usize, me: &Helper) {
    let mut seen = TEAM.round.load(SeqCst).wrapping_sub(1);
    loop {
        seen = next_round(seen, me);
        TEAM.inside.fetch_add(1, SeqCst);
        let job = TEAM.job.load(SeqCst);
        // SAFETY: the pointer is null or that of a job whose `Offer` has not been dropped when it was read; its drop waits
        // until `inside` is 0, and we are inside.
        if let Some(job) = unsafe { job.as_ref() }
            && index < job.helpers
        {
            job.work();
        }
        TEAM.inside.fetch_sub(1, SeqCst);
    }
}

/// Waits until the round is another one: awake for a moment, then asleep.
fn next_round(seen: usize, me: &Helper) -> usize {
    let since = Instant::now();
    loop {
        for _ in 0..PAUSES {
            let round = TEAM.round.load(SeqCst);
            if round != seen {
                return round;
            }
            std::hint::spin_loop();
        }
        let waited = since.elapsed();
        if waited > AWAKE {
            me.asleep.store(true, SeqCst);
            // Either this sees the new round, or whoever began it sees that we sleep.
            if TEAM.round.load(SeqCst) == seen {
                thread::park();
            }
            me.asleep.store(false, SeqCst);
        } else if waited > AWAKE / 4 {
            thread::yield_now();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicU64;

    fn with_threads<R: Send>(threads: usize, f: impl FnOnce() -> R + Send) -> R {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().expect("a pool of threads").install(f)
    }

    #[test]
    fn every_task_runs_once_whatever_the_number_of_threads() {
        for threads in [1, 2, 5, 16] {
            for tasks in [0, 1, 2, 3, 1000] {
                let count: Vec<AtomicU64> = (0..tasks).map(|_| AtomicU64::new(0)).collect();
                with_threads(threads, || {
                    share(tasks, |i| {
                        count[i].fetch_add(1, SeqCst);
                    });
                });
                assert!(
                    count.iter().all(|count| count.load(SeqCst) == 1),
                    "{threads} threads, {tasks} tasks"
                );
            }
        }
    }

    #[test]
    fn callers_on_many_threads_and_inside_tasks_do_not_wait_for_each_other() {
        let total = AtomicU64::new(0);
        thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for _ in 0..200 {
                        share(3, |_| {
                            share(4, |_| {
                                total.fetch_add(1, SeqCst);
                            });
                        });
                    }
                });
            }
        });
        assert_eq!(total.load(SeqCst), 8 * 200 * 12);
    }

    #[test]
    fn pieces_cover_the_slice_and_the_last_one_is_shorter() {
        let mut all = vec![0; 1001];
        with_threads(3, || {
            share_pieces(&mut all, 100, |start, piece| {
                assert_eq!(piece.len(), if start == 1000 { 1 } else { 100 });
                piece.iter_mut().enumerate().for_each(|(i, x)| *x = start + i);
            });
        });
        assert!(all.iter().enumerate().all(|(i, &x)| i == x));
    }

    #[test]
    fn a_task_that_panics_panics_at_the_caller_and_the_team_goes_on() {
        with_threads(2, || {
            let outcome = catch_unwind(|| share(100, |i| assert!(i != 40, "task forty")));
            let payload = outcome.expect_err("the panic arrives");
            assert_eq!(*payload.downcast::<&str>().expect("its message"), "task forty");
            let count = AtomicU64::new(0);
            share(100, |_| {
                count.fetch_add(1, SeqCst);
            });
            assert_eq!(count.load(SeqCst), 100);
        });
    }
}
