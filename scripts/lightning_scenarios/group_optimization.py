"""Updates and learning rates. `lrs` has the rate of each update, `steps` the weight after each batch."""

from scenario import batches, log, logs, scenario

WEIGHTS = "steps lrs w global_step"
STEP = {"scheduler": ["StepLR", {"step_size": 1, "gamma": 0.5}], "interval": "step"}
EPOCH = {"scheduler": ["StepLR", {"step_size": 1, "gamma": 0.5}]}
PLATEAU = {"scheduler": ["ReduceLROnPlateau", {"factor": 0.5, "patience": 0}], "monitor": "val_loss"}
FALLING = logs("validation_step", log("val_loss", {"by_call": [4.0, 2.0, 3.0, 3.5, 1.0, 1.5]}))
MOMENTUM = ["SGD", {"lr": 0.125, "momentum": 0.5}]
NO_VAL = {"val": []}


def by_hand(gradients, rates, w=1.0):
    """The weight after each update of plain gradient descent."""
    weights = []
    for gradient, lr in zip(gradients, rates):
        w -= lr * gradient
        weights.append(w)
    return weights


def epochs_of(length, weights):
    """`steps` where every batch is an update."""
    return [[i // length, i % length, i + 1, w] for i, w in enumerate(weights)]


THIRDS = [0.125 * 0.5 ** (i // 2) for i in range(9)]
THIRDS_W = by_hand([1.0, 2.0, 3.0] * 3, THIRDS)
PAIRS_W = by_hand([1.5, 3.5, 5.5, 7.5], [0.125, 0.125, 0.0625, 0.0625])

SCENARIOS = [
    scenario(
        "gradient descent, a rate that changes by epoch",
        WEIGHTS,
        module={"loss": "quadratic", "schedulers": [EPOCH]},
        trainer={"max_epochs": 3},
        loaders=NO_VAL,
    ),
    scenario(
        "Adam over three epochs",
        WEIGHTS,
        module={"loss": "quadratic", "optimizer": ["Adam", {"lr": 0.125, "weight_decay": 0.01}]},
        trainer={"max_epochs": 3},
        loaders=NO_VAL,
    ),
    scenario(
        "StepLR(10, 0.9) keeps the rate for ten epochs",
        "lrs final_lr",
        module={"schedulers": [{"scheduler": ["StepLR", {"step_size": 10, "gamma": 0.9}]}]},
        trainer={"max_epochs": 12},
        loaders={"train": batches(1), "val": []},
    ),
    scenario(
        "a rate that changes by step",
        WEIGHTS,
        module={"schedulers": [STEP]},
        trainer={"max_epochs": 2},
        loaders={"train": batches(3), "val": []},
    ),
    scenario(
        "every second epoch",
        "lrs final_lr",
        module={"schedulers": [{**EPOCH, "frequency": 2}]},
        trainer={"max_epochs": 5},
        loaders=NO_VAL,
    ),
    scenario(
        "every second step, where epochs have an even number",
        WEIGHTS,
        module={"schedulers": [{**STEP, "frequency": 2}]},
        trainer={"max_epochs": 2},
        loaders={"train": batches(4), "val": []},
    ),
    scenario(
        "every second step, where epochs have three",
        WEIGHTS,
        module={"schedulers": [{**STEP, "frequency": 2}]},
        trainer={"max_epochs": 3},
        loaders={"train": batches(3), "val": []},
        mended=(
            [{"lrs": THIRDS, "steps": epochs_of(3, THIRDS_W), "w": THIRDS_W[-1]}],
            "Every second step means so throughout the fit; Lightning looks at the batch's place in its epoch.",
            "scheduler_frequency",
        ),
    ),
    scenario(
        "every second step, with windows of two batches",
        WEIGHTS,
        module={"schedulers": [{**STEP, "frequency": 2}]},
        trainer={"accumulate_grad_batches": 2},
        loaders={"train": batches(8), "val": []},
        mended=(
            [
                {
                    "lrs": [0.125, 0.125, 0.0625, 0.0625],
                    "steps": [[0, i, (i + 1) // 2, [1.0, *PAIRS_W][(i + 1) // 2]] for i in range(8)],
                    "w": PAIRS_W[-1],
                }
            ],
            "A frequency counts updates; Lightning looks at the batch's place, so that with windows of two batches "
            "every update is a second one.",
            "scheduler_frequency",
        ),
    ),
    scenario(
        "a step scheduler moves once for each window",
        WEIGHTS,
        module={"schedulers": [STEP]},
        trainer={"accumulate_grad_batches": 2},
        loaders={"train": batches(4), "val": []},
    ),
    scenario(
        "plateau by epoch",
        "lrs final_lr rows",
        module={**FALLING, "schedulers": [PLATEAU]},
        trainer={"max_epochs": 6},
        loaders={"val": [[[1.0]]]},
    ),
    scenario(
        "plateau by step",
        "lrs final_lr",
        module={**FALLING, "schedulers": [{**PLATEAU, "interval": "step"}]},
        trainer={"val_check_interval": 1, "max_epochs": 3},
        loaders={"val": [[[1.0]]]},
    ),
    scenario(
        "plateau every second epoch",
        "lrs final_lr",
        module={**FALLING, "schedulers": [{**PLATEAU, "frequency": 2}]},
        trainer={"max_epochs": 6},
        loaders={"val": [[[1.0]]]},
    ),
    scenario(
        "two schedulers on one optimizer",
        "lrs final_lr",
        module={"schedulers": [STEP, {"scheduler": ["ExponentialLR", {"gamma": 0.25}]}]},
        trainer={"max_epochs": 2},
        loaders=NO_VAL,
    ),
    scenario(
        "manual optimization steps its scheduler itself",
        WEIGHTS,
        module={"manual": True, "schedulers": [EPOCH]},
        trainer={"max_epochs": 2},
        loaders=NO_VAL,
    ),
    scenario(
        "whole accumulation windows",
        WEIGHTS,
        module={"loss": "quadratic"},
        trainer={"accumulate_grad_batches": 2, "max_epochs": 2},
        loaders={"train": batches(4), "val": []},
    ),
    scenario(
        "a short last accumulation window",
        WEIGHTS,
        trainer={"accumulate_grad_batches": 3},
        loaders={"train": batches(5), "val": []},
        mended=(
            [
                {
                    "steps": [
                        [0, 0, 0, 1.0],
                        [0, 1, 0, 1.0],
                        [0, 2, 1, 0.75],
                        [0, 3, 1, 0.75],
                        [0, 4, 2, 0.1875],
                    ],
                    "w": 0.1875,
                }
            ],
            "The last window has two batches: its gradient is their mean, (4 + 5) / 2. Lightning divides by three.",
            "partial_window",
        ),
    ),
    scenario(
        "clipping by norm",
        WEIGHTS,
        trainer={"gradient_clip_val": 1.5},
        loaders={"train": batches(3), "val": []},
    ),
    scenario(
        "clipping by value",
        WEIGHTS,
        trainer={"gradient_clip_val": 1.5, "gradient_clip_algorithm": "value"},
        loaders={"train": batches(3), "val": []},
    ),
    scenario(
        "a window is clipped once, when it closes",
        WEIGHTS,
        trainer={"gradient_clip_val": 2.0, "accumulate_grad_batches": 2},
        loaders={"train": batches(4), "val": []},
    ),
    scenario("a clip of zero clips nothing", WEIGHTS, trainer={"gradient_clip_val": 0.0}, loaders=NO_VAL),
    scenario(
        "a training step that returns nothing",
        f"{WEIGHTS} final_lr",
        module={"none_for": [2.0], "optimizer": MOMENTUM, "schedulers": [STEP]},
        loaders={"train": batches(4), "val": []},
        mended=(
            [
                {
                    "lrs": [0.125, 0.0625, 0.03125],
                    "final_lr": 0.015625,
                    "steps": [[0, 0, 1, 0.875], [0, 1, 1, 0.875], [0, 2, 2, 0.65625], [0, 3, 3, 0.476_562_5]],
                    "w": 0.476_562_5,
                    "global_step": 3,
                }
            ],
            "A batch without a loss is no step: nothing is counted and no schedule moves on.",
            "count_skipped_steps",
        ),
    ),
    scenario(
        "an accumulation schedule by epoch",
        WEIGHTS,
        callbacks=[["GradientAccumulationScheduler", {"scheduling": {"0": 1, "1": 2, "2": 4}}]],
        trainer={"max_epochs": 3},
        loaders={"train": batches(4), "val": []},
    ),
    scenario(
        "on_train_batch_start returns -1, with a step scheduler",
        "lrs final_lr seen global_step",
        module={"skip_epoch_at": [0, 2], "schedulers": [STEP]},
        trainer={"max_epochs": 2},
        loaders={"train": batches(3), "val": [[[9.0]]]},
        mended=(
            [
                {
                    "lrs": [0.125, 0.0625, 0.03125, 0.015625, 0.0078125],
                    "final_lr": 0.00390625,
                    "seen": "train 0: 1 | train 0: 2 | validation 0: 9 | "
                    "train 1: 1 | train 1: 2 | train 1: 3 | validation 0: 9",
                }
            ],
            "A batch that is left out is no update: its schedule stays where it is, and the epoch is validated as any "
            "other. Lightning moves the schedule on and leaves the validation out.",
        ),
    ),
    scenario(
        "on_train_batch_start returns -1 in an open window",
        f"{WEIGHTS} final_lr",
        module={"skip_epoch_at": [0, 1], "schedulers": [STEP]},
        trainer={"max_epochs": 2, "accumulate_grad_batches": 2},
        loaders={"train": batches(4), "val": []},
        mended=(
            [
                {
                    "steps": [
                        [0, 0, 0, 1.0],
                        [1, 0, 1, 0.875],
                        [1, 1, 2, 0.78125],
                        [1, 2, 2, 0.78125],
                        [1, 3, 3, 0.671875],
                    ],
                    "lrs": [0.125, 0.0625, 0.03125],
                    "w": 0.671875,
                    "global_step": 3,
                    "final_lr": 0.015625,
                }
            ],
            "The gradients that wait in the open window make an update of their own; Lightning loses them and moves the "
            "schedule on all the same.",
        ),
    ),
    scenario(
        "a plateau scheduler whose monitor is not logged",
        "refused",
        module={"schedulers": [PLATEAU]},
        runs=[{"do": "fit", "refused": True}],
    ),
    scenario(
        "a plateau scheduler without a monitor",
        "refused",
        module={"schedulers": [{"scheduler": PLATEAU["scheduler"]}]},
        runs=[{"do": "fit", "refused": True}],
    ),
]
