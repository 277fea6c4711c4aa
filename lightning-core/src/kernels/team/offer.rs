//! What a helper has to know of a kernel, in one number that is read at once, and the counts of its tasks that were taken or done.
//!
//! A count carries its round, so that nobody has to set it back: one of an earlier round is none.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{Relaxed, SeqCst};

/// A kernel that is shared out: its round, its number of tasks and of parts, together one number.
#[derive(Clone, Copy)]
pub(super) struct Offer {
    pub(super) round: u64,
    pub(super) tasks: usize,
    pub(super) parts: usize,
}

impl Offer {
    pub(super) const TASK_BITS: u32 = 16;
    pub(super) const PART_BITS: u32 = 7;
    /// A helper would have to stand still between two instructions for half of all rounds, two weeks of nothing but the
    /// shortest kernels, to take an old round for a new one.
    pub(super) const ROUND_BITS: u32 = 64 - Self::TASK_BITS - Self::PART_BITS;
    /// Seats are brought up to date once in so many rounds.
    pub(super) const SWEEP_BITS: u32 = 30;
    pub(super) const MOST_TASKS: usize = (1 << Self::TASK_BITS) - 1;

    /// As one number.
    pub(super) fn packed(self) -> u64 {
        let parts = (self.parts - 1) as u64;
        (self.round << Self::PART_BITS | parts) << Self::TASK_BITS | self.tasks as u64
    }

    pub(super) fn unpacked(offer: u64) -> Self {
        let parts = offer >> Self::TASK_BITS & ((1 << Self::PART_BITS) - 1);
        Offer {
            round: offer >> (Self::TASK_BITS + Self::PART_BITS),
            tasks: (offer & Self::MOST_TASKS as u64) as usize,
            parts: parts as usize + 1,
        }
    }

    /// The first task of a part.
    fn begin(self, part: usize) -> usize {
        (part * self.tasks).div_ceil(self.parts)
    }

    /// So many tasks in this round, as one number.
    pub(super) fn count(self, tasks: usize) -> u64 {
        self.round << Self::TASK_BITS | tasks as u64
    }

    /// How many of a count are of this round; `None` if the count is of a later one.
    pub(super) fn of_this_round(self, count: u64) -> Option<usize> {
        let behind = self.round.wrapping_sub(count >> Self::TASK_BITS) % (1 << Self::ROUND_BITS);
        match behind {
            0 => Some((count & Self::MOST_TASKS as u64) as usize),
            _ if behind < 1 << (Self::ROUND_BITS - 1) => Some(0),
            _ => None,
        }
    }

    /// Takes a task of a part, of whose taken tasks `next` is the count, if there is one left.
    pub(super) fn take(self, part: usize, next: &AtomicU64) -> Option<usize> {
        let (begin, end) = (self.begin(part), self.begin(part + 1));
        let mut count = next.load(Relaxed);
        loop {
            let taken = self.of_this_round(count)?;
            if begin + taken >= end {
                return None;
            }
            match next.compare_exchange_weak(count, self.count(taken + 1), SeqCst, Relaxed) {
                Ok(_) => return Some(begin + taken),
                Err(now) => count = now,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST_PARTS: usize = 1 << Offer::PART_BITS;

    #[test]
    fn an_offer_is_one_number_and_its_parts_are_consecutive() {
        let rounds = [0, 1, (1 << Offer::ROUND_BITS) - 1];
        for (round, tasks, parts) in rounds.into_iter().flat_map(|round| {
            [
                (round, 2, 2),
                (round, 7, 3),
                (round, Offer::MOST_TASKS, MOST_PARTS),
                (round, MOST_PARTS, MOST_PARTS),
            ]
        }) {
            let offer = Offer { round, tasks, parts };
            let again = Offer::unpacked(offer.packed());
            assert_eq!((again.round, again.tasks, again.parts), (round, tasks, parts));
            let borders: Vec<_> = (0..=parts).map(|part| offer.begin(part)).collect();
            assert_eq!((borders[0], borders[parts]), (0, tasks));
            assert!(borders.is_sorted_by(|a, b| a < b), "no part is empty: {borders:?}");
        }
    }

    #[test]
    fn a_count_is_of_an_earlier_round_or_of_a_later_one_around_the_last_round_too() {
        let offer = |round| Offer { round, tasks: 9, parts: 2 };
        let last = (1 << Offer::ROUND_BITS) - 1;
        for (round, earlier) in [(5, 4), (1, 0), (0, last), (3, last - 3)] {
            assert_eq!(offer(round).of_this_round(offer(round).count(4)), Some(4));
            assert_eq!(offer(round).of_this_round(offer(earlier).count(4)), Some(0));
            assert_eq!(offer(earlier).of_this_round(offer(round).count(4)), None);
        }
    }
}
