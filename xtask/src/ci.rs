//! `ci`: every check of the workspace, cheapest first, stopping at the first that fails.

use crate::failure::{Exit, Failure};
use crate::output;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

pub(crate) const AFTER: &str = "\
In this order, stopping at the first that fails: format, clippy with warnings
denied, documentation with warnings denied, lightning-core without its default
features, all tests, all examples: those of the workspace are built, and those
of lightning-core are run, each of which checks its own result.

Example:
  cargo xtask ci

Exit codes: 0 all passed, 1 a check failed";

struct Check {
    name: &'static str,
    args: &'static [&'static str],
    env: &'static [(&'static str, &'static str)],
}

const CHECKS: [Check; 6] = [
    Check { name: "format", args: &["fmt", "--all", "--check"], env: &[] },
    Check {
        name: "clippy",
        args: &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"],
        env: &[],
    },
    Check {
        name: "documentation",
        args: &["doc", "--workspace", "--no-deps"],
        env: &[("RUSTDOCFLAGS", "-D warnings")],
    },
    Check {
        name: "lightning-core without default features",
        args: &["check", "--package", "lightning-core", "--no-default-features"],
        env: &[],
    },
    // Doc tests are among them.
    Check { name: "tests", args: &["test", "--workspace"], env: &[] },
    Check { name: "examples", args: &["build", "--workspace", "--examples"], env: &[] },
];

/// The examples of lightning-core: each asserts its result, so that it is run and not only built.
const EXAMPLES: [&str; 6] =
    ["linear_regression", "manual_optimization", "mlp_callbacks", "gan_2d", "custom_callback", "custom_op"];

pub(crate) fn run() -> Result<(), Failure> {
    let root = workspace_root()?;
    for Check { name, args, env } in CHECKS {
        check(&root, name, args, env)?;
    }
    for example in EXAMPLES {
        let args = ["run", "--quiet", "--package", "lightning-core", "--example", example];
        check(&root, &format!("example {example}"), &args, &[])?;
    }
    Ok(())
}

fn check(root: &Path, name: &str, args: &[&str], env: &[(&str, &str)]) -> Result<(), Failure> {
    output::note(&format!("── {name}: cargo {}", args.join(" ")));
    let start = Instant::now();
    let status = Command::new(cargo()).args(args).envs(env.iter().copied()).current_dir(root).status();
    let passed = status.map_err(|error| failed(format!("{name}: cargo cannot be run: {error}")))?.success();
    let seconds = start.elapsed().as_secs_f64();
    if !passed {
        return Err(failed(format!("{name} failed after {seconds:.1} s")));
    }
    output::print(&format!("passed {seconds:>8.1} s  {name}\n"))
}

fn failed(message: String) -> Failure {
    Failure::new(Exit::CheckFailed, message)
}

/// The cargo that runs this program, which sets the variable.
pub(crate) fn cargo() -> OsString {
    std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())
}

pub(crate) fn workspace_root() -> Result<PathBuf, Failure> {
    let located = Command::new(cargo())
        .args(["locate-project", "--workspace", "--message-format", "plain"])
        .output()
        .map_err(|error| failed(format!("cargo cannot be run: {error}")))?;
    let manifest = PathBuf::from(String::from_utf8_lossy(&located.stdout).trim());
    match manifest.parent() {
        Some(root) if located.status.success() => Ok(root.to_owned()),
        _ => Err(failed("no workspace here; run this inside the workspace".into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_example_is_run() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../lightning-core/examples");
        let entries = std::fs::read_dir(folder).unwrap();
        let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
        files.sort();
        let names: Vec<&str> = files.iter().map(|file| file.file_stem().unwrap().to_str().unwrap()).collect();
        let mut run = EXAMPLES;
        run.sort_unstable();
        assert_eq!(names, run);
    }
}
