//! `bench`: how fast this project is, beside the machine's limits and beside other libraries.
//!
//! Everything is done by worker processes, ours like the others', which take turns at each job ([`session`]). What is
//! measured stands in [`shapes`], who can do it in [`worker`]; each group of measurements is a file.

mod growth;
mod job;
mod machine;
mod ours;
mod passes;
mod plot;
mod process;
mod products;
mod section;
mod serve;
mod session;
mod shapes;
mod training;
mod worker;

use crate::ci::{cargo, workspace_root};
use crate::failure::{Exit, Failure};
use crate::output;
use clap::{Args, ValueEnum};
use machine::Limits;
use section::{Section, marks_table, short};
use session::{Effort, Session, median};
use std::ffi::OsString;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use worker::{ALL, Contestant, Places};

const AFTER: &str = "\
Every product, pass, step and prediction is run by worker processes that take
turns; printed are medians. `--peers` lets PyTorch, PyTorch Lightning, OpenBLAS
(numpy), matrixmultiply, gemm, faer, burn and candle take part: the Rust ones
are built from the folder peers, the others come from --python; whoever is
missing is skipped. A complete run with --peers writes docs/performance.md.

GROUPS: gemm, narrow, passes, step, adam, inference, start, memory, growth
NAMES: torch, torch-fused, lightning, openblas, matrixmultiply, gemm, faer,
burn, candle

Examples:
  cargo xtask bench --quick
  cargo xtask bench --only step,adam --against torch,burn
  pip install -r peers/python/requirements.txt
  cargo xtask bench --peers --python venv/bin/python

Measure on a machine that does nothing else.

Exit codes: 0 measured, whether marks are met or not, 1 nothing to build or
run with, 2 wrong flag, 5 writing failed";

#[derive(Args)]
#[command(after_help = AFTER)]
pub(crate) struct BenchArgs {
    /// Fewer shapes and fewer rounds
    #[arg(long)]
    quick: bool,
    /// Let other libraries do the same work
    #[arg(long)]
    peers: bool,
    /// Only these libraries, with commas between
    #[arg(long, value_delimiter = ',', value_name = "NAMES", hide_possible_values = true)]
    against: Vec<Contestant>,
    /// Only these groups, with commas between
    #[arg(long, value_delimiter = ',', value_name = "GROUPS", hide_possible_values = true)]
    only: Vec<Group>,
    /// Numbers of threads, with commas between
    #[arg(long, value_delimiter = ',', value_name = "COUNTS", default_values_t = [1, 2], value_parser = clap::value_parser!(u8).range(1..=64))]
    threads: Vec<u8>,
    /// A Python with torch and numpy
    #[arg(long, value_name = "PATH", default_value = "python3")]
    python: OsString,
    /// Write docs/performance.md of an incomplete run
    #[arg(long)]
    write: bool,
    /// Be the worker of this name
    #[arg(long, hide = true, value_name = "NAME", conflicts_with_all = ["quick", "peers", "against", "only", "write"])]
    worker: Option<String>,
}

/// Measurements that belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Group {
    Gemm,
    Narrow,
    Passes,
    Step,
    Adam,
    Inference,
    Start,
    Memory,
    Growth,
}

const GROUPS: [Group; 9] = [
    Group::Gemm,
    Group::Narrow,
    Group::Passes,
    Group::Step,
    Group::Adam,
    Group::Inference,
    Group::Start,
    Group::Memory,
    Group::Growth,
];

pub(crate) fn run(args: &BenchArgs) -> Result<(), Failure> {
    match args.worker.as_deref() {
        Some("ours") => served(serve::serve("this project", ours::prepare)),
        Some("limit") => served(serve::serve("the machine", ours::prepare_limit)),
        Some(name) => Err(Failure::new(Exit::Usage, format!("--worker is ours or limit, found {name}"))),
        None => measure(args),
    }
}

fn served(done: std::io::Result<()>) -> Result<(), Failure> {
    done.map_err(|error| {
        Failure::new(Exit::Writing, format!("the worker's answer cannot be written: {error}"))
    })
}

fn measure(args: &BenchArgs) -> Result<(), Failure> {
    let begun = Instant::now();
    let places = places(args)?;
    let peers = args.peers || !args.against.is_empty();
    let chosen = |who: &Contestant| match who {
        Contestant::Ours => true,
        _ => peers && (args.against.is_empty() || args.against.contains(who)),
    };
    let contestants: Vec<_> = ALL.into_iter().filter(chosen).collect();
    if peers {
        build_peers(&places.root);
    }
    let mut session = Session::new(places, effort(args.quick), contestants);
    let counts: Vec<usize> = args.threads.iter().map(|&count| count.into()).collect();
    let limits: Vec<_> = counts.iter().copied().map(Limits::measure).collect();
    let groups = if args.only.is_empty() { &GROUPS[..] } else { &args.only };
    let (mut sections, mut plot) = (Vec::new(), None);
    for &group in groups {
        output::note(&format!("{:>6.1} s  {group:?}", begun.elapsed().as_secs_f64()));
        let section = match group {
            Group::Gemm => products::gemm(&mut session, &limits, args.quick),
            Group::Narrow => products::narrow(&mut session, &limits, args.quick),
            Group::Passes => passes::passes(&mut session, &limits),
            Group::Step => training::step(&mut session, &counts),
            Group::Adam => training::adam(&mut session, &counts),
            Group::Inference => training::inference(&mut session, &counts),
            Group::Start => process::start(&mut session),
            Group::Memory => process::memory(&mut session),
            Group::Growth => {
                let most = counts.iter().copied().max().unwrap_or(1);
                let (section, drawn) = growth::growth(&mut session, most, args.quick);
                plot = Some(drawn);
                section
            }
        };
        output::print(&section.markdown())?;
        sections.push(section);
    }
    let machine = about_machine(&session, &limits);
    let marks: Vec<_> = sections.iter().flat_map(|section| section.marks.clone()).collect();
    output::print(&format!("{}\n{}", machine.markdown(), marks_table(&marks)))?;
    output::note(&format!("{:>6.1} s  done", begun.elapsed().as_secs_f64()));
    let complete = args.peers && args.against.is_empty() && args.only.is_empty() && !args.quick;
    if complete || args.write {
        if complete {
            sections.insert(0, Section { body: marks_table(&marks), ..Section::new("marks", "Marks") });
        }
        sections.insert(0, machine);
        write(&session.places.root, &sections, plot.as_deref())?;
    }
    Ok(())
}

fn effort(quick: bool) -> Effort {
    if quick {
        Effort { rounds: 3, turn: Duration::from_millis(5) }
    } else {
        Effort { rounds: 5, turn: Duration::from_millis(10) }
    }
}

fn places(args: &BenchArgs) -> Result<Places, Failure> {
    let root = workspace_root()?;
    let xtask = std::env::current_exe().map_err(|error| {
        Failure::new(Exit::CheckFailed, format!("this program's path is not known: {error}"))
    })?;
    // A path is the caller's; a bare name is looked up where programs are.
    let python = Path::new(&args.python);
    let python = if python.components().count() > 1 {
        std::path::absolute(python).unwrap_or_else(|_| python.to_owned()).into_os_string()
    } else {
        args.python.clone()
    };
    Ok(Places { root, python, xtask })
}

/// Builds the Rust peers. Without a network they may be missing; then they are skipped, as anything that is missing.
fn build_peers(root: &Path) {
    output::note("building the Rust peers; the first time takes minutes");
    let manifest = root.join("peers/Cargo.toml");
    let status = Command::new(cargo())
        .args(["build", "--release", "--locked", "--quiet", "--manifest-path"])
        .arg(manifest)
        .current_dir(root)
        .status();
    if !status.is_ok_and(|status| status.success()) {
        output::note("the Rust peers were not built; what an earlier build left is used");
    }
}

/// Nanoseconds from core to core: less is within a shared cache, more is not.
const FAR: f64 = 80.0;

/// The machine, its limits, and who took part.
fn about_machine(session: &Session, limits: &[Limits]) -> Section {
    let mut section = Section::new("machine", "Machine");
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    section.say(format!("{}, {cores} cores, measured in this run:", machine::processor()));
    let mut head = vec!["threads".to_owned(), "FMA f32, GFLOP/s".to_owned(), "FMA f64, GFLOP/s".to_owned()];
    head.extend(limits[0].levels.iter().map(|level| format!("read from {}, GB/s", level.name)));
    let row = |limit: &Limits| {
        let mut cells = vec![limit.threads.to_string(), short(limit.fma_f32), short(limit.fma_f64)];
        cells.extend(limit.levels.iter().map(|level| short(level.read)));
        cells
    };
    section.table(&head, &limits.iter().map(row).collect::<Vec<_>>());
    let ns = &session.handovers;
    if !ns.is_empty() {
        let far = ns.iter().filter(|&&ns| ns > FAR).count();
        section.say(format!(
            "What one thread writes another sees after {} ns (median of {} looks). More than {FAR} ns, in {far} of them, \
             means cores that share no cache: work shared out in small pieces is slower then, whoever does it.",
            short(median(ns.clone())),
            ns.len()
        ));
    }
    let peers =
        session.versions.iter().filter(|(who, _)| ![Contestant::Ours, Contestant::Limit].contains(who));
    let peers: Vec<_> = peers.map(|(who, version)| format!("{who}: {version}")).collect();
    if !peers.is_empty() {
        section.say(format!("Peers: {}.", peers.join("; ")));
    }
    section
}

fn write(root: &Path, sections: &[Section], plot: Option<&str>) -> Result<(), Failure> {
    let path = root.join("docs/performance.md");
    let mut document = fs::read_to_string(&path).map_err(|error| Failure::writing(&path, &error))?;
    for section in sections {
        document = crate::document::replaced(&document, section.name, &section.markdown())
            .map_err(|reason| Failure::new(Exit::Writing, format!("{}: {reason}", path.display())))?;
    }
    fs::write(&path, document).map_err(|error| Failure::writing(&path, &error))?;
    if let Some(plot) = plot {
        let path = root.join("docs/performance-growth.svg");
        fs::write(&path, plot).map_err(|error| Failure::writing(&path, &error))?;
    }
    output::note(&format!("written: {}", path.display()));
    Ok(())
}
