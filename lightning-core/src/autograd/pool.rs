//! Memory of finished steps, kept for the next: after the first step of a shape nothing large is allocated.

use crate::Float;
use ndarray::{ArcArray, Array1, ArrayD, Axis, IxDyn, Slice};
use std::ops::Range;

/// Steps that a buffer may lie unused before its memory is returned: validation between epochs or a
/// short last batch must not throw away what the next full batch needs.
const KEEP_STEPS: u64 = 64;
/// Every how many steps somebody looks.
const SWEEP_STEPS: u64 = 16;

/// Free buffers by length.
pub(super) struct Pool<F> {
    /// From short to long. One that is empty stays for a while: what was taken from it mostly comes back.
    shelves: Vec<Shelf<F>>,
    step: u64,
}

/// Free buffers of one length, each with the step that gave it back.
struct Shelf<F> {
    len: usize,
    free: Vec<(u64, Vec<F>)>,
}

impl<F> Default for Pool<F> {
    fn default() -> Self {
        Pool { shelves: Vec::new(), step: 0 }
    }
}

impl<F: Float> Pool<F> {
    /// An array for the rest of the step, in the smallest free buffer that holds it, but not one that is much longer: what it
    /// does not use, nobody does.
    pub(super) fn take(&mut self, shape: &[usize]) -> ArrayD<F> {
        let len: usize = shape.iter().product();
        self.take_from(shape, len..len + len / 8 + 1)
    }

    /// An array that is given back soon: in a free buffer of up to twice its length.
    pub(super) fn take_for_now(&mut self, shape: &[usize]) -> ArrayD<F> {
        let len = shape.iter().product();
        self.take_from(shape, len..2 * len)
    }

    /// An array in a buffer of just its length: one that leaves the pool for good.
    pub(super) fn take_exact(&mut self, shape: &[usize]) -> ArrayD<F> {
        let len = shape.iter().product();
        self.take_from(shape, len..len + 1)
    }

    fn take_from(&mut self, shape: &[usize], lengths: Range<usize>) -> ArrayD<F> {
        let len = lengths.start;
        let first = self.shelves.partition_point(|shelf| shelf.len < len);
        let mut fitting = self.shelves[first..].iter_mut().take_while(|shelf| shelf.len < lengths.end);
        let free = fitting.find_map(|shelf| shelf.free.pop());
        let mut buffer = free.map_or_else(|| vec![F::zero(); len], |(_, buffer)| buffer);
        if cfg!(debug_assertions) {
            // An operation that forgets to write an element shows itself in tests.
            buffer.fill(F::nan());
        }
        if buffer.len() == len {
            return ArrayD::from_shape_vec(IxDyn(shape), buffer)
                .expect("the buffer has the length of the shape");
        }
        let mut array = Array1::from_vec(buffer);
        array.slice_axis_inplace(Axis(0), Slice::from(..len));
        array.into_shape_with_order(IxDyn(shape)).expect("the slice has the length of the shape")
    }

    pub(super) fn give(&mut self, array: ArrayD<F>) {
        let (buffer, _) = array.into_raw_vec_and_offset();
        let len = buffer.len();
        if len == 0 {
            return;
        }
        let place = self.shelves.binary_search_by_key(&len, |shelf| shelf.len).unwrap_or_else(|place| {
            self.shelves.insert(place, Shelf { len, free: Vec::new() });
            place
        });
        self.shelves[place].free.push((self.step, buffer));
    }

    /// Takes the memory of a value back if nobody else holds it.
    pub(super) fn reclaim(&mut self, value: ArcArray<F, IxDyn>) {
        if let Ok(array) = value.try_into_owned_nocopy() {
            self.give(array);
        }
    }

    /// Bytes of all free buffers.
    pub(super) fn bytes(&self) -> usize {
        self.shelves.iter().map(|shelf| shelf.len * shelf.free.len() * size_of::<F>()).sum()
    }

    pub(super) fn next_step(&mut self) {
        self.step += 1;
        if self.step.is_multiple_of(SWEEP_STEPS) {
            let oldest = self.step.saturating_sub(KEEP_STEPS);
            self.shelves.retain_mut(|Shelf { free, .. }| {
                free.retain(|&(used, _)| used >= oldest);
                !free.is_empty()
            });
        }
    }
}
