//! One wide table and npy files on the command line, and wrong use of them.

use crate::support::{SHORT, done, folder, refused, text, version_0, write_cohort};
use std::fs;
use std::path::Path;

const MAP: &str = "label = \"class\"\nsplit = \"set\"\nviews = [\"a*\", \"b*\"]\n";

/// The cohort of `write_cohort` as one table.
fn write_table(dir: &Path, name: &str, delimiter: &str) {
    let parts = folder();
    write_cohort(parts.path());
    let read = |name: &str| fs::read_to_string(parts.path().join(name)).expect("a file");
    let mut lines = vec!["id,a0,a1,a2,a3,b0,b1,b2,class,set".to_owned()];
    for (part, set) in [("tr", "train"), ("te", "test")] {
        let (one, two) = (read(&format!("1_{part}.csv")), read(&format!("2_{part}.csv")));
        let labels = read(&format!("labels_{part}.csv"));
        for (i, ((one, two), label)) in one.lines().zip(two.lines()).zip(labels.lines()).enumerate() {
            let class = ["healthy", "ill"][label.parse::<usize>().expect("a class")];
            lines.push(format!("{set}{i},{one},{two},{class},{set}"));
        }
    }
    fs::write(dir.join(name), lines.join("\n").replace(',', delimiter)).expect("a file");
}

fn numbers(table: &str) -> Vec<String> {
    table
        .lines()
        .skip(1)
        .flat_map(|line| line.rsplit(',').take(4).map(str::to_owned).collect::<Vec<_>>())
        .collect()
}

#[test]
fn a_table_gives_the_model_that_the_same_folder_gives() {
    let dir = folder();
    write_cohort(dir.path());
    write_table(dir.path(), "cohort.csv", ",");
    fs::write(dir.path().join("cohort.toml"), MAP).expect("a file");
    write_table(dir.path(), "cohort.txt", "\t");
    let train = |out: &str, args: &[&str]| -> String {
        done(dir.path(), &[&SHORT[..], &["--quiet", "--out", out], args].concat());
        text(&version_0(&dir.path().join(out)).join("checkpoints/last.ckpt")).to_owned()
    };
    let folder = train("f", &["--data", "."]);
    let table = train("t", &["--data", "cohort.csv"]);
    let tabs = train("x", &["--data", "cohort.txt", "--data.format", "tsv", "--data.columns", "cohort.toml"]);
    let predict =
        |checkpoint: &str, args: &[&str]| done(dir.path(), &[&["predict", checkpoint], args].concat()).stdout;
    let expected = numbers(&predict(&folder, &["--data", "."]));
    // The checkpoint knows the map.
    fs::remove_file(dir.path().join("cohort.toml")).expect("removed");
    let found = predict(&table, &["--data", "cohort.csv"]);
    assert_eq!(numbers(&found), expected);
    assert!(
        found.contains("\n1,test0,") && found.contains("probability_healthy,probability_ill,"),
        "{found}"
    );
    assert_eq!(numbers(&predict(&tabs, &["--data", "cohort.csv"])), expected);
    let all = predict(&table, &["--table", "cohort.csv"]);
    assert_eq!(numbers(&all)[4 * 12..], expected[..]);
    done(dir.path(), &["test", &table, "--data", "cohort.csv"]);
    done(dir.path(), &["test", &tabs, "--data", "cohort.txt", "--data.format", "tsv"]);
    refused(
        dir.path(),
        &["test", &tabs, "--data", "cohort.txt"],
        2,
        "say --data.format csv (commas) or tsv (tabs)",
    );
    done(dir.path(), &["validate", &table, "--data", "cohort.csv"]);
    refused(dir.path(), &["predict", &folder, "--table", "cohort.csv"], 3, "has no column \"view1_0\"");
}

#[test]
fn a_folder_of_npy_gives_the_model_that_csv_gives() {
    let dir = folder();
    write_cohort(dir.path());
    let predict = |out: &str| {
        done(dir.path(), &[&SHORT[..], &["--quiet", "--data", ".", "--out", out]].concat());
        let last = version_0(&dir.path().join(out)).join("checkpoints/last.ckpt");
        numbers(&done(dir.path(), &["predict", text(&last), "--data", "."]).stdout)
    };
    let csv = predict("csv");
    for (name, rows, columns) in [("1_tr", 12, 4), ("1_te", 4, 4), ("2_tr", 12, 3)] {
        let path = dir.path().join(format!("{name}.csv"));
        let all = fs::read_to_string(&path).expect("a file");
        let cells = all.split([',', '\n']).filter(|cell| !cell.is_empty());
        let data = cells.flat_map(|cell| cell.parse::<f64>().expect("a number").to_le_bytes());
        let header = format!("{{'descr': '<f8', 'fortran_order': False, 'shape': ({rows}, {columns}), }}\n");
        let start =
            [b"\x93NUMPY\x01\x00", &(header.len() as u16).to_le_bytes()[..], header.as_bytes()].concat();
        fs::write(path.with_extension("npy"), start.into_iter().chain(data).collect::<Vec<u8>>())
            .expect("a file");
        fs::remove_file(path).expect("removed");
    }
    assert_eq!(predict("npy"), csv);
    fs::write(dir.path().join("2_te.npy"), "no").expect("a file");
    fs::remove_file(dir.path().join("2_te.csv")).expect("removed");
    refused(
        dir.path(),
        &["train", "--data", "."],
        3,
        "2_te.npy: found other bytes than numpy's at its start",
    );
}

#[test]
fn wrong_use_of_a_table_is_told_in_a_line() {
    let dir = folder();
    write_table(dir.path(), "cohort.csv", ",");
    fs::write(dir.path().join("notes.txt"), "a").expect("a file");
    let describe = |args: &[&str], code: i32, message: &str| {
        refused(dir.path(), &[&["data", "describe"], args].concat(), code, message);
    };
    describe(&["cohort.csv"], 2, "cohort.csv: a table needs a column map: write cohort.toml beside it");
    describe(
        &["notes.txt"],
        2,
        "notes.txt: is no folder, and its name does not tell what it is; say --data.format",
    );
    describe(&["cohort.csv", "--data.format", "xls"], 2, "invalid value 'xls'");
    describe(&["cohort.csv", "--data.columns", "none.toml"], 2, "none.toml: cannot be read");
    describe(&["cohort.csv", "--data.columns", "."], 2, ".: is no column map");
    for (map, code, message) in [
        ("label = ", 2, "cohort.toml: is no column map: line 1"),
        ("vues = []", 2, "unknown field `vues`"),
        ("views = [\"a*\"]", 3, "label is nothing"),
        (
            "label = \"class\"\nsplit = \"set\"\nviews = [\"a*\"]",
            3,
            "cohort.csv: column \"b0\" belongs to nothing",
        ),
        (
            "label = \"class\"\nsplit = \"set\"\nviews = [\"a*\", \"c*\"]",
            3,
            "has no column \"c*\" for view 2",
        ),
        (
            "label = \"class\"\nsplit = \"b0\"\nviews = [\"a*\", \"b*\"]\nignore = [\"set\"]",
            3,
            "expected train or test",
        ),
        ("label = \"a0\"\nsplit = \"set\"\nviews = [\"a1\"]\nignore = [\"*\"]", 3, "does not occur in train"),
    ] {
        fs::write(dir.path().join("cohort.toml"), map).expect("a file");
        describe(&["cohort.csv"], code, message);
    }
    fs::write(dir.path().join("cohort.toml"), MAP).expect("a file");
    describe(&[".", "--data.columns", "cohort.toml"], 2, "data.columns is cohort.toml, but . is a folder");
    done(dir.path(), &["data", "describe", "cohort.csv", "--json"]);
}

#[test]
fn missing_values_and_repeated_names_are_described_before_training_refuses_them() {
    let dir = folder();
    write_table(dir.path(), "cohort.csv", ",");
    fs::write(dir.path().join("cohort.toml"), MAP).expect("a file");
    let path = dir.path().join("cohort.csv");
    let all = fs::read_to_string(&path).expect("a file");
    let gap = |line: &str| {
        let mut cells: Vec<&str> = line.split(',').collect();
        match cells[0] {
            "train3" => (cells[1], cells[5]) = ("NA", ""),
            "test1" => (cells[0], cells[5]) = ("train3", "nan"),
            _ => {}
        }
        cells.join(",") + "\n"
    };
    fs::write(&path, all.lines().map(gap).collect::<String>()).expect("a file");
    let page = done(dir.path(), &["data", "describe", "cohort.csv"]).stdout;
    let flat = page.split_whitespace().collect::<Vec<_>>().join(" ");
    for said in [
        "2 values of train and 1 of test, in 2 features: a0 (1), b0 (2).",
        "WARNING: 1 samples stand in train and in test, by their names: train3",
    ] {
        assert!(flat.contains(said), "{said}\n{page}");
    }
    assert!(page.lines().all(|line| line.chars().count() <= 80), "{page}");
    let json = done(dir.path(), &["data", "describe", "cohort.csv", "--json"]).stdout;
    let found: serde_json::Value = serde_json::from_str(&json).expect("one JSON document");
    assert_eq!((&found["views"][0]["missing"], &found["views"][1]["missing"]), (&1.into(), &2.into()));
    assert_eq!(found["views"][1]["missing_columns"][0]["test"], 1);
    refused(dir.path(), &["train", "--data", "cohort.csv"], 3, "the file has 3 missing values");
}
