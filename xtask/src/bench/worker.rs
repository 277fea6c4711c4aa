//! A worker process, as the side that asks sees it.

use super::job::Job;
use clap::ValueEnum;
use std::ffi::OsString;
use std::fmt::{self, Display};
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::Duration;

/// Who does the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(crate) enum Contestant {
    #[value(skip)]
    Ours,
    /// The machine's own limit for the same work.
    #[value(skip)]
    Limit,
    Torch,
    TorchFused,
    Lightning,
    #[value(name = "openblas")]
    Numpy,
    Matrixmultiply,
    Gemm,
    Faer,
    Burn,
    Candle,
}

/// Everybody but the machine's limit, in the order of their turns and of their columns.
pub(crate) const ALL: [Contestant; 10] = [
    Contestant::Ours,
    Contestant::Torch,
    Contestant::TorchFused,
    Contestant::Lightning,
    Contestant::Numpy,
    Contestant::Matrixmultiply,
    Contestant::Gemm,
    Contestant::Faer,
    Contestant::Burn,
    Contestant::Candle,
];

impl Display for Contestant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Contestant::Ours => "ours",
            Contestant::Limit => "limit",
            Contestant::Torch => "torch",
            Contestant::TorchFused => "torch fused",
            Contestant::Lightning => "Lightning",
            Contestant::Numpy => "OpenBLAS",
            Contestant::Matrixmultiply => "matrixmultiply",
            Contestant::Gemm => "gemm",
            Contestant::Faer => "faer",
            Contestant::Burn => "burn",
            Contestant::Candle => "candle",
        })
    }
}

impl Contestant {
    fn command(self, threads: usize, places: &Places) -> Command {
        let count = threads.to_string();
        let python = |script: &str, args: &[&str]| {
            let mut command = Command::new(&places.python);
            command.arg(places.root.join("peers/python").join(script)).args(args);
            // Somebody may have chosen a kernel or a cache size for other work; the library's own choice is measured.
            command.env_remove("OPENBLAS_CORETYPE").env_remove("OPENBLAS_L2_SIZE");
            command.env("OPENBLAS_NUM_THREADS", &count).env("PYTHONDONTWRITEBYTECODE", "1");
            command
        };
        let rust = |name: &str| {
            let mut command = Command::new(places.root.join("peers/target/release/peers"));
            command.args([name, &count]).env("RAYON_NUM_THREADS", &count).env("MATMUL_NUM_THREADS", &count);
            command
        };
        let own = |name: &str| {
            let mut command = Command::new(&places.xtask);
            command.args(["bench", "--worker", name]).env("RAYON_NUM_THREADS", &count);
            command
        };
        match self {
            Contestant::Ours => own("ours"),
            Contestant::Limit => own("limit"),
            Contestant::Torch => python("torch_worker.py", &[&count, "default"]),
            Contestant::TorchFused => python("torch_worker.py", &[&count, "fused"]),
            Contestant::Lightning => python("lightning_worker.py", &[&count]),
            Contestant::Numpy => python("numpy_worker.py", &[]),
            Contestant::Matrixmultiply => rust("matrixmultiply"),
            Contestant::Gemm => rust("gemm"),
            Contestant::Faer => rust("faer"),
            Contestant::Burn => rust("burn"),
            Contestant::Candle => rust("candle"),
        }
    }
}

/// Where the programs are.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    /// The root of the repository.
    pub(crate) root: PathBuf,
    pub(crate) python: OsString,
    /// This very program.
    pub(crate) xtask: PathBuf,
}

/// How long an answer may take; the longest job, an epoch of a million rows, takes a
/// quarter of it.
const PATIENCE: Duration = Duration::from_secs(120);

/// A running worker. It is told to end, and waited for, when this is dropped.
pub(crate) struct Worker {
    child: Child,
    to: Option<ChildStdin>,
    /// Its lines, read by a thread, so that one can give up waiting.
    from: Receiver<String>,
    /// Name and version, as it says itself.
    pub(crate) version: String,
}

impl Worker {
    /// Starts `who` and waits for its first line; or says why there is none.
    pub(crate) fn start(who: Contestant, threads: usize, places: &Places) -> Result<Self, String> {
        let mut command = who.command(threads, places);
        let shown = shown(&command, &places.root);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().map_err(|error| format!("`{shown}` cannot be run: {error}"))?;
        let (to, out) = (child.stdin.take(), child.stdout.take().expect("it is piped"));
        let (line, from) = channel();
        std::thread::spawn(move || {
            BufReader::new(out).lines().map_while(Result::ok).try_for_each(|l| line.send(l))
        });
        let mut worker = Worker { child, to, from, version: String::new() };
        let hello = worker.line().map_err(|_| format!("`{shown}` ended at once; run it to see why"))?;
        worker.version = hello.strip_prefix("hello ").unwrap_or(&hello).to_owned();
        Ok(worker)
    }

    /// Makes a job ready; or says why the worker cannot do it.
    pub(crate) fn prepare(&mut self, job: &Job) -> Result<(), String> {
        match self.ask(&format!("prepare {job}"))?.as_str() {
            "ready" => Ok(()),
            answer => Err(answer.strip_prefix("cannot ").unwrap_or(answer).to_owned()),
        }
    }

    /// Nanoseconds a run, once a sample of `times` runs.
    pub(crate) fn run(&mut self, times: u32, samples: u32) -> Result<Vec<f64>, String> {
        let answer = self.ask(&format!("run {times} {samples}"))?;
        let numbers = answer.strip_prefix("times ").ok_or_else(|| answer.clone())?;
        numbers.split_whitespace().map(|ns| ns.parse().map_err(|_| answer.clone())).collect()
    }

    /// The most memory that the process ever held, in MiB.
    pub(crate) fn memory(&mut self) -> Result<f64, String> {
        let answer = self.ask("memory")?;
        let kib = answer.strip_prefix("memory ").and_then(|kib| kib.parse::<f64>().ok());
        kib.map(|kib| kib / 1024.0).ok_or(answer)
    }

    /// Waits until all threads of the worker sleep: those of OpenMP and OpenBLAS go on spinning for tens of milliseconds
    /// after their work, on cores that the next turn needs.
    pub(crate) fn settle(&self) {
        const STEP: Duration = Duration::from_millis(3);
        const STEPS: usize = 100;
        for _ in 0..STEPS {
            let before = self.processor_time();
            std::thread::sleep(STEP);
            match before.zip(self.processor_time()) {
                Some((before, after)) if after - before > STEP / 20 => {}
                _ => break,
            }
        }
    }

    /// What all its threads have used of a processor, as Linux tells it.
    fn processor_time(&self) -> Option<Duration> {
        let tasks = fs::read_dir(format!("/proc/{}/task", self.child.id())).ok()?;
        let nanoseconds = tasks.flatten().map(|task| {
            let text = fs::read_to_string(task.path().join("schedstat")).unwrap_or_default();
            text.split(' ').next().and_then(|ns| ns.parse::<u64>().ok()).unwrap_or(0)
        });
        Some(Duration::from_nanos(nanoseconds.sum()))
    }

    fn ask(&mut self, line: &str) -> Result<String, String> {
        let to = self.to.as_mut().expect("open until it is dropped");
        writeln!(to, "{line}").and_then(|()| to.flush()).map_err(|error| format!("it is gone: {error}"))?;
        self.line()
    }

    fn line(&mut self) -> Result<String, String> {
        self.from.recv_timeout(PATIENCE).map_err(|error| match error {
            RecvTimeoutError::Disconnected => "it ended without an answer".to_owned(),
            RecvTimeoutError::Timeout => {
                let _ = self.child.kill();
                format!("no answer within {} seconds", PATIENCE.as_secs())
            }
        })
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        drop(self.to.take());
        let _ = self.child.wait();
    }
}

/// A command as one would type it at the root of the repository.
fn shown(command: &Command, root: &Path) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let short = |word: &std::ffi::OsStr| {
        Path::new(word).strip_prefix(root).unwrap_or(Path::new(word)).display().to_string()
    };
    words.map(short).collect::<Vec<_>>().join(" ")
}
