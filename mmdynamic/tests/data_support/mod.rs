//! A small good cohort in a folder, for tests that spoil one of its files.

#![allow(dead_code, reason = "each test program includes this file and uses its own part of it")]
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use std::fs;
use std::io::Write;

use flate2::{Compression, write::GzEncoder};
use mmdynamic::data::{DataError, read_mogonet};
use tempfile::TempDir;

pub(crate) const GOOD: [(&str, &str); 8] = [
    ("1_tr.csv", "0.1,0.2,0.3\n0.4,0.5,0.6\n0.7,0.8,0.9\n"),
    ("1_te.csv", "1.1,1.2,1.3\n1.4,1.5,1.6\n"),
    ("2_tr.csv", "10,20\n30,40\n50,60\n"),
    ("2_te.csv", "70,80\n90,100\n"),
    ("labels_tr.csv", "0\n1\n0\n"),
    ("labels_te.csv", "1\n0\n"),
    ("1_featname.csv", "a\nb\nc\n"),
    ("classes.csv", "no\nyes\n"),
];

pub(crate) fn good() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in GOOD {
        fs::write(dir.path().join(name), text).unwrap();
    }
    assert!(read_mogonet(dir.path()).is_ok());
    dir
}

pub(crate) fn refused(dir: &TempDir) -> (DataError, String) {
    let error = read_mogonet(dir.path()).expect_err("a bad cohort");
    let message = error.to_string();
    assert!(!message.contains('\n') && !message.ends_with('.'), "{message}");
    // Without the folder the message is the same on every machine.
    let message = message.replace(&format!("{}/", dir.path().display()), "");
    (error, message)
}

/// The message after `name` of a good cohort was given other bytes.
pub(crate) fn message_for(name: &str, bytes: impl AsRef<[u8]>) -> String {
    let dir = good();
    fs::write(dir.path().join(name), bytes).unwrap();
    refused(&dir).1
}

pub(crate) fn gz(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
