//! `data fetch`: a public cohort, by git, compared with its checksums before it stands in its place.

use crate::failure::{Exit, Failure};
use crate::provenance::hex;
use crate::public::{CITATION, COMMIT, Cohort, LICENCE, URL};
use crate::signals::Signals;
use crate::{output, report};
use clap::Args;
use mmdynamic::data::read_mogonet;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

pub(crate) const AFTER: &str = "\
rosmap   Alzheimer's disease against control, 245 + 106 rows, 3 views
brca     subtypes of breast cancer, 612 + 263 rows, 3 views

The files come from the repository that MOGONET was published with, at one
commit, by your git (a part of the history, these files alone). Each is compared
with the SHA-256 this program knows; with --checksums, with yours (lines as
sha256sum writes them). brca: only 3_featname.csv has a known SHA-256; the
others are tied to the commit by git's own SHA-1, and the output says so. A
folder appears whole or not at all.

Examples:
  cargo xtask data fetch rosmap
  cargo xtask data fetch brca --out data/BRCA
  cargo xtask data fetch rosmap --from /mirror/MOGONET.git

Exit codes: 0 done, 2 wrong flag or the folder is there already, 3 no git, no
network, or other bytes than expected, 5 writing failed, 130 Ctrl-C";

#[derive(Args)]
pub(crate) struct FetchArgs {
    /// rosmap or brca
    #[arg(value_name = "NAME", hide_possible_values = true)]
    name: Cohort,
    /// Another git repository with the same folders
    #[arg(long, value_name = "URL")]
    from: Option<String>,
    /// Folder to make [default: ROSMAP or BRCA]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// SHA-256 of each file, instead of the known ones
    #[arg(long, value_name = "FILE")]
    checksums: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// What was fetched.
#[derive(Serialize)]
struct Fetched {
    folder: PathBuf,
    source: String,
    commit: String,
    /// SHA-256 of each file.
    files: BTreeMap<String, String>,
    /// Files that no known SHA-256 was there for.
    unpinned: Vec<String>,
    licence: &'static str,
    citation: &'static str,
}

pub(crate) fn run(args: &FetchArgs) -> Result<(), Failure> {
    let folder = args.out.clone().unwrap_or_else(|| PathBuf::from(args.name.folder()));
    if fs::symlink_metadata(&folder).is_ok() {
        let message = format!("{}: is there already; remove it, or name another by --out", folder.display());
        return Err(Failure::new(Exit::Usage, message));
    }
    let known = match &args.checksums {
        Some(file) => read_checksums(file, args.name)?,
        None => args.name.checksums(),
    };
    let signals = Signals::install()?;
    let scratch = Scratch::beside(&folder)?;
    let fetched = fetch(args, &scratch, &known, folder.clone()).map_err(|failure| match signals.exit() {
        Some(exit) => Failure::new(exit, "stopped; nothing was kept"),
        None => failure,
    })?;
    fs::rename(scratch.data(), &folder).map_err(|error| Failure::writing(&folder, &error))?;
    drop(scratch);
    if args.json { output::json(&fetched) } else { output::print(&page(&fetched, args.from.is_some())) }
}

fn fetch(
    args: &FetchArgs,
    scratch: &Scratch,
    known: &BTreeMap<String, String>,
    folder: PathBuf,
) -> Result<Fetched, Failure> {
    let source = args.from.clone().unwrap_or_else(|| URL.to_owned());
    // A mirror may have a history of its own: its files are compared, not its commits.
    let wanted = if args.from.is_some() { "HEAD" } else { COMMIT };
    let repository = scratch.repository();
    let git = |args: &[&str]| git(&repository, args, &source);
    git(&["init", "--quiet"])?;
    git(&["config", "remote.origin.url", &source])?;
    git(&["fetch", "--quiet", "--depth=1", "--no-tags", "--filter=blob:none", "origin", wanted])?;
    let commit = git(&["rev-parse", "FETCH_HEAD"])?.trim().to_owned();
    let paths: Vec<String> = args.name.files().map(|file| format!("{}/{file}", args.name.folder())).collect();
    let mut checkout = vec!["checkout", "--quiet", "FETCH_HEAD", "--"];
    checkout.extend(paths.iter().map(String::as_str));
    git(&checkout)?;

    let mut files = BTreeMap::new();
    let mut unpinned = Vec::new();
    for file in args.name.files() {
        let path = repository.join(args.name.folder()).join(file);
        let bytes = plain_bytes(&path)?;
        let found = hex(&Sha256::digest(&bytes));
        match known.get(file) {
            Some(expected) if *expected != found => {
                let message = format!(
                    "{file} from {source}: its SHA-256 is {found}, expected {expected}: these are other bytes than the \
                     published ones; nothing was kept"
                );
                return Err(Failure::new(Exit::Data, message));
            }
            Some(_) => {}
            None => unpinned.push(file.to_owned()),
        }
        write(&scratch.data().join(file), &bytes)?;
        files.insert(file.to_owned(), found);
    }
    write(&scratch.data().join("classes.csv"), args.name.classes().as_bytes())?;
    let about = format!("{source}\ncommit {commit}\n{LICENCE}\n{CITATION}\n");
    write(&scratch.data().join("SOURCE.txt"), about.as_bytes())?;
    read_mogonet(scratch.data()).map_err(|error| Failure::from(error).with("nothing was kept"))?;
    Ok(Fetched { folder, source, commit, files, unpinned, licence: LICENCE, citation: CITATION })
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    fs::write(path, bytes).map_err(|error| Failure::writing(path, &error))
}

/// A repository may hold a link where a file should be.
fn plain_bytes(path: &Path) -> Result<Vec<u8>, Failure> {
    let bytes = match fs::symlink_metadata(path) {
        Ok(found) if !found.is_file() => Err(std::io::Error::other("is no plain file")),
        Ok(_) => fs::read(path),
        Err(error) => Err(error),
    };
    bytes.map_err(|error| Failure::new(Exit::Data, format!("{}: {error}", path.display())))
}

/// Runs git in `repository` and gives what it prints. It asks nobody for a password, converts no line ends, makes no
/// links and gives up on a connection that stands still.
fn git(repository: &Path, args: &[&str], source: &str) -> Result<String, Failure> {
    let settings = [
        "core.autocrlf=false",
        "core.symlinks=false",
        "core.hooksPath=/dev/null",
        "http.lowSpeedLimit=1000",
        "http.lowSpeedTime=30",
    ];
    let mut command = Command::new("git");
    settings.iter().for_each(|setting| {
        command.args(["-c", setting]);
    });
    command.arg("-C").arg(repository).args(args).stdin(Stdio::null());
    command.env("GIT_TERMINAL_PROMPT", "0").env("LC_ALL", "C");
    // Set where git runs this program, as in a hook: they would name another repository.
    ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"].iter().for_each(|name| {
        command.env_remove(name);
    });
    let ended = command.output().map_err(|error| {
        let message = format!(
            "git cannot be run ({error}): install it, or download the folder from {source} by other means and name it \
             with --data"
        );
        Failure::new(Exit::Data, message)
    })?;
    if ended.status.success() {
        return Ok(String::from_utf8_lossy(&ended.stdout).into_owned());
    }
    let said = String::from_utf8_lossy(&ended.stderr);
    let why = said.lines().find(|line| line.starts_with("fatal:") || line.starts_with("error:"));
    let why = why.or(said.lines().last()).unwrap_or("no reason given");
    let message = format!(
        "{source}: git {} failed: {why}; is there a network? a copy of the repository can be named by --from; nothing \
         was kept",
        args[0]
    );
    Err(Failure::new(Exit::Data, message))
}

/// The lines of `sha256sum`, of files that the cohort has.
fn read_checksums(file: &Path, cohort: Cohort) -> Result<BTreeMap<String, String>, Failure> {
    let refuse = |why: String| Failure::new(Exit::Usage, format!("{}: {why}", file.display()));
    let text = fs::read_to_string(file).map_err(|error| refuse(format!("cannot be read: {error}")))?;
    let mut known = BTreeMap::new();
    for (row, line) in text.lines().enumerate() {
        let expected = "64 hexadecimal digits, two blanks and a name, as sha256sum writes it";
        let pair = line.split_once(char::is_whitespace);
        let pair =
            pair.map(|(sum, name)| (sum.to_ascii_lowercase(), name.trim_start().trim_start_matches('*')));
        match pair {
            Some((sum, name)) if sum.len() == 64 && sum.bytes().all(|b| b.is_ascii_hexdigit()) => {
                if !cohort.files().any(|file| file == name) {
                    return Err(refuse(format!(
                        "line {}: {} has no file `{name}`",
                        row + 1,
                        cohort.folder()
                    )));
                }
                known.insert(name.to_owned(), sum);
            }
            _ => return Err(refuse(format!("line {}: found `{line}`, expected {expected}", row + 1))),
        }
    }
    Ok(known)
}

/// A folder beside the one to be made, so that the last step is a rename; removed when it is let go.
struct Scratch(PathBuf);

impl Scratch {
    fn beside(folder: &Path) -> Result<Self, Failure> {
        let parent =
            folder.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        fs::create_dir_all(parent).map_err(|error| Failure::writing(parent, &error))?;
        let scratch = parent.join(format!(".fetching-{}", std::process::id()));
        fs::create_dir(&scratch).map_err(|error| Failure::writing(&scratch, &error))?;
        let scratch = Scratch(scratch);
        for inner in [scratch.repository(), scratch.data()] {
            fs::create_dir(&inner).map_err(|error| Failure::writing(&inner, &error))?;
        }
        Ok(scratch)
    }

    fn repository(&self) -> PathBuf {
        self.0.join("repository")
    }

    fn data(&self) -> PathBuf {
        self.0.join("data")
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What cannot be removed stands in nobody's way: its name has the number of this process.
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn page(fetched: &Fetched, mirror: bool) -> String {
    let mut out = report::field("Folder", &fetched.folder.display().to_string());
    out += &report::field("Source", &format!("{} at commit {}", fetched.source, fetched.commit));
    let pinned = fetched.files.len() - fetched.unpinned.len();
    let mut checked =
        format!("{pinned} of {} files have the SHA-256 that was expected.", fetched.files.len());
    if !fetched.unpinned.is_empty() {
        let vouched =
            if mirror { "nothing but that source" } else { "the commit, by git's SHA-1, and nothing else" };
        let _ = write!(checked, " NOT COMPARED, vouched for by {vouched}: {}", fetched.unpinned.join(", "));
    }
    out += &report::field("Checked", &checked);
    out += &report::field("Licence", fetched.licence);
    out += &report::field("Cite", fetched.citation);
    out + &report::field("Next", &format!("cargo xtask data describe {}", fetched.folder.display()))
}
