//! Sharing out the work of one kernel over rayon's threads: the caller works, and helpers take their part of it.
//!
//! A step of a small model is hundreds of kernels of a few microseconds. Rayon's parallel iterators are built for larger
//! pieces: a caller that is not one of its threads hands everything over and sleeps until it is done, two wake-ups of a
//! thread for every kernel. Here the caller works itself; a helper is a task of rayon's that waits awake for the next
//! kernel and ends when none comes for a moment; and a helper that comes too late is not waited for.
//!
//! Two cores may be far from each other: where they share no cache, every line of memory that one of them wrote reaches the
//! other five times as late. So the tasks are cut in as many parts as threads take part, each takes its own part first, the
//! same in every kernel: what a thread reads is mostly what it wrote. Who has done his part takes from the others'. And a
//! helper that does its own part touches three lines of other threads for a kernel: the offer, the job, and at the end its
//! own [`Seat`], which the caller reads. Small kernels are not shared out to a far core at all ([`distance`]).
//!
//! How many threads take part is rayon's number, so that one setting (`RAYON_NUM_THREADS`, or a pool that is installed)
//! rules all. One kernel is shared out at a time; a second one, begun meanwhile on another thread or inside a task, runs on
//! its own thread.

mod distance;
mod offer;

use distance::Distance;
use offer::Offer;
use std::any::Any;
use std::marker::PhantomData;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release, SeqCst};
use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, AtomicUsize};
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

/// Threads that take part in one kernel at most.
const SEATS: usize = 1 << Offer::PART_BITS;

/// Calls `task(i)` for every `i < tasks`, in any order and on several threads at once. Helpers that are not awake are called
/// only if the first task shows that the others are worth it.
///
/// # Panics
/// If a task does: after the others where they are shared out, or else at once.
pub(crate) fn share(tasks: usize, task: impl Fn(usize) + Sync) {
    let alone = || (0..tasks).for_each(&task);
    let parts = rayon::current_num_threads().min(tasks).min(SEATS);
    if parts <= 1 {
        return alone();
    }
    let mut offering = match TEAM.offering.try_lock() {
        Ok(offering) => offering,
        Err(TryLockError::Poisoned(poisoned)) => poisoned.into_inner(),
        Err(TryLockError::WouldBlock) => return alone(),
    };
    // So many that they are not counted one by one.
    let group = tasks.div_ceil(Offer::MOST_TASKS);
    let group_task = |i: usize| (i * group..tasks.min((i + 1) * group)).for_each(&task);
    let tasks = tasks.div_ceil(group);
    let begin = Instant::now();
    // What the others take, asked right after the first.
    let left = || begin.elapsed() * (tasks - 1).min(1000) as u32;
    let stays = offering.distance.kernels_stay(begin);
    if stays {
        group_task(0);
        if !offering.distance.count(left()) {
            drop(offering);
            return (1..tasks).for_each(group_task);
        }
    }
    let job = Job { task: &group_task, panic: Mutex::new(None) };
    let wanted = parts - 1;
    {
        let mut lent = Lent::new(&job, Offer { round: offering.next_round(), tasks, parts });
        if !stays {
            run(0);
            offering.distance.count(left());
        }
        lent.done = 1;
        if TEAM.awake.load(Relaxed) < wanted && offering.is_worth_waking(left()) {
            // Counted before they begin, so that no later kernel calls for them again.
            for _ in TEAM.awake.load(Relaxed)..wanted {
                TEAM.awake.fetch_add(1, Relaxed);
                rayon::spawn(help);
            }
        }
        lent.done += lent.offer.work(0);
    }
    offering.look(begin, wanted);
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
    offering: Mutex<Caller>,
    /// Helpers that wait for a kernel, work, or are on their way.
    awake: AtomicUsize,
    board: Line<Board>,
    /// The first is the caller's.
    seats: [Line<Seat>; SEATS],
}

static TEAM: Team = Team {
    offering: Mutex::new(Caller { round: 0, alone: Duration::ZERO, last: None, distance: Distance::UNKNOWN }),
    awake: AtomicUsize::new(0),
    board: Line(Board { offer: AtomicU64::new(0), job: AtomicPtr::new(std::ptr::null_mut()) }),
    seats: [const {
        Line(Seat { taken: AtomicBool::new(false), next: AtomicU64::new(0), done: AtomicU64::new(0) })
    }; SEATS],
};

/// Something that has its cache lines for itself: processors fetch them in pairs.
#[repr(align(128))]
struct Line<A>(A);

/// Where helpers look for a kernel. Only the caller writes here.
struct Board {
    /// An [`Offer`].
    offer: AtomicU64,
    /// The job of that offer, valid until all its tasks are done.
    job: AtomicPtr<Job<'static>>,
}

/// One who takes part.
struct Seat {
    /// Whether a helper sits here.
    taken: AtomicBool,
    /// The round in which somebody last took a task of this part, and how many were taken in it.
    next: AtomicU64,
    /// The round in which who sits here last did tasks, of whatever part, and how many. Written when they are done.
    done: AtomicU64,
}

/// What callers know of those before them.
struct Caller {
    /// Counts the kernels that were shared out.
    round: u64,
    /// What they did alone of late that a helper might have done.
    alone: Duration,
    last: Option<Instant>,
    distance: Distance,
}

impl Caller {
    /// The number of the next kernel.
    fn next_round(&mut self) -> u64 {
        self.round = (self.round + 1) % (1 << Offer::ROUND_BITS);
        if self.round.is_multiple_of(1 << Offer::SWEEP_BITS) {
            // No seat falls so far behind that its old rounds look like new ones. Nobody is at work now.
            for Line(seat) in &TEAM.seats {
                seat.next.store(self.round << Offer::TASK_BITS, SeqCst);
                seat.done.store(self.round << Offer::TASK_BITS, SeqCst);
            }
        }
        self.round
    }

    /// Whether a helper, had it been called before, would by now have been worth it: then the next kernels may be too. So
    /// never is more than about twice the best possible lost, whatever comes.
    fn is_worth_waking(&mut self, left: Duration) -> bool {
        let now = Instant::now();
        if self.last.replace(now).is_none_or(|last| now - last > AWAKE) {
            self.alone = Duration::ZERO;
        }
        self.alone += left;
        let worth = self.alone > WORTH_WAKING;
        if worth {
            self.alone = Duration::ZERO;
        }
        worth
    }
}

/// One kernel.
struct Job<'a> {
    task: &'a (dyn Fn(usize) + Sync),
    panic: Mutex<Option<Box<dyn Any + Send>>>,
}

impl Offer {
    /// Takes a task of one's own part, or else of another's.
    fn take_any(self, seat: usize) -> Option<usize> {
        (0..self.parts).find_map(|k| {
            let part = (seat + k) % self.parts;
            self.take(part, &TEAM.seats[part].0.next)
        })
    }

    /// Does tasks until none is left to take; how many.
    fn work(self, seat: usize) -> usize {
        std::iter::from_fn(|| self.take_any(seat)).map(run).count()
    }
}

/// Runs a task that was taken in this round.
fn run(task: usize) {
    // SAFETY: the pointer was written before the offer of which the task was taken. It is written again, and what it points to
    // is given up, only after `Lent` has seen all tasks of that offer done, this one among them.
    let job = unsafe { &*TEAM.board.0.job.load(Acquire) };
    if let Err(payload) = catch_unwind(AssertUnwindSafe(|| (job.task)(task))) {
        *job.panic.lock().unwrap_or_else(PoisonError::into_inner) = Some(payload);
    }
}

/// A job that helpers can see. When this is dropped all its tasks have been taken and done, and none of them looks at it any more.
struct Lent<'a> {
    offer: Offer,
    /// Tasks that the caller has done.
    done: usize,
    job: PhantomData<&'a Job<'a>>,
}

impl<'a> Lent<'a> {
    /// Shows the job to the helpers; the first task is the caller's already.
    fn new(job: &'a Job<'a>, offer: Offer) -> Self {
        let Team { board: Line(board), seats, .. } = &TEAM;
        // Taken here, since a compare-exchange right after the offer would wait until all have seen it.
        seats[0].0.next.store(offer.count(1), Relaxed);
        // The lifetime is forgotten here: see `run`.
        board.job.store(std::ptr::from_ref(job).cast_mut().cast(), Release);
        board.offer.store(offer.packed(), Release);
        Lent { offer, done: 0, job: PhantomData }
    }

    /// Whether all tasks are done.
    fn is_done(&self) -> bool {
        let others = |seat: &Line<Seat>| self.offer.of_this_round(seat.0.done.load(Acquire)).unwrap_or(0);
        self.done + TEAM.seats[1..self.offer.parts].iter().map(others).sum::<usize>() >= self.offer.tasks
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        // There are such only if the caller is unwinding.
        while self.offer.take_any(0).is_some() {
            self.done += 1;
        }
        let mut looks = 0;
        while !self.is_done() {
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
    // The caller has the first.
    let free = |seat: &usize| {
        let taken = &TEAM.seats[*seat].0.taken;
        taken.compare_exchange(false, true, Acquire, Relaxed).is_ok()
    };
    if let Some(seat) = (1..SEATS).find(free) {
        help_from(seat);
        TEAM.seats[seat].0.taken.store(false, Release);
    }
    TEAM.awake.fetch_sub(1, Relaxed);
}

fn help_from(seat: usize) {
    let begin = Instant::now();
    // No offer looks like this one: its round has not been.
    let mut seen = u64::MAX;
    while let Some(offer) = next_offer(seen) {
        seen = offer;
        let offer = Offer::unpacked(offer);
        if seat < offer.parts {
            let done = offer.work(seat);
            if done > 0 {
                TEAM.seats[seat].0.done.store(offer.count(done), Release);
            }
        }
        if begin.elapsed() > STAY {
            return;
        }
    }
}

/// Waits until the offer is another one; `None` when none comes.
fn next_offer(seen: u64) -> Option<u64> {
    let since = Instant::now();
    loop {
        for _ in 0..PAUSES {
            let offer = TEAM.board.0.offer.load(Acquire);
            if offer != seen {
                return Some(offer);
            }
            std::hint::spin_loop();
        }
        let waited = since.elapsed();
        if waited > AWAKE {
            return None;
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
    fn more_tasks_than_are_counted_one_by_one_run_once_too() {
        let tasks = 5 * Offer::MOST_TASKS + 7;
        let count: Vec<AtomicU64> = (0..tasks).map(|_| AtomicU64::new(0)).collect();
        with_threads(3, || {
            share(tasks, |i| {
                count[i].fetch_add(1, SeqCst);
            });
        });
        assert!(count.iter().all(|count| count.load(SeqCst) == 1));
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
    fn every_task_runs_once_where_the_helper_is_far() {
        with_threads(2, || {
            for (tasks, work) in [(2, 0), (100, 0), (100, 20), (3, 500)] {
                TEAM.offering.lock().expect("nobody panicked").distance = Distance::seen_far();
                let count: Vec<AtomicU64> = (0..tasks).map(|_| AtomicU64::new(0)).collect();
                share(tasks, |i| {
                    let begin = Instant::now();
                    while begin.elapsed() < Duration::from_micros(work) {}
                    count[i].fetch_add(1, SeqCst);
                });
                assert!(count.iter().all(|count| count.load(SeqCst) == 1), "{tasks} tasks of {work} µs");
            }
        });
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
