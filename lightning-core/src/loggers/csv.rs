//! `metrics.csv` and `hparams.yaml` in a run folder.

use super::{Logger, MetricsRow};
use crate::{Hyperparameters, Metrics};
use std::fmt::Write as _;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Writes `metrics.csv`, one row per stage and step, and `hparams.yaml`: Lightning's `CSVLogger`.
///
/// The columns are `stage,epoch,step` and the names in the order in which they first appear. Rows are kept until
/// [`finalize`](Logger::finalize) or until there are many, then appended; a new name rewrites the file once.
#[derive(Debug)]
pub struct CsvLogger {
    dir: PathBuf,
    columns: Vec<String>,
    pending: Vec<Row>,
    last: Option<Row>,
    is_written: bool,
}

#[derive(Clone, Debug)]
struct Row {
    stage: &'static str,
    epoch: usize,
    step: u64,
    metrics: Metrics,
}

/// Rows kept in memory at most.
const FLUSH_ROWS: usize = 100;

impl CsvLogger {
    /// A logger that writes into `dir`, which is made if it is not there.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        CsvLogger { dir: dir.into(), columns: Vec::new(), pending: Vec::new(), last: None, is_written: false }
    }

    /// The file of the metrics.
    pub fn path(&self) -> PathBuf {
        self.dir.join("metrics.csv")
    }

    fn header(&self) -> String {
        let mut line = String::from("stage,epoch,step");
        for name in &self.columns {
            line.push(',');
            line.push_str(&quoted(name));
        }
        line + "\n"
    }

    fn line(&self, row: &Row) -> String {
        let mut line = format!("{},{},{}", row.stage, row.epoch, row.step);
        for name in &self.columns {
            line.push(',');
            if let Some(value) = row.metrics.get(name) {
                let _ = write!(line, "{value}");
            }
        }
        line + "\n"
    }

    fn flush(&mut self) -> io::Result<()> {
        fs::create_dir_all(&self.dir)?;
        let known = self.columns.len();
        for name in self.pending.iter().flat_map(|row| row.metrics.keys()) {
            if !self.columns.contains(name) {
                self.columns.push(name.clone());
            }
        }
        let mut text = if !self.is_written {
            self.header()
        } else if self.columns.len() > known {
            self.widened(&self.path(), self.columns.len() - known)?
        } else {
            String::new()
        };
        let whole = !text.is_empty();
        for row in &self.pending {
            text.push_str(&self.line(row));
        }
        if whole {
            crate::checkpoint::write_atomically(&self.path(), text.as_bytes())?;
        } else {
            use io::Write as _;
            fs::OpenOptions::new().append(true).open(self.path())?.write_all(text.as_bytes())?;
        }
        self.pending.clear();
        self.is_written = true;
        Ok(())
    }

    /// The file as it is, under the new header: every old row gets empty fields at its end.
    fn widened(&self, path: &Path, extra: usize) -> io::Result<String> {
        let old = fs::read_to_string(path)?;
        let mut text = self.header();
        for line in old.lines().skip(1) {
            text.push_str(line);
            text.extend(std::iter::repeat_n(',', extra));
            text.push('\n');
        }
        Ok(text)
    }
}

fn quoted(name: &str) -> String {
    if name.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", name.replace('"', "\"\""))
    } else {
        name.to_owned()
    }
}

impl Logger for CsvLogger {
    fn log_hyperparameters(&mut self, hparams: &Hyperparameters) -> io::Result<()> {
        fs::create_dir_all(&self.dir)?;
        crate::checkpoint::write_atomically(&self.dir.join("hparams.yaml"), hparams.to_yaml().as_bytes())
    }

    fn log_metrics(&mut self, row: &MetricsRow<'_>) -> io::Result<()> {
        let (stage, epoch, step) = (row.stage.name(), row.epoch, row.step);
        if let Some(last) = &mut self.last
            && (last.stage, last.epoch, last.step) == (stage, epoch, step)
        {
            last.metrics.extend(row.metrics.clone());
            return Ok(());
        }
        self.pending.extend(self.last.replace(Row { stage, epoch, step, metrics: row.metrics.clone() }));
        if self.pending.len() >= FLUSH_ROWS { self.flush() } else { Ok(()) }
    }

    fn finalize(&mut self) -> io::Result<()> {
        self.pending.extend(self.last.take());
        if self.pending.is_empty() { Ok(()) } else { self.flush() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Stage;

    fn log(logger: &mut CsvLogger, stage: Stage, step: u64, values: &[(&str, f64)]) {
        let metrics: Metrics = values.iter().map(|&(name, value)| (name.to_owned(), value)).collect();
        logger.log_metrics(&MetricsRow { stage, epoch: 0, step, metrics: &metrics }).expect("a row");
    }

    #[test]
    fn a_moment_is_one_row_and_a_new_name_widens_the_file() {
        let dir = tempfile::tempdir().expect("a folder");
        let mut logger = CsvLogger::new(dir.path().join("run"));
        log(&mut logger, Stage::Train, 1, &[("loss", 0.5)]);
        log(&mut logger, Stage::Train, 1, &[("a,b", 2.0)]);
        logger.finalize().expect("written");
        log(&mut logger, Stage::Validate, 1, &[("ptl/val_loss", 0.25)]);
        log(&mut logger, Stage::Validate, 2, &[("ptl/val_loss", f64::NAN)]);
        logger.finalize().expect("written");
        let text = fs::read_to_string(logger.path()).expect("the file");
        assert_eq!(
            text,
            "stage,epoch,step,\"a,b\",loss,ptl/val_loss\ntrain,0,1,2,0.5,\nval,0,1,,,0.25\nval,0,2,,,NaN\n"
        );
    }
}
