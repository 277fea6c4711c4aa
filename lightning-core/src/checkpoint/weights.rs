//! Weights alone, as a plain safetensors file: what other programs read and write.

use super::decode::open;
use super::encode::dtype;
use super::header::{self, MAX_HEADER};
use super::{CheckpointError, write_atomically};
use crate::Float;
use ndarray::{ArrayD, IxDyn};
use safetensors::tensor::{Dtype, TensorView};
use safetensors::{SafeTensors, serialize};
use std::collections::BTreeMap;
use std::io::{self, Read};
use std::path::Path;

/// Writes a `state_dict` as `safetensors.torch.save_file` would: nothing but arrays under their names.
///
/// ```
/// use lightning_core::Seed;
/// use lightning_core::checkpoint::{read_weights, write_weights};
/// use lightning_core::nn::{Linear, Module};
///
/// let path = std::env::temp_dir().join(format!("lightning-doc-{}.safetensors", std::process::id()));
/// let trained: Linear = Linear::new(3, 1, &mut Seed(0).stream("init"));
/// write_weights(&path, &trained.state_dict())?;
/// assert_eq!(read_weights::<f32>(&path)?, trained.state_dict());
/// # std::fs::remove_file(&path)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
///
/// # Errors
/// [`CheckpointError::Write`].
pub fn write_weights<F: Float>(
    path: &Path,
    state_dict: &BTreeMap<String, ArrayD<F>>,
) -> Result<(), CheckpointError> {
    let bytes: Vec<(&str, &[usize], Vec<u8>)> =
        state_dict.iter().map(|(name, array)| (name.as_str(), array.shape(), to_bytes(array))).collect();
    let views = bytes.iter().map(|(name, shape, bytes)| {
        TensorView::new(dtype::<F>(), shape.to_vec(), bytes).map(|view| (*name, view))
    });
    // Hugging Face's loaders ask for this entry.
    let made_for = [("format".to_owned(), "pt".to_owned())].into_iter().collect();
    let file = views
        .collect::<Result<Vec<_>, _>>()
        .and_then(|views| serialize(views, Some(made_for)))
        .map_err(io::Error::other)
        .map_err(CheckpointError::write(path))?;
    write_atomically(path, &file).map_err(CheckpointError::write(path))
}

/// Reads a `state_dict` from a safetensors file of any program. Numbers of the other precision are converted.
///
/// safetensors has no checksum: a changed bit that leaves a finite number goes unseen. [`Checkpoint`](super::Checkpoint)
/// has one.
///
/// # Errors
/// [`CheckpointError::Read`]; [`CheckpointError::Refused`] if it is no safetensors file, a cut one, a
/// [`Checkpoint`](super::Checkpoint), or holds an array that is neither f32 nor f64, or a number that is not finite.
pub fn read_weights<F: Float>(path: &Path) -> Result<BTreeMap<String, ArrayD<F>>, CheckpointError> {
    let refused = CheckpointError::refused(path);
    let (mut file, len) = open(path).map_err(|trouble| trouble.at(path))?;
    let mut bytes = Vec::new();
    // A header length out of bounds is noticed before the rest is read.
    file.by_ref().take(8).read_to_end(&mut bytes).map_err(CheckpointError::read(path))?;
    header::header_len(&bytes, len).map_err(|reason| refused(hint(reason, &bytes)))?;
    file.read_to_end(&mut bytes).map_err(CheckpointError::read(path))?;
    decode(&bytes).map_err(refused)
}

fn decode<F: Float>(bytes: &[u8]) -> Result<BTreeMap<String, ArrayD<F>>, String> {
    let (_, header) = SafeTensors::read_metadata(bytes).map_err(|error| error.to_string())?;
    if header.metadata().as_ref().is_some_and(|entries| entries.contains_key(header::KEY)) {
        return Err("it is a whole checkpoint, which needs no conversion".into());
    }
    let file = SafeTensors::deserialize(bytes).map_err(|error| error.to_string())?;
    let arrays = file.iter().map(|(name, view)| Ok((name.to_owned(), array(name, &view)?)));
    arrays.collect()
}

fn array<F: Float>(name: &str, view: &TensorView<'_>) -> Result<ArrayD<F>, String> {
    let values: Vec<F> = match view.dtype() {
        found if found == dtype::<F>() => {
            let mut values = vec![F::zero(); view.data().len() / size_of::<F>()];
            F::read_le_bytes(view.data(), &mut values);
            values
        }
        Dtype::F32 => {
            view.data().as_chunks().0.iter().map(|b| F::of(f32::from_le_bytes(*b).into())).collect()
        }
        Dtype::F64 => view.data().as_chunks().0.iter().map(|b| F::of(f64::from_le_bytes(*b))).collect(),
        other => {
            return Err(format!("`{name}` is {other:?}, expected F32 or F64: save the model's `.float()`"));
        }
    };
    if let Some(at) = values.iter().position(|x| !x.is_finite()) {
        return Err(format!("`{name}` has {} at element {at}; every weight must be finite", values[at]));
    }
    ArrayD::from_shape_vec(IxDyn(view.shape()), values).map_err(|error| format!("`{name}`: {error}"))
}

/// What people give instead of a safetensors file, and the cure.
fn hint(reason: String, start: &[u8]) -> String {
    if start.starts_with(b"PK\x03\x04") || start.starts_with(&[0x80, 2]) {
        return "it is a file of torch.save, which holds pickle and is never read here; convert it in Python: \
                safetensors.torch.save_file(torch.load(FILE, weights_only=True), OUT)"
            .into();
    }
    format!("{reason} (the limit of a header is {MAX_HEADER} bytes)")
}

fn to_bytes<F: Float>(array: &ArrayD<F>) -> Vec<u8> {
    let array = array.as_standard_layout();
    let values = array.as_slice().expect("a standard layout is one slice");
    let mut bytes = vec![0; size_of_val(values)];
    F::write_le_bytes(values, &mut bytes);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::{arr0, array};

    fn read(bytes: &[u8]) -> Result<BTreeMap<String, ArrayD<f32>>, String> {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("w.safetensors");
        std::fs::write(&path, bytes).expect("written");
        read_weights(&path).map_err(|error| error.to_string())
    }

    fn file(dtype: Dtype, shape: &[usize], data: &[u8]) -> Vec<u8> {
        let view = TensorView::new(dtype, shape.to_vec(), data).expect("a view");
        serialize([("w", view)], None).expect("a file")
    }

    #[test]
    fn any_shape_and_layout_comes_back() {
        let dir = tempfile::tempdir().expect("a folder");
        let path = dir.path().join("w.safetensors");
        let state: BTreeMap<String, ArrayD<f32>> = [
            ("scalar".to_owned(), arr0(1.5).into_dyn()),
            ("empty".to_owned(), ArrayD::zeros(vec![0, 3])),
            ("transposed".to_owned(), array![[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]].reversed_axes().into_dyn()),
        ]
        .into();
        write_weights(&path, &state).expect("written");
        assert_eq!(read_weights::<f32>(&path).expect("read"), state);
        let doubles = read_weights::<f64>(&path).expect("read");
        assert_eq!(doubles["transposed"], state["transposed"].mapv(f64::from));
    }

    #[test]
    fn doubles_are_rounded_once() {
        let read =
            read(&file(Dtype::F64, &[2], &[0.1_f64, 1e-3].map(f64::to_le_bytes).concat())).expect("read");
        assert_eq!(read["w"], array![0.1_f32, 1e-3].into_dyn());
    }

    #[test]
    fn what_is_no_file_of_weights_says_why_and_what_to_do() {
        let whole = file(Dtype::F32, &[2], &[0; 8]);
        for (bytes, message) in [
            (&b"PK\x03\x04\0\0\0\0\0\0"[..], "it is a file of torch.save, which holds pickle"),
            (&[0x80, 2, 0x8a, 0x0a], "convert it in Python"),
            (b"", "0 bytes, too short for a header"),
            (b"1.0,2.0,3.0\n", "no safetensors file"),
            (&whole[..whole.len() - 1], "not a usable checkpoint"),
            (
                &file(Dtype::F16, &[1], &[0; 2]),
                "`w` is F16, expected F32 or F64: save the model's `.float()`",
            ),
            (&file(Dtype::F32, &[1], &f32::NAN.to_le_bytes()), "`w` has NaN at element 0"),
            (&file(Dtype::F64, &[1], &1e300_f64.to_le_bytes()), "`w` has inf at element 0"),
        ] {
            let error = read(bytes).expect_err(message);
            assert!(error.contains(message), "{error}");
        }
        for end in 0..whole.len() {
            assert!(read(&whole[..end]).is_err(), "cut at {end}");
        }
    }
}
