//! Flags that are not there, twice there, of the wrong type, out of range, or do not go together.

use super::refused;
use crate::support::folder;

#[test]
fn a_flag_or_command_that_is_not_known_comes_with_what_was_meant() {
    let dir = folder();
    for (args, message) in [
        (&["trian"][..], "unrecognized subcommand 'trian'; tip: a similar subcommand exists: 'train'"),
        (&["train", "--no-such-flag"], "unexpected argument '--no-such-flag' found"),
        (&["train", "--epoch", "3"], "a similar argument exists: '--epochs'"),
        (&["train", "--optimiser.lr", "3"], "a similar argument exists: '--optimizer.lr'"),
        (&["train", "extra"], "unexpected argument 'extra' found"),
        (&["train", "--lr"], "a value is required for '--lr <X>'"),
        (&["train", "--lr", "1", "--lr", "2"], "'--lr <X>' cannot be used multiple times"),
        (&["train", "--lr", "1", "--optimizer.lr", "2"], "'--lr <X>' cannot be used multiple times"),
        (&["test"], "required arguments were not provided: <CKPT>"),
        (&["predict", "a.ckpt", "--data", "b", "--views", "c"], "cannot be used with"),
        (&["completions", "tcsh"], "invalid value 'tcsh'"),
    ] {
        refused(dir.path(), args, 2, message);
    }
}

#[test]
fn a_value_of_the_wrong_type_or_out_of_range_is_named_with_what_is_expected() {
    let dir = folder();
    for (flag, value, message) in [
        ("--lr", "fast", "--lr: optimizer.lr is \"fast\", expected a positive number"),
        ("--lr", "nan", "optimizer.lr is NaN, expected a positive number"),
        ("--lr", "-inf", "optimizer.lr is -inf, expected a positive number"),
        ("--lr", "1e400", "optimizer.lr is 1e400, expected a positive number"),
        ("--lr", "0x10", "optimizer.lr is \"0x10\", expected a positive number"),
        ("--lr", "0,001", "optimizer.lr is \"0,001\", expected a positive number"),
        ("--lr", "", "optimizer.lr is \"\", expected a positive number"),
        ("--reg", "-1e-9", "optimizer.weight-decay is -1e-9, expected a number from 0 up"),
        ("--optimizer.betas", "0.9", "expected two numbers from 0 to below 1"),
        ("--optimizer.betas", "0.9,1", "expected two numbers from 0 to below 1"),
        ("--optimizer.eps", "-1", "expected a number from 0 up"),
        ("--optimizer", "adm", "expected one of adam, adamw, sgd"),
        ("--scheduler", "steps", "expected one of step, multi-step, cosine, exponential, none"),
        ("--scheduler.milestones", "5,3", "expected epochs from 1 up, each larger than the one before"),
        ("--gamma", "0", "scheduler.gamma is 0, expected a positive number"),
        ("--epochs", "0", "trainer.max-epochs is 0, expected a whole number, at least 1"),
        ("--epochs", "1.5", "trainer.max-epochs is 1.5, expected a whole number"),
        ("--epochs", "99999999999999999999", "expected a whole number"),
        ("--batch-size", "half", "expected a whole number, at least 1, or \"full\""),
        ("--hidden-dim", "", "expected widths from 1 up"),
        ("--hidden-dim", "50,,20", "expected widths from 1 up"),
        ("--hidden-dim", "50,-1", "expected widths from 1 up"),
        ("--hidden-dim", "18446744073709551615,18446744073709551615", "GiB"),
        ("--dropout", "1", "model.dropout is 1, expected a number from 0 to below 1"),
        ("--validation", "1", "data.validation is 1, expected a share"),
        ("--detach-target", "maybe", "expected true or false"),
        ("--model.confidence", "loud", "expected one of linear, noise-aware, none"),
        ("--model.loss-view-ce", "-1", "expected a number from 0 up"),
        ("--trainer.gradient-clip-val", "0", "expected a positive number, or \"none\""),
        ("--trainer.threads", "0", "expected a whole number from 1 to 256, or \"none\""),
        ("--trainer.accumulate-grad-batches", "0", "expected a whole number, at least 1"),
        ("--seed", "-1", "seed is -1, expected a whole number from 0 up"),
        ("--seeds", "0", "seeds is 0, expected a whole number, at least 1"),
        ("--preset", "pots", "expected one of post, paper-rosmap, paper-brca, quick"),
        ("--checkpoint", "worst", "expected one of best, last"),
        ("--callbacks.early-stopping-patience", "soon", "expected a whole number from 0 up, or \"none\""),
    ] {
        refused(dir.path(), &["train", flag, value], 2, message);
    }
}

#[test]
fn flags_that_do_not_go_together_are_refused_with_the_way_out() {
    let dir = folder();
    for (args, message) in [
        (&["--checkpoint", "best", "--validation", "0"][..], "add --validation 0.15 or take last"),
        (&["--callbacks.early-stopping-patience", "2", "--preset", "paper"], "add --validation 0.15"),
        (&["--optimizer.nesterov"], "needs optimizer.name sgd and an optimizer.momentum above 0"),
        (
            &["--seed", "18446744073709551615", "--seeds", "2"],
            "seed 18446744073709551615 and the 1 after it pass",
        ),
        (
            &[
                "--model.loss-gate-l1",
                "0",
                "--model.loss-confidence",
                "0",
                "--model.loss-view-ce",
                "0",
                "--model.loss-classifier",
                "0",
            ],
            "at least one weight above 0",
        ),
        (&["--resume", "auto", "--resume", "auto"], "cannot be used multiple times"),
    ] {
        refused(dir.path(), &[&["train"], args].concat(), 2, message);
    }
    if !cfg!(feature = "tensorboard") {
        refused(dir.path(), &["train", "--loggers.tensorboard"], 2, "--features tensorboard");
    }
}
