//! The public cohorts that can be fetched, and what their bytes must be.

use clap::ValueEnum;
use std::collections::BTreeMap;

/// The repository of the MOGONET paper.
pub(crate) const URL: &str = "https://github.com/txWang/MOGONET";
/// The commit whose files are fetched: git ties every byte to it.
pub(crate) const COMMIT: &str = "32d9066b7fe289b3f7cdb496a5668834079c274c";
pub(crate) const LICENCE: &str = "MIT, copyright 2021 txWang (the repository's LICENSE)";
pub(crate) const CITATION: &str = "Wang, T., Shao, W., Huang, Z. et al. MOGONET integrates multi-omics data using graph \
    convolutional networks allowing patient classification and biomarker identification. Nat Commun 12, 3445 (2021).";

/// A cohort of that repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Cohort {
    Rosmap,
    Brca,
}

/// SHA-256 of the published files.
const ROSMAP: [(&str, &str); 11] = [
    ("1_featname.csv", "1df5c536e47eb0d532abbb8bea6a9361bba01a913e03cd03b8ef06fb7849a660"),
    ("1_te.csv", "d9d9daf05915556fd13008fb6ad7d88e0c5a8a57e5a985548640d4cd1563712b"),
    ("1_tr.csv", "37bfcc58da320bf6c37b22617ed821dcfa96ca4abd334adf4d42c8e3375d972b"),
    ("2_featname.csv", "7431418fb193e02a1c1431f9446ccc227c8818a4d40c1cb72a2b640a0d8d38b7"),
    ("2_te.csv", "546e9d7f640e54c4c1d6540ed2c1a3adb10497635e7d6b8d4099b4930271ac76"),
    ("2_tr.csv", "b1d1d20f8793e5f11248218f19493d9a7be366ee5bbbaff585058401976f8a21"),
    ("3_featname.csv", "2b0b3451af16597ae34342a6abc99e397482fef30a61821a8e8fe7cb69276bae"),
    ("3_te.csv", "c0d9efd6c35e8c5768b759238c95c64674d7e1e7f76ed07fca6f168d67e676f4"),
    ("3_tr.csv", "fd8708bc0c41f774209f9e6a49a74c5a9acd510dd62eadc299a18d49ccd9e862"),
    ("labels_te.csv", "20d728c6f51f79ff5fa7719b960daf22074a0e6e1f3028869042b02ca4e3f68d"),
    ("labels_tr.csv", "5859aa107dbf406937938ebefbec122d01fea5d41a9bd0292199f4406749e45d"),
];

/// The one of BRCA's files whose published bytes were at hand.
const BRCA: [(&str, &str); 1] =
    [("3_featname.csv", "8611468fc59e71ec3a970611d0d2060b84f8af1d27c5caeb65739e895467516e")];

impl Cohort {
    /// Its folder in the repository, and the name of the folder that is made.
    pub(crate) fn folder(self) -> &'static str {
        match self {
            Cohort::Rosmap => "ROSMAP",
            Cohort::Brca => "BRCA",
        }
    }

    /// The files that make up the cohort: three views and labels.
    pub(crate) fn files(self) -> impl Iterator<Item = &'static str> {
        ROSMAP.into_iter().map(|(file, _)| file)
    }

    /// The known SHA-256 of each.
    pub(crate) fn checksums(self) -> BTreeMap<String, String> {
        let known: &[(&str, &str)] = match self {
            Cohort::Rosmap => &ROSMAP,
            Cohort::Brca => &BRCA,
        };
        known.iter().map(|(file, sum)| ((*file).to_owned(), (*sum).to_owned())).collect()
    }

    /// The names of the classes, a line each, as the repository's README files have them.
    pub(crate) fn classes(self) -> &'static str {
        match self {
            Cohort::Rosmap => "Normal Control\nAlzheimer's Disease\n",
            Cohort::Brca => "Normal-like\nBasal-like\nHER2-enriched\nLuminal A\nLuminal B\n",
        }
    }
}
