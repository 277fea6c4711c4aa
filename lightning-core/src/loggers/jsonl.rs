//! `metrics.jsonl`: every event of a run, one a line, in the order in which they came.

use super::{Figure, Histogram, Logger, Metric, MetricsRow, RunStatus, at, refused};
use crate::Hyperparameters;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Value, json};
use std::fs::{self, File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Appends one JSON object to `metrics.jsonl` for each event; a line is in the file when the call returns.
///
/// ```text
/// {"event":"hyperparameters","hyperparameters":{"lr":0.001}}
/// {"event":"metrics","stage":"train","epoch":0,"step":50,"batches":50,"metrics":{"loss":0.25}}
/// {"event":"metrics","stage":"val","epoch":0,"step":64,"batches":8,"metrics":{"acc":null},"non_finite":["acc"]}
/// {"event":"end","status":"success"}
/// ```
///
/// JSON has no NaN and no infinity: such a value is `null`, and `non_finite` lists the name. Other events are
/// `histogram`, `figure` (the picture itself is a file in `figures/`) and `final_metrics`.
#[derive(Debug)]
pub struct JsonLinesLogger {
    dir: PathBuf,
    file: Option<File>,
    line: Vec<u8>,
    len: u64,
    has_hyperparameters: bool,
}

#[derive(Serialize, Deserialize)]
struct Position {
    bytes: u64,
    has_hyperparameters: bool,
}

#[derive(Serialize)]
struct Row<'a> {
    event: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    stage: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    epoch: Option<usize>,
    step: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    batches: Option<u64>,
    #[serde(serialize_with = "as_map")]
    metrics: &'a [Metric],
    #[serde(skip_serializing_if = "all_finite", serialize_with = "non_finite_names")]
    non_finite: &'a [Metric],
}

/// serde_json writes a number that is not finite as `null`.
fn as_map<S: Serializer>(metrics: &[Metric], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(metrics.iter().map(|metric| (&*metric.name, metric.value)))
}

fn all_finite(metrics: &&[Metric]) -> bool {
    metrics.iter().all(|metric| metric.value.is_finite())
}

fn non_finite_names<S: Serializer>(metrics: &[Metric], serializer: S) -> Result<S::Ok, S::Error> {
    let names = metrics.iter().filter(|metric| !metric.value.is_finite());
    serializer.collect_seq(names.map(|metric| &*metric.name))
}

impl JsonLinesLogger {
    /// A logger that writes into `dir`, which is made if it is not there. A file that is there already is
    /// emptied by the first event, unless the logger is [rewound](Logger::rewind) first.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        JsonLinesLogger { dir: dir.into(), file: None, line: Vec::new(), len: 0, has_hyperparameters: false }
    }

    /// The file of the events.
    pub fn path(&self) -> PathBuf {
        self.dir.join("metrics.jsonl")
    }

    fn append(&mut self, event: &impl Serialize) -> io::Result<()> {
        self.line.clear();
        serde_json::to_writer(&mut self.line, event)?;
        self.line.push(b'\n');
        if self.file.is_none() {
            fs::create_dir_all(&self.dir).map_err(at(&self.dir))?;
            self.file = Some(File::create(self.path()).map_err(at(&self.path()))?);
        }
        if let Some(file) = &mut self.file {
            file.write_all(&self.line).map_err(at(&self.dir.join("metrics.jsonl")))?;
        }
        self.len += self.line.len() as u64;
        Ok(())
    }

    fn continue_at(&mut self, path: &Path, bytes: u64) -> io::Result<()> {
        let mut file = match OpenOptions::new().read(true).write(true).open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            file => file.map_err(at(path))?,
        };
        let found = file.metadata().map_err(at(path))?.len();
        if found < bytes {
            return Err(refused(path, &format!("has {found} bytes, the checkpoint knows {bytes}")));
        }
        file.set_len(bytes).and_then(|()| file.seek(SeekFrom::Start(bytes))).map_err(at(path))?;
        (self.file, self.len) = (Some(file), bytes);
        Ok(())
    }
}

impl Logger for JsonLinesLogger {
    fn name(&self) -> &str {
        "jsonl"
    }

    fn log_hyperparameters(&mut self, hparams: &Hyperparameters) -> io::Result<()> {
        if std::mem::replace(&mut self.has_hyperparameters, true) {
            return Ok(());
        }
        self.append(&json!({ "event": "hyperparameters", "hyperparameters": hparams.as_json() }))
    }

    fn log_metrics(&mut self, row: &MetricsRow<'_>) -> io::Result<()> {
        let &MetricsRow { stage, epoch, step, batches, metrics } = row;
        self.append(&Row {
            event: "metrics",
            stage: Some(stage.name()),
            epoch: Some(epoch),
            step,
            batches: Some(batches),
            metrics,
            non_finite: metrics,
        })
    }

    fn log_histogram(&mut self, tag: &str, histogram: &Histogram, step: u64) -> io::Result<()> {
        let Histogram { min, max, num, sum, sum_squares, limits, counts, non_finite } = histogram;
        self.append(&json!({
            "event": "histogram", "tag": tag, "step": step, "min": min, "max": max, "num": num, "sum": sum,
            "sum_squares": sum_squares, "limits": limits, "counts": counts, "non_finite": non_finite,
        }))
    }

    fn log_figure(&mut self, tag: &str, figure: &Figure<'_>, step: u64) -> io::Result<()> {
        let name = figure.write(&self.dir.join("figures"), tag, step)?;
        self.append(
            &json!({ "event": "figure", "tag": tag, "step": step, "file": format!("figures/{name}") }),
        )
    }

    fn log_final_metrics(&mut self, metrics: &[Metric], step: u64) -> io::Result<()> {
        let (stage, epoch, batches) = (None, None, None);
        self.append(&Row {
            event: "final_metrics",
            stage,
            epoch,
            step,
            batches,
            metrics,
            non_finite: metrics,
        })
    }

    fn position(&mut self) -> io::Result<Value> {
        let position = Position { bytes: self.len, has_hyperparameters: self.has_hyperparameters };
        serde_json::to_value(position).map_err(io::Error::from)
    }

    fn files(&self) -> Vec<PathBuf> {
        vec![self.path()]
    }

    fn rewind(&mut self, position: &Value) -> io::Result<()> {
        let path = self.path();
        let position = Position::deserialize(position)
            .map_err(|error| refused(&path, &format!("its place is not one: {error}")))?;
        *self = JsonLinesLogger::new(std::mem::take(&mut self.dir));
        self.continue_at(&path, position.bytes)?;
        self.has_hyperparameters = self.file.is_some() && position.has_hyperparameters;
        Ok(())
    }

    fn finalize(&mut self, status: RunStatus) -> io::Result<()> {
        self.append(&json!({ "event": "end", "status": status.name() }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Stage;

    fn log(logger: &mut JsonLinesLogger, step: u64, name: &str, value: f64) {
        let metrics = [Metric::new("loss", 0.5), Metric::new(name, value)];
        let row = MetricsRow { stage: Stage::Train, epoch: 0, step, batches: step, metrics: &metrics };
        logger.log_metrics(&row).expect("a row");
    }

    #[test]
    fn an_event_is_a_line_and_a_value_that_is_not_finite_is_named() {
        let dir = tempfile::tempdir().expect("a folder");
        let mut logger = JsonLinesLogger::new(dir.path().join("run"));
        let hparams = Hyperparameters::from(json!({ "lr": 1e-3 }));
        logger.log_hyperparameters(&hparams).expect("written");
        log(&mut logger, 1, "quoted \" name", f64::NAN);
        logger.log_histogram("w", &Histogram::of([1e-12]), 1).expect("written");
        logger.log_figure("a/b", &Figure::Svg("<svg/>"), 1).expect("written");
        logger.log_final_metrics(&[Metric::new("acc", 1.0)], 1).expect("written");
        logger.finalize(RunStatus::Interrupted).expect("written");
        let text = fs::read_to_string(logger.path()).expect("the file");
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines,
            [
                r#"{"event":"hyperparameters","hyperparameters":{"lr":0.001}}"#,
                r#"{"event":"metrics","stage":"train","epoch":0,"step":1,"batches":1,"metrics":{"loss":0.5,"quoted \" name":null},"non_finite":["quoted \" name"]}"#,
                r#"{"counts":[0,1],"event":"histogram","limits":[1e-12,1.1000000000000002e-12],"max":1e-12,"min":1e-12,"non_finite":0,"num":1,"step":1,"sum":1e-12,"sum_squares":1e-24,"tag":"w"}"#,
                r#"{"event":"figure","file":"figures/a%2Fb-step=1.svg","step":1,"tag":"a/b"}"#,
                r#"{"event":"final_metrics","step":1,"metrics":{"acc":1.0}}"#,
                r#"{"event":"end","status":"interrupted"}"#,
            ]
        );
        assert_eq!(fs::read(dir.path().join("run/figures/a%2Fb-step=1.svg")).expect("the figure"), b"<svg/>");
    }

    #[test]
    fn rewinding_cuts_what_came_later_also_half_a_line() {
        let dir = tempfile::tempdir().expect("a folder");
        let mut logger = JsonLinesLogger::new(dir.path());
        let hparams = Hyperparameters::from(json!({}));
        logger.log_hyperparameters(&hparams).expect("written");
        log(&mut logger, 1, "a", 1.0);
        let position = logger.position().expect("a place");
        log(&mut logger, 2, "a", 2.0);
        let whole = fs::read(logger.path()).expect("the file");
        fs::write(logger.path(), &whole[..whole.len() - 5]).expect("a killed run leaves half a line");
        let mut resumed = JsonLinesLogger::new(dir.path());
        resumed.rewind(&position).expect("the place is known");
        resumed.log_hyperparameters(&hparams).expect("nothing to do");
        log(&mut resumed, 2, "a", 2.0);
        assert_eq!(fs::read(resumed.path()).expect("the file"), whole);
    }

    #[test]
    fn a_shorter_file_is_refused_and_one_that_is_not_there_begun_anew() {
        let dir = tempfile::tempdir().expect("a folder");
        let mut logger = JsonLinesLogger::new(dir.path());
        logger.log_hyperparameters(&Hyperparameters::from(json!({}))).expect("written");
        let position = logger.position().expect("a place");
        fs::write(logger.path(), "{}\n").expect("a cut file");
        let error = logger.rewind(&position).expect_err("bytes are missing");
        assert!(
            error.to_string().contains("metrics.jsonl: has 3 bytes, the checkpoint knows 49;"),
            "{error}"
        );
        fs::remove_file(logger.path()).expect("removed");
        logger.rewind(&position).expect("nothing contradicts");
        logger.log_hyperparameters(&Hyperparameters::from(json!({}))).expect("written again");
        assert_eq!(fs::metadata(logger.path()).expect("the file").len(), 49);
    }
}
