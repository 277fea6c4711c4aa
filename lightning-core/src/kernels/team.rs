//! Sharing out the work of one kernel over rayon's threads: the caller works, and helpers take what is left.
//!
//! A step of a small model is hundreds of kernels of a few microseconds. Rayon's parallel iterators are built for larger
//! pieces: a caller that is not one of its threads hands everything over and sleeps until it is done, two wake-ups of a
//! thread for every kernel. Here the caller takes tasks itself; a helper is a task of rayon's that waits awake for the next
//! kernel and ends when none comes for a moment; and a helper that comes too late is not waited for.
//!
//! How many threads take part is rayon's number, so that one setting (`RAYON_NUM_THREADS`, or a pool that is installed)
//! rules all. One kernel is shared out at a time; a second one, begun meanwhile on another thread or inside a task, runs on
//! its own thread.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering::SeqCst};
use std::sync::{Mutex, PoisonError, TryLockError};
use std::thread;
use std::time::{Duration, Instant};

/// How long a helper waits for the next kernel: longer than what a training step does between two of them.
const AWAKE: Duration = Duration::from_micros(200);

/// How long a helper stays at most before it lets rayon's other work have the thread.
const STAY: Duration = Duration::from_millis(20);

/// What the tasks that are left must take, by the time of the first, before a helper is called for them: about what waking a
/// thread costs, and what passes before it begins. Kernels that follow each other count together.
const WORTH_WAKING: Duration = Duration::from_micros(30);

/// Pauses between two looks at the clock, about 2 µs.
const PAUSES: usize = 64;

/// Calls `task(i)` for every `i < tasks`, in any order and on several threads at once. Helpers that are not awake are called
/// only if the first task shows that the others are worth it.
///
/// # Panics
/// If a task does; the others may then not have run.
pub(crate) fn share(tasks: usize, task: impl Fn(usize) + Sync) {
    let alone = || (0..tasks).for_each(&task);
    let wanted = rayon::current_num_threads().min(tasks).saturating_sub(1);
    if wanted == 0 {
        return alone();
    }
    let mut offering = match TEAM.offering.try_lock() {
        Ok(offering) => offering,
        Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
        Err(TryLockError::WouldBlock) => return alone(),
    };
    let (next, seats) = (AtomicUsize::new(0), AtomicUsize::new(wanted));
    let job = Job { task: &task, tasks, next, seats, panic: Mutex::new(None) };
    {
        let _until_all_have_left = Offer::new(&job);
        if TEAM.awake.load(SeqCst) < wanted && offering.is_worth_waking(job.left_after_one()) {
            // Counted before they begin, so that no later kernel calls for them again.
            for _ in TEAM.awake.load(SeqCst)..wanted {
                TEAM.awake.fetch_add(1, SeqCst);
                rayon::spawn(help);
            }
        }
        job.work(usize::MAX);
    }
    drop(offering);
    if let Some(payload) = job.panic.into_inner().unwrap_or_else(PoisonError::into_inner) {
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
    offering: Mutex<Alone>,
    /// Helpers that wait for a kernel, work, or are on their way.
    awake: AtomicUsize,
    /// Counts the kernels: helpers look for a change.
    round: AtomicUsize,
    /// The kernel that is shared out, or null.
    job: AtomicPtr<Job<'static>>,
    /// Helpers that may be reading the job.
    inside: AtomicUsize,
}

static TEAM: Team = Team {
    offering: Mutex::new(Alone { time: Duration::ZERO, last: None }),
    awake: AtomicUsize::new(0),
    round: AtomicUsize::new(0),
    job: AtomicPtr::new(std::ptr::null_mut()),
    inside: AtomicUsize::new(0),
};

/// What callers did alone of late that a helper might have done.
struct Alone {
    time: Duration,
    last: Option<Instant>,
}

impl Alone {
    /// Whether a helper, had it been called before, would by now have been worth it: then the next kernels may be too. So
    /// never is more than about twice the best possible lost, whatever comes.
    fn is_worth_waking(&mut self, left: Duration) -> bool {
        let now = Instant::now();
        if self.last.replace(now).is_none_or(|last| now - last > AWAKE) {
            self.time = Duration::ZERO;
        }
        self.time += left;
        let worth = self.time > WORTH_WAKING;
        if worth {
            self.time = Duration::ZERO;
        }
        worth
    }
}

/// One kernel.
struct Job<'a> {
    task: &'a (dyn Fn(usize) + Sync),
    tasks: usize,
    /// The first task that nobody has taken.
    next: AtomicUsize,
    /// Helpers that may still join.
    seats: AtomicUsize,
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

impl Job<'_> {
    /// Takes part, if there is a seat.
    fn help(&self) {
        if self.seats.fetch_update(SeqCst, SeqCst, |seats| seats.checked_sub(1)).is_ok() {
            self.work(usize::MAX);
        }
    }

    /// Does one task; what the others will take.
    fn left_after_one(&self) -> Duration {
        let since = Instant::now();
        self.work(1);
        let left = self.tasks.saturating_sub(self.next.load(SeqCst));
        since.elapsed() * left.min(1000) as u32
    }

    /// Takes tasks until there is none left, but at most this many.
    fn work(&self, most: usize) {
        let work = || {
            for _ in 0..most {
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

/// One helper, on a thread of rayon's, for as long as kernels follow each other.
fn help() {
    let begin = Instant::now();
    let mut seen = TEAM.round.load(SeqCst).wrapping_sub(1);
    while let Some(round) = next_round(seen) {
        seen = round;
        TEAM.inside.fetch_add(1, SeqCst);
        let job = TEAM.job.load(SeqCst);
        // SAFETY: the pointer is null or that of a job whose `Offer` has not been dropped when it was read; its drop waits
        // until `inside` is 0, and we are inside.
        if let Some(job) = unsafe { job.as_ref() } {
            job.help();
        }
        TEAM.inside.fetch_sub(1, SeqCst);
        if begin.elapsed() > STAY {
            TEAM.awake.fetch_sub(1, SeqCst);
            return;
        }
    }
}

/// Waits until the round is another one; `None`, and one helper less, when none comes.
fn next_round(seen: usize) -> Option<usize> {
    let since = Instant::now();
    loop {
        for _ in 0..PAUSES {
            let round = TEAM.round.load(SeqCst);
            if round != seen {
                return Some(round);
            }
            std::hint::spin_loop();
        }
        let waited = since.elapsed();
        if waited > AWAKE {
            TEAM.awake.fetch_sub(1, SeqCst);
            // Either this sees the new round, or whoever began it sees that a helper is missing.
            if TEAM.round.load(SeqCst) == seen {
                return None;
            }
            TEAM.awake.fetch_add(1, SeqCst);
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

    #[test]
    fn other_work_of_the_pool_gets_its_turn_while_kernels_follow_each_other() {
        use std::sync::Arc;
        use std::sync::atomic::AtomicBool;
        with_threads(2, || {
            share(100, |_| {});
            let done = Arc::new(AtomicBool::new(false));
            let sign = done.clone();
            rayon::spawn(move || sign.store(true, SeqCst));
            while !done.load(SeqCst) {
                share(100, |_| {});
            }
        });
    }
}
