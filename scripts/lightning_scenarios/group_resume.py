"""A fit that was cut in two goes on as if it had not been."""

from scenario import batches, log, logs, scenario

EVERYTHING = "steps lrs final_lr w epochs global_step rows callback_metrics"
EPOCH = {"scheduler": ["StepLR", {"step_size": 1, "gamma": 0.5}]}
STEP = {"scheduler": ["ExponentialLR", {"gamma": 0.75}], "interval": "step"}
PLATEAU = {"scheduler": ["ReduceLROnPlateau", {"factor": 0.5, "patience": 0}], "monitor": "v"}
V = [0.5, 0.25, 0.375, 0.75, 0.125, 0.0625]
MODULE = {
    "loss": "quadratic",
    "optimizer": ["SGD", {"lr": 0.125, "momentum": 0.5}],
    "log": {"training_step": [log("loss", "w")], "validation_step": [log("v", {"by_epoch": V})]},
}
EACH = {"train": batches(2), "val": [[[9.0]]]}


def cut(
    name,
    *,
    at,
    module=None,
    callbacks=(),
    compare=EVERYTHING,
    first=1,
    then=3,
    loaders=EACH,
    trainer=None,
    **more,
):
    """A fit to `first` epochs, then one from the file `at` to `then` epochs."""
    return scenario(
        name,
        compare,
        module={**MODULE, **(module or {})},
        trainer={"max_epochs": first, **(trainer or {})},
        loaders=loaders,
        callbacks=callbacks,
        runs=[{"do": "fit"}, {"do": "fit", "from": at, "trainer": {"max_epochs": then}}],
        **more,
    )


SGD = ["SGD", {"lr": 0.125}]
CONSTANT = logs("validation_step", log("v", 1.0))
NEWEST = ["ModelCheckpoint", {}]

SCENARIOS = [
    cut(
        "momentum and an epoch schedule",
        at="epoch=0-step=2.ckpt",
        module={"schedulers": [EPOCH]},
        callbacks=[NEWEST],
    ),
    cut(
        "a step schedule with accumulation",
        at="epoch=0-step=2.ckpt",
        module={"schedulers": [STEP]},
        callbacks=[NEWEST],
        trainer={"accumulate_grad_batches": 2},
        loaders={"train": batches(4), "val": [[[9.0]]]},
    ),
    cut(
        "Adam",
        at="epoch=1-step=4.ckpt",
        first=2,
        then=4,
        module={"optimizer": ["Adam", {"lr": 0.125}]},
        callbacks=[NEWEST],
    ),
    cut(
        "the choice of the best checkpoints goes on",
        at="epoch=1-step=4.ckpt",
        first=2,
        then=6,
        callbacks=[["ModelCheckpoint", {"monitor": "v", "save_top_k": 2}]],
        compare="files checkpoints w",
        mended=(
            [
                {},
                {
                    "files": [
                        {"name": "epoch=4-step=10.ckpt", "global_step": 10, "w": 1.5174059942364693},
                        {"name": "epoch=5-step=12.ckpt", "global_step": 12, "w": 1.5260678521590307},
                    ]
                },
            ],
            "The folder is what it would be without the cut; Lightning never removes the file that it went on from.",
        ),
    ),
    cut(
        "early stopping goes on counting",
        at="epoch=2-step=6.ckpt",
        first=3,
        then=6,
        callbacks=[["EarlyStopping", {"monitor": "v", "patience": 2}], ["ModelCheckpoint", {}]],
        compare="early_stopping epochs w",
    ),
    cut(
        "a fit that has all its epochs already",
        at="epoch=1-step=4.ckpt",
        first=2,
        then=2,
        callbacks=[NEWEST],
        compare="epochs global_step w seen",
    ),
    cut(
        "the log goes on where it was",
        at="epoch=1-step=4.ckpt",
        first=2,
        then=3,
        callbacks=[NEWEST],
        compare="rows",
        trainer={"log_every_n_steps": 3},
    ),
    cut(
        "a plateau scheduler has seen the epoch that was saved",
        at="epoch=1-step=4.ckpt",
        first=2,
        then=4,
        module={"loss": "linear", "optimizer": SGD, "schedulers": [PLATEAU], **CONSTANT},
        callbacks=[NEWEST],
        compare="lrs final_lr steps w",
        mended=(
            [
                {},
                {
                    "lrs": [0.0625, 0.0625, 0.03125, 0.03125],
                    "final_lr": 0.015625,
                    "steps": [[2, 0, 5, 0.1875], [2, 1, 6, 0.0625], [3, 0, 7, 0.03125], [3, 1, 8, -0.03125]],
                    "w": -0.03125,
                },
            ],
            "The fit goes on as if it had not been cut; Lightning saves before the scheduler has seen the epoch's value, "
            "and forgets that step.",
        ),
    ),
    scenario(
        "the patience that is given wins over the one that was saved",
        "early_stopping epochs",
        module=logs("validation_step", log("v", {"by_epoch": [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]})),
        trainer={"max_epochs": 2},
        callbacks=[["EarlyStopping", {"monitor": "v", "patience": 9}], NEWEST],
        runs=[
            {"do": "fit"},
            {
                "do": "fit",
                "from": "epoch=1-step=4.ckpt",
                "trainer": {"max_epochs": 6},
                "callbacks": [["EarlyStopping", {"monitor": "v", "patience": 3}], NEWEST],
            },
        ],
        mended=(
            [
                {},
                {
                    "epochs": 4,
                    "early_stopping": {
                        "should_stop": True,
                        "stopped_epoch": 3,
                        "wait_count": 3,
                        "best_score": 1.0,
                        "reason": "patience_exhausted",
                    },
                },
            ],
            "Settings come from the program, counts from the checkpoint; Lightning takes the saved patience.",
        ),
    ),
    cut(
        "a file from the middle of an epoch",
        at="epoch=0-step=3.ckpt",
        then=1,
        module={"loss": "linear", "optimizer": SGD, "log": {}},
        callbacks=[["ModelCheckpoint", {"every_n_train_steps": 3, "save_top_k": -1}]],
        loaders={"train": batches(5), "val": []},
        compare="steps w seen",
        mended=(
            [
                {},
                {
                    "steps": [[0, 3, 4, -0.25], [0, 4, 5, -0.875]],
                    "w": -0.875,
                    "seen": "train 0: 4 | train 0: 5",
                },
            ],
            "The epoch goes on with the batch that was next; Lightning begins the data again.",
        ),
    ),
    scenario(
        "validation of a checkpoint is logged at the checkpoint's step",
        "rows returned",
        module=logs("validation_step", log("v", "x_mean")),
        trainer={"max_epochs": 2},
        callbacks=[NEWEST],
        runs=[{"do": "fit"}, {"do": "validate", "from": "epoch=1-step=4.ckpt", "callbacks": []}],
        mended=(
            [{}, {"rows": [{"stage": "val", "step": 3, "updates": 4, "epoch": 1, "metrics": {"v": 3.5}}]}],
            "The row stands where the weights were saved; Lightning writes it at step 0 of epoch 0.",
        ),
    ),
]
