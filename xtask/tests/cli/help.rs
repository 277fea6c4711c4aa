//! Help is text for people: it fits their terminal and shows what to type.

use crate::support::{folder, run};

const COMMANDS: [&[&str]; 24] = [
    &["--help"],
    &["train", "--help"],
    &["train", "-h"],
    &["cv", "--help"],
    &["cv", "-h"],
    &["print-config", "--help"],
    &["print-config", "-h"],
    &["completions", "-h"],
    &["validate", "-h"],
    &["test", "-h"],
    &["predict", "-h"],
    &["data", "describe", "-h"],
    &["data", "fetch", "-h"],
    &["export", "-h"],
    &["export", "weights", "-h"],
    &["export", "onnx", "-h"],
    &["import", "-h"],
    &["import", "weights", "-h"],
    &["explain", "--help"],
    &["robustness", "--help"],
    &["bench", "-h"],
    &["ci", "-h"],
    &["report", "-h"],
    &["report", "compare", "-h"],
];

#[test]
fn every_help_fits_80_columns_and_has_examples_and_exit_codes() {
    let dir = folder();
    for args in COMMANDS {
        let ended = run(dir.path(), args);
        assert_eq!(ended.code, Some(0), "{args:?}");
        for line in ended.stdout.lines() {
            assert!(line.chars().count() <= 80, "{args:?}: {line}");
        }
        assert!(ended.stdout.contains("cargo xtask "), "{args:?}: {}", ended.stdout);
        assert!(ended.stdout.contains("Exit codes: 0 "), "{args:?}: {}", ended.stdout);
        assert!(ended.stdout.contains("Usage: cargo xtask"), "{args:?}: {}", ended.stdout);
    }
}

#[test]
fn without_a_command_the_help_is_shown_and_the_code_is_2() {
    let ended = run(folder().path(), &[]);
    assert_eq!(ended.code, Some(2));
    assert!(ended.stderr.contains("cargo xtask train") && ended.stderr.contains("a command is missing"));
}

#[test]
fn a_completion_script_knows_commands_and_flags_and_the_shell_can_read_it() {
    let dir = folder();
    for shell in ["bash", "zsh", "fish"] {
        let script = run(dir.path(), &["completions", shell]).stdout;
        for word in ["print-config", "batch-size", "predict"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
        std::fs::write(dir.path().join(shell), &script).expect("a file");
        // Not every machine has every shell.
        if let Ok(output) =
            std::process::Command::new(shell).args(["-n", shell]).current_dir(dir.path()).output()
        {
            assert!(output.status.success(), "{shell}: {}", String::from_utf8_lossy(&output.stderr));
        }
    }
}
