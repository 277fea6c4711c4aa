"""ModelCheckpoint: which files are there, what they are called, and which is best."""

from scenario import batches, log, logs, scenario

FILES = "files checkpoints"
NONE = {"best_model_path": None, "best_model_score": None, "best_k": {}}
EACH = {"train": batches(2), "val": [[[9.0]]]}


def v(*values, name="v"):
    """One validation value for each epoch."""
    return logs("validation_step", log(name, {"by_epoch": list(values)}))


def saved(
    name, options, values=(0.5, 0.25, 0.375, 0.75), *, compare=FILES, module=None, trainer=None, **more
):
    given = {"monitor": "v", **options}
    return scenario(
        name,
        compare,
        module=module or v(*values),
        trainer={"max_epochs": len(values), **(trainer or {})},
        loaders=EACH,
        callbacks=[["ModelCheckpoint", {key: value for key, value in given.items() if value != "unset"}]],
        **more,
    )


SCENARIOS = [
    saved("without a monitor the newest epoch stays", {"monitor": "unset"}),
    saved("the best one", {}),
    saved("the two best, larger is better", {"save_top_k": 2, "mode": "max"}),
    saved("all of them", {"save_top_k": -1}),
    saved("none of them", {"save_top_k": 0}),
    saved("a tie does not replace", {}, values=(0.5, 0.5, 0.25, 0.25)),
    saved("of two in a tie the newer goes", {"save_top_k": 2}, values=(0.5, 0.5, 0.5, 0.25)),
    saved("not a number is worst", {}, values=("nan", 0.5, "nan", 0.75)),
    saved("not a number among the two best", {"save_top_k": 2}, values=(0.5, "nan", "nan", 0.25)),
    saved("a template with formats", {"filename": "{epoch:02d}-{step:04d}-{v:.2f}", "save_top_k": -1}),
    saved(
        "a template without the names of its values",
        {"filename": "e{epoch}_v{v:.3f}", "auto_insert_metric_name": False, "save_top_k": -1},
    ),
    saved(
        "a template with a name that holds a slash",
        {"filename": "{epoch}-{val/loss:.2f}", "monitor": "val/loss", "save_top_k": -1},
        module=v(0.5, 0.25, 0.375, 0.75, name="val/loss"),
    ),
    saved(
        "a slash in a template is a folder where names are not inserted",
        {"filename": "best/{epoch}-{val/loss:.2f}", "monitor": "val/loss", "auto_insert_metric_name": False},
        module=v(0.5, 0.25, 0.375, 0.75, name="val/loss"),
    ),
    saved("a template with a value that was never logged", {"filename": "{epoch}-{other:.2f}"}),
    saved("a fixed name gets a version when it is taken", {"filename": "best", "save_top_k": 2}),
    saved("a fixed name of the single best", {"filename": "best"}),
    saved("every second epoch", {"every_n_epochs": 2, "save_top_k": -1}),
    saved("every third step", {"monitor": "unset", "every_n_train_steps": 3, "save_top_k": -1}),
    saved("every third step, the newest", {"monitor": "unset", "every_n_train_steps": 3}),
    saved(
        "every step by a value of training",
        {"monitor": "loss", "every_n_train_steps": 1, "save_top_k": 2},
        module=logs("training_step", log("loss", {"by_call": [4.0, 2.0, 3.0, 5.0]})),
        values=(0.0, 0.0),
    ),
    saved(
        "at the end of the training epoch by a value of training",
        {"monitor": "loss", "save_on_train_epoch_end": True},
        module=logs(
            "training_step",
            log("loss", {"by_call": [4.0, 2.0, 3.0, 5.0, 1.0, 1.5]}, on_step=False, on_epoch=True),
        ),
        values=(0.0, 0.0, 0.0),
    ),
    saved(
        "at each of two validations in an epoch",
        {"save_top_k": -1},
        module=logs("validation_step", log("v", {"by_call": [0.5, 0.25, 0.375, 0.75]})),
        values=(0.0, 0.0),
        trainer={"val_check_interval": 0.5},
    ),
    saved("validation every second epoch", {"save_top_k": -1}, trainer={"check_val_every_n_epoch": 2}),
    saved("a dry run saves nothing", {}, trainer={"fast_dev_run": True}),
    saved(
        "a dry run saves nothing, the last one included",
        {"save_last": True},
        trainer={"fast_dev_run": True},
        mended=(
            [{"files": [], "checkpoints": [{**NONE, "last_model_path": None, "kth_best_model_path": None}]}],
            "A dry run leaves no file behind; Lightning writes last.ckpt as the fit ends.",
        ),
    ),
    saved(
        "max_steps in the middle of an epoch, without a monitor",
        {"monitor": "unset"},
        trainer={"max_steps": 3},
    ),
    saved("last without a monitor", {"monitor": "unset", "save_last": True}),
    saved(
        "last beside the best",
        {"save_last": True},
        mended=(
            [
                {
                    "files": [
                        {"name": "epoch=1-step=4.ckpt", "global_step": 4, "w": 0.25},
                        {"name": "last.ckpt", "global_step": 8, "w": -0.5},
                    ]
                }
            ],
            "last.ckpt is the newest state; Lightning writes it only when a best one is written.",
        ),
    ),
    saved(
        "last alone",
        {"save_top_k": 0, "save_last": True},
        compare=f"{FILES} disk",
        mended=(
            [{"disk": [["last.ckpt"]] * 4}],
            "last.ckpt is there after every epoch; Lightning writes nothing until the fit ends.",
        ),
    ),
    scenario(
        "every second step by a value of validation",
        "files checkpoints",
        module=v(0.5, 0.25, 0.375),
        trainer={"max_epochs": 3},
        loaders={"train": batches(4), "val": [[[9.0]]]},
        callbacks=[["ModelCheckpoint", {"monitor": "v", "every_n_train_steps": 2, "save_top_k": -1}]],
        mended=(
            [
                {
                    "files": [
                        {"name": "epoch=0-step=4.ckpt", "global_step": 4, "w": -0.25},
                        {"name": "epoch=1-step=8.ckpt", "global_step": 8, "w": -1.5},
                        {"name": "epoch=2-step=12.ckpt", "global_step": 12, "w": -2.75},
                    ],
                    "checkpoints": [
                        {
                            "best_model_path": "epoch=1-step=8.ckpt",
                            "best_model_score": 0.25,
                            "last_model_path": None,
                            "best_k": {
                                "epoch=0-step=4.ckpt": 0.5,
                                "epoch=1-step=8.ckpt": 0.25,
                                "epoch=2-step=12.ckpt": 0.375,
                            },
                            "kth_best_model_path": "epoch=0-step=4.ckpt",
                        }
                    ],
                }
            ],
            "A checkpoint waits for the validation that gives its own score; Lightning gives it that of the "
            "validation before.",
        ),
    ),
    scenario(
        "a monitor that nobody logs",
        "refused",
        module=v(0.5),
        callbacks=[["ModelCheckpoint", {"monitor": "typo"}]],
        runs=[{"do": "fit", "refused": True}],
    ),
    scenario(
        "a monitor that nobody logs, and no validation",
        "refused",
        loaders={"val": []},
        callbacks=[["ModelCheckpoint", {"monitor": "typo"}]],
        runs=[{"do": "fit", "refused": True}],
        mended=(
            [{"refused": True}],
            "A monitor that is never logged is a mistake; Lightning saves nothing and says nothing.",
        ),
    ),
]
