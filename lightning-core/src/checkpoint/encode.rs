//! Writing: one pass over the arrays, the checksums taken on the way.

use super::header::{self, Meta};
use super::sections::RESERVED;
use super::store::{replace_atomically, sync};
use super::{Checkpoint, CheckpointError};
use crate::Float;
use crc32fast::Hasher;
use ndarray::ArrayD;
use safetensors::tensor::{Dtype, TensorInfo};
use serde_json::{Map, Value};
use std::io::{self, Seek, Write};
use std::path::Path;

/// A longer section goes into an entry of bytes, because the header must stay small.
const LONGEST_IN_HEADER: usize = 4096;
/// What the name of such an entry begins with.
pub(super) const JSON: &str = ".json.";
/// Elements that are turned to bytes at a time; fits the second level of cache.
const BLOCK: usize = 32 << 10;

pub(super) fn dtype<F: Float>() -> Dtype {
    if size_of::<F>() == 4 { Dtype::F32 } else { Dtype::F64 }
}

enum Data<'a, F: Float> {
    Array(&'a ArrayD<F>),
    Text(String),
}

impl<F: Float> Data<'_, F> {
    fn info(&self, start: usize) -> TensorInfo {
        let (dtype, shape, bytes) = match self {
            Data::Array(array) => (dtype::<F>(), array.shape().to_vec(), array.len() * size_of::<F>()),
            Data::Text(text) => (Dtype::U8, vec![text.len()], text.len()),
        };
        TensorInfo { dtype, shape, data_offsets: (start, start + bytes) }
    }
}

impl<F: Float> Checkpoint<F> {
    /// Writes the file [atomically](super::write_atomically), without a second copy of the arrays in memory, after its
    /// [`logs`](Self::logs).
    ///
    /// # Errors
    /// [`CheckpointError::Write`]; also if the name of a weight is one that the format uses itself, or if there are
    /// more than 10,000 arrays or 1 MiB of names.
    pub fn write(&self, path: &Path) -> Result<(), CheckpointError> {
        self.logs.iter().try_for_each(|log| sync(log).map_err(CheckpointError::write(log)))?;
        replace_atomically(path, |file| self.stream(file)).map_err(CheckpointError::write(path))
    }

    pub(super) fn stream(&self, out: &mut (impl Write + Seek)) -> io::Result<()> {
        let (start, data) = self.plan().map_err(io::Error::other)?;
        stream(start, &data, out)
    }

    /// The start of the file with zeros for its checksums, and what follows.
    fn plan(&self) -> Result<(Vec<u8>, Vec<Data<'_, F>>), String> {
        let weights = self.state_dict.keys();
        if let Some(name) = weights.into_iter().find(|n| n.starts_with(RESERVED) || *n == "__metadata__") {
            return Err(format!("a weight cannot be called `{name}`: the format uses such names itself"));
        }
        let (short, long) = self.split_sections();
        let arrays = self.entries().map(|(name, array)| (name, Data::Array(array)));
        let texts = long.into_iter().map(|(name, text)| (format!("{JSON}{name}"), Data::Text(text)));
        let (mut infos, mut data, mut at) = (Vec::new(), Vec::new(), 0);
        for (name, entry) in arrays.chain(texts) {
            let info = entry.info(at);
            at = info.data_offsets.1;
            infos.push((name, info));
            data.push(entry);
        }
        Ok((Meta::new(data.len(), short).file_start(infos)?, data))
    }

    /// The sections for the header, and those too long for it as texts.
    fn split_sections(&self) -> (Map<String, Value>, Vec<(String, String)>) {
        let (mut short, mut long) = (Map::new(), Vec::new());
        for (name, value) in self.sections() {
            let text = value.to_string();
            if text.len() <= LONGEST_IN_HEADER {
                short.insert(name, value);
            } else {
                long.push((name, text));
            }
        }
        (short, long)
    }
}

fn stream<F: Float>(
    mut start: Vec<u8>,
    data: &[Data<'_, F>],
    out: &mut (impl Write + Seek),
) -> io::Result<()> {
    out.write_all(&start)?;
    let (mut all, mut digits) = (Hasher::new(), String::new());
    let mut block = vec![0; BLOCK * size_of::<F>()];
    for entry in data {
        let mut crc = Hasher::new();
        match entry {
            Data::Text(text) => put(text.as_bytes(), &mut crc, out)?,
            Data::Array(array) => {
                let array = array.as_standard_layout();
                for values in array.as_slice().expect("a standard layout is one slice").chunks(BLOCK) {
                    let bytes = &mut block[..size_of_val(values)];
                    F::write_le_bytes(values, bytes);
                    put(bytes, &mut crc, out)?;
                }
            }
        }
        digits.push_str(&format!("{:08x}", crc.clone().finalize()));
        all.combine(&crc);
    }
    fill(&mut start, header::entry_digits, data.len(), &digits)?;
    let mut crc = Hasher::new();
    crc.update(&start);
    crc.combine(&all);
    fill(&mut start, |start, _| header::file_digits(start), 1, &format!("{:08x}", crc.finalize()))?;
    out.rewind()?;
    out.write_all(&start)
}

fn put(bytes: &[u8], crc: &mut Hasher, out: &mut impl Write) -> io::Result<()> {
    crc.update(bytes);
    out.write_all(bytes)
}

fn fill(
    start: &mut [u8],
    place: impl Fn(&[u8], usize) -> Option<std::ops::Range<usize>>,
    count: usize,
    digits: &str,
) -> io::Result<()> {
    let place =
        place(start, count).ok_or_else(|| io::Error::other("the header has no place for checksums"))?;
    start[place].copy_from_slice(digits.as_bytes());
    Ok(())
}
