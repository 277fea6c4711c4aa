//! What a checkpoint file holds, and how damage is noticed.
//!
//! A safetensors file: the weights under their `state_dict` names, and one metadata entry, `lightning`, a JSON
//! text. One entry, because a map of several would be written in an order that differs from run to run. The text
//! begins with a CRC-32 over all bytes of the file, taken with the checksum's own digits as zeros: safetensors has
//! no checksum of its own, and a flipped bit in a weight would go unseen.

use super::store::write_atomically;
use crate::{Float, Hyperparameters};
use ndarray::{ArrayD, IxDyn};
use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// The version of the format that this code writes and reads.
pub const FORMAT_VERSION: u32 = 1;

/// The largest header that is read: a damaged length must not ask for memory.
const MAX_HEADER: u64 = 1 << 20;
const KEY: &str = "lightning";
const NO_CHECKSUM: &str = "00000000";

/// Weights with what they belong to.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint<F: Float = f32> {
    /// The parameters under their names.
    pub state_dict: BTreeMap<String, ArrayD<F>>,
    /// What the module was made from.
    pub hyperparameters: Option<Hyperparameters>,
    /// Anything else that whoever saved it wants back.
    pub extra: Value,
}

#[derive(Serialize, Deserialize)]
struct Meta {
    crc32: String,
    format_version: u32,
    hyperparameters: Option<Value>,
    #[serde(default)]
    extra: Value,
}

/// A checkpoint that cannot be written or must not be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// It could not be read.
    #[error("{}: {source}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It could not be written.
    #[error("{}: cannot be written: {source}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is no checkpoint, or a damaged one.
    #[error("{}: not a usable checkpoint: {reason}", path.display())]
    Refused {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
}

impl<F: Float> Checkpoint<F> {
    /// Writes the file [atomically](write_atomically).
    ///
    /// # Errors
    /// [`CheckpointError::Write`].
    pub fn write(&self, path: &Path) -> Result<(), CheckpointError> {
        let fail = |source| CheckpointError::Write { path: path.to_owned(), source };
        let bytes = self.to_bytes().map_err(|e| fail(io::Error::other(e)))?;
        write_atomically(path, &bytes).map_err(fail)
    }

    fn to_bytes(&self) -> Result<Vec<u8>, Box<dyn std::error::Error + Send + Sync>> {
        let data: Vec<(&String, Vec<usize>, Vec<u8>)> = self
            .state_dict
            .iter()
            .map(|(name, array)| {
                let mut bytes = Vec::with_capacity(array.len() * size_of::<F>());
                array.iter().for_each(|x| x.push_le_bytes(&mut bytes));
                (name, array.shape().to_vec(), bytes)
            })
            .collect();
        let tensors = data
            .iter()
            .map(|(name, shape, bytes)| Ok((*name, TensorView::new(dtype::<F>(), shape.clone(), bytes)?)))
            .collect::<Result<Vec<_>, safetensors::SafeTensorError>>()?;
        let meta = Meta {
            crc32: NO_CHECKSUM.into(),
            format_version: FORMAT_VERSION,
            hyperparameters: self.hyperparameters.as_ref().map(|h| h.as_json().clone()),
            extra: self.extra.clone(),
        };
        let meta = [(KEY.to_owned(), serde_json::to_string(&meta)?)].into_iter().collect();
        let mut file = safetensors::serialize(tensors, Some(meta))?;
        let digits = checksum_digits(&file).ok_or("the header has no checksum")?;
        let crc = crc32fast::hash(&file);
        file[digits..digits + NO_CHECKSUM.len()].copy_from_slice(format!("{crc:08x}").as_bytes());
        Ok(file)
    }

    /// Reads and verifies a file.
    ///
    /// # Errors
    /// [`CheckpointError::Read`]; [`CheckpointError::Refused`] if it is damaged, no checkpoint, of a newer version,
    /// of the other precision, or holds a weight that is not finite.
    pub fn read(path: &Path) -> Result<Self, CheckpointError> {
        let mut file = read_bounded(path)?;
        Self::from_bytes(&mut file)
            .map_err(|reason| CheckpointError::Refused { path: path.to_owned(), reason })
    }

    fn from_bytes(file: &mut [u8]) -> Result<Self, String> {
        header_len(file)?;
        // The checksum first: nothing else is believed before.
        verify_checksum(file)?;
        let (_, metadata) = SafeTensors::read_metadata(&file[..]).map_err(|e| e.to_string())?;
        let text = metadata.metadata().as_ref().and_then(|entries| entries.get(KEY)).ok_or("no metadata")?;
        let meta: Meta = serde_json::from_str(text).map_err(|e| format!("metadata: {e}"))?;
        if meta.format_version != FORMAT_VERSION {
            let version = meta.format_version;
            return Err(format!(
                "format version {version}, this program reads {FORMAT_VERSION}; use the program that wrote it"
            ));
        }
        let tensors = SafeTensors::deserialize(&file[..]).map_err(|e| e.to_string())?;
        let mut state_dict = BTreeMap::new();
        for (name, tensor) in tensors.tensors() {
            state_dict.insert(name.clone(), array(&name, &tensor)?);
        }
        Ok(Checkpoint {
            state_dict,
            hyperparameters: meta.hyperparameters.map(Into::into),
            extra: meta.extra,
        })
    }
}

fn dtype<F: Float>() -> Dtype {
    if size_of::<F>() == 4 { Dtype::F32 } else { Dtype::F64 }
}

fn array<F: Float>(name: &str, tensor: &TensorView<'_>) -> Result<ArrayD<F>, String> {
    if tensor.dtype() != dtype::<F>() {
        return Err(format!("`{name}` is {:?}, expected {:?}", tensor.dtype(), dtype::<F>()));
    }
    let values: Vec<F> = tensor.data().chunks_exact(size_of::<F>()).map(F::from_le_bytes).collect();
    if let Some(bad) = values.iter().position(|x| !x.is_finite()) {
        return Err(format!("`{name}` has {} at element {bad}; every weight must be finite", values[bad]));
    }
    ArrayD::from_shape_vec(IxDyn(tensor.shape()), values).map_err(|e| format!("`{name}`: {e}"))
}

/// Reads a regular file of which the first bytes look right, without asking for more memory than it has bytes.
fn read_bounded(path: &Path) -> Result<Vec<u8>, CheckpointError> {
    let fail = |source| CheckpointError::Read { path: path.to_owned(), source };
    let refuse = |reason: &str| CheckpointError::Refused { path: path.to_owned(), reason: reason.into() };
    let meta = std::fs::metadata(path).map_err(fail)?;
    if !meta.is_file() {
        return Err(refuse("not a regular file"));
    }
    let mut file = std::fs::File::open(path).map_err(fail)?;
    let mut bytes = Vec::new();
    file.by_ref().take(8).read_to_end(&mut bytes).map_err(fail)?;
    header_of(&bytes, meta.len()).map_err(|reason| refuse(&reason))?;
    let rest = usize::try_from(meta.len()).map_err(|_| refuse("larger than the memory"))?;
    bytes.try_reserve_exact(rest).map_err(|_| refuse("larger than the memory"))?;
    file.read_to_end(&mut bytes).map_err(fail)?;
    Ok(bytes)
}

fn header_len(file: &[u8]) -> Result<u64, String> {
    header_of(file, file.len() as u64)
}

/// The header's length, if it is plausible for a file of `len` bytes.
fn header_of(start: &[u8], len: u64) -> Result<u64, String> {
    let Some(first) = start.first_chunk::<8>() else {
        return Err(format!("{len} bytes, too short for a header"));
    };
    let header = u64::from_le_bytes(*first);
    if header > MAX_HEADER || header + 8 > len {
        return Err(format!(
            "its header says {header} bytes in a file of {len}: cut short, or no safetensors file"
        ));
    }
    Ok(header)
}

/// Where the checksum's digits stand: the quotes of the inner JSON text are escaped in the outer one.
fn checksum_digits(file: &[u8]) -> Option<usize> {
    let label = br#"\"crc32\":\""#;
    let header = usize::try_from(header_len(file).ok()?).ok()? + 8;
    let digits = file[..header].windows(label.len()).position(|window| window == label)? + label.len();
    (digits + NO_CHECKSUM.len() <= header).then_some(digits)
}

fn verify_checksum(file: &mut [u8]) -> Result<(), String> {
    let at =
        checksum_digits(file).ok_or("no checksum in its header: damaged, or not written by this program")?;
    let digits = at..at + NO_CHECKSUM.len();
    let found = String::from_utf8_lossy(&file[digits.clone()]).into_owned();
    file[digits].copy_from_slice(NO_CHECKSUM.as_bytes());
    let crc = format!("{:08x}", crc32fast::hash(file));
    if crc == found { Ok(()) } else { Err(format!("checksum {found}, but its bytes give {crc}: damaged")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::array;
    use serde_json::json;

    fn checkpoint() -> Checkpoint {
        let mut state_dict = BTreeMap::new();
        state_dict.insert("w".into(), array![[1.0f32, -2.5], [0.1, 3.0]].into_dyn());
        state_dict.insert("b".into(), array![0.25f32, f32::MIN_POSITIVE].into_dyn());
        Checkpoint {
            state_dict,
            hyperparameters: Some(json!({"lr": 1e-4}).into()),
            extra: json!({"epoch": 3}),
        }
    }

    fn reason(file: &[u8]) -> String {
        Checkpoint::<f32>::from_bytes(&mut file.to_vec()).expect_err("a damaged file")
    }

    #[test]
    fn it_comes_back_bit_for_bit_and_the_same_content_gives_the_same_bytes() {
        let bytes = checkpoint().to_bytes().expect("bytes");
        assert_eq!(bytes, checkpoint().to_bytes().expect("bytes"));
        assert_eq!(Checkpoint::from_bytes(&mut bytes.clone()).expect("a whole file"), checkpoint());
    }

    #[test]
    fn every_flipped_bit_and_every_cut_is_noticed() {
        let bytes = checkpoint().to_bytes().expect("bytes");
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut damaged = bytes.clone();
                damaged[at] ^= 1 << bit;
                reason(&damaged);
            }
            reason(&bytes[..at]);
        }
        let longer = [&bytes[..], b"x"].concat();
        assert!(reason(&longer).contains("damaged"));
    }

    #[test]
    fn other_precision_and_weights_that_are_not_finite_are_refused_by_name() {
        let mut file = checkpoint().to_bytes().expect("bytes");
        let error = Checkpoint::<f64>::from_bytes(&mut file).expect_err("the other precision");
        assert!(error.contains("F32, expected F64"), "{error}");
        let mut nan = checkpoint();
        nan.state_dict.insert("w".into(), array![f32::NAN].into_dyn());
        assert!(reason(&nan.to_bytes().expect("bytes")).contains("`w` has NaN at element 0"));
    }

    #[test]
    fn another_kind_of_file_is_refused_at_once() {
        let dir = tempfile::tempdir().expect("a folder");
        let csv = dir.path().join("1_tr.csv");
        std::fs::write(&csv, "0.1,0.2\n".repeat(100)).expect("a file");
        let error = Checkpoint::<f32>::read(&csv).expect_err("no checkpoint").to_string();
        assert!(error.contains("1_tr.csv") && error.contains("no safetensors file"), "{error}");
        assert!(
            Checkpoint::<f32>::read(dir.path())
                .expect_err("a folder")
                .to_string()
                .contains("not a regular file")
        );
        assert!(matches!(
            Checkpoint::<f32>::read(&dir.path().join("none")),
            Err(CheckpointError::Read { .. })
        ));
    }
}
