"""The order of hooks, for callbacks (`C.`) and the module (`M.`)."""

from scenario import batches, log, logs, scenario

STEP_LR = {"scheduler": ["StepLR", {"step_size": 1, "gamma": 0.5}]}
PLATEAU = {"scheduler": ["ReduceLROnPlateau", {"factor": 0.5, "patience": 0}], "monitor": "val_loss"}
VAL_LOSS = logs("validation_step", log("val_loss", "x_mean"))

SCENARIOS = [
    scenario(
        "fit with sanity check, validation, an epoch scheduler and a checkpoint",
        "hooks",
        module={**VAL_LOSS, "schedulers": [STEP_LR]},
        trainer={"num_sanity_val_steps": 2},
        callbacks=[["ModelCheckpoint", {}]],
    ),
    scenario("fit of two epochs without a sanity check", "hooks", trainer={"max_epochs": 2}),
    scenario("fit without validation", "hooks", loaders={"val": []}),
    scenario(
        "accumulation over two batches with a step scheduler",
        "hooks",
        module={"schedulers": [{**STEP_LR, "interval": "step"}]},
        trainer={"accumulate_grad_batches": 2},
        loaders={"train": batches(4)},
    ),
    scenario(
        "the last window of an epoch is short and steps all the same",
        "hooks",
        trainer={"accumulate_grad_batches": 2, "gradient_clip_val": 1.0},
        loaders={"train": batches(3)},
    ),
    scenario("manual optimization", "hooks", module={"manual": True}),
    scenario(
        "a plateau scheduler by epoch moves after on_train_epoch_end",
        "hooks",
        module={**VAL_LOSS, "schedulers": [PLATEAU]},
        trainer={"max_epochs": 2},
    ),
    scenario(
        "a plateau scheduler by step moves after the validation of its batch",
        "hooks",
        module={**VAL_LOSS, "schedulers": [{**PLATEAU, "interval": "step"}]},
        trainer={"val_check_interval": 1},
    ),
    scenario(
        "validation inside an epoch with an open accumulation window",
        "hooks",
        trainer={"val_check_interval": 1, "accumulate_grad_batches": 2},
    ),
    scenario(
        "two validation loaders, one after the other", "hooks", loaders={"val": [[[3.0]], [[5.0], [6.0]]]}
    ),
    scenario("validate alone", "hooks", runs=[{"do": "validate"}]),
    scenario("test alone", "hooks", loaders={"test": [[[7.0], [8.0]]]}, runs=[{"do": "test"}]),
    scenario(
        "predict alone",
        "hooks returned",
        module={"w": 2.0},
        loaders={"predict": [[[9.0], [10.0, 11.0]]]},
        runs=[{"do": "predict"}],
    ),
    scenario(
        "fast_dev_run looks at one batch of each and checks nothing before",
        "hooks seen global_step",
        trainer={"fast_dev_run": True, "num_sanity_val_steps": 2, "max_epochs": 5},
        callbacks=[["ModelCheckpoint", {}]],
    ),
    scenario(
        "on_train_batch_start returns -1: the rest of the epoch is left out, the next one is whole",
        "hooks seen global_step",
        module={"skip_epoch_at": [0, 1]},
        trainer={"max_epochs": 2},
        loaders={"train": batches(3), "val": []},
    ),
    scenario(
        "max_steps in the middle of the second epoch",
        "hooks global_step epochs",
        trainer={"max_epochs": 5, "max_steps": 3},
        loaders={"val": []},
    ),
    scenario(
        "a stop request ends the epoch at the batch and validates once",
        "hooks epochs global_step",
        module={"stop_at": [0, 1]},
        trainer={"max_epochs": 5},
        loaders={"train": batches(4)},
    ),
    scenario(
        "resume at the end of an epoch",
        "hooks",
        trainer={"num_sanity_val_steps": 1},
        callbacks=[["ModelCheckpoint", {}]],
        runs=[{"do": "fit"}, {"do": "fit", "from": "epoch=0-step=2.ckpt", "trainer": {"max_epochs": 2}}],
    ),
    scenario("max_epochs 0 trains nothing", "hooks epochs global_step", trainer={"max_epochs": 0}),
]
