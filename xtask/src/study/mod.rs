//! `study`: the trainings of `docs/results.md`, and the tables made of them.

mod runs;
mod tables;

use crate::ci::workspace_root;
use crate::failure::{Exit, Failure};
use crate::{document, output};
use clap::Args;
use lightning_core::checkpoint::write_atomically;
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

const AFTER: &str = "\
The folder holds the data sets ROSMAP, BRCA263, TCGA_BREAST3 and MFEAT. Each is
learnt with seeds 0, 1, ..., beside the baselines, by the recipe that its table
names. Needs some minutes and leaves the runs under --out.

Examples:
  cargo xtask study --data ../shared/data
  cargo xtask study --data ../shared/data --only MFEAT --seeds 2
  cargo xtask study --data ../shared/data --write   replace docs/results.md's

Exit codes: 0 done, 2 wrong flag, 3 data refused, 5 writing failed,
6 training diverged, 130 Ctrl-C, 143 SIGTERM";

/// Train on the benchmark sets, make the tables of docs/results.md
#[derive(Args)]
#[command(after_help = AFTER)]
pub(crate) struct StudyArgs {
    /// Folder that holds the data sets
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Seeds of each training
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..))]
    seeds: u64,
    /// This data set alone
    #[arg(long, value_name = "NAME")]
    only: Option<String>,
    /// Folder for the runs
    #[arg(long, value_name = "DIR", default_value = "target/study")]
    out: PathBuf,
    /// Print what each run found as JSON, not the tables
    #[arg(long)]
    json: bool,
    /// Replace the tables in docs/results.md
    #[arg(long)]
    write: bool,
}

/// A training whose result is published.
struct Study {
    /// The folder of the data, and the title.
    data: &'static str,
    /// The recipe, in words and in flags.
    recipe: &'static str,
    flags: &'static [&'static str],
    /// What a PyTorch implementation of the same model reached with other seeds.
    reference: Option<Reference>,
    /// What to keep in mind when reading the table.
    remark: &'static str,
}

/// Mean and standard deviation over the seeds of the reference.
struct Reference {
    /// As in `results.json`, with mean and deviation.
    scores: &'static [(&'static str, f64, f64)],
}

const POST_LAST: [&str; 4] = ["--preset", "post", "--checkpoint", "last"];

const NOISE_AWARE: [&str; 6] =
    ["--preset", "post", "--checkpoint", "last", "--model.confidence", "noise-aware"];

const STUDIES: [Study; 7] = [
    Study {
        data: "ROSMAP",
        recipe: "the paper's recipe",
        flags: &["--preset", "paper"],
        reference: Some(Reference {
            scores: &[("acc", 0.8160, 0.0149), ("f1", 0.8211, 0.0112), ("auc", 0.9004, 0.0094)],
        }),
        remark: "As published it was scaled over train and test together; we scale again by the training rows alone.",
    },
    Study {
        data: "ROSMAP",
        recipe: "the post's recipe, last epoch",
        flags: &POST_LAST,
        reference: Some(Reference {
            scores: &[("acc", 0.7962, 0.0232), ("f1", 0.8057, 0.0183), ("auc", 0.8819, 0.0126)],
        }),
        remark: "The reference stopped after 123 ± 27 epochs, this recipe after 100.",
    },
    Study {
        data: "BRCA263",
        recipe: "the post's recipe, last epoch",
        flags: &POST_LAST,
        reference: Some(Reference {
            scores: &[("acc", 0.7915, 0.0129), ("weighted_f1", 0.7670, 0.0199), ("macro_f1", 0.6660, 0.0554)],
        }),
        remark: "Not the paper's split. Five of the 106 test rows stand in train as well, each under another class.",
    },
    Study {
        data: "TCGA_BREAST3",
        recipe: "the post's recipe, last epoch",
        flags: &POST_LAST,
        reference: Some(Reference {
            scores: &[("acc", 0.9511, 0.0293), ("weighted_f1", 0.9510, 0.0), ("macro_f1", 0.9426, 0.0349)],
        }),
        remark: "45 test rows: one row is 0.022.",
    },
    Study {
        data: "MFEAT",
        recipe: "the post's recipe, last epoch",
        flags: &POST_LAST,
        reference: None,
        remark: "Handwritten digits in six views, no omics; three of the 400 test rows stand in train as well.",
    },
    Study {
        data: "ROSMAP",
        recipe: "noise-aware confidences",
        flags: &NOISE_AWARE,
        reference: None,
        remark: "The post's recipe with the bounded head, to be compared with the second table.",
    },
    Study {
        data: "TCGA_BREAST3",
        recipe: "noise-aware confidences",
        flags: &NOISE_AWARE,
        reference: None,
        remark: "The post's recipe with the bounded head, to be compared with the fourth table.",
    },
];

pub(crate) fn run(args: &StudyArgs) -> Result<(), Failure> {
    let chosen: Vec<&Study> =
        STUDIES.iter().filter(|study| args.only.as_deref().is_none_or(|name| name == study.data)).collect();
    if chosen.is_empty() {
        let names: Vec<&str> = STUDIES.iter().map(|study| study.data).collect();
        let found = args.only.as_deref().unwrap_or_default();
        return Err(Failure::new(
            Exit::Usage,
            format!("--only is {found:?}, expected one of {}", names.join(", ")),
        ));
    }
    let mut found = BTreeMap::new();
    for study in chosen {
        let results = runs::train(study, args)?;
        let table = tables::section(study, args.seeds, &results)?;
        if !args.json {
            output::print(&format!("{table}\n"))?;
        }
        if args.write {
            write(&study.block(), &table)?;
        }
        found.insert(study.block(), results);
    }
    if args.json { output::json(&found) } else { Ok(()) }
}

impl Study {
    /// The name of its block in the document.
    fn block(&self) -> String {
        format!("{}, {}", self.data, self.recipe)
    }
}

fn write(block: &str, text: &str) -> Result<(), Failure> {
    let path = workspace_root()?.join("docs/results.md");
    let old = fs::read_to_string(&path).map_err(|error| Failure::writing(&path, &error))?;
    let new = document::replaced(&old, block, text)
        .map_err(|message| Failure::new(Exit::Writing, format!("{}: {message}", path.display())))?;
    write_atomically(&path, new.as_bytes()).map_err(|error| Failure::writing(&path, &error))
}
