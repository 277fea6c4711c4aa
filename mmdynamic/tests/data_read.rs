//! Good files in every dress they come in, the real cohorts, and arbitrary bytes.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod data_support;

use std::fs;
use std::path::{Path, PathBuf};

use data_support::gz;
use mmdynamic::data::{
    Cohort, ReadOptions, Scaler, ScalingKind, read_matrix, read_mogonet, read_mogonet_with,
};
use ndarray::{Array2, array};
use proptest::prelude::*;

const PLAIN: [(&str, &str); 8] = [
    ("1_tr.csv", "0.1,-2e-3\n3,4\n"),
    ("1_te.csv", "5,6\n7,8\n9,1e2\n"),
    ("2_tr.csv", "1\n2\n"),
    ("2_te.csv", "3\n4\n5\n"),
    ("labels_tr.csv", "0.000000000000000000e+00\n1.000000000000000000e+00\n"),
    ("labels_te.csv", "1\n0.0\n1\n"),
    ("1_featname.csv", "FOXC1|2296\nan odd, long name\n"),
    ("classes.csv", "Normal Control\nAlzheimer's Disease\n"),
];

/// Reads [`PLAIN`] after each file's bytes went through `dress`, which may also change the name.
fn read(dress: impl Fn(&str, &str) -> (String, Vec<u8>)) -> Cohort {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in PLAIN {
        let (name, bytes) = dress(name, text);
        fs::write(dir.path().join(name), bytes).unwrap();
    }
    read_mogonet(dir.path()).unwrap()
}

fn plain() -> Cohort {
    read(|name, text| (name.to_owned(), text.into()))
}

#[test]
fn a_cohort_is_what_its_files_say() {
    let cohort = plain();
    assert_eq!(cohort.train.views, [array![[0.1, -0.002], [3.0, 4.0]], array![[1.0], [2.0]]]);
    assert_eq!(
        cohort.test.views,
        [array![[5.0, 6.0], [7.0, 8.0], [9.0, 100.0]], array![[3.0], [4.0], [5.0]]]
    );
    assert_eq!(
        (cohort.train.labels.as_slice(), cohort.test.labels.as_slice()),
        (&[0, 1][..], &[1, 0, 1][..])
    );
    for part in [&cohort.train, &cohort.test] {
        part.check().unwrap();
        assert_eq!(part.feature_names[0], ["FOXC1|2296", "an odd, long name"]);
        assert_eq!(part.feature_names[1], ["view2_0"]);
        assert_eq!(part.class_names, ["Normal Control", "Alzheimer's Disease"]);
        assert_eq!(part.sample_names, ["1", "2", "3"][..part.rows()]);
    }
}

#[test]
fn dress_does_not_matter() {
    let quoted = |text: &str| {
        let rows = text
            .lines()
            .map(|line| line.split(',').map(|f| format!("\"{f}\"")).collect::<Vec<_>>().join(","));
        rows.collect::<Vec<_>>().join("\n")
    };
    let same = |dress: &dyn Fn(&str) -> Vec<u8>| {
        assert_eq!(read(|name, text| (name.to_owned(), dress(text))), plain());
    };
    same(&|text| text.replace('\n', "\r\n").into());
    same(&|text| format!("\u{feff}{text}").into());
    same(&|text| text.trim_end().into());
    same(&|text| format!("{text}\n\r\n  \n").into());
    same(&|text| text.lines().map(|line| format!(" {line} \t\n")).collect::<String>().into());
    let numbers = |name: &str, text: &str| if name.contains("name") { text.to_owned() } else { quoted(text) };
    assert_eq!(read(|name, text| (name.to_owned(), numbers(name, text).into())), plain());
}

#[test]
fn packed_files_equal_plain_ones() {
    assert_eq!(read(|name, text| (format!("{name}.gz"), gz(text.as_bytes()))), plain());
    // Packed in two pieces, as bgzip does.
    let pieces = |text: &str| [gz(&text.as_bytes()[..1]), gz(&text.as_bytes()[1..])].concat();
    assert_eq!(read(|name, text| (format!("{name}.gz"), pieces(text))), plain());
}

#[test]
fn names_may_be_left_out_and_other_files_may_lie_there() {
    let renamed = |name: &str| match name {
        "1_featname.csv" => "notes.csv".to_owned(),
        "classes.csv" => "samples_tr.csv".to_owned(),
        _ => name.to_owned(),
    };
    let cohort = read(|name, text| (renamed(name), text.into()));
    assert_eq!(cohort.train.feature_names[0], ["view1_0", "view1_1"]);
    assert_eq!(cohort.train.class_names, ["0", "1"]);
}

#[test]
fn samples_have_their_names_from_end_to_end() {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in
        PLAIN.into_iter().chain([("samples_tr.csv", "A0FJ\nA13E\n"), ("samples_te.csv", "x\ny, z\nw\n")])
    {
        fs::write(dir.path().join(name), text).unwrap();
    }
    let cohort = read_mogonet(dir.path()).unwrap();
    assert_eq!(cohort.train.sample_names, ["A0FJ", "A13E"]);
    assert_eq!(cohort.test.subset(&[2, 1]).unwrap().sample_names, ["w", "y, z"]);
    fs::write(dir.path().join("samples_te.csv"), "x\n").unwrap();
    let refused = read_mogonet(dir.path()).unwrap_err().to_string();
    assert!(
        refused.contains("samples_te.csv: has 1 names, that is rows, but")
            && refused.ends_with("each line names one row")
    );
}

#[test]
fn missing_values_are_kept_where_that_is_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in PLAIN {
        fs::write(dir.path().join(name), text).unwrap();
    }
    fs::write(dir.path().join("1_te.csv"), "5,NA\n,8\nnan,1e2\n").unwrap();
    let refused = read_mogonet(dir.path()).unwrap_err().to_string();
    assert!(
        refused.contains(
            "1_te.csv, row 1, column 2: found \"NA\", expected a number; the file has 3 missing values"
        ),
        "{refused}"
    );
    let options = ReadOptions { keep_missing: true, ..ReadOptions::default() };
    let cohort = read_mogonet_with(dir.path(), &options).unwrap();
    let missing: Vec<bool> = cohort.test.views[0].iter().map(|x| x.is_nan()).collect();
    assert_eq!(missing, [false, true, true, false, true, false]);
    // What is neither a number nor missing stays refused.
    for cell in ["inf", "1e400", "x", "0x10"] {
        fs::write(dir.path().join("1_te.csv"), format!("5,NA\n{cell},8\nnan,1e2\n")).unwrap();
        let refused = read_mogonet_with(dir.path(), &options).unwrap_err().to_string();
        assert!(refused.contains("1_te.csv, row 2, column 1: found"), "{refused}");
    }
}

#[test]
fn a_test_part_may_lack_a_class() {
    let cohort = read(|name, text| {
        (name.to_owned(), if name == "labels_te.csv" { "1\n1\n1\n".into() } else { text.into() })
    });
    assert_eq!(cohort.test.class_counts(), [0, 3]);
}

/// The folder of real data sets, which is not part of the repository.
fn real(name: &str) -> Option<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/data").join(name);
    if !dir.is_dir() {
        eprintln!("skipped: {name} is not on this machine");
        return None;
    }
    Some(dir)
}

fn real_cohort_has(name: &str, widths: &[usize], train: &[usize], test: &[usize], classes: (&str, &str)) {
    let Some(dir) = real(name) else { return };
    let start = std::time::Instant::now();
    let cohort = read_mogonet(&dir).unwrap();
    eprintln!("{name}: {:.1} ms", start.elapsed().as_secs_f64() * 1e3);
    for (part, counts) in [(&cohort.train, train), (&cohort.test, test)] {
        part.check().unwrap();
        assert_eq!(part.widths(), widths);
        assert_eq!(part.rows(), counts.iter().sum::<usize>());
        assert_eq!(part.class_counts(), counts);
        let names = &part.class_names;
        assert_eq!((names[0].as_str(), names[names.len() - 1].as_str()), classes);
    }
}

#[test]
fn rosmap_is_as_described() {
    let classes = ("Normal Control", "Alzheimer's Disease");
    real_cohort_has("ROSMAP", &[200, 200, 200], &[118, 127], &[51, 55], classes);
    let Some(dir) = real("ROSMAP") else { return };
    let cohort = read_mogonet(&dir).unwrap();
    assert_eq!(cohort.train.views[0][[0, 0]], 1.813_813_2e-1);
    assert_eq!(cohort.train.feature_names[2][..2], ["hsa-let-7b", "hsa-let-7e"]);
    // Scaled over train and test together by its makers: a scaler of train alone lets test leave [0, 1].
    let scaled = Scaler::fit(ScalingKind::MinMax, &cohort.train).unwrap().transform(&cohort.test).unwrap();
    let values = || scaled.views.iter().flatten().copied();
    let (least, most) = (values().fold(0.0, f32::min), values().fold(0.0, f32::max));
    assert_eq!((format!("{least:.2}"), format!("{most:.2}")), ("-0.97".to_owned(), "1.52".to_owned()));
}

#[test]
fn brca263_is_as_described() {
    let (train, test) = ([23, 22, 9, 78, 25], [12, 17, 5, 53, 19]);
    real_cohort_has("BRCA263", &[503; 3], &train, &test, ("Normal-like", "Luminal B"));
}

#[test]
fn both_tcga_breast_sets_are_as_described() {
    real_cohort_has("TCGA_BREAST", &[200, 184], &[45, 30, 75], &[21, 14, 35], ("Basal", "LumA"));
    real_cohort_has("TCGA_BREAST3", &[200, 184, 142], &[31, 21, 53], &[14, 9, 22], ("Basal", "LumA"));
}

#[test]
fn mfeat_is_as_described() {
    real_cohort_has("MFEAT", &[76, 216, 64, 240, 47, 6], &[160; 10], &[40; 10], ("0", "9"));
}

fn written(matrix: &Array2<f32>) -> String {
    let row = |row: ndarray::ArrayView1<'_, f32>| {
        row.iter().enumerate().fold(String::new(), |line, (i, x)| match i % 3 {
            0 if i == 0 => format!("{x}"),
            0 => format!("{line},{x:e}"),
            1 => format!("{line},{:.18e}", f64::from(*x)),
            _ => format!("{line},{x:?}"),
        })
    };
    matrix.rows().into_iter().map(|r| row(r) + "\n").collect()
}

fn matrix_of(text: &[u8], name: &str) -> Result<Array2<f32>, mmdynamic::data::DataError> {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join(name);
    fs::write(&file, text).unwrap();
    read_matrix(&file)
}

/// Bytes that look like a csv file often enough to get past its first cell.
fn nearly_csv() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop::sample::select(vec![
        "1", "0", "-2.5", "1e3", "1e400", ",", ",", ",", "\n", "\n", "\r\n", "\"", "\"\"", " ", "\t", "NA",
        ".", "e", "-", "\u{feff}", "\0", "ä",
    ]);
    prop::collection::vec(piece, 0..60).prop_map(|pieces| pieces.concat().into_bytes())
}

fn finite() -> impl Strategy<Value = f32> {
    any::<u32>().prop_map(f32::from_bits).prop_filter("finite", |x| x.is_finite())
}

proptest! {
    #[test]
    fn a_written_matrix_reads_back_to_the_bit(
        matrix in (1usize..6, 1usize..9).prop_flat_map(|(rows, columns)| {
            prop::collection::vec(finite(), rows * columns)
                .prop_map(move |cells| Array2::from_shape_vec((rows, columns), cells).unwrap())
        })
    ) {
        let read = matrix_of(written(&matrix).as_bytes(), "1_tr.csv").unwrap();
        prop_assert_eq!(read.mapv(f32::to_bits), matrix.mapv(f32::to_bits));
    }

    #[test]
    fn no_bytes_make_the_reader_panic(bytes in prop_oneof![prop::collection::vec(any::<u8>(), 0..400), nearly_csv()]) {
        for name in ["1_tr.csv", "1_tr.csv.gz"] {
            match matrix_of(&bytes, name) {
                Ok(matrix) => prop_assert!(!matrix.is_empty() && matrix.iter().all(|x| x.is_finite())),
                Err(refused) => prop_assert!(!refused.to_string().contains('\n')),
            }
        }
    }

    #[test]
    fn no_cohort_makes_the_reader_panic(files in prop::collection::vec(prop::option::weighted(0.3, nearly_csv()), PLAIN.len())) {
        let dir = tempfile::tempdir().unwrap();
        for ((name, text), other) in PLAIN.iter().zip(files) {
            fs::write(dir.path().join(name), other.unwrap_or_else(|| text.as_bytes().to_vec())).unwrap();
        }
        match read_mogonet(dir.path()) {
            Ok(cohort) => prop_assert!(cohort.train.check().is_ok() && cohort.test.check().is_ok()),
            Err(refused) => prop_assert!(!refused.to_string().contains('\n')),
        }
    }
}

/// 8 MB: several blocks of lines are turned into numbers one after the other, each in parallel.
fn large() -> (Array2<f32>, String) {
    let matrix = Array2::from_shape_fn((800, 1000), |(i, j)| (i * 1000 + j) as f32 / 64.0);
    let text = matrix.rows().into_iter().map(|row| {
        let cells: Vec<String> = row.iter().map(|x| format!("{x:.7}")).collect();
        cells.join(",") + "\n"
    });
    let text = text.collect();
    (matrix, text)
}

#[test]
fn a_large_matrix_is_the_same_whatever_the_number_of_threads() {
    let (matrix, text) = large();
    for threads in [1, 3] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        assert!(
            pool.install(|| matrix_of(text.as_bytes(), "1_tr.csv")).unwrap() == matrix,
            "{threads} threads"
        );
    }
}

#[test]
fn of_several_faults_the_first_is_reported() {
    let (_, text) = large();
    let mut lines: Vec<&str> = text.lines().collect();
    let short = "1,2";
    lines[700] = short;
    let refused =
        |lines: &[&str]| matrix_of(lines.join("\n").as_bytes(), "1_tr.csv").unwrap_err().to_string();
    assert!(refused(&lines).contains("row 701"), "{}", refused(&lines));
    let bad = lines[20].replacen("312.5", "x", 1);
    lines[20] = &bad;
    lines[699] = "";
    assert!(refused(&lines).contains("row 21, column"), "{}", refused(&lines));
}
