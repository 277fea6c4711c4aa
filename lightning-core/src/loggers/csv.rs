//! `metrics.csv` and `hparams.yaml` in a run folder.

use super::{Logger, Metric, MetricsRow, RunStatus, at, refused};
use crate::checkpoint::write_atomically;
use crate::{Hyperparameters, Stage};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fmt::Write as _;
use std::fs::{self, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Writes `metrics.csv`, one row for each stage and step, and `hparams.yaml`: Lightning's `CSVLogger`.
///
/// The columns are `stage,epoch,step,batches` and the names in the order in which they first appear; a field is empty
/// where a row has no such value. Values logged at one moment share a row. Rows are kept until there are many,
/// then appended; a new name writes the file anew, once, as a whole or not at all.
#[derive(Debug)]
pub struct CsvLogger {
    dir: PathBuf,
    columns: Vec<Arc<str>>,
    /// The row that may still get values; its names are sorted.
    open: Option<Row>,
    /// Closed rows that are not in the file yet.
    pending: Vec<Row>,
    /// Rows in the file.
    written: usize,
    /// Columns in the file; none before it is made.
    file_columns: Option<usize>,
}

/// Stage, epoch, step and batches: rows of one moment are one row.
type Moment<S> = (S, usize, u64, u64);

#[derive(Clone, Debug)]
struct Row {
    moment: Moment<Stage>,
    metrics: Vec<Metric>,
}

/// What a checkpoint keeps: the open row is not written early, so that where a run was saved does not show in
/// the file.
#[derive(Serialize, Deserialize)]
struct Position {
    rows: usize,
    columns: Vec<String>,
    open: Option<SavedRow>,
}

#[derive(Serialize, Deserialize)]
struct SavedRow {
    moment: Moment<String>,
    /// Values as text: JSON has no NaN.
    metrics: Vec<(String, String)>,
}

/// Rows kept in memory at most.
const FLUSH_ROWS: usize = 100;

const STAGES: [Stage; 4] = [Stage::Train, Stage::Validate, Stage::Test, Stage::Predict];

impl CsvLogger {
    /// A logger that writes into `dir`, which is made if it is not there.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        CsvLogger {
            dir: dir.into(),
            columns: Vec::new(),
            open: None,
            pending: Vec::new(),
            written: 0,
            file_columns: None,
        }
    }

    /// The file of the metrics.
    pub fn path(&self) -> PathBuf {
        self.dir.join("metrics.csv")
    }

    fn close_row(&mut self) {
        let Some(row) = self.open.take() else { return };
        for metric in &row.metrics {
            if !self.columns.contains(&metric.name) {
                self.columns.push(metric.name.clone());
            }
        }
        self.pending.push(row);
    }

    fn flush(&mut self) -> io::Result<()> {
        let path = self.path();
        if self.pending.is_empty() {
            return Ok(());
        }
        let mut text = match self.file_columns {
            Some(known) if known == self.columns.len() => String::new(),
            Some(known) => self.widened(&path, self.columns.len() - known).map_err(at(&path))?,
            None => header(&self.columns),
        };
        let whole = !text.is_empty();
        self.pending.iter().for_each(|row| write_row(&mut text, row, &self.columns));
        if whole {
            fs::create_dir_all(&self.dir).map_err(at(&self.dir))?;
            write_atomically(&path, text.as_bytes()).map_err(at(&path))?;
        } else {
            let file = OpenOptions::new().append(true).open(&path);
            file.and_then(|mut file| file.write_all(text.as_bytes())).map_err(at(&path))?;
        }
        self.file_columns = Some(self.columns.len());
        self.written += self.pending.len();
        self.pending.clear();
        Ok(())
    }

    /// The file as it is, under the new header: every old row gets empty fields at its end.
    fn widened(&self, path: &Path, extra: usize) -> io::Result<String> {
        let old = fs::read_to_string(path)?;
        let mut text = header(&self.columns);
        for line in old[header_end(&old)..].lines() {
            text.push_str(line);
            text.extend(std::iter::repeat_n(',', extra));
            text.push('\n');
        }
        Ok(text)
    }
}

fn header(columns: &[impl AsRef<str>]) -> String {
    let mut line = String::from("stage,epoch,step,batches");
    for name in columns {
        line.push(',');
        line.push_str(&quoted(name.as_ref()));
    }
    line + "\n"
}

fn write_row(text: &mut String, row: &Row, columns: &[Arc<str>]) {
    let (stage, epoch, step, batches) = row.moment;
    let _ = write!(text, "{},{epoch},{step},{batches}", stage.name());
    for name in columns {
        text.push(',');
        if let Ok(i) = row.metrics.binary_search_by(|metric| metric.name.cmp(name)) {
            let _ = write!(text, "{}", row.metrics[i].value);
        }
    }
    text.push('\n');
}

fn quoted(name: &str) -> String {
    if name.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", name.replace('"', "\"\""))
    } else {
        name.to_owned()
    }
}

/// Where the rows begin. Only the header can have quotes, and a line's end within them.
fn header_end(text: &str) -> usize {
    let mut quotes = false;
    let end = text.bytes().position(|byte| {
        quotes ^= byte == b'"';
        byte == b'\n' && !quotes
    });
    end.map_or(text.len(), |end| end + 1)
}

/// The first `rows` rows of a file, with the columns that it had then; `None` if it cannot be that file.
fn cut(text: &str, position: &Position) -> Option<String> {
    let mut kept = header(&position.columns);
    let known = text.strip_prefix(kept.trim_end_matches('\n'))?;
    known.starts_with([',', '\n']).then_some(())?;
    let fields = 4 + position.columns.len();
    let mut lines = text[header_end(text)..].split_inclusive('\n');
    for _ in 0..position.rows {
        let line = lines.next()?.strip_suffix('\n')?;
        let end = line.match_indices(',').nth(fields - 1).map_or(line.len(), |(end, _)| end);
        kept.push_str(&line[..end]);
        kept.push('\n');
    }
    Some(kept)
}

impl Row {
    /// The newest value of a name stays.
    fn insert(&mut self, metric: &Metric) {
        match self.metrics.binary_search_by(|known| known.name.cmp(&metric.name)) {
            Ok(i) => self.metrics[i].value = metric.value,
            Err(i) => self.metrics.insert(i, metric.clone()),
        }
    }

    fn restored(saved: SavedRow) -> Option<Self> {
        let (name, epoch, step, batches) = saved.moment;
        let stage = STAGES.into_iter().find(|stage| stage.name() == name)?;
        let metrics =
            saved.metrics.into_iter().map(|(name, value)| Some(Metric::new(name, value.parse().ok()?)));
        Some(Row { moment: (stage, epoch, step, batches), metrics: metrics.collect::<Option<_>>()? })
    }
}

impl Logger for CsvLogger {
    fn name(&self) -> &str {
        "csv"
    }

    fn log_hyperparameters(&mut self, hparams: &Hyperparameters) -> io::Result<()> {
        fs::create_dir_all(&self.dir).map_err(at(&self.dir))?;
        let path = self.dir.join("hparams.yaml");
        write_atomically(&path, hparams.to_yaml().as_bytes()).map_err(at(&path))
    }

    fn log_metrics(&mut self, row: &MetricsRow<'_>) -> io::Result<()> {
        let &MetricsRow { stage, epoch, step, batches, metrics } = row;
        let moment = (stage, epoch, step, batches);
        if self.open.as_ref().is_none_or(|open| open.moment != moment) {
            self.close_row();
            if self.pending.len() >= FLUSH_ROWS {
                self.flush()?;
            }
        }
        let open = self.open.get_or_insert_with(|| Row { moment, metrics: Vec::new() });
        metrics.iter().for_each(|metric| open.insert(metric));
        Ok(())
    }

    fn position(&mut self) -> io::Result<Value> {
        self.flush()?;
        let open = self.open.as_ref().map(|row| {
            let metrics =
                row.metrics.iter().map(|metric| (metric.name.to_string(), metric.value.to_string()));
            let (stage, epoch, step, batches) = row.moment;
            SavedRow { moment: (stage.name().to_owned(), epoch, step, batches), metrics: metrics.collect() }
        });
        let columns = self.columns.iter().map(|name| name.to_string()).collect();
        let position = Position { rows: self.written, columns, open };
        serde_json::to_value(position).map_err(io::Error::from)
    }

    fn files(&self) -> Vec<PathBuf> {
        vec![self.path()]
    }

    fn rewind(&mut self, position: &Value) -> io::Result<()> {
        let path = self.path();
        let position = Position::deserialize(position)
            .map_err(|error| refused(&path, &format!("its place is not one: {error}")))?;
        *self = CsvLogger::new(std::mem::take(&mut self.dir));
        let text = match fs::read_to_string(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                // A run that was saved before its first row was written has no file yet, and loses none.
                self.open = position.open.filter(|_| position.rows == 0).and_then(Row::restored);
                return Ok(());
            }
            text => text.map_err(at(&path))?,
        };
        let kept = cut(&text, &position).ok_or_else(|| {
            let problem = format!("does not begin with the {} rows that the checkpoint knows", position.rows);
            refused(&path, &problem)
        })?;
        write_atomically(&path, kept.as_bytes()).map_err(at(&path))?;
        (self.written, self.file_columns) = (position.rows, Some(position.columns.len()));
        self.columns = position.columns.into_iter().map(Arc::from).collect();
        self.open = position.open.and_then(Row::restored);
        Ok(())
    }

    fn finalize(&mut self, _: RunStatus) -> io::Result<()> {
        self.close_row();
        self.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn log(logger: &mut CsvLogger, stage: Stage, step: u64, values: &[(&str, f64)]) {
        let metrics: Vec<Metric> = values.iter().map(|&(name, value)| Metric::new(name, value)).collect();
        let row = MetricsRow { stage, epoch: 0, step, batches: step, metrics: &metrics };
        logger.log_metrics(&row).expect("a row");
    }

    fn text(logger: &mut CsvLogger) -> String {
        logger.finalize(RunStatus::Success).expect("written");
        fs::read_to_string(logger.path()).expect("the file")
    }

    #[test]
    fn a_moment_is_one_row_and_a_new_name_widens_the_file() {
        let dir = tempfile::tempdir().expect("a folder");
        let mut logger = CsvLogger::new(dir.path().join("run"));
        log(&mut logger, Stage::Train, 1, &[("loss", 0.5)]);
        log(&mut logger, Stage::Train, 1, &[("a,b", 2.0)]);
        logger.finalize(RunStatus::Success).expect("written");
        log(&mut logger, Stage::Validate, 1, &[("ptl/val_loss", 0.25)]);
        log(&mut logger, Stage::Validate, 2, &[("ptl/val_loss", f64::NAN)]);
        assert_eq!(
            text(&mut logger),
            "stage,epoch,step,batches,\"a,b\",loss,ptl/val_loss\n\
             train,0,1,1,2,0.5,\nval,0,1,1,,,0.25\nval,0,2,2,,,NaN\n"
        );
    }

    #[test]
    fn rewinding_cuts_rows_and_columns_that_came_later() {
        let dir = tempfile::tempdir().expect("a folder");
        let mut logger = CsvLogger::new(dir.path());
        log(&mut logger, Stage::Train, 1, &[("odd \"\n,name", 0.5)]);
        log(&mut logger, Stage::Train, 2, &[("odd \"\n,name", f64::INFINITY)]);
        let position = logger.position().expect("a place");
        log(&mut logger, Stage::Train, 2, &[("late", 2.0)]);
        log(&mut logger, Stage::Validate, 2, &[("val", 3.0)]);
        let whole = text(&mut logger);
        let mut resumed = CsvLogger::new(dir.path());
        resumed.rewind(&position).expect("the place is known");
        let cut = fs::read_to_string(resumed.path()).expect("the file");
        assert_eq!(cut, "stage,epoch,step,batches,\"odd \"\"\n,name\"\ntrain,0,1,1,0.5\n");
        log(&mut resumed, Stage::Train, 2, &[("late", 2.0)]);
        log(&mut resumed, Stage::Validate, 2, &[("val", 3.0)]);
        assert_eq!(text(&mut resumed), whole);
    }

    #[test]
    fn a_run_killed_before_its_first_row_was_written_loses_none() {
        let dir = tempfile::tempdir().expect("a folder");
        let mut logger = CsvLogger::new(dir.path());
        log(&mut logger, Stage::Train, 1, &[("loss", 0.5)]);
        let position = logger.position().expect("a place");
        assert!(!logger.path().exists());
        let mut resumed = CsvLogger::new(dir.path());
        resumed.rewind(&position).expect("nothing is missing");
        log(&mut resumed, Stage::Train, 2, &[("loss", 0.25)]);
        assert_eq!(text(&mut resumed), "stage,epoch,step,batches,loss\ntrain,0,1,1,0.5\ntrain,0,2,2,0.25\n");
    }

    #[test]
    fn a_file_that_lost_rows_is_refused_and_one_that_is_not_there_begun_anew() {
        let dir = tempfile::tempdir().expect("a folder");
        let mut logger = CsvLogger::new(dir.path());
        log(&mut logger, Stage::Train, 1, &[("loss", 0.5)]);
        log(&mut logger, Stage::Train, 2, &[("loss", 0.5)]);
        let position = logger.position().expect("a place");
        fs::write(logger.path(), "stage,epoch,step,batches,loss\ntrain,0,1,1").expect("a cut file");
        let error = logger.rewind(&position).expect_err("the row is not whole");
        assert!(error.to_string().ends_with(
            "metrics.csv: does not begin with the 1 rows that the checkpoint knows; \
             resume in another folder to begin a new log"
        ));
        fs::remove_file(logger.path()).expect("removed");
        logger.rewind(&position).expect("nothing contradicts");
        log(&mut logger, Stage::Train, 3, &[("loss", 0.25)]);
        assert_eq!(text(&mut logger), "stage,epoch,step,batches,loss\ntrain,0,3,3,0.25\n");
    }
}
