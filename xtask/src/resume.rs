//! `train --resume`: which run goes on, from which checkpoint, and whether it is still the same run.

use crate::failure::{Exit, Failure};
use crate::output;
use crate::provenance::Provenance;
use crate::run_folder::{self, RunFolder};
use crate::settings::{ConfigArgs, Resolved};
use lightning_core::checkpoint::{Newest, newest_valid, remove_leftovers};
use std::path::{Path, PathBuf};

/// A run that goes on.
pub(crate) struct Resumed {
    pub(crate) folder: RunFolder,
    /// Its settings, as they were and are.
    pub(crate) config: Resolved,
    started: Provenance,
    /// A checkpoint that was asked for by name.
    named: Option<PathBuf>,
}

impl Resumed {
    /// The run that `--resume` names; for `auto` the newest below `--out`, and none if there is none.
    ///
    /// Its settings lie below those of the command, which may repeat them and change nothing.
    pub(crate) fn find(wanted: &Path, args: &ConfigArgs) -> Result<Option<Self>, Failure> {
        let (folder, named) = if wanted == Path::new("auto") {
            let out = args.resolve(None)?;
            let out = out.settings.run.out.path();
            let Some(folder) = run_folder::newest(out)? else {
                let logs = out.join("lightning_logs");
                output::note(&format!("note: no run in {}, beginning one", logs.display()));
                return Ok(None);
            };
            // What is written before the training begins, in this order.
            if !folder.join("run.json").is_file() {
                let folder = folder.display();
                output::note(&format!("note: {folder}: ended before it began, beginning another run"));
                return Ok(None);
            }
            (folder, None)
        } else {
            named(wanted)?
        };
        let file = folder.join("config.toml");
        if !file.is_file() {
            let message = format!("{}: is missing, so that this is no folder of a run", file.display());
            return Err(Failure::new(Exit::Usage, message)
                .with("give --resume a folder version_N, one of its checkpoints, or auto"));
        }
        let was = Resolved::of_file(&file)?;
        let config = args.resolve(Some(&file))?;
        if let Some((name, before, now)) = was.difference(&config) {
            let origin = config.origin(&name);
            return Err(Failure::new(
                Exit::Usage,
                format!(
                    "{}: was begun with {name} = {before}, {origin} says {now}; leave that out, or begin another \
                     run without --resume",
                    folder.display()
                ),
            ));
        }
        if config.settings.run.seeds != 1 {
            return Err(Failure::new(
                Exit::Usage,
                "--resume goes on with one run, of one seed; leave --seeds out",
            ));
        }
        let started = Provenance::read(&folder)?;
        let folder = RunFolder::lock(folder)?.ok_or_else(|| in_use(wanted))?;
        Ok(Some(Resumed { folder, config, started, named }))
    }

    /// Confirms that the data is the same.
    pub(crate) fn check_data(&self, hash: &str) -> Result<(), Failure> {
        if self.started.data_hash == hash {
            return Ok(());
        }
        let message = format!(
            "{}: was begun with other data (SHA-256 {}, now {}); give --data the very files it was begun with, or \
             begin another run without --resume",
            self.folder.path().display(),
            short(&self.started.data_hash),
            short(hash)
        );
        Err(Failure::new(Exit::Data, message))
    }

    /// The checkpoint to go on from: the one that was named, or the newest that verifies. None before the first one.
    pub(crate) fn checkpoint(&self) -> Result<Option<PathBuf>, Failure> {
        if let Some(path) = &self.named {
            return Ok(Some(path.clone()));
        }
        let folder = self.folder.path().join("checkpoints");
        if !folder.is_dir() {
            output::note(&format!(
                "note: {}: no checkpoint yet, beginning anew",
                self.folder.path().display()
            ));
            return Ok(None);
        }
        let Newest::<f32> { found, mut passed_over } = newest_valid(&folder)?;
        for error in &passed_over {
            output::note(&format!("note: passed over {error}"));
        }
        // What a killed run left half-written is in nobody's way if it cannot be removed.
        let _ = remove_leftovers(&folder);
        match found {
            Some((path, _)) => {
                output::note(&format!("note: going on from {}", path.display()));
                Ok(Some(path))
            }
            None if passed_over.is_empty() => Ok(None),
            None => {
                Err(Failure::from(passed_over.swap_remove(0)).with("no checkpoint of this run can be used"))
            }
        }
    }
}

/// The run's folder and the checkpoint that a path names.
fn named(path: &Path) -> Result<(PathBuf, Option<PathBuf>), Failure> {
    let is_checkpoint = path.extension().is_some_and(|end| end == "ckpt");
    let above = |path: &Path| path.parent().map_or_else(PathBuf::new, Path::to_owned);
    if is_checkpoint && path.is_file() {
        let full = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        return Ok((above(&above(&full)), Some(path.to_owned())));
    }
    if !path.is_dir() {
        let message = format!("{}: there is no such folder or checkpoint to resume", path.display());
        return Err(
            Failure::new(Exit::Usage, message).with("give a folder version_N, or auto for the newest")
        );
    }
    match path.file_name() {
        Some(name) if name == "checkpoints" => Ok((above(path), None)),
        _ => Ok((path.to_owned(), None)),
    }
}

fn in_use(path: &Path) -> Failure {
    let message = format!("{}: another process is training in this run folder", path.display());
    Failure::new(Exit::Usage, message).with("wait for its end, or begin another run without --resume")
}

fn short(hash: &str) -> &str {
    hash.get(..12).unwrap_or(hash)
}
