//! Every kind of bad text, put into an otherwise good cohort: refused by name, place and cure, and never a
//! panic.

mod data_support;

use std::fs;

use data_support::{GOOD, good, message_for, refused};
use mmdynamic::data::DataError;

#[test]
fn a_bad_cell_is_named_by_file_row_and_column() {
    let missing = "a number; the file has 1 missing value: fill in or leave out, or impute by data.missing = mean, \
                   median or zero";
    let range = "a number that fits in 32 bits, at most 3.4e38 in size";
    for (cell, expected) in [
        ("NA", missing),
        ("NaN", missing),
        ("nan", missing),
        ("#N/A", missing),
        ("inf", "a finite number"),
        ("-Infinity", "a finite number"),
        ("1e400", range),
        ("-1e400", range),
        ("1e39", range),
        ("0x10", "a number"),
        ("1_000", "a number"),
        ("text", "a number"),
        ("1.5.2", "a number"),
        ("1;2", "numbers separated by commas"),
        ("1\t2", "numbers separated by commas"),
    ] {
        let shown = cell.replace('\t', "\\t");
        assert_eq!(
            message_for("1_tr.csv", format!("0.1,0.2,0.3\n0.4,{cell},0.6\n0.7,0.8,0.9\n")),
            format!("1_tr.csv, row 2, column 2: found \"{shown}\", expected {expected}")
        );
    }
}

#[test]
fn the_error_carries_the_place_as_data() {
    let dir = good();
    fs::write(dir.path().join("2_te.csv"), "70,80\n90,oops\n").unwrap();
    match refused(&dir).0 {
        DataError::Malformed { file, row: 2, column: 2, found, expected: "a number" } => {
            assert_eq!((file, found.as_str()), (dir.path().join("2_te.csv"), "oops"));
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_empty_cell_is_a_missing_value() {
    for row in ["0.4,,0.6", "0.4, ,0.6", "0.4,\"\",0.6"] {
        let message = message_for("1_tr.csv", format!("0.1,0.2,0.3\n{row}\n0.7,0.8,0.9\n"));
        assert!(
            message.starts_with("1_tr.csv, row 2, column 2: found nothing, expected a number; the file has 1 missing value: fill in"),
            "{message}"
        );
    }
    let trailing = message_for("1_tr.csv", "0.1,0.2,0.3,\n0.4,0.5,0.6,\n0.7,0.8,0.9,\n");
    assert!(trailing.starts_with("1_tr.csv, row 1, column 4: found nothing"), "{trailing}");
}

#[test]
fn a_decimal_comma_is_named_or_shows_as_columns() {
    let quoted = message_for("2_te.csv", "\"70,5\",80\n90,100\n");
    assert_eq!(
        quoted,
        "2_te.csv, row 1, column 1: found \"70,5\", expected a number written with a decimal point"
    );
    let semicolons = message_for("2_te.csv", "70,5;80,5\n90,5;100,5\n");
    assert_eq!(semicolons, "2_te.csv, row 1, column 2: found \"5;80\", expected numbers separated by commas");
    let bare = message_for("2_te.csv", "70,5,80,5\n90,5,100,5\n");
    assert_eq!(bare, "2_te.csv: has 4 columns but 2_tr.csv has 2; train and test have the same features");
}

#[test]
fn rows_of_different_length_are_refused() {
    for (text, found) in [("0.1,0.2,0.3\n0.4,0.5\n", 2), ("0.1,0.2,0.3\n0.4,0.5,0.6,0.7\n", 4)] {
        let expected = format!("1_tr.csv, row 2: found {found} columns, expected 3 as in row 1");
        assert_eq!(message_for("1_tr.csv", text), expected);
    }
}

#[test]
fn a_header_or_a_column_of_sample_names_is_to_be_removed() {
    let header = message_for("1_tr.csv", format!("RTN2,NDRG2,CCDC113\n{}", GOOD[0].1));
    assert!(
        header.contains("row 1, column 1: found \"RTN2\", expected a number: the file has no header line"),
        "{header}"
    );
    let names = message_for("2_te.csv", "70,80\nTCGA-A1,90,100\n");
    assert!(names.contains("row 2, column 1: found \"TCGA-A1\""), "{names}");
    assert!(names.contains("no column of sample names"), "{names}");
    let labels = message_for("labels_tr.csv", "label\n0\n1\n0\n");
    assert!(labels.contains("labels_tr.csv, row 1, column 1: found \"label\""), "{labels}");
    assert!(labels.contains("no header line"), "{labels}");
}

#[test]
fn files_without_rows_are_refused() {
    for name in GOOD.map(|(name, _)| name) {
        for text in ["", "\n", "\r\n \n\t\n", "\u{feff}", "\u{feff}\n"] {
            let expected = format!("{name}: found no rows, expected at least one");
            assert_eq!(message_for(name, text), expected, "{text:?}");
        }
    }
}

#[test]
fn a_blank_line_between_rows_is_refused() {
    let expected = "row 2, column 1: found nothing, expected no blank line before the last row";
    assert_eq!(message_for("2_te.csv", "70,80\n\n90,100\n"), format!("2_te.csv, {expected}"));
    assert_eq!(message_for("labels_te.csv", "1\n \n\n0\n"), format!("labels_te.csv, {expected}"));
}

#[test]
fn bytes_that_are_no_utf8_text_are_refused() {
    let utf16 = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<u8>>();
    let marked = [&[0xff, 0xfe][..], &utf16("70,80\n90,100\n")].concat();
    let message = message_for("2_te.csv", marked);
    assert_eq!(
        message,
        "2_te.csv, row 1, column 1: found \"utf-16\", expected utf-8: save the file as utf-8"
    );
    let unmarked = message_for("2_te.csv", utf16("70,80\n90,100\n"));
    assert!(unmarked.contains("found \"7\\00\\0\", expected text without NUL bytes"), "{unmarked}");
    let nul = message_for("2_te.csv", b"70,80\n90,1\x0000\n");
    assert!(nul.contains("row 2, column 2: found \"1\\000\", expected text without NUL"), "{nul}");
    let latin1 = message_for("2_te.csv", b"70,80\n90,\xe4\n");
    assert!(latin1.contains("row 2, column 2: found \"\u{fffd}\", expected utf-8 text"), "{latin1}");
}

#[test]
fn quotes_have_to_end_where_the_field_ends() {
    let open = message_for("2_te.csv", "70,80\n90,\"100\n");
    assert_eq!(open, "2_te.csv, row 2, column 2: found \"\"100\", expected a closing quote in the same line");
    let across = message_for("2_te.csv", "70,80\n90,\"100\n\"\n");
    assert_eq!(across, open);
    let after = message_for("2_te.csv", "70,\"80\"5\n90,100\n");
    assert!(
        after.contains("row 1, column 2") && after.ends_with("a comma after the closing quote"),
        "{after}"
    );
}

#[test]
fn labels_are_whole_numbers_from_zero_one_a_line() {
    let whole = "expected a class: a whole number from 0";
    for cell in ["1.5", "-1", "1e300", "inf", "one", "NA", "\"\"", "0x1", "1e-5"] {
        let message = message_for("labels_tr.csv", format!("0\n{cell}\n0\n"));
        assert!(message.starts_with("labels_tr.csv, row 2, column 1: found "), "{message}");
        assert!(message.contains(whole), "{message}");
    }
    let two = message_for("labels_te.csv", "1,0\n0,1\n");
    assert_eq!(two, "labels_te.csv, row 1, column 2: found \"1,0\", expected one label a line");
}

#[test]
fn classes_have_no_gaps_and_are_more_than_one() {
    let gap = "expected classes 0, 1, 2, ... without gaps";
    let from_one = message_for("labels_tr.csv", "1\n2\n1\n");
    assert_eq!(from_one, format!("labels_tr.csv: class 0 has no row though class 2 has; {gap}"));
    let hole = message_for("labels_tr.csv", "0\n4000000000\n0\n");
    assert_eq!(hole, format!("labels_tr.csv: class 1 has no row though class 4000000000 has; {gap}"));
    let one = message_for("labels_tr.csv", "0\n0\n0\n");
    assert_eq!(one, "labels_tr.csv: all rows are of one class, expected at least two classes");
}

#[test]
fn a_test_class_that_train_lacks_is_refused() {
    let message = message_for("labels_te.csv", "1\n2\n");
    assert_eq!(message, "labels_te.csv, row 2: class 2 does not occur in train, expected 0 to 1");
}

#[test]
fn names_can_be_printed() {
    let message = message_for("1_featname.csv", "a\nb\u{1b}[2J\nc\n");
    assert_eq!(
        message,
        "1_featname.csv, row 2, column 1: found \"b\\u{1b}[2J\", expected a name without control characters"
    );
}
