//! The examples of `docs/data.md`, run one after the other in one folder.

use crate::support::{done, folder};
use std::fs;

/// The text of each fenced block of a language.
fn blocks<'a>(page: &'a str, language: &str) -> Vec<&'a str> {
    let start = format!("\n```{language}\n");
    page.split(start.as_str()).skip(1).map(|rest| rest.split("```").next().expect("an end")).collect()
}

#[test]
fn the_page_about_data_shows_what_works() {
    let page = include_str!("../../../docs/data.md");
    let dir = folder();
    for (language, name) in [("csv", "cohort.csv"), ("toml", "cohort.toml")] {
        let [content] = blocks(page, language)[..] else { panic!("one block of {language}") };
        fs::write(dir.path().join(name), content).expect("a file");
    }
    let commands: Vec<&str> = blocks(page, "sh").into_iter().flat_map(str::lines).collect();
    assert_eq!(commands.len(), 4, "{commands:?}");
    let printed: Vec<String> = commands
        .iter()
        .map(|command| {
            let args: Vec<&str> = command.strip_prefix("cargo xtask ").expect(command).split(' ').collect();
            done(dir.path(), &args).stdout
        })
        .collect();
    assert!(
        printed[0].contains("1 values of train and 0 of test, in 1 features: mrna_RTN2 (1)"),
        "{}",
        printed[0]
    );
    let predictions = fs::read_to_string(dir.path().join("predictions.csv")).expect("predictions");
    assert_eq!(predictions.lines().count(), 1 + 16);
    assert!(predictions.starts_with("row,sample,class,probability_Basal,probability_LumA,"), "{predictions}");
    assert!(predictions.lines().nth(5).is_some_and(|line| line.starts_with("5,P05,")), "{predictions}");
}
