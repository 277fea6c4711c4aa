//! The format as a whole.

use super::decode::Trouble;
use super::*;
use crate::optim::StateDict;
use ndarray::{Array1, ArrayD, array};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::io::Cursor;

fn weights() -> BTreeMap<String, ArrayD<f32>> {
    let w = array![[1.0f32, -2.5], [0.1, 3.0]].into_dyn();
    [("w".into(), w), ("b".into(), array![0.25f32, f32::MIN_POSITIVE].into_dyn())].into()
}

/// One with everything in it, and with numbers that are easily lost.
fn whole() -> Checkpoint {
    let numbers = [("lr", 0.1 + 0.2), ("best", f64::NEG_INFINITY), ("zero", -0.0)];
    let state = StateDict {
        numbers: numbers.iter().map(|&(name, x)| (name.to_owned(), x)).collect(),
        arrays: [("state.0.exp_avg".to_owned(), array![[f32::NAN, 1e-40], [0.0, -0.0]].into_dyn())].into(),
    };
    Checkpoint {
        state_dict: weights(),
        hyperparameters: Some(json!({"lr": 1e-4, "gamma": 0.1 + 0.2}).into()),
        position: Position { batches: 7, epoch: 1, global_step: 3, saves: 2 },
        optimizers: vec![state.clone(), StateDict::default()],
        schedulers: vec![StateDict { arrays: BTreeMap::new(), ..state.clone() }, state],
        gradients: [("w".to_owned(), array![[9.0f32, 8.0], [7.0, 6.0]].into_dyn())].into(),
        loops: json!({"batch": 3, "total": exact::to_json(f64::NAN)}),
        callbacks: [("EarlyStopping".to_owned(), json!({"wait": 2}))].into(),
        arrays: [
            ("ema.w".to_owned(), ArrayD::from_elem(vec![], 5.0f32)),
            ("none".into(), ArrayD::zeros(vec![0, 3])),
        ]
        .into(),
        loggers: vec![json!(120), Value::Null],
        logs: Vec::new(),
        loaders: json!({"samples": 10}),
        extra: json!({"scaler": (0..2000).map(|i| f64::from(i) / 7.0).collect::<Vec<_>>(), "name": "Größe \"q\"\n"}),
    }
}

fn bytes(checkpoint: &Checkpoint) -> Vec<u8> {
    let mut file = Cursor::new(Vec::new());
    checkpoint.stream(&mut file).expect("bytes");
    file.into_inner()
}

fn read<F: crate::Float>(file: &[u8]) -> Result<Checkpoint<F>, String> {
    Checkpoint::decode(&mut Cursor::new(file), file.len() as u64).map_err(|trouble| match trouble {
        Trouble::Io(error) => panic!("{error}"),
        Trouble::Refused(reason) => reason,
    })
}

fn reason(file: &[u8]) -> String {
    read::<f32>(file).expect_err("a damaged file")
}

#[test]
fn it_comes_back_bit_for_bit_and_the_same_content_gives_the_same_bytes() {
    let file = bytes(&whole());
    assert_eq!(file, bytes(&whole()));
    let back = read::<f32>(&file).expect("a whole file");
    // NaN is not equal to itself: the bytes say that nothing was lost.
    assert_eq!(bytes(&back), file);
    let again = &back.optimizers[0];
    assert_eq!(again.numbers["best"], f64::NEG_INFINITY);
    assert!(again.numbers["zero"].is_sign_negative());
    assert!(again.arrays["state.0.exp_avg"][[0, 0]].is_nan());
    assert_eq!(
        Checkpoint { optimizers: vec![], schedulers: vec![], ..back },
        Checkpoint { optimizers: vec![], schedulers: vec![], ..whole() }
    );
}

#[test]
fn every_flipped_bit_and_every_cut_is_noticed() {
    let small = Checkpoint { extra: json!({"epoch": 3}), state_dict: weights(), ..Checkpoint::default() };
    let file = bytes(&small);
    for at in 0..file.len() {
        for bit in 0..8 {
            let mut damaged = file.clone();
            damaged[at] ^= 1 << bit;
            reason(&damaged);
        }
        reason(&file[..at]);
    }
    let longer = [&file[..], b"x"].concat();
    assert!(reason(&longer).contains("damaged"));
}

#[test]
fn damage_is_located() {
    let file = bytes(&whole());
    let end = file.len();
    assert!(reason(&file[..end - 5]).contains(&format!("ends at byte {}, it had {end}", end - 5)));
    let flipped = |at: usize| {
        let mut damaged = file.clone();
        damaged[at] ^= 16;
        reason(&damaged)
    };
    let last = flipped(end - 1);
    assert!(
        last.contains("damaged: in `.json.extra`, bytes ") && last.contains(&format!(" to {end}")),
        "{last}"
    );
    let data = file.windows(4).rposition(|four| four == 3.0f32.to_le_bytes()).expect("the last weight of w");
    assert!(flipped(data).contains("damaged: in `w`, bytes "), "{}", flipped(data));
    let name = file.windows(8).position(|w| w == b"position").expect("in the header");
    assert!(flipped(name).contains("in the header, bytes 0 to "), "{}", flipped(name));
}

#[test]
fn what_is_too_long_for_the_header_goes_into_an_entry() {
    let big = Checkpoint {
        extra: json!("x".repeat(3 << 20)),
        hyperparameters: Some(json!({"in_dim": vec![1000; 5000]}).into()),
        ..whole()
    };
    let file = bytes(&big);
    let header = u64::from_le_bytes(file[..8].try_into().expect("eight bytes"));
    assert!(header < 8 << 10, "a header of {header} bytes");
    let back = read::<f32>(&file).expect("a whole file");
    assert_eq!((back.extra, back.hyperparameters), (big.extra, big.hyperparameters));
}

#[test]
fn too_many_arrays_and_reserved_names_are_refused_when_writing() {
    let dir = tempfile::tempdir().expect("a folder");
    let write = |name: &dyn Fn(usize) -> String, count: usize| {
        let state_dict = (0..count).map(|i| (name(i), ArrayD::<f32>::zeros(vec![1]))).collect();
        let checkpoint = Checkpoint { state_dict, ..Checkpoint::default() };
        checkpoint.write(&dir.path().join("a.ckpt")).map_err(|error| error.to_string())
    };
    write(&|i| format!("w{i}"), 9000).expect("within the limits");
    let error = write(&|i| format!("w{i}"), 10_001).expect_err("too many");
    assert!(error.contains("a.ckpt: cannot be written: 10001 arrays"), "{error}");
    write(&|i| "long".repeat(i + 300), 1000).expect_err("names longer than the header");
    for name in [".json.extra", ".w", "__metadata__"] {
        assert!(write(&|_| name.to_owned(), 1).expect_err("reserved").contains(name));
    }
}

#[test]
fn other_precision_and_weights_that_are_not_finite_are_refused_by_name() {
    let file = bytes(&whole());
    let error = read::<f64>(&file).expect_err("the other precision");
    assert!(error.contains("F32, expected F64"), "{error}");
    let mut nan = whole();
    nan.state_dict.insert("w".into(), array![f32::NAN].into_dyn());
    assert!(reason(&bytes(&nan)).contains("`w` has NaN at element 0"));
}

#[test]
fn f64_and_arrays_in_another_order_are_saved_as_they_read() {
    let x = Array1::linspace(0.0, 1.0, 70_000).into_shape_with_order((7, 10_000)).expect("a shape");
    let turned = x.clone().reversed_axes().into_dyn();
    let state_dict = [("x".to_owned(), x.into_dyn()), ("turned".to_owned(), turned)].into();
    let checkpoint = Checkpoint::<f64> { state_dict, ..Checkpoint::default() };
    let mut file = Cursor::new(Vec::new());
    checkpoint.stream(&mut file).expect("bytes");
    assert_eq!(read::<f64>(file.get_ref()).expect("a whole file"), checkpoint);
}

#[test]
fn version_1_is_read_and_a_newer_one_refused() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let old: Checkpoint = Checkpoint::read(&folder.join("checkpoint_v1.ckpt")).expect("version 1");
    assert_eq!(old.extra["epoch"], 2);
    assert_eq!(old.hyperparameters.as_ref().expect("hyperparameters").as_json()["num_class"], 2);
    assert!(old.state_dict.contains_key("FeatureEncoder.0.clf.0.weight") && !old.can_resume());

    let mut newer = bytes(&whole());
    let at = newer.windows(16).position(|w| w == br#"format_version\""#).expect("a version") + 17;
    newer[at] = b'3';
    refresh_checksum(&mut newer);
    let error = reason(&newer);
    assert!(error.contains("format version 3, this program reads 1 to 2"), "{error}");
}

fn refresh_checksum(file: &mut [u8]) {
    let digits = header::file_digits(file).expect("a checksum");
    file[digits.clone()].fill(b'0');
    let crc = format!("{:08x}", crc32fast::hash(file));
    file[digits].copy_from_slice(crc.as_bytes());
}

#[test]
fn another_kind_of_file_is_refused_at_once() {
    let dir = tempfile::tempdir().expect("a folder");
    let csv = dir.path().join("1_tr.csv");
    std::fs::write(&csv, "0.1,0.2\n".repeat(100)).expect("a file");
    let error = Checkpoint::<f32>::read(&csv).expect_err("no checkpoint").to_string();
    assert!(error.contains("1_tr.csv") && error.contains("no safetensors file"), "{error}");
    let folder = Checkpoint::<f32>::read(dir.path()).expect_err("a folder").to_string();
    assert!(folder.contains("not a regular file"));
    assert!(matches!(Checkpoint::<f32>::read(&dir.path().join("none")), Err(CheckpointError::Read { .. })));
}
