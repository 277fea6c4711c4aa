//! The trainings of a study, each by this very program's `train`.

use super::{Study, StudyArgs};
use crate::failure::{Exit, Failure};
use crate::output;
use crate::results::RunResults;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// What the run of each seed found, in the order of the seeds.
pub(super) fn train(study: &Study, args: &StudyArgs) -> Result<Vec<RunResults>, Failure> {
    let out = args.out.join(study.block().replace([',', ' ', '\''], "_"));
    if out.exists() {
        fs::remove_dir_all(&out).map_err(|error| Failure::writing(&out, &error))?;
    }
    output::note(&format!("── {}", study.block()));
    let program = std::env::current_exe()
        .map_err(|error| Failure::new(Exit::Usage, format!("this program cannot be run again: {error}")))?;
    let status = Command::new(program)
        .args(["train", "--quiet", "--baselines", "--seeds", &args.seeds.to_string()])
        .args(study.flags)
        .arg("--data")
        .arg(args.data.join(study.data))
        .arg("--out")
        .arg(&out)
        .stdout(if args.json { Stdio::null() } else { Stdio::inherit() })
        .status()
        .map_err(|error| Failure::new(Exit::Usage, format!("the training cannot be started: {error}")))?;
    if !status.success() {
        // The training has said why; a signal leaves no code.
        let exit = status.code().and_then(Exit::from_code).unwrap_or(Exit::Interrupted);
        return Err(Failure::new(exit, format!("the training of {} has no result", study.block())));
    }
    let logs = out.join("lightning_logs");
    (0..args.seeds).map(|version| read(&logs.join(format!("version_{version}/results.json")))).collect()
}

fn read(path: &Path) -> Result<RunResults, Failure> {
    let refuse =
        |reason: String| Failure::new(Exit::Data, format!("{}: {reason}", PathBuf::from(path).display()));
    let text = fs::read_to_string(path).map_err(|error| refuse(error.to_string()))?;
    serde_json::from_str(&text).map_err(|error| refuse(error.to_string()))
}
