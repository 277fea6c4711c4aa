//! Event files that TensorBoard reads.

mod hparams;
mod messages;
mod records;

use super::{Figure, Histogram, Logger, Metric, MetricsRow, RunStatus, at, refused};
use crate::Hyperparameters;
use messages::{
    Dim, Event, HistogramProto, Image, Metadata, PluginData, Summary, SummaryValue, Tensor, TensorShape,
};
use prost::Message;
use records::RecordFile;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// Writes `events.out.tfevents.*` for TensorBoard: `tensorboard --logdir lightning_logs`.
///
/// | what | shown under | how |
/// |---|---|---|
/// | rows | Scalars, tag = the name | 32 bits, all that its usual reader gives; the step is that of the optimizers |
/// | [`Histogram`]s | Histograms, Distributions | the very buckets |
/// | figures | Images; an SVG, which it cannot draw, under Text | PNG |
/// | hyperparameters | HParams; `{"config": {"lr": …}}` as `config/lr` | lists as text |
/// | final metrics | HParams and Scalars, tag `hp/NAME` | |
///
/// A record is in the file when the call returns. No `Experiment` is written: where there is one, TensorBoard takes
/// the columns of the HParams tab for all runs from it; without it, from all runs together.
#[derive(Debug)]
pub struct TensorBoardLogger {
    dir: PathBuf,
    file_name: Option<String>,
    wall_time: Option<f64>,
    file: Option<RecordFile>,
    has_hyperparameters: bool,
}

#[derive(Serialize, Deserialize)]
struct Position {
    /// The name of the event file.
    file: String,
    bytes: u64,
    has_hyperparameters: bool,
}

impl TensorBoardLogger {
    /// A logger that writes a new event file into `dir`, which is made if it is not there.
    pub fn new(dir: impl Into<PathBuf>) -> Self {
        TensorBoardLogger {
            dir: dir.into(),
            file_name: None,
            wall_time: None,
            file: None,
            has_hyperparameters: false,
        }
    }

    /// The same file, byte for byte, in every run: under this name, which must contain `tfevents`, and with this time
    /// in seconds since 1970 for all events. A file of that name is replaced.
    pub fn reproducible(mut self, file_name: impl Into<String>, wall_time: f64) -> Self {
        (self.file_name, self.wall_time) = (Some(file_name.into()), Some(wall_time));
        self
    }

    /// The event file, once something is written.
    pub fn path(&self) -> Option<PathBuf> {
        self.file.as_ref().map(|file| file.path().to_owned())
    }

    fn append(&mut self, step: u64, value: Vec<SummaryValue>) -> io::Result<()> {
        let step = i64::try_from(step).unwrap_or(i64::MAX);
        let event =
            Event { wall_time: self.now(), step, summary: Some(Summary { value }), file_version: None };
        self.file()?.append(&event.encode_to_vec())
    }

    /// The file, made if it is not there; its first record says in which version it is.
    fn file(&mut self) -> io::Result<&mut RecordFile> {
        let file = match self.file.take() {
            Some(file) => file,
            None => {
                fs::create_dir_all(&self.dir).map_err(at(&self.dir))?;
                let file_version = Some("brain.Event:2".to_owned());
                let event = Event { wall_time: self.now(), file_version, ..Event::default() };
                let mut file = self.new_file()?;
                file.append(&event.encode_to_vec())?;
                file
            }
        };
        Ok(self.file.insert(file))
    }

    fn now(&self) -> f64 {
        let since = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64());
        self.wall_time.unwrap_or_else(since)
    }

    /// Names sort by time; process and number keep two of the same second apart.
    fn new_file(&self) -> io::Result<RecordFile> {
        static COUNTER: AtomicU64 = AtomicU64::new(0);
        if let Some(name) = &self.file_name {
            return RecordFile::create(self.dir.join(name), true);
        }
        let seconds = self.now() as u64;
        let number = COUNTER.fetch_add(1, Ordering::Relaxed);
        let name = format!("events.out.tfevents.{seconds:010}.{}.{number}", std::process::id());
        RecordFile::create(self.dir.join(name), false)
    }
}

fn tagged(tag: impl Into<String>) -> SummaryValue {
    SummaryValue { tag: tag.into(), ..SummaryValue::default() }
}

fn scalar(tag: String, value: f64) -> SummaryValue {
    SummaryValue { simple_value: Some(value as f32), ..tagged(tag) }
}

fn image(png: &[u8]) -> io::Result<Image> {
    let header = png.get(..24).filter(|bytes| bytes.starts_with(b"\x89PNG\r\n\x1a\n"));
    let header = header.ok_or_else(|| {
        io::Error::new(
            io::ErrorKind::InvalidInput,
            "a figure that should be a PNG file does not begin like one",
        )
    })?;
    let side = |at: usize| i32::from_be_bytes([header[at], header[at + 1], header[at + 2], header[at + 3]]);
    Ok(Image { width: side(16), height: side(20), colorspace: 3, encoded_image_string: png.to_vec() })
}

/// A source text in TensorBoard's Markdown.
fn text(tag: &str, language: &str, source: &str) -> SummaryValue {
    let plugin_data = Some(PluginData { plugin_name: "text".into(), content: Vec::new() });
    let tensor = Tensor {
        dtype: 7,
        tensor_shape: Some(TensorShape { dim: vec![Dim { size: 1 }] }),
        string_val: vec![format!("```{language}\n{source}\n```").into_bytes()],
    };
    SummaryValue { tensor: Some(tensor), metadata: Some(Metadata { plugin_data }), ..tagged(tag) }
}

impl Logger for TensorBoardLogger {
    fn name(&self) -> &str {
        "tensorboard"
    }

    fn log_hyperparameters(&mut self, hparams: &Hyperparameters) -> io::Result<()> {
        if std::mem::replace(&mut self.has_hyperparameters, true) {
            return Ok(());
        }
        self.append(0, vec![hparams::session_start(hparams)])
    }

    fn log_metrics(&mut self, row: &MetricsRow<'_>) -> io::Result<()> {
        let values = row.metrics.iter().map(|metric| scalar(metric.name.to_string(), metric.value)).collect();
        self.append(row.step, values)
    }

    fn log_histogram(&mut self, tag: &str, histogram: &Histogram, step: u64) -> io::Result<()> {
        let histo = HistogramProto {
            min: histogram.min,
            max: histogram.max,
            num: histogram.num as f64,
            sum: histogram.sum,
            sum_squares: histogram.sum_squares,
            bucket_limit: histogram.limits.clone(),
            bucket: histogram.counts.iter().map(|&count| count as f64).collect(),
        };
        self.append(step, vec![SummaryValue { histo: Some(histo), ..tagged(tag) }])
    }

    fn log_figure(&mut self, tag: &str, figure: &Figure<'_>, step: u64) -> io::Result<()> {
        let value = match figure {
            Figure::Svg(source) => text(tag, "svg", source),
            _ => SummaryValue { image: Some(image(&figure.to_file()?.0)?), ..tagged(tag) },
        };
        self.append(step, vec![value])
    }

    fn log_final_metrics(&mut self, metrics: &[Metric], step: u64) -> io::Result<()> {
        let values =
            metrics.iter().map(|metric| scalar(format!("hp/{}", metric.name), metric.value)).collect();
        self.append(step, values)
    }

    fn position(&mut self) -> io::Result<Value> {
        let has_hyperparameters = self.has_hyperparameters;
        let file = self.file()?;
        let name = file.path().file_name().unwrap_or_default().to_string_lossy().into_owned();
        let position = Position { file: name, bytes: file.len(), has_hyperparameters };
        serde_json::to_value(position).map_err(io::Error::from)
    }

    fn files(&self) -> Vec<PathBuf> {
        self.path().into_iter().collect()
    }

    fn rewind(&mut self, position: &Value) -> io::Result<()> {
        let position = Position::deserialize(position)
            .map_err(|error| refused(&self.dir, &format!("its place is not one: {error}")))?;
        // A name from a checkpoint must not lead out of the folder.
        let name = Path::new(&position.file).file_name().unwrap_or_default();
        self.file = RecordFile::continue_at(self.dir.join(name), position.bytes)?;
        self.has_hyperparameters = self.file.is_some() && position.has_hyperparameters;
        Ok(())
    }

    fn finalize(&mut self, status: RunStatus) -> io::Result<()> {
        match hparams::session_end(status) {
            Some(end) if self.has_hyperparameters => self.append(0, vec![end]),
            _ => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Stage;

    fn log(logger: &mut TensorBoardLogger, step: u64) {
        let metrics = [Metric::new("loss", 0.5), Metric::new("acc", f64::NAN)];
        let row = MetricsRow { stage: Stage::Train, epoch: 0, step, batches: step, metrics: &metrics };
        logger.log_metrics(&row).expect("a row");
    }

    fn logger(dir: &Path) -> TensorBoardLogger {
        TensorBoardLogger::new(dir).reproducible("events.out.tfevents.0.test", 0.0)
    }

    #[test]
    fn rewinding_cuts_what_came_later_also_half_a_record() {
        let dir = tempfile::tempdir().expect("a folder");
        let mut first = logger(dir.path());
        let hparams = Hyperparameters::from(serde_json::json!({ "lr": 0.1 }));
        first.log_hyperparameters(&hparams).expect("written");
        log(&mut first, 1);
        let position = first.position().expect("a place");
        log(&mut first, 2);
        first.finalize(RunStatus::Success).expect("written");
        let path = first.path().expect("a file");
        let whole = fs::read(&path).expect("the file");
        fs::write(&path, &whole[..whole.len() - 5]).expect("a killed run leaves half a record");
        let mut resumed = logger(dir.path());
        resumed.rewind(&position).expect("the place is known");
        resumed.log_hyperparameters(&hparams).expect("nothing to do");
        log(&mut resumed, 2);
        resumed.finalize(RunStatus::Success).expect("written");
        assert_eq!(fs::read(&path).expect("the file"), whole);
    }

    #[test]
    fn two_loggers_in_a_folder_have_two_files() {
        let dir = tempfile::tempdir().expect("a folder");
        let mut loggers = [TensorBoardLogger::new(dir.path()), TensorBoardLogger::new(dir.path())];
        loggers.iter_mut().for_each(|logger| log(logger, 1));
        assert_eq!(fs::read_dir(dir.path()).expect("the folder").count(), 2);
    }

    #[test]
    fn a_figure_that_is_no_png_file_is_refused() {
        let dir = tempfile::tempdir().expect("a folder");
        let error = logger(dir.path()).log_figure("x", &Figure::Png(b"GIF89a"), 0).expect_err("no PNG");
        assert!(error.to_string().contains("does not begin like one"), "{error}");
    }
}
