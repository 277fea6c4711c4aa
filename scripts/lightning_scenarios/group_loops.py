"""How long a fit goes on, which batches it sees, and when it validates."""

from scenario import batches, log, logs, scenario

SEEN = "seen epochs global_step"
TEN = {"train": batches(10), "val": [batches(3, 20.0)]}

WAITS = (
    "A wish to stop that comes too early is dropped, and whoever has it asks again; Lightning remembers it and may "
    "stop a fit that has recovered since."
)


def refused(name, *, do="fit", **what):
    """Lightning and we refuse; each in its own words."""
    return scenario(name, "refused", runs=[{"do": do, "refused": True}], **what)


SCENARIOS = [
    scenario("max_epochs", SEEN, trainer={"max_epochs": 3}),
    scenario("min_epochs does not extend max_epochs", SEEN, trainer={"max_epochs": 1, "min_epochs": 3}),
    scenario("max_steps at the end of an epoch validates", SEEN, trainer={"max_epochs": 5, "max_steps": 4}),
    scenario(
        "max_steps in the middle of an epoch",
        SEEN,
        trainer={"max_epochs": 5, "max_steps": 3},
        loaders={"train": batches(5)},
        mended=(
            [{"seen": "train 0: 1 | train 0: 2 | train 0: 3 | validation 0: 3 | validation 0: 4"}],
            "A fit that stops in the middle of an epoch ends with a validation, so that its last weights have a score.",
            "no_validation_at_stop",
        ),
    ),
    scenario(
        "max_steps counts updates, not batches",
        SEEN,
        trainer={"max_epochs": 5, "max_steps": 2, "accumulate_grad_batches": 2},
        loaders={"train": batches(4)},
    ),
    scenario(
        "a stop request in the middle of an epoch",
        SEEN,
        module={"stop_at": [1, 1]},
        trainer={"max_epochs": 5},
        loaders={"train": batches(4)},
    ),
    scenario(
        "a stop request before min_epochs",
        SEEN,
        module={"stop_at": [0, 1]},
        trainer={"max_epochs": 3, "min_epochs": 2},
        mended=(
            [
                {
                    "seen": "train 0: 1 | train 0: 2 | validation 0: 3 | validation 0: 4 | "
                    "train 1: 1 | train 1: 2 | validation 0: 3 | validation 0: 4 | "
                    "train 2: 1 | train 2: 2 | validation 0: 3 | validation 0: 4",
                    "epochs": 3,
                    "global_step": 6,
                }
            ],
            WAITS,
        ),
    ),
    scenario(
        "a stop request before min_steps",
        SEEN,
        module={"stop_at": [0, 1]},
        trainer={"max_epochs": 1, "min_epochs": 0, "min_steps": 3},
        loaders={"train": batches(4)},
        mended=(
            [
                {
                    "seen": "train 0: 1 | train 0: 2 | train 0: 3 | train 0: 4 | validation 0: 3 | validation 0: 4",
                    "global_step": 4,
                }
            ],
            WAITS,
        ),
    ),
    scenario(
        "a stop request at min_steps",
        SEEN,
        module={"stop_at": [0, 2]},
        trainer={"max_epochs": 1, "min_epochs": 0, "min_steps": 3},
        loaders={"train": batches(4)},
    ),
    scenario(
        "val_check_interval as a share of the epoch",
        "seen",
        trainer={"val_check_interval": 0.4},
        loaders={"train": batches(5)},
    ),
    scenario(
        "val_check_interval as a number of batches starts again each epoch",
        "seen",
        trainer={"max_epochs": 2, "val_check_interval": 2},
        loaders={"train": batches(5), "val": [[[9.0]]]},
    ),
    scenario(
        "val_check_interval over epochs",
        "seen",
        trainer={"max_epochs": 2, "val_check_interval": 3, "check_val_every_n_epoch": None},
        loaders={"train": batches(5), "val": [[[9.0]]]},
    ),
    scenario(
        "check_val_every_n_epoch",
        "seen",
        trainer={"max_epochs": 5, "check_val_every_n_epoch": 2},
        loaders={"train": batches(1), "val": [[[9.0]]]},
    ),
    scenario(
        "limits as numbers of batches",
        SEEN,
        trainer={"limit_train_batches": 3, "limit_val_batches": 2},
        loaders=TEN,
    ),
    scenario(
        "limits as shares of the loader are rounded down",
        SEEN,
        trainer={"limit_train_batches": 0.37, "limit_val_batches": 0.67},
        loaders=TEN,
    ),
    scenario(
        "limit_val_batches 0 switches validation off",
        SEEN,
        trainer={"limit_val_batches": 0, "num_sanity_val_steps": 2},
    ),
    scenario(
        "limits of several validation loaders",
        SEEN,
        trainer={"limit_val_batches": 0.5},
        loaders={"val": [batches(4, 20.0), batches(2, 30.0)]},
    ),
    scenario(
        "limit_test_batches",
        "seen",
        trainer={"limit_test_batches": 2},
        loaders={"test": [batches(3)]},
        runs=[{"do": "test"}],
    ),
    scenario(
        "limit_predict_batches",
        "returned",
        trainer={"limit_predict_batches": 0.5},
        loaders={"predict": [batches(4)]},
        runs=[{"do": "predict"}],
    ),
    scenario(
        "overfit_batches takes the first batches of each loader",
        SEEN,
        trainer={"overfit_batches": 2, "max_epochs": 2},
        loaders={"train": batches(5), "val": [batches(4, 20.0)]},
    ),
    scenario(
        "fast_dev_run of three batches", SEEN, trainer={"fast_dev_run": 3, "max_epochs": 4}, loaders=TEN
    ),
    scenario(
        "the sanity check of all batches of two loaders",
        "hooks",
        trainer={"num_sanity_val_steps": -1, "max_epochs": 0},
        loaders={"val": [[[3.0], [4.0]], [[5.0]]]},
    ),
    scenario(
        "the sanity check of a limited loader",
        "hooks",
        trainer={"num_sanity_val_steps": 5, "limit_val_batches": 1},
        loaders={"train": batches(1)},
    ),
    scenario(
        "accumulation starts a new window in each epoch",
        f"{SEEN} steps",
        trainer={"max_epochs": 2, "accumulate_grad_batches": 2},
        loaders={"train": batches(4), "val": []},
    ),
    refused("val_check_interval beyond the epoch is refused", trainer={"val_check_interval": 3}),
    refused(
        "a share as val_check_interval over epochs is refused",
        trainer={"val_check_interval": 0.5, "check_val_every_n_epoch": None},
    ),
    refused("a share of a loader that is no batch is refused", trainer={"limit_train_batches": 0.2}),
    refused("a limit above 1.0 is refused", trainer={"limit_train_batches": 1.5}),
    refused(
        "manual optimization with accumulation is refused",
        module={"manual": True},
        trainer={"accumulate_grad_batches": 2},
    ),
    refused(
        "manual optimization with clipping is refused",
        module={"manual": True},
        trainer={"gradient_clip_val": 1.0},
    ),
    refused(
        "logging on_step at the end of an epoch is refused",
        module=logs("on_train_epoch_end", log("x", 1.0, on_step=True)),
    ),
    scenario(
        "accumulate_grad_batches 0",
        "refused",
        trainer={"accumulate_grad_batches": 0},
        runs=[{"do": "fit", "refused": True}],
        mended=(
            [{"refused": True}],
            "A window of no batch means nothing; the setting is refused before training.",
        ),
    ),
    scenario(
        "log_every_n_steps below 0",
        "refused",
        trainer={"log_every_n_steps": -1},
        runs=[{"do": "fit", "refused": True}],
        mended=(
            [{"refused": True}],
            "Every minus first step means nothing; the setting is refused before training.",
        ),
    ),
]
