"""Runs a scenario with Lightning and gives what it did."""

import logging
import os
import pathlib
import tempfile
import warnings

import lightning.pytorch as pl
import torch
from lightning.pytorch.callbacks import (
    EarlyStopping,
    GradientAccumulationScheduler,
    LearningRateMonitor,
    ModelCheckpoint,
)

import record
import scripted

CALLBACKS = {
    "EarlyStopping": EarlyStopping,
    "GradientAccumulationScheduler": GradientAccumulationScheduler,
    "LearningRateMonitor": LearningRateMonitor,
    "ModelCheckpoint": ModelCheckpoint,
}


def quiet():
    """Lightning talks; the fixtures say it all."""
    warnings.simplefilter("ignore")
    for name in ("lightning.pytorch", "lightning.fabric", "lightning"):
        logging.getLogger(name).setLevel(logging.ERROR)
    os.environ["PL_DISABLE_FORK"] = "1"


def lightning(scenario):
    """The outcome of each run of the scenario, with the parts that it is about."""
    torch.set_default_dtype(torch.float64)
    with tempfile.TemporaryDirectory() as folder:
        return [_run(scenario, one, pathlib.Path(folder).resolve()) for one in scenario["runs"]]


def _run(scenario, one, folder):
    events = []
    module = scripted.Scripted(scenario["module"], events)
    recorder, rows = record.Recorder(events, folder), record.Rows()
    options = {**scenario["trainer"], **one.get("trainer", {})}
    given = one.get("callbacks", scenario["callbacks"])
    returned = None
    try:
        callbacks = [recorder, *(_callback(*each, folder) for each in given)]
        trainer = pl.Trainer(
            accelerator="cpu",
            devices=1,
            logger=rows,
            callbacks=callbacks,
            default_root_dir=folder,
            enable_progress_bar=False,
            enable_model_summary=False,
            enable_checkpointing=any(isinstance(each, ModelCheckpoint) for each in callbacks),
            **options,
        )
        rows.trainer = trainer
        returned = _do(trainer, module, scenario["loaders"], one, folder)
    except Exception as error:  # whatever Lightning refuses with is the outcome
        if not one.get("refused"):
            raise
        return {"refused": True, "says": f"{type(error).__name__}: {error}"}
    if one.get("refused"):
        return {"refused": False}
    whole = record.outcome(trainer, module, recorder, rows, returned)
    return {key: whole[key] for key in scenario["compare"]}


def _callback(kind, args, folder):
    if kind == "ModelCheckpoint":
        args = {"dirpath": folder, **args}
    if kind == "GradientAccumulationScheduler":
        args = {"scheduling": {int(key): value for key, value in args["scheduling"].items()}}
    return CALLBACKS[kind](**args)


def _do(trainer, module, loaders, one, folder):
    path = str(folder / one["from"]) if "from" in one else None
    action = one["do"]
    if action == "fit":
        val = [scripted.loader(each) for each in loaders.get("val", [])]
        trainer.fit(
            module, scripted.loader(loaders["train"]), val or None, ckpt_path=path, weights_only=False
        )
        return None
    several = [scripted.loader(each) for each in loaders["val" if action == "validate" else action]]
    several = several[0] if len(several) == 1 else several
    if action == "predict":
        return trainer.predict(module, several, ckpt_path=path, weights_only=False)
    return getattr(trainer, action)(module, several, ckpt_path=path, verbose=False, weights_only=False)
