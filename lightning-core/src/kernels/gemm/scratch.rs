//! Memory for packed panels: kept by each thread, so that a product allocates nothing after the first of its size.

use std::cell::RefCell;
use std::marker::PhantomData;

/// A cache line: panels start on one, so that no vector lies across two.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Line(#[expect(dead_code, reason = "read as numbers")] [u64; 8]);

/// Buffers that a thread keeps: one for each operand.
const KEPT: usize = 2;

thread_local! {
    static POOL: RefCell<Vec<Vec<Line>>> = const { RefCell::new(Vec::new()) };
}

/// Room for some numbers, all of them set to something. It goes back to its thread when dropped.
pub(super) struct Scratch<T> {
    lines: Vec<Line>,
    numbers: PhantomData<T>,
}

impl<T: Copy> Scratch<T> {
    pub(super) fn new(numbers: usize) -> Self {
        // Taken out of the pool: a thread that waits for its tasks may begin another product.
        let mut lines = POOL.with_borrow_mut(Vec::pop).unwrap_or_default();
        let needed = (numbers * size_of::<T>()).div_ceil(size_of::<Line>());
        if lines.len() < needed {
            lines.resize(needed, Line([0; 8]));
        }
        Self { lines, numbers: PhantomData }
    }

    pub(super) fn as_ptr(&self) -> *const T {
        self.lines.as_ptr().cast()
    }

    pub(super) fn as_mut_ptr(&mut self) -> *mut T {
        self.lines.as_mut_ptr().cast()
    }
}

impl<T> Drop for Scratch<T> {
    fn drop(&mut self) {
        // A thread that ends has no pool any more: the buffer is simply freed.
        let _ = POOL.try_with(|pool| {
            let mut pool = pool.borrow_mut();
            if pool.len() < KEPT {
                pool.push(std::mem::take(&mut self.lines));
            }
        });
    }
}
