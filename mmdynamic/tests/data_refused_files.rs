//! Files that are missing, do not fit together, are too large or are no files: refused before they do harm.

mod data_support;

use std::fs;
use std::io::Write;
use std::path::Path;

use data_support::{GOOD, good, gz, message_for, refused};
use flate2::{Compression, write::GzEncoder};
use mmdynamic::data::{DataError, Limits, ReadOptions, read_mogonet, read_mogonet_with};

#[test]
fn files_that_differ_in_number_are_both_named_with_both_counts() {
    let rows = "a row is one sample, the same one in every file of a part";
    let labels = message_for("labels_tr.csv", "0\n1\n0\n1\n");
    assert_eq!(labels, format!("1_tr.csv: has 3 rows but labels_tr.csv has 4; {rows}"));
    let view = message_for("2_te.csv", "70,80\n");
    assert_eq!(view, format!("2_te.csv: has 1 rows but labels_te.csv has 2; {rows}"));
    let width = message_for("2_te.csv", "70,80,85\n90,100,105\n");
    assert!(width.starts_with("2_te.csv: has 3 columns but 2_tr.csv has 2"), "{width}");
    let features = message_for("1_featname.csv", "a\nb\n");
    assert_eq!(
        features,
        "1_featname.csv: has 2 names, that is columns, but 1_tr.csv has 3; each line names one column"
    );
    let classes = message_for("classes.csv", "no\nyes\nperhaps\n");
    assert!(
        classes.starts_with("classes.csv: has 3 names, that is classes, but labels_tr.csv has 2"),
        "{classes}"
    );
}

#[test]
fn missing_files_and_gaps_between_views_are_named() {
    for (removed, expected) in [
        (
            "labels_tr.csv",
            "labels_tr.csv: is missing (also as .csv.gz or .npy); train (_tr) and test (_te) are both needed",
        ),
        (
            "labels_te.csv",
            "labels_te.csv: is missing (also as .csv.gz or .npy); train (_tr) and test (_te) are both needed",
        ),
        (
            "2_te.csv",
            "2_te.csv: is missing (also as .csv.gz or .npy); train (_tr) and test (_te) are both needed",
        ),
        (
            "2_tr.csv",
            "2_tr.csv: is missing (also as .csv.gz or .npy); train (_tr) and test (_te) are both needed",
        ),
    ] {
        let dir = good();
        fs::remove_file(dir.path().join(removed)).unwrap();
        let message = refused(&dir).1;
        assert!(message.starts_with(expected), "{message}");
    }
    for extra in ["4_tr.csv", "4_te.csv.gz", "1000000000_tr.csv", "4_featname.csv"] {
        let message = message_for(extra, "1,2\n");
        assert_eq!(
            message,
            "3_tr.csv: is missing (also as .csv.gz or .npy); views are numbered 1, 2, 3, ... without gaps"
        );
    }
    for extra in ["0_tr.csv", "03_tr.csv", "99999999999999999999999_te.csv"] {
        let message = message_for(extra, "1,2\n");
        assert_eq!(
            message,
            format!("{extra}: is no name of a view, expected 1, 2, 3, ... before the underscore")
        );
    }
}

#[test]
fn a_folder_without_views_or_no_folder_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("labels_tr.csv"), "0\n1\n").unwrap();
    fs::write(dir.path().join("labels_te.csv"), "0\n1\n").unwrap();
    assert!(refused(&dir).1.starts_with("1_tr.csv: is missing"));
    for path in [dir.path().join("nowhere"), dir.path().join("labels_tr.csv")] {
        assert!(matches!(read_mogonet(path), Err(DataError::Io { .. })));
    }
}

#[test]
fn a_table_that_is_there_twice_is_refused() {
    for (name, text) in GOOD {
        let message = message_for(&format!("{name}.gz"), gz(text.as_bytes()));
        assert_eq!(message, format!("{name} and {name}.gz both exist: keep one of them"));
    }
}

#[test]
fn a_gz_file_that_is_cut_or_not_packed_is_refused() {
    let packed = gz(GOOD[0].1.as_bytes());
    let with = |bytes: &[u8]| {
        let dir = good();
        fs::remove_file(dir.path().join("1_tr.csv")).unwrap();
        fs::write(dir.path().join("1_tr.csv.gz"), bytes).unwrap();
        dir
    };
    assert!(read_mogonet(with(&packed).path()).is_ok());
    for length in 1..packed.len() {
        let (error, message) = refused(&with(&packed[..length]));
        assert!(matches!(error, DataError::Gzip { .. }), "{length}: {message}");
        assert!(message.starts_with("1_tr.csv.gz, row "), "{message}");
    }
    for at in [packed.len() - 1, packed.len() - 5, packed.len() / 2] {
        let mut flipped = packed.clone();
        flipped[at] ^= 0x10;
        refused(&with(&flipped));
    }
    assert!(matches!(refused(&with(GOOD[0].1.as_bytes())).0, DataError::Gzip { row: 1, .. }));
    assert!(matches!(refused(&with(b"")).0, DataError::Gzip { .. } | DataError::Empty { .. }));
    let misnamed = message_for("1_tr.csv", &packed);
    assert!(
        misnamed.ends_with("found \"a gzip file\", expected text: let the name end in .csv.gz"),
        "{misnamed}"
    );
}

#[test]
fn each_limit_is_kept() {
    let with = |limits: Limits| {
        read_mogonet_with(good().path(), &ReadOptions { limits, ..ReadOptions::default() })
            .unwrap_err()
            .to_string()
    };
    let all = Limits::default();
    let text = with(Limits { text_bytes: 20, ..all });
    assert!(text.contains("1_tr.csv, row 2: more than 20 bytes of text; is this a table"), "{text}");
    let line = with(Limits { line_bytes: 10, ..all });
    assert!(line.contains("1_tr.csv, row 1: more than 10 bytes in one line"), "{line}");
    let rows = with(Limits { rows: 2, ..all });
    assert!(rows.contains("labels_tr.csv, row 3: more than 2 lines"), "{rows}");
    let columns = with(Limits { columns: 2, ..all });
    assert!(columns.contains("1_tr.csv, row 1: more than 2 columns"), "{columns}");
    let values = with(Limits { values: 8, ..all });
    assert!(values.contains("1_tr.csv, row 3: more than 8 values"), "{values}");
    let exact = Limits { text_bytes: 36, line_bytes: 11, rows: 3, columns: 3, values: 9 };
    assert!(
        read_mogonet_with(good().path(), &ReadOptions { limits: exact, ..ReadOptions::default() }).is_ok()
    );
}

#[test]
fn a_line_without_an_end_and_ten_million_columns_are_refused() {
    let endless = message_for("1_tr.csv", vec![b'1'; (64 << 20) + 1]);
    assert!(endless.starts_with("1_tr.csv, row 1: more than 67108864 bytes in one line"), "{endless}");
    let wide = message_for("1_tr.csv", "1,".repeat(10_000_000));
    assert!(wide.starts_with("1_tr.csv, row 1: more than 1000000 columns"), "{wide}");
    let long_cell = message_for("1_tr.csv", "x".repeat(1 << 20));
    assert!(long_cell.contains(&format!("found \"{}...\"", "x".repeat(40))), "{long_cell}");
}

#[test]
fn a_small_file_that_unpacks_to_a_large_one_is_stopped() {
    // 300 MB of zeros in 300 kB: one line without an end.
    let dir = good();
    fs::remove_file(dir.path().join("1_tr.csv")).unwrap();
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    for _ in 0..300 {
        encoder.write_all(&vec![b'0'; 1 << 20]).unwrap();
    }
    fs::write(dir.path().join("1_tr.csv.gz"), encoder.finish().unwrap()).unwrap();
    assert!(refused(&dir).1.starts_with("1_tr.csv.gz, row 1: more than 67108864 bytes in one line"));
}

#[test]
fn what_is_no_file_is_not_opened() {
    let dir = good();
    fs::remove_file(dir.path().join("1_te.csv")).unwrap();
    fs::create_dir(dir.path().join("1_te.csv")).unwrap();
    assert_eq!(refused(&dir).1, "1_te.csv: is a folder, expected a plain file");
}

#[cfg(unix)]
#[test]
fn a_pipe_does_not_hang_and_a_link_to_nowhere_is_named() {
    let dir = good();
    let file = dir.path().join("1_te.csv");
    fs::remove_file(&file).unwrap();
    std::os::unix::fs::symlink("nowhere", &file).unwrap();
    assert!(refused(&dir).1.starts_with("1_te.csv: cannot be read"));
    fs::remove_file(&file).unwrap();
    std::os::unix::fs::symlink("/dev/zero", &file).unwrap();
    assert_eq!(refused(&dir).1, "1_te.csv: is a pipe or a device, expected a plain file");
    fs::remove_file(&file).unwrap();
    if !made_pipe(&file) {
        eprintln!("skipped: no mkfifo on this machine");
        return;
    }
    assert_eq!(refused(&dir).1, "1_te.csv: is a pipe or a device, expected a plain file");
}

#[cfg(unix)]
fn made_pipe(file: &Path) -> bool {
    std::process::Command::new("mkfifo").arg(file).status().is_ok_and(|status| status.success())
}
