"""EarlyStopping and LearningRateMonitor."""

from scenario import batches, log, logs, scenario

DECISION = "early_stopping epochs global_step"
EACH = {"train": batches(2), "val": [[[9.0]]]}


def stopping(name, options, values, *, module=None, trainer=None, compare=DECISION, **more):
    return scenario(
        name,
        compare,
        module=module or logs("validation_step", log("v", {"by_epoch": list(values)})),
        trainer={"max_epochs": len(values), **(trainer or {})},
        loaders=EACH,
        callbacks=[["EarlyStopping", {"monitor": "v", **options}]],
        **more,
    )


def rates(name, options, *, module=None, **more):
    return scenario(
        name,
        "rates",
        module=module,
        trainer={"max_epochs": 2},
        loaders={"train": batches(2), "val": []},
        callbacks=[["LearningRateMonitor", options]],
        **more,
    )


STEP = {"scheduler": ["StepLR", {"step_size": 1, "gamma": 0.5}], "interval": "step"}
EPOCH = {"scheduler": ["StepLR", {"step_size": 1, "gamma": 0.5}]}

SCENARIOS = [
    stopping("patience runs out", {"patience": 2}, [4.0, 3.0, 3.5, 3.25, 1.0]),
    stopping("patience of three by default", {}, [1.0, 2.0, 2.0, 2.0, 2.0, 2.0]),
    stopping("patience 0 stops at the first that is no better", {"patience": 0}, [2.0, 1.0, 1.0, 0.5]),
    stopping("never out of patience", {"patience": 2}, [4.0, 3.0, 3.5, 2.0]),
    stopping("larger is better", {"mode": "max", "patience": 1}, [1.0, 2.0, 1.5, 3.0]),
    stopping(
        "an improvement must exceed min_delta", {"min_delta": 0.5, "patience": 2}, [4.0, 3.5, 3.25, 3.0, 1.0]
    ),
    stopping(
        "min_delta where larger is better",
        {"mode": "max", "min_delta": 0.5, "patience": 1},
        [1.0, 1.75, 2.25, 3.0],
    ),
    stopping("good enough", {"stopping_threshold": 1.0}, [4.0, 1.0, 0.5, 0.25]),
    stopping(
        "good enough, larger is better", {"mode": "max", "stopping_threshold": 0.5}, [0.25, 0.5, 0.75, 0.5]
    ),
    stopping("hopeless", {"divergence_threshold": 10.0}, [4.0, 10.0, 11.0, 1.0]),
    stopping("not a number stops", {}, [4.0, "nan", 1.0]),
    stopping("infinity stops", {}, [4.0, "inf", 1.0]),
    stopping(
        "not a number is only no improvement where finiteness is not checked",
        {"check_finite": False, "patience": 2},
        [4.0, "nan", 3.0, "nan", "nan", 1.0],
    ),
    stopping(
        "a stop before min_epochs",
        {"patience": 1},
        [1.0, 2.0, 0.5, 0.25, 0.125, 0.0625],
        trainer={"min_epochs": 4},
        mended=(
            [
                {
                    "epochs": 6,
                    "global_step": 12,
                    "early_stopping": {
                        "should_stop": False,
                        "stopped_epoch": 0,
                        "wait_count": 0,
                        "best_score": 0.0625,
                        "reason": "not_stopped",
                    },
                }
            ],
            "When min_epochs is over, what counts is whether the value still fails to improve; "
            "Lightning remembers the stop that min_epochs held back.",
        ),
    ),
    stopping(
        "out of patience still when min_epochs is over",
        {"patience": 1},
        [1.0, 2.0, 3.0, 4.0, 5.0, 6.0],
        trainer={"min_epochs": 3},
    ),
    stopping(
        "patience counts validations, not epochs",
        {"patience": 2},
        [0.0, 0.0, 0.0],
        module=logs("validation_step", log("v", {"by_call": [4.0, 3.0, 3.5, 3.25, 1.0, 1.0]})),
        trainer={"val_check_interval": 0.5},
    ),
    stopping(
        "a validation after every batch counts as one check each",
        {"patience": 2},
        [0.0, 0.0, 0.0],
        module=logs("validation_step", log("v", {"by_call": [4.0, 3.0, 3.5, 3.25, 1.0, 1.0]})),
        trainer={"val_check_interval": 1},
        mended=(
            [
                {
                    "epochs": 2,
                    "global_step": 4,
                    "early_stopping": {
                        "should_stop": True,
                        "stopped_epoch": 1,
                        "wait_count": 2,
                        "best_score": 3.0,
                        "reason": "patience_exhausted",
                    },
                }
            ],
            "An interval of one batch is not the share 1.0: Lightning takes it for the whole epoch and checks once.",
        ),
    ),
    stopping(
        "a value of training, at the end of its epoch",
        {"patience": 1, "check_on_train_epoch_end": True},
        [0.0, 0.0, 0.0, 0.0],
        module=logs(
            "training_step",
            log("v", {"by_call": [2.0, 2.0, 1.0, 1.0, 1.5, 1.5, 0.0, 0.0]}, on_step=False, on_epoch=True),
        ),
    ),
    stopping(
        "the bare name of a value that is logged both ways",
        {"patience": 1},
        [0.0, 0.0, 0.0, 0.0],
        module=logs(
            "training_step",
            log("v", {"by_call": [2.0, 4.0, 1.0, 3.0, 1.0, 5.0, 0.0, 0.0]}, on_step=True, on_epoch=True),
        ),
    ),
    stopping(
        "validation every second epoch",
        {"patience": 1},
        [4.0, 3.0, 2.0, 5.0, 1.0, 6.0, 1.0, 1.0],
        trainer={"check_val_every_n_epoch": 2},
    ),
    stopping(
        "a sanity check is no check",
        {"patience": 1},
        [4.0, 3.0, 5.0, 1.0],
        trainer={"num_sanity_val_steps": 1},
    ),
    stopping("a value that is not there, not strict", {"monitor": "other", "strict": False}, [1.0, 2.0]),
    scenario(
        "a value that is not there",
        "refused",
        callbacks=[["EarlyStopping", {"monitor": "other"}]],
        runs=[{"do": "fit", "refused": True}],
    ),
    rates("one rate for each step", {}, module={"schedulers": [STEP]}),
    rates("one rate for each epoch", {}, module={"schedulers": [EPOCH]}),
    rates(
        "a step scheduler, asked for by epoch", {"logging_interval": "epoch"}, module={"schedulers": [STEP]}
    ),
    rates(
        "an epoch scheduler, asked for by step", {"logging_interval": "step"}, module={"schedulers": [EPOCH]}
    ),
    rates("an optimizer without a scheduler", {}),
    rates("a scheduler with a name", {}, module={"schedulers": [{**EPOCH, "name": "rate"}]}),
    rates(
        "with momentum and weight decay",
        {"log_momentum": True, "log_weight_decay": True},
        module={
            "optimizer": ["SGD", {"lr": 0.125, "momentum": 0.5, "weight_decay": 0.25}],
            "schedulers": [EPOCH],
        },
    ),
    rates(
        "Adam and its first beta",
        {"log_momentum": True},
        module={"optimizer": ["Adam", {"lr": 0.125}], "schedulers": [STEP]},
    ),
]
