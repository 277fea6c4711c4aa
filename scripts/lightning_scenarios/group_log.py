"""What `log` makes of a value: defaults of the hook, suffixes, reductions, sinks, rows."""

from scenario import batches, log, logs, scenario

ROWS = "rows callback_metrics"
BOTH = {"on_step": True, "on_epoch": True}
UNEVEN = [[1.0, 1.0], [2.0, 2.0], [6.0]]


def reduced(hook):
    each = [log(name, "x_mean", on_epoch=True, reduce_fx=name) for name in ("mean", "min", "max", "sum")]
    return logs(hook, *each)


SCENARIOS = [
    scenario(
        "training_step logs each step by default",
        ROWS,
        module=logs("training_step", log("loss", "x_mean")),
        trainer={"max_epochs": 2},
    ),
    scenario(
        "validation_step logs the epoch by default",
        ROWS,
        module=logs("validation_step", log("val", "x_mean")),
    ),
    scenario(
        "both flags in training_step: two rows, two suffixes, and the bare name for callbacks",
        ROWS,
        module=logs("training_step", log("loss", "x_mean", **BOTH)),
        trainer={"max_epochs": 2},
    ),
    scenario(
        "only the epoch in training_step",
        ROWS,
        module=logs("training_step", log("loss", "x_mean", on_step=False, on_epoch=True)),
        loaders={"train": batches(3)},
    ),
    scenario(
        "the four reductions in training_step",
        ROWS,
        module=reduced("training_step"),
        loaders={"train": UNEVEN},
    ),
    scenario(
        "the four reductions in validation_step",
        ROWS,
        module=reduced("validation_step"),
        loaders={"val": [UNEVEN]},
    ),
    scenario(
        "a mean is weighted by the batch's size, or by the size that is given",
        ROWS,
        module=logs("validation_step", log("weighted", "x_mean"), log("plain", "x_mean", batch_size=1)),
        loaders={"val": [UNEVEN]},
    ),
    scenario(
        "prog_bar and logger choose the sinks; callbacks see everything",
        f"{ROWS} progress_bar_metrics",
        module=logs(
            "training_step",
            log("bar", 1.0, prog_bar=True, logger=False),
            log("file", 2.0),
            log("neither", 3.0, logger=False),
            log("both", 4.0, prog_bar=True, **BOTH),
        ),
    ),
    scenario(
        "log_every_n_steps counts over epochs",
        "rows",
        module=logs("training_step", log("loss", "x_mean")),
        trainer={"max_epochs": 2, "log_every_n_steps": 3},
        loaders={"train": batches(7), "val": []},
    ),
    scenario(
        "log_every_n_steps longer than the run leaves the epoch's rows",
        ROWS,
        module=logs("training_step", log("loss", "x_mean", **BOTH)),
        trainer={"log_every_n_steps": 50},
        loaders={"val": []},
    ),
    scenario(
        "hooks of an epoch's start and end log for the epoch",
        ROWS,
        module={
            "log": {
                "on_train_start": [log("at_train_start", 1.0)],
                "on_train_epoch_start": [log("at_epoch_start", {"by_epoch": [2.0, 3.0]})],
                "on_train_epoch_end": [log("at_epoch_end", {"by_epoch": [4.0, 5.0]})],
                "on_validation_epoch_start": [log("val_at_start", {"by_epoch": [6.0, 7.0]})],
                "on_validation_epoch_end": [log("val_at_end", {"by_epoch": [8.0, 9.0]})],
            }
        },
        trainer={"max_epochs": 2},
    ),
    scenario(
        "hooks around a batch log as its step does",
        ROWS,
        module={
            "log": {
                "on_train_batch_start": [log("batch_start", "x_mean")],
                "on_train_batch_end": [log("batch_end", "x_mean", on_epoch=True)],
                "on_validation_batch_start": [log("val_batch_start", "x_mean")],
                "on_validation_batch_end": [log("val_batch_end", "x_mean")],
            }
        },
    ),
    scenario(
        "hooks around the update log as the step does",
        ROWS,
        module={
            "log": {
                "on_before_zero_grad": [log("before_zero_grad", "x_mean")],
                "on_before_backward": [log("before_backward", "x_mean")],
                "on_after_backward": [log("after_backward", "x_mean")],
                "on_before_optimizer_step": [log("before_step", "x_mean", on_epoch=True)],
            }
        },
        trainer={"accumulate_grad_batches": 2},
        loaders={"train": batches(4), "val": []},
    ),
    scenario(
        "several validation loaders: each value is told apart by dataloader_idx",
        ROWS,
        module=logs("validation_step", log("val", "x_mean")),
        loaders={"val": [[[3.0], [4.0]], [[5.0]]]},
    ),
    scenario(
        "accumulation: a step row for each window that closed",
        "rows",
        module=logs("training_step", log("loss", "x_mean")),
        trainer={"accumulate_grad_batches": 2},
        loaders={"train": batches(5), "val": []},
    ),
    scenario(
        "a validation value of each step",
        "rows callback_metrics",
        module=logs("validation_step", log("v", "x_mean", **BOTH)),
        trainer={"max_epochs": 2},
    ),
    scenario(
        "several validations in an epoch, each with its own row",
        ROWS,
        module={
            "log": {
                "training_step": [log("loss", "x_mean")],
                "validation_step": [log("val", {"by_call": [1.0, 2.0, 3.0, 4.0]})],
            }
        },
        trainer={"val_check_interval": 2},
        loaders={"train": batches(4)},
    ),
    scenario(
        "validate returns what was logged for the loggers",
        "rows returned",
        module=logs("validation_step", log("val", "x_mean"), log("hidden", "x_mean", logger=False)),
        loaders={"val": [UNEVEN]},
        runs=[{"do": "validate"}],
        mended=(
            [{"returned": [{"val": 2.4, "hidden": 2.4}]}],
            "The caller gets everything that was logged; logger=False says only that loggers do not.",
        ),
    ),
    scenario(
        "test with two loaders returns a map for each",
        "returned",
        module={
            "log": {
                "test_step": [log("test", "x_mean")],
                "on_test_epoch_end": [log("whole", 7.0)],
            }
        },
        loaders={"test": [[[1.0], [2.0]], [[5.0]]]},
        runs=[{"do": "test"}],
    ),
    scenario(
        "one name twice in one hook: the step keeps the last, the epoch both",
        ROWS,
        module=logs("training_step", log("loss", "x_mean", **BOTH), log("loss", 10.0, **BOTH)),
    ),
    scenario(
        "not a number is logged as it is",
        ROWS,
        module=logs(
            "validation_step", log("val", {"by_call": [1.0, "nan"]}), log("low", "x_mean", reduce_fx="min")
        ),
    ),
    scenario(
        "the sanity check leaves no row and no metric behind",
        ROWS,
        module=logs("validation_step", log("val", "x_mean")),
        trainer={"num_sanity_val_steps": 2, "check_val_every_n_epoch": 2},
    ),
    scenario(
        "train and validation log one name",
        "rows",
        module={
            "log": {
                "training_step": [log("x", 1.0, on_step=False, on_epoch=True)],
                "validation_step": [log("x", 5.0)],
            }
        },
        mended=(
            [{"refused": True}],
            "One name with two meanings is refused: whoever monitors it would get now the one, now the other.",
        ),
    ),
]
