//! `report`: one page of a run that opens from disk, and its figures as files.
//!
//! A run folder goes in (`run`), figures are drawn (`figures`, with `svg`), words are found (`summary`), and a
//! page is set (`document`, `html`). `compare` sets several runs beside each other.

mod bands;
mod check;
mod compare;
mod config;
mod curves;
mod document;
mod figures;
mod files;
mod html;
mod png;
mod run;
#[cfg(test)]
mod sample;
mod summary;
mod svg;
mod theme;
mod words;

pub(crate) use words::grouped;

use crate::failure::{Exit, Failure};
use crate::output;
use clap::{Args, Subcommand};
use lightning_core::checkpoint::write_atomically;
use run::Run;
use std::fs;
use std::path::{Path, PathBuf};

const AFTER: &str = "\
Reads results.json, metrics.csv and the configuration of a run folder and writes
report.html and figures/*.svg into it; `train` has done so at its end. The page
needs no network and no other file. docs/report.md says how to read it.

Examples:
  cargo xtask report lightning_logs/version_0
  cargo xtask report compare lightning_logs/version_0 lightning_logs/version_1

Exit codes: 0 done, 2 wrong flag, 3 no finished run or a damaged file,
4 a checkpoint in place of a run folder, 5 writing failed";

/// Make the page of a run, or of several beside each other
#[derive(Args)]
#[command(after_help = AFTER, args_conflicts_with_subcommands = true, subcommand_negates_reqs = true, disable_help_subcommand = true)]
pub(crate) struct ReportArgs {
    #[command(subcommand)]
    compare: Option<ReportCommand>,
    /// Run folder, as lightning_logs/version_0
    #[arg(value_name = "RUN", required = true)]
    run: Option<PathBuf>,
    /// Write figures/*.png, too (needs `--features png`)
    #[arg(long)]
    png: bool,
}

#[derive(Subcommand)]
enum ReportCommand {
    /// One page with several runs side by side
    Compare(compare::CompareArgs),
}

pub(crate) fn run(args: &ReportArgs) -> Result<(), Failure> {
    match (&args.compare, &args.run) {
        (Some(ReportCommand::Compare(args)), _) => compare::run(args),
        (None, Some(folder)) => {
            if args.png {
                png::check()?;
            }
            let page = make(folder, args.png)?;
            output::print(&format!("Report    {}\n", page.display()))
        }
        (None, None) => {
            Err(Failure::new(Exit::Usage, "a run folder is missing, for example lightning_logs/version_0"))
        }
    }
}

/// Writes the page and the figures of a run into its folder and gives the page's path.
pub(crate) fn make(folder: &Path, png: bool) -> Result<PathBuf, Failure> {
    let run = Run::read(folder)?;
    let chapters = figures::chapters(&run);
    let page = document::page(&run, &chapters);
    let drawings = folder.join("figures");
    fs::create_dir_all(&drawings).map_err(|error| Failure::writing(&drawings, &error))?;
    for figure in chapters.iter().flat_map(|chapter| &chapter.figures) {
        let Some(svg) = files::svg(figure) else { continue };
        write(&drawings.join(format!("{}.svg", figure.id)), svg.as_bytes())?;
        if png {
            write(&drawings.join(format!("{}.png", figure.id)), &png::rendered(&svg)?)?;
        }
    }
    let path = folder.join("report.html");
    write(&path, page.as_bytes())?;
    Ok(path)
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    write_atomically(path, bytes).map_err(|error| Failure::writing(path, &error))
}
