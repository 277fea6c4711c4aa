//! Cores that share no cache, as the two halves of many a desktop's or server's processor.
//!
//! What one of two such cores wrote takes five to seven times as long to reach the other. Kernels of some microseconds are then
//! done sooner by one thread, which has all their numbers; but after a large kernel that was shared out, its numbers are with
//! both. So either all are shared out or none, by which kind takes more time.
//!
//! Where a thread runs is for the system to say, and it changes; so it is asked for: now and then an offer of nothing goes to
//! the first helper.

use super::offer::Offer;
use super::{Caller, Job, Lent, TEAM, run};
use std::sync::Mutex;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

/// Time between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(10);
/// How long the last look is believed. Kernels that are not shared out ask nobody.
const BELIEVE: Duration = Duration::from_millis(50);
/// Offers of a look. The fastest answer counts: the others met a helper that had just turned to something else.
const OFFERS: usize = 8;
/// An answer from a near core takes 160 ns, from a far one at least 600.
const FAR: Duration = Duration::from_nanos(400);
/// An answer that takes longer comes from one who was asleep.
const ASLEEP: Duration = Duration::from_micros(5);

/// What a kernel's other tasks take, by the time of its first, if it is a small one.
const SMALL: Duration = Duration::from_micros(20);
/// The same of a kernel that is shared out whatever came before it.
const LARGE: Duration = Duration::from_micros(200);
/// How many times as long as small kernels the others must take to be worth the way. A step of 8 or 32 rows of three views of
/// 200 features is at 2, of 245 rows at 10.
const OTHERS: u32 = 5;
/// Time of kernels after which what came before counts half.
const REMEMBERED: Duration = Duration::from_millis(2);

/// How far the helpers are, as it was last seen, and what the kernels since then were like.
pub(super) struct Distance {
    far: bool,
    seen: Option<Instant>,
    /// Time of small kernels, and of the others.
    small: Duration,
    other: Duration,
}

impl Distance {
    pub(super) const UNKNOWN: Self =
        Distance { far: false, seen: None, small: Duration::ZERO, other: Duration::ZERO };

    /// Whether kernels stay with their caller, unless they are large: the helpers are far and most time goes into small ones.
    pub(super) fn kernels_stay(&self, now: Instant) -> bool {
        self.far && self.is_of(now, BELIEVE) && self.other <= OTHERS * self.small
    }

    /// Counts a kernel whose other tasks take so long; whether it is a large one.
    pub(super) fn count(&mut self, left: Duration) -> bool {
        let kind = if left < SMALL { &mut self.small } else { &mut self.other };
        *kind += left;
        if self.small + self.other > REMEMBERED {
            self.small /= 2;
            self.other /= 2;
        }
        left >= LARGE
    }

    fn is_of(&self, now: Instant, duration: Duration) -> bool {
        self.seen.is_some_and(|seen| now.saturating_duration_since(seen) < duration)
    }

    #[cfg(test)]
    pub(super) fn seen_far() -> Self {
        Distance { far: true, seen: Some(Instant::now()), ..Self::UNKNOWN }
    }

    fn see(&mut self, now: Instant, fastest_answer: Duration) {
        (self.far, self.seen) = (fastest_answer > FAR, Some(now));
    }
}

impl Caller {
    /// Looks how far the first helper is, if it is time again and all of `helpers` are awake.
    pub(super) fn look(&mut self, now: Instant, helpers: usize) {
        if self.distance.is_of(now, LOOK_EVERY) || TEAM.awake.load(Relaxed) < helpers {
            return;
        }
        if let Some(fastest) = (0..OFFERS).map_while(|_| self.answer()).min() {
            self.distance.see(now, fastest);
        }
    }

    /// How long the first helper takes to do nothing; `None` if it does not answer.
    fn answer(&mut self) -> Option<Duration> {
        let job = Job { task: &|_| {}, panic: Mutex::new(None) };
        let begin = Instant::now();
        let mut lent = Lent::new(&job, Offer { round: self.next_round(), tasks: 2, parts: 2 });
        run(0);
        lent.done = 1;
        while begin.elapsed() < ASLEEP {
            for _ in 0..16 {
                if lent.is_done() {
                    return Some(begin.elapsed()).filter(|&answer| answer < ASLEEP);
                }
                std::hint::spin_loop();
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_seen_is_believed_for_a_while() {
        let now = Instant::now();
        let mut distance = Distance::UNKNOWN;
        assert!(!distance.kernels_stay(now));
        distance.see(now, Duration::from_nanos(900));
        assert!(distance.kernels_stay(now) && distance.kernels_stay(now + BELIEVE / 2));
        assert!(!distance.kernels_stay(now + BELIEVE));
        distance.see(now, Duration::from_nanos(150));
        assert!(!distance.kernels_stay(now));
    }

    #[test]
    fn small_kernels_stay_unless_larger_ones_take_most_of_the_time() {
        let (small, medium) = (SMALL / 2, SMALL * 3);
        let mut distance = Distance::seen_far();
        let mut stays_after = |mediums_of_ten: usize| {
            (0..1000).for_each(|i| _ = distance.count(if i % 10 < mediums_of_ten { medium } else { small }));
            distance.kernels_stay(distance.seen.expect("just seen"))
        };
        assert!(stays_after(0) && stays_after(3) && !stays_after(6) && !stays_after(9) && stays_after(0));
        assert!(!distance.count(medium) && distance.count(LARGE));
    }
}
