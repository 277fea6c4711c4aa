//! Reading: the checksum first, nothing is believed before; then array by array.

use super::encode::{JSON, dtype};
use super::header::{self, Meta};
use super::{Checkpoint, CheckpointError, Position};
use crate::Float;
use crc32fast::Hasher;
use ndarray::{ArrayD, IxDyn};
use safetensors::tensor::{Dtype, TensorInfo};
use serde_json::Value;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

/// Bytes read at a time while the checksum is taken.
const BLOCK: usize = 1 << 18;

/// Why reading stopped: the system, or the file.
pub(super) enum Trouble {
    Io(io::Error),
    Refused(String),
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Trouble::Io(error)
    }
}

impl From<String> for Trouble {
    fn from(reason: String) -> Self {
        Trouble::Refused(reason)
    }
}

impl Trouble {
    pub(super) fn at(self, path: &Path) -> CheckpointError {
        match self {
            Trouble::Io(source) => CheckpointError::read(path)(source),
            Trouble::Refused(reason) => CheckpointError::refused(path)(reason),
        }
    }
}

impl<F: Float> Checkpoint<F> {
    /// Reads and verifies a file, of this format's version or an older one.
    ///
    /// A damaged file is refused before anything of its size is allocated, with the entry that is damaged and
    /// where it stands.
    ///
    /// # Errors
    /// [`CheckpointError::Read`]; [`CheckpointError::Refused`] if it is damaged, no checkpoint, of a newer version,
    /// of the other precision, or holds a weight that is not finite.
    pub fn read(path: &Path) -> Result<Self, CheckpointError> {
        let (mut file, len) = open(path).map_err(|trouble| trouble.at(path))?;
        Self::decode(&mut file, len).map_err(|trouble| trouble.at(path))
    }

    pub(super) fn decode(file: &mut (impl Read + Seek), len: u64) -> Result<Self, Trouble> {
        let start = read_start(file, len)?;
        verify(&start, file, len)?;
        let header = header::parse(&start)?;
        if start.len() as u64 + header.data_len() as u64 != len {
            return Err(format!("its header describes {} bytes of data", header.data_len()).into());
        }
        let mut meta = Meta::read(&header)?;
        file.seek(SeekFrom::Start(start.len() as u64))?;
        // Arrays are put in their places once the sections, which come last, are known.
        let mut arrays = Vec::new();
        for name in header.offset_keys() {
            let info = header.info(&name).expect("a name of the header");
            match name.strip_prefix(JSON) {
                Some(section) if meta.format_version > 1 => {
                    meta.sections.insert(section.to_owned(), read_json(&name, info, file)?);
                }
                _ => arrays.push((read_array::<F>(&name, info, file)?, name)),
            }
        }
        let mut checkpoint = Checkpoint::from_sections(meta.sections)?;
        for (array, name) in arrays {
            checkpoint.insert(name, array)?;
        }
        checkpoint.check_weights()?;
        Ok(checkpoint)
    }

    fn check_weights(&self) -> Result<(), String> {
        for (name, array) in &self.state_dict {
            if let Some((at, x)) = array.iter().enumerate().find(|(_, x)| !x.is_finite()) {
                return Err(format!("`{name}` has {x} at element {at}; every weight must be finite"));
            }
        }
        Ok(())
    }
}

/// The position that a file's header states, without verifying the file.
pub(super) fn peek(path: &Path) -> Result<Position, CheckpointError> {
    let look = || -> Result<Position, Trouble> {
        let (mut file, len) = open(path)?;
        let meta = Meta::read(&header::parse(&read_start(&mut file, len)?)?)?;
        let position = meta.sections.get("position").cloned().unwrap_or_default();
        Ok(serde_json::from_value(position).unwrap_or_default())
    };
    look().map_err(|trouble| trouble.at(path))
}

pub(super) fn open(path: &Path) -> Result<(File, u64), Trouble> {
    let meta = std::fs::metadata(path)?;
    if !meta.is_file() {
        return Err(String::from("not a regular file").into());
    }
    Ok((File::open(path)?, meta.len()))
}

/// The header's length and the header.
fn read_start(file: &mut impl Read, len: u64) -> Result<Vec<u8>, Trouble> {
    let mut start = Vec::new();
    file.by_ref().take(8).read_to_end(&mut start)?;
    let header = header::header_len(&start, len)?;
    file.by_ref().take(header as u64).read_to_end(&mut start)?;
    if start.len() != header + 8 {
        return Err(format!("its header ends at byte {}: cut short", start.len()).into());
    }
    Ok(start)
}

fn verify(start: &[u8], file: &mut (impl Read + Seek), len: u64) -> Result<(), Trouble> {
    let digits = header::file_digits(start)
        .ok_or_else(|| String::from("no checksum in its header: damaged, or not written by this program"))?;
    let found = String::from_utf8_lossy(&start[digits.clone()]).into_owned();
    let mut zeroed = start.to_vec();
    zeroed[digits].fill(b'0');
    let mut crc = Hasher::new();
    crc.update(&zeroed);
    hash_to(&mut crc, file, u64::MAX)?;
    let crc = format!("{:08x}", crc.finalize());
    if crc == found {
        return Ok(());
    }
    let place = find_damage(start, file, len)?;
    Err(format!("checksum {found}, but its bytes give {crc}: damaged: {place}").into())
}

/// Adds up to `most` bytes to a checksum.
fn hash_to(crc: &mut Hasher, file: &mut impl Read, most: u64) -> io::Result<()> {
    let mut block = vec![0; BLOCK];
    let mut file = file.take(most);
    loop {
        match file.read(&mut block) {
            Ok(0) => return Ok(()),
            Ok(n) => crc.update(&block[..n]),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}

/// Where a file differs from what was written, as far as its checksums tell.
fn find_damage(start: &[u8], file: &mut (impl Read + Seek), len: u64) -> io::Result<String> {
    let in_header = || format!("in the header, bytes 0 to {}", start.len());
    let Ok(header) = header::parse(start) else { return Ok(in_header()) };
    let names = header.offset_keys();
    let whole = start.len() as u64 + header.data_len() as u64;
    if len != whole {
        return Ok(format!("the file ends at byte {len}, it had {whole}"));
    }
    let Some(digits) = header::entry_digits(start, names.len()) else { return Ok(in_header()) };
    file.seek(SeekFrom::Start(start.len() as u64))?;
    for (name, expected) in names.iter().zip(start[digits].chunks(8)) {
        let (from, to) = header.info(name).map_or((0, 0), |info| info.data_offsets);
        let mut crc = Hasher::new();
        hash_to(&mut crc, file, (to - from) as u64)?;
        if format!("{:08x}", crc.finalize()).as_bytes() != expected {
            let (from, to) = (start.len() + from, start.len() + to);
            return Ok(format!("in `{name}`, bytes {from} to {to}"));
        }
    }
    Ok(in_header())
}

fn read_json(name: &str, info: &TensorInfo, file: &mut impl Read) -> Result<Value, Trouble> {
    if info.dtype != Dtype::U8 {
        return Err(format!("`{name}` is {:?}, expected U8", info.dtype).into());
    }
    let mut text = vec![0; info.data_offsets.1 - info.data_offsets.0];
    file.read_exact(&mut text)?;
    serde_json::from_slice(&text).map_err(|e| format!("`{name}`: {e}").into())
}

fn read_array<F: Float>(name: &str, info: &TensorInfo, file: &mut impl Read) -> Result<ArrayD<F>, Trouble> {
    if info.dtype != dtype::<F>() {
        return Err(format!("`{name}` is {:?}, expected {:?}", info.dtype, dtype::<F>()).into());
    }
    let mut values = vec![F::zero(); (info.data_offsets.1 - info.data_offsets.0) / size_of::<F>()];
    let mut block = vec![0; BLOCK.min(size_of_val(&values[..]))];
    for part in values.chunks_mut(BLOCK / size_of::<F>()) {
        let bytes = &mut block[..size_of_val(part)];
        file.read_exact(bytes)?;
        F::read_le_bytes(bytes, part);
    }
    ArrayD::from_shape_vec(IxDyn(&info.shape), values).map_err(|e| format!("`{name}`: {e}").into())
}
