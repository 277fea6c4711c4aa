//! One wide table: what its header and its map may say, and what is refused.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod data_support;

use std::fs;

use data_support::gz;
use mmdynamic::data::{
    Cohort, ColumnMap, DataError, Delimiter, Limits, ReadOptions, read_wide, read_wide_samples,
};
use ndarray::array;
use proptest::prelude::*;

const TABLE: &str = "id,mrna_a,mrna_b,cg1,subtype,set,age\n\
                     s1,1,2,3,Basal,train,50\n\
                     s2,4,5,6,LumA,Train,60\n\
                     s3,7,8,9,LumA,TEST,70\n\
                     s4,10,11,12,Basal,train,NA\n";

fn map() -> ColumnMap {
    serde_json::from_str(
        r#"{"label": "subtype", "split": "set", "views": ["mrna_*", ["cg1"]], "ignore": ["age"]}"#,
    )
    .unwrap()
}

fn read_as(name: &str, bytes: &[u8], map: &ColumnMap, options: &ReadOptions) -> Result<Cohort, DataError> {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join(name);
    fs::write(&file, bytes).unwrap();
    read_wide(&file, map, options)
}

fn read(text: &str, map: &ColumnMap) -> Result<Cohort, DataError> {
    read_as("t.csv", text.as_bytes(), map, &ReadOptions::default())
}

fn message(text: &str, map: &ColumnMap) -> String {
    let message = read(text, map).unwrap_err().to_string();
    assert!(!message.contains('\n'), "{message}");
    message.split_once("t.csv").map_or(message.clone(), |(_, rest)| format!("t.csv{rest}"))
}

#[test]
fn a_cohort_is_what_the_table_says() {
    let Cohort { train, test } = read(TABLE, &map()).unwrap();
    assert_eq!(train.views, [array![[1.0, 2.0], [4.0, 5.0], [10.0, 11.0]], array![[3.0], [6.0], [12.0]]]);
    assert_eq!(test.views, [array![[7.0, 8.0]], array![[9.0]]]);
    assert_eq!((train.labels.as_slice(), test.labels.as_slice()), (&[0, 1, 0][..], &[1][..]));
    assert_eq!(train.feature_names, [vec!["mrna_a", "mrna_b"], vec!["cg1"]]);
    assert_eq!(train.class_names, ["Basal", "LumA"]);
    assert_eq!(
        (train.sample_names.as_slice(), test.sample_names.as_slice()),
        (["s1", "s2", "s4"].map(String::from).as_slice(), ["s3"].map(String::from).as_slice())
    );
    train.check().unwrap();
    test.check().unwrap();
}

#[test]
fn dress_does_not_matter() {
    let plain = read(TABLE, &map()).unwrap();
    let options = ReadOptions::default();
    let tabs = TABLE.replace(',', "\t");
    assert_eq!(read_as("t.tsv", tabs.as_bytes(), &map(), &options).unwrap(), plain);
    assert_eq!(read_as("t.tsv.gz", &gz(tabs.as_bytes()), &map(), &options).unwrap(), plain);
    let said = ReadOptions { delimiter: Some(Delimiter::Tab), ..options };
    assert_eq!(read_as("t.txt", tabs.as_bytes(), &map(), &said).unwrap(), plain);
    for text in [
        format!("\u{feff}{}", TABLE.replace('\n', "\r\n")),
        TABLE.replace("id,", "\"\","),
        TABLE.replace("Basal", "\"Basal\"").replace("7,8", " 7 , \"8\""),
        TABLE.trim_end().to_owned(),
    ] {
        assert_eq!(read(&text, &map()).unwrap(), plain, "{text}");
    }
}

#[test]
fn without_a_column_of_names_rows_are_numbered_and_without_a_split_it_is_drawn() {
    let rows: String = (0..40).map(|i| format!("{},{},{}\n", i, i % 2, i * i)).collect();
    let table = format!("x,class,y\n{rows}");
    let fraction = ColumnMap {
        label: "class".into(),
        test_fraction: Some(0.25),
        views: vec![vec!["x".into()], vec!["*".into()]],
        ..ColumnMap::default()
    };
    let cohort = read(&table, &fraction).unwrap();
    assert_eq!((cohort.train.class_counts(), cohort.test.class_counts()), (vec![15, 15], vec![5, 5]));
    let numbered = |i: usize| cohort.test.sample_names[i].parse::<f32>().unwrap() - 1.0;
    assert!((0..10).all(|i| cohort.test.views[0][[i, 0]] == numbered(i)), "names are rows of the table");
    assert_eq!(read(&table, &fraction).unwrap(), cohort);
    let other = ColumnMap { split_seed: 1, ..fraction };
    assert_ne!(read(&table, &other).unwrap().test.sample_names, cohort.test.sample_names);
}

#[test]
fn faults_of_a_table_are_told_with_their_place() {
    for (from, to, expected) in [
        ("4,5,6", "4,x,6", "t.csv, row 3, column 3: found \"x\", expected a number"),
        (
            "4,5,6",
            "4,,6",
            "t.csv, row 3, column 3: found nothing, expected a number; the file has 1 missing value",
        ),
        ("4,5,6", "4,5,6,6", "t.csv, row 3: found 8 columns, expected 7 as in row 1"),
        ("4,5,6", "inf,5,6", "t.csv, row 3, column 2: found \"inf\", expected a finite number"),
        ("TEST", "validation", "t.csv, row 4, column 6: found \"validation\", expected train or test"),
        ("TEST", "train", "split is \"no test rows\""),
        (
            "LumA,TEST",
            "Her2,TEST",
            "t.csv, row 4: class \"Her2\" does not occur in train, expected Basal, LumA",
        ),
        ("LumA,TEST", ",TEST", "t.csv, row 4, column 5: found nothing, expected a class"),
        ("s2", "", "t.csv, row 3, column 1: found nothing, expected the name of the sample"),
        (
            "mrna_b",
            "mrna_a",
            "t.csv, row 1, column 3: found \"mrna_a\", expected a name that no other column has",
        ),
        ("mrna_b", "", "t.csv, row 1, column 3: found nothing, expected a name for each column"),
        (
            "cg1",
            "cg2",
            "t.csv, row 1: has no column \"cg1\" for view 2; its columns are id, mrna_a, mrna_b, cg2, subtype, ...",
        ),
        ("subtype", "kind", "t.csv, row 1: has no column \"subtype\" for label"),
        (
            "age",
            "weight",
            "t.csv: column \"weight\" belongs to nothing; expected it in a view or in `ignore`",
        ),
        (
            "7,8,9",
            "7,\"8,9",
            "t.csv, row 4, column 3: found \"\"8,9,LumA,TEST,70\", expected a closing quote",
        ),
        (
            "mrna_a",
            "mrna\0",
            "t.csv, row 1, column 2: found \"mrna\\0\", expected a name without control characters",
        ),
    ] {
        let found = message(&TABLE.replacen(from, to, 1), &map());
        assert!(found.starts_with(expected), "{from} -> {to}\n{found}\n{expected}");
    }
    assert_eq!(message("", &map()), "t.csv: found no rows, expected at least one");
    assert_eq!(message(TABLE.lines().next().unwrap(), &map()), "t.csv: found no rows, expected at least one");
}

#[test]
fn faults_of_a_map_are_told() {
    let with = |change: fn(&mut ColumnMap)| {
        let mut map = map();
        change(&mut map);
        message(TABLE, &map)
    };
    assert!(with(|map| map.label.clear()).starts_with("label is nothing, expected the name of the column"));
    assert!(with(|map| map.views.clear()).starts_with("views is \"[]\", expected for each view its columns"));
    assert!(
        with(|map| map.split = None)
            .starts_with("split is nothing, expected a column that says train or test")
    );
    assert!(with(|map| map.test_fraction = Some(0.5)).starts_with("split is \"set\", expected either it or"));
    assert!(with(|map| map.views[1].push("cg1".into())).starts_with("t.csv: column \"cg1\" is wanted twice"));
    assert!(
        with(|map| map.views[1].push("mrna*".into())).starts_with("t.csv: column \"mrna_a\" is wanted twice")
    );
    assert!(
        with(|map| map.classes = Some(vec!["x".into()]))
            .starts_with("classes is \"x\", expected classes that")
    );
    assert!(
        serde_json::from_str::<ColumnMap>(r#"{"labels": "x"}"#)
            .unwrap_err()
            .to_string()
            .contains("unknown field")
    );
}

#[test]
fn limits_hold_for_a_header_too() {
    let narrow = ReadOptions { limits: Limits { columns: 3, ..Limits::default() }, ..ReadOptions::default() };
    let refused = read_as("t.csv", TABLE.as_bytes(), &map(), &narrow).unwrap_err().to_string();
    assert!(refused.contains("t.csv, row 1: more than 3 columns"), "{refused}");
    let few = ReadOptions { limits: Limits { values: 5, ..Limits::default() }, ..ReadOptions::default() };
    let refused = read_as("t.csv", TABLE.as_bytes(), &map(), &few).unwrap_err().to_string();
    assert!(refused.contains("t.csv, row 4: more than 5 values"), "{refused}");
    let wide = "a,".repeat(10_000_000);
    assert!(message(&wide, &map()).starts_with("t.csv, row 1: more than 1000000 columns"));
}

#[test]
fn samples_without_classes_are_found_by_the_names_of_the_features() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("new.csv");
    fs::write(&file, "cg1,note,id,mrna_b,mrna_a\n3,\"a, b\",s9,2,1\n").unwrap();
    let features = read(TABLE, &map()).unwrap().train.feature_names;
    let read = |sample, features: &[Vec<String>]| {
        read_wide_samples(&file, sample, features, &ReadOptions::default())
    };
    let (samples, views) = read(Some("id"), &features).unwrap();
    assert_eq!((samples, views), (vec!["s9".to_owned()], vec![array![[1.0, 2.0]], array![[3.0]]]));
    let (samples, _) = read(None, &features).unwrap();
    assert_eq!(samples, ["1"], "the first column is a feature");
    let both = [vec!["cg1".to_owned()], vec!["cg1".to_owned()]];
    assert!(read(None, &both).unwrap_err().to_string().contains("\"cg1\" is a feature of two views"));
    let absent = read(None, &[vec!["cg7".to_owned()]]).unwrap_err().to_string();
    assert!(absent.contains("has no column \"cg7\" for a feature of the model"), "{absent}");
}

proptest! {
    #[test]
    fn the_order_of_the_columns_does_not_matter(
        order in Just((0..7).collect::<Vec<usize>>()).prop_shuffle(),
        cells in prop::collection::vec(-1e6f32..1e6, 3 * 8),
    ) {
        let row = |i: usize| -> [String; 7] {
            let x = &cells[3 * i..3 * i + 3];
            let (class, set) = (["Basal", "LumA"][i % 2], ["train", "test"][usize::from(i > 4)]);
            [format!("s{i}"), x[0].to_string(), x[1].to_string(), x[2].to_string(), class.into(), set.into(), "1".into()]
        };
        let header = ["id", "mrna_a", "mrna_b", "cg1", "subtype", "set", "age"].map(String::from);
        let table = |order: &[usize]| -> String {
            let line = |row: &[String; 7]| order.iter().map(|&j| row[j].as_str()).collect::<Vec<_>>().join(",") + "\n";
            std::iter::once(line(&header)).chain((0..8).map(|i| line(&row(i)))).collect()
        };
        let map = ColumnMap {
            sample: Some("id".into()),
            views: vec![vec!["mrna_a".into(), "mrna_b".into()], vec!["cg1".into()]],
            ..map()
        };
        let plain = read(&table(&[0, 1, 2, 3, 4, 5, 6]), &map).unwrap();
        prop_assert_eq!(&read(&table(&order), &map).unwrap(), &plain);
        prop_assert_eq!(plain.train.views[0][[4, 1]].to_bits(), cells[13].to_bits());
        prop_assert_eq!(plain.test.rows(), 3);
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), keep in 0usize..120) {
        let mut table = TABLE.as_bytes()[..keep.min(TABLE.len())].to_vec();
        table.extend(bytes);
        if let Err(refused) = read_as("t.csv", &table, &map(), &ReadOptions::default()) {
            prop_assert!(!refused.to_string().contains('\n'));
        }
    }
}
