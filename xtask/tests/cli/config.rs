//! Settings from file, environment and flags: what wins, what is printed, and that it is the same run again.

use crate::support::{Ended, SHORT, done, files, folder, refused, run, version_0, xtask};
use std::fs;
use std::path::Path;

/// `print-config` with these variables.
fn printed(dir: &Path, args: &[&str], variables: &[(&str, &str)]) -> String {
    let mut command = xtask(dir);
    command.arg("print-config").args(args).envs(variables.iter().copied());
    let ended = Ended::from(command.output().expect("the program starts"));
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert!(ended.stdout.lines().all(|line| line.chars().count() <= 100), "{}", ended.stdout);
    ended.stdout
}

fn line<'a>(text: &'a str, key: &str) -> &'a str {
    let start = format!("{key} = ");
    text.lines().find(|line| line.starts_with(&start)).expect(key)
}

/// Without what stands behind `#`.
fn values(text: &str) -> Vec<&str> {
    let bare = text.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
    bare.filter(|line| !line.is_empty()).collect()
}

#[test]
fn a_flag_overrides_a_variable_a_variable_the_file_the_file_the_preset_the_preset_the_default() {
    let dir = folder();
    let own = "preset = \"paper-rosmap\"\n[optimizer]\nlr = 0.1\nweight-decay = 0.2\nmomentum = 0.5\n[model]\ndropout = 0.25\n";
    fs::write(dir.path().join("own.toml"), own).expect("a file");
    let args = ["--config", "own.toml", "--lr", "1e-2"];
    let text = printed(dir.path(), &args, &[("XTASK_OPTIMIZER__LR", "5"), ("XTASK_MODEL__DROPOUT", "0.75")]);
    for (key, expected) in [
        ("lr", "lr = 0.01  # --lr"),
        ("dropout", "dropout = 0.75  # XTASK_MODEL__DROPOUT"),
        ("weight-decay", "weight-decay = 0.2  # own.toml:4"),
        ("max-epochs", "max-epochs = 1001  # preset paper-rosmap"),
        ("preset", "preset = \"paper-rosmap\"  # own.toml:1"),
        ("eps", "eps = 0.00000001  # default"),
    ] {
        assert_eq!(line(&text, key), expected);
    }
}

#[test]
fn what_is_printed_is_a_configuration_that_gives_the_same_run() {
    let dir = folder();
    let odd = [
        "--trainer.gradient-clip-val",
        "0.5",
        "--trainer.accumulate-grad-batches",
        "2",
        "--optimizer.name",
        "adamw",
        "--betas",
        "0.8,0.9",
        "--scheduler.name",
        "multi-step",
        "--scheduler.milestones",
        "1,2",
        "--callbacks.early-stopping-patience",
        "7",
        "--seed",
        "18446744073709551615",
        "--detach-target",
    ];
    let odd: Vec<&str> =
        odd.iter().map(|flag| if *flag == "--betas" { "--optimizer.betas" } else { flag }).collect();
    let text = printed(dir.path(), &[&SHORT[1..], &odd].concat(), &[]);
    fs::write(dir.path().join("again.toml"), &text).expect("a file");
    let again = printed(dir.path(), &["--config", "again.toml"], &[]);
    assert_eq!(values(&text), values(&again));
    assert!(line(&again, "betas").starts_with("betas = [0.8, 0.9]  # again.toml:"), "{again}");

    done(dir.path(), &[&SHORT[..], &odd, &["--out", "a", "--quiet"]].concat());
    done(dir.path(), &["train", "--config", "again.toml", "--out", "b", "--quiet"]);
    done(
        dir.path(),
        &["train", "--config", "a/lightning_logs/version_0/config.toml", "--out", "c", "--quiet"],
    );
    let of = |out: &str, name: &str| fs::read(version_0(&dir.path().join(out)).join(name)).expect(name);
    for name in ["checkpoints/last.ckpt", "metrics.csv", "results.csv", "run.json"] {
        assert!(of("a", name) == of("b", name) && of("a", name) == of("c", name), "{name}");
    }
}

#[test]
fn each_preset_is_a_recipe_and_paper_is_a_name_for_the_papers_one() {
    let dir = folder();
    for (preset, hidden, epochs, batch) in [
        ("post", "[50]", "100", "32"),
        ("paper-rosmap", "[1000]", "1001", "\"full\""),
        ("paper", "[1000]", "1001", "\"full\""),
        ("paper-brca", "[500]", "2500", "\"full\""),
        ("quick", "[50]", "20", "32"),
    ] {
        let text = printed(dir.path(), &["--preset", preset], &[]);
        assert!(line(&text, "hidden-dim").starts_with(&format!("hidden-dim = {hidden} ")), "{text}");
        assert!(line(&text, "max-epochs").starts_with(&format!("max-epochs = {epochs} ")), "{text}");
        assert!(line(&text, "batch-size").starts_with(&format!("batch-size = {batch} ")), "{text}");
    }
}

#[test]
fn an_unknown_name_is_refused_with_its_place_and_the_nearest_known_one() {
    let dir = folder();
    for (text, message) in [
        (
            "[trainer]\n\nmax-epoch = 3\n",
            "own.toml:3: there is no setting trainer.max-epoch; did you mean trainer.max-epochs?",
        ),
        (
            "[optimizer]\nhidden_dim = 3\n",
            "own.toml:2: there is no setting optimizer.hidden_dim; did you mean model.hidden-dim?",
        ),
        ("lr = 1\n", "own.toml:1: there is no setting lr; did you mean optimizer.lr?"),
        ("\n[optimiser]\nlr = 1\n", "own.toml:2: there is no section [optimiser]; did you mean [optimizer]?"),
        ("[colours]\n", "own.toml:1: there is no section [colours]; the sections are data, model, optimizer"),
        ("[run]\nseed = 1\n", "own.toml:1: there is no section [run]"),
        ("[seed]\n", "own.toml:1: seed is a table, expected a whole number"),
        ("seed = 1\nseed = 2\n", "own.toml:2: no TOML: duplicate key"),
        ("seed = \n", "own.toml:1: no TOML: "),
        ("[optimizer]\nlr = \"fast\"\n", "own.toml:2: optimizer.lr is \"fast\", expected a positive number"),
        ("[optimizer]\nlr = -1\n", "own.toml:2: optimizer.lr is -1, expected a positive number"),
        (
            "[trainer]\nmax-epochs = 1.5\n",
            "own.toml:2: trainer.max-epochs is 1.5, expected a whole number, at least 1",
        ),
        (
            "[trainer]\nbatch-size = \"half\"\n",
            "trainer.batch-size is \"half\", expected a whole number, at least 1, or \"full\"",
        ),
        ("[model]\nhidden-dim = [50, \"x\"]\n", "model.hidden-dim is [50, \"x\"], expected widths from 1 up"),
        ("[model]\ndetach-target = 1\n", "model.detach-target is 1, expected true or false"),
        ("[optimizer]\nname = \"adm\"\n", "optimizer.name is \"adm\", expected one of adam, adamw, sgd"),
        ("[optimizer]\nbetas = [0.9]\n", "optimizer.betas is [0.9], expected two numbers from 0 to below 1"),
    ] {
        fs::write(dir.path().join("own.toml"), text).expect("a file");
        for command in ["train", "print-config"] {
            refused(dir.path(), &[command, "--config", "own.toml"], 2, message);
        }
    }
    refused(
        dir.path(),
        &["train", "--trainer.max-epoch", "3"],
        2,
        "a similar argument exists: '--trainer.max-epochs'",
    );
}

#[test]
fn a_variable_that_names_no_setting_or_has_no_fitting_value_is_refused() {
    let dir = folder();
    for (name, value, message) in [
        (
            "XTASK_OPTIMIZER__LRR",
            "1",
            "error: XTASK_OPTIMIZER__LRR: the environment names a setting that is not there; did you mean XTASK_OPTIMIZER__LR?\n",
        ),
        ("XTASK_LR", "1", "did you mean XTASK_OPTIMIZER__LR?\n"),
        ("XTASK_SEED", "-1", "error: XTASK_SEED: seed is -1, expected a whole number from 0 up\n"),
        ("XTASK_COLOURS_OF_THE_SKY", "1", "lists the settings; unset it\n"),
    ] {
        let output =
            xtask(dir.path()).args(["train", "--epochs", "1"]).env(name, value).output().expect("a run");
        let ended = Ended::from(output);
        assert_eq!(ended.code, Some(2), "{}", ended.stderr);
        assert!(ended.stderr.contains(message), "{name}: {}", ended.stderr);
        assert!(files(dir.path()).is_empty());
    }
}

#[test]
fn settings_that_do_not_go_together_are_refused_with_what_to_do() {
    let dir = folder();
    for (flags, message) in [
        (&["--optimizer.nesterov"][..], "needs optimizer.name sgd and an optimizer.momentum above 0"),
        (&["--callbacks.early-stopping-patience", "3", "--validation", "0"], "add --validation 0.15"),
        (&["--validation", "0", "--checkpoint", "best"], "needs validation rows to choose by"),
    ] {
        refused(dir.path(), &[&["train"], flags].concat(), 2, message);
    }
}

#[test]
fn every_optimizer_and_scheduler_trains_and_early_stopping_ends_it() {
    let dir = folder();
    for (optimizer, scheduler) in [
        ("adamw", "cosine"),
        ("sgd", "exponential"),
        ("adam", "none"),
        ("sgd", "multi-step"),
        ("adam", "step"),
    ] {
        let names = ["--optimizer", optimizer, "--scheduler", scheduler, "--out", optimizer];
        done(dir.path(), &[&SHORT[..], &names, &["--loggers.jsonl"]].concat());
        let hparams = version_0(&dir.path().join(optimizer)).join("hparams.yaml");
        let hparams = fs::read_to_string(hparams).expect("hparams.yaml");
        assert!(hparams.to_lowercase().replace('_', "").contains(optimizer), "{hparams}");
    }
    assert!(version_0(&dir.path().join("adamw")).join("metrics.jsonl").is_file());
    let stop = ["train", "--lr", "1e-12", "--hidden-dim", "8", "--callbacks.early-stopping-patience", "2"];
    let ended =
        done(dir.path(), &[&stop[..], &["--callbacks.checkpoint", "last", "--epochs", "90"]].concat());
    let epoch = ended.stdout.lines().find(|line| line.starts_with("Epoch")).expect("a line");
    let epoch: usize = epoch.split([' ', ',']).find_map(|word| word.parse().ok()).expect("a number");
    assert!(epoch < 80, "{}", ended.stdout);
}

#[test]
fn all_settings_are_listed_in_the_help() {
    let help = run(folder().path(), &["train", "--help"]).stdout;
    let text = printed(folder().path(), &[], &[]);
    let mut section = String::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        if let Some(name) = line.strip_prefix('[') {
            section = name.trim_end_matches(']').to_owned() + ".";
        } else if let Some((key, _)) = line.split_once(" = ") {
            assert!(help.contains(&format!("--{section}{key} <")), "{section}{key}: {help}");
        }
    }
}
