//! The tour of the README, run as it stands there.

use crate::support::{done, folder, write_cohort};
use std::path::Path;

/// Commands that other checks run, or that run for minutes: nothing but these may be left out of the tour.
const ELSEWHERE: [&str; 5] = ["ci", "bench", "completions", "data fetch", "study"];

/// Each `cargo xtask …` of the README's shell blocks, in its order, without `cargo xtask` and the remark behind it.
fn commands() -> Vec<String> {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../README.md");
    let readme = std::fs::read_to_string(readme).expect("a README");
    let mut commands = Vec::new();
    let mut is_shell = false;
    for line in readme.lines() {
        match line {
            "```sh" => is_shell = true,
            "```" => is_shell = false,
            _ => {
                let said = line.split(" #").next().unwrap_or_default().trim();
                commands.extend(said.strip_prefix("cargo xtask ").filter(|_| is_shell).map(str::to_owned));
            }
        }
    }
    commands
}

#[test]
fn every_command_of_the_tour_does_what_it_says() {
    let dir = folder();
    let cohort = dir.path().join("FOLDER");
    std::fs::create_dir(&cohort).expect("a folder");
    write_cohort(&cohort);
    let mut ran = 0;
    for command in commands() {
        if ELSEWHERE.iter().any(|name| command.starts_with(name)) {
            continue;
        }
        let args: Vec<&str> = command.split_whitespace().collect();
        let ended = done(dir.path(), &args);
        assert!(!ended.stdout.is_empty() || command.contains("--out"), "{command} says nothing");
        ran += 1;
    }
    assert!(ran >= 5, "only {ran} commands were found");
    assert!(dir.path().join("predictions.csv").is_file());
    assert!(dir.path().join("lightning_logs/version_0/report.html").is_file());
}

#[test]
fn every_link_of_the_readme_leads_to_a_file() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let readme = std::fs::read_to_string(root.join("README.md")).expect("a README");
    let links: Vec<&str> = readme
        .split("](")
        .skip(1)
        .filter_map(|rest| rest.split(')').next())
        .filter(|l| !l.contains("://"))
        .collect();
    assert!(links.len() > 3, "{links:?}");
    for link in links {
        assert!(root.join(link).exists(), "{link} leads nowhere");
    }
}
