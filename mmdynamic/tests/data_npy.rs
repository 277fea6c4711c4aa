//! npy files: those that numpy wrote, those that are broken, and arbitrary bytes.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::fs;
use std::path::{Path, PathBuf};

use mmdynamic::data::{DataError, ReadOptions, read_matrix, read_matrix_with, read_mogonet};
use ndarray::{Array2, ShapeBuilder, array};
use proptest::prelude::*;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

/// As numpy writes it.
fn npy(descr: &str, fortran: bool, shape: &[usize], data: &[u8]) -> Vec<u8> {
    let axes: String = shape.iter().map(|axis| format!("{axis}, ")).collect();
    let order = if fortran { "True" } else { "False" };
    let mut header = format!("{{'descr': '{descr}', 'fortran_order': {order}, 'shape': ({axes}), }}");
    while (header.len() + 11) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let length = (header.len() as u16).to_le_bytes();
    [b"\x93NUMPY\x01\x00", &length[..], header.as_bytes(), data].concat()
}

fn read(bytes: &[u8]) -> Result<Array2<f32>, DataError> {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("1_tr.npy");
    fs::write(&file, bytes).unwrap();
    read_matrix(&file)
}

fn bytes(values: &[f64]) -> Vec<u8> {
    values.iter().flat_map(|x| x.to_le_bytes()).collect()
}

#[test]
fn files_of_numpy_are_read_in_either_order_and_width() {
    let expected =
        array![[-0.5, -0.375, -0.25, -0.125], [0.0, 0.125, 0.25, 0.375], [0.5, 0.625, 0.75, 0.875]];
    for name in ["c_f64.npy", "fortran_f32.npy"] {
        let matrix = read_matrix(fixture(name)).unwrap();
        assert_eq!(matrix, expected, "{name}");
        assert!(matrix.is_standard_layout());
    }
    let refused = read_matrix(fixture("big_endian.npy")).unwrap_err().to_string();
    assert!(refused.ends_with(
        "found numbers of type >f8, expected little endian numbers; save the array with .astype('<f4')"
    ));
}

#[test]
fn a_folder_may_hold_npy_and_csv_side_by_side() {
    let dir = tempfile::tempdir().unwrap();
    for (from, to) in
        [("c_f64.npy", "1_tr.npy"), ("fortran_f32.npy", "1_te.npy"), ("labels_i64.npy", "labels_tr.npy")]
    {
        fs::copy(fixture(from), dir.path().join(to)).unwrap();
    }
    fs::write(dir.path().join("labels_te.csv"), "0\n1\n0\n").unwrap();
    fs::write(dir.path().join("1_featname.csv"), "a\nb\nc\nd\n").unwrap();
    let cohort = read_mogonet(dir.path()).unwrap();
    assert_eq!(cohort.train.labels, [0, 2, 1]);
    assert_eq!(cohort.train.views, cohort.test.views);
    fs::write(dir.path().join("1_te.csv"), "1,2,3,4\n").unwrap();
    let refused = read_mogonet(dir.path()).unwrap_err().to_string();
    assert!(refused.contains("1_te.csv and ") && refused.ends_with("1_te.npy both exist: keep one of them"));
}

#[test]
fn what_is_wrong_is_told_and_nothing_is_allocated_for_a_lie() {
    let data = bytes(&[1.0, 2.0, 3.0, 4.0]);
    let message = |bytes: &[u8]| read(bytes).unwrap_err().to_string();
    let whole = npy("<f8", false, &[2, 2], &data);
    for length in 0..whole.len() {
        assert!(matches!(read(&whole[..length]), Err(DataError::Npy { .. })), "{length}");
    }
    for (file, expected) in [
        (npy("<f8", false, &[2, 3], &data), "32 bytes behind a header for shape [2, 3] of <f8"),
        (npy("<f8", false, &[usize::MAX, 2], &data), "expected a whole file"),
        (npy("<f8", false, &[1 << 40, 1 << 20], &data), "expected a whole file"),
        (npy("<f8", false, &[4], &data), "shape [4], expected two axes"),
        (npy("<i8", false, &[2, 2], &data), "numbers of type <i8, expected '<f4' or '<f8'"),
        (npy("<f8", false, &[0, 2], &[]), "found no rows"),
        (npy("|O", false, &[2, 2], &data), "numbers of type |O, expected plain numbers"),
        (b"1,2\n3,4\n".to_vec(), "other bytes than numpy's at its start"),
        (
            npy("<f8", false, &[2, 2], &bytes(&[1.0, 2.0, f64::INFINITY, 4.0])),
            "row 2, column 1: found \"inf\"",
        ),
        (npy("<f8", true, &[2, 2], &bytes(&[1.0, 2.0, 1e300, 4.0])), "row 1, column 2: found \"1e300\""),
        (
            npy("<f8", true, &[2, 2], &bytes(&[1.0, f64::NAN, 1.0, f64::NAN])),
            "row 2, column 1: found \"nan\", expected a number; the file has 2 missing values",
        ),
    ] {
        assert!(message(&file).contains(expected), "{expected}: {}", message(&file));
    }
}

#[test]
fn nan_is_a_missing_value() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("v.npy");
    fs::write(&file, npy("<f8", false, &[1, 3], &bytes(&[1.0, f64::NAN, 3.0]))).unwrap();
    let matrix =
        read_matrix_with(&file, &ReadOptions { keep_missing: true, ..ReadOptions::default() }).unwrap();
    assert_eq!(matrix.mapv(f32::is_nan), array![[false, true, false]]);
}

fn finite() -> impl Strategy<Value = f32> {
    any::<u32>().prop_map(f32::from_bits).prop_filter("finite", |x| x.is_finite())
}

proptest! {
    #[test]
    fn a_written_matrix_reads_back_to_the_bit_in_every_form(
        (rows, columns, cells) in (1usize..7, 1usize..9)
            .prop_flat_map(|(r, c)| (Just(r), Just(c), prop::collection::vec(finite(), r * c))),
        fortran in any::<bool>(), wide in any::<bool>(),
    ) {
        let matrix = Array2::from_shape_vec((rows, columns).set_f(fortran), cells.clone()).unwrap();
        let data: Vec<u8> = if wide {
            cells.iter().flat_map(|x| f64::from(*x).to_le_bytes()).collect()
        } else {
            cells.iter().flat_map(|x| x.to_le_bytes()).collect()
        };
        let read = read(&npy(if wide { "<f8" } else { "<f4" }, fortran, &[rows, columns], &data)).unwrap();
        prop_assert_eq!(read.mapv(f32::to_bits), matrix.mapv(f32::to_bits));
    }

    #[test]
    fn no_bytes_make_the_reader_panic(
        mut bytes in prop::collection::vec(any::<u8>(), 0..200), start in 0usize..90, spoil in 0usize..120,
    ) {
        let whole = npy("<f8", false, &[2, 2], &[0; 32]);
        let mut file = whole[..start.min(whole.len())].to_vec();
        file.append(&mut bytes);
        for bytes in [file, { let mut w = whole.clone(); w[spoil] ^= 0x15; w }] {
            if let Err(refused) = read(&bytes) {
                prop_assert!(!refused.to_string().contains('\n'));
            }
        }
    }
}
