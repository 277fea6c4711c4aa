//! The rows of a table, parsed side by side and taken in order.

use std::ops::Range;

use rayon::prelude::*;

use super::error::DataError;
use super::lines::Lines;

/// Text that is parsed at a time, its lines in parallel.
const BLOCK_BYTES: usize = 4 << 20;

/// Hands every line that is left to `parse`, many at once, and what it makes of them to `take`, in the order of the
/// file. Of several faults the first is reported, whatever the number of threads.
pub(super) fn read_rows<T: Send>(
    lines: &mut Lines,
    parse: impl Fn(usize, &str) -> Result<T, DataError> + Sync,
    mut take: impl FnMut(usize, T) -> Result<(), DataError>,
) -> Result<(), DataError> {
    let mut block = Block::default();
    loop {
        let next = lines.next();
        // What is wrong in an earlier line is said first.
        if let Ok(Some((row, line))) = next {
            block.push(row, line);
            if block.text.len() < BLOCK_BYTES {
                continue;
            }
        }
        let parsed: Vec<_> =
            block.lines.par_iter().map(|(row, range)| parse(*row, &block.text[range.clone()])).collect();
        for ((row, _), parsed) in block.lines.iter().zip(parsed) {
            take(*row, parsed?)?;
        }
        block.clear();
        if next?.is_none() {
            return Ok(());
        }
    }
}

/// Some lines of a file, each with its row.
#[derive(Default)]
struct Block {
    text: String,
    lines: Vec<(usize, Range<usize>)>,
}

impl Block {
    fn push(&mut self, row: usize, line: &str) {
        let start = self.text.len();
        self.text.push_str(line);
        self.lines.push((row, start..self.text.len()));
    }

    fn clear(&mut self) {
        self.text.clear();
        self.lines.clear();
    }
}
