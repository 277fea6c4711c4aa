"""What is noted down of a run: hooks, log rows, and, at the end, the outcome."""

import pathlib


import torch
from lightning.pytorch.callbacks import Callback, EarlyStopping, ModelCheckpoint
from lightning.pytorch.loggers.logger import Logger

_HOOKS = """setup teardown on_fit_start on_fit_end on_sanity_check_start on_sanity_check_end
on_train_start on_train_end on_train_epoch_start on_train_epoch_end on_train_batch_start on_train_batch_end
on_before_zero_grad on_before_backward on_after_backward on_before_optimizer_step
on_save_checkpoint on_load_checkpoint on_exception""".split()
_HOOKS += [
    f"on_{stage}_{part}"
    for stage in ("validation", "test", "predict")
    for part in ("start", "epoch_start", "batch_start", "batch_end", "epoch_end", "end")
]
STAGES = {"train": "train", "sanity_check": "sanity", "validate": "val", "test": "test"}


class Recorder(Callback):
    """Notes `C.<hook>`; the learning rate of every update; the weight after every batch."""

    def __init__(self, events, folder):
        self.events = events
        self.folder = folder
        self.lrs, self.steps, self.disk = [], [], []

    def enter(self, hook, trainer, module, args):
        self.events.append(f"C.{hook}")
        if hook == "on_before_optimizer_step":
            self.lrs.append(args[0].param_groups[0]["lr"])
        if hook == "on_train_batch_end":
            self.steps.append([trainer.current_epoch, args[2], trainer.global_step, module.w.item()])
        if hook == "on_train_end" or hook == "on_train_epoch_start" and self.steps:
            self.disk.append(files(self.folder))


def _noting(hook):
    def noted(self, trainer, pl_module, *args, **kwargs):
        self.enter(hook, trainer, pl_module, args)

    return noted


for _hook in _HOOKS:
    setattr(Recorder, _hook, _noting(_hook))


class Rows(Logger):
    """Every row that reaches a logger, with the stage that it comes from and the updates that were done."""

    def __init__(self):
        super().__init__()
        self.trainer = None
        self.rows = []

    def log_metrics(self, metrics, step=None):
        metrics = {key: float(value) for key, value in metrics.items()}
        stage, updates = STAGES[self.trainer.state.stage.value], self.trainer.global_step
        row = {"stage": stage, "step": step, "updates": updates, "epoch": None}
        if "epoch" in metrics:
            row["epoch"] = int(metrics.pop("epoch"))
        self.rows.append({**row, "metrics": metrics})

    def log_hyperparams(self, *args, **kwargs):
        pass

    @property
    def name(self):
        return "rows"

    @property
    def version(self):
        return 0


def files(folder):
    return sorted(path.relative_to(folder).as_posix() for path in pathlib.Path(folder).rglob("*.ckpt"))


def outcome(trainer, module, recorder, rows, returned):
    """Everything, as JSON; a scenario keeps the parts that it is about."""
    early = next((c for c in trainer.callbacks if isinstance(c, EarlyStopping)), None)
    saved = [c for c in trainer.callbacks if isinstance(c, ModelCheckpoint)]
    return {
        "hooks": lines(recorder.events),
        "epochs": trainer.current_epoch,
        "global_step": trainer.global_step,
        "steps": recorder.steps,
        "rates": [row for row in rows.rows if all(key.startswith(("lr-", "rate")) for key in row["metrics"])],
        "lrs": recorder.lrs,
        "final_lr": trainer.optimizers[0].param_groups[0]["lr"] if trainer.optimizers else None,
        "w": module.w.item(),
        "seen": " | ".join(module.seen),
        "rows": rows.rows,
        "callback_metrics": _floats(trainer.callback_metrics),
        "progress_bar_metrics": _floats(trainer.progress_bar_metrics),
        "logged_metrics": _floats(trainer.logged_metrics),
        "returned": returned,
        "early_stopping": early and _early(early, trainer),
        "checkpoints": [_checkpoint(one, recorder.folder) for one in saved],
        "files": [_file(recorder.folder, name) for name in files(recorder.folder)],
        "disk": recorder.disk,
    }


def lines(events):
    """A line for each phase, so that a changed order is a changed line."""
    phases = [[]]
    for event in events:
        if event.startswith("C.on_") and event.endswith("_start"):
            phases.append([])
        phases[-1].append(event)
    return [" ".join(phase) for phase in phases if phase]


def _floats(metrics):
    return {key: float(value) for key, value in metrics.items() if key != "epoch"}


def _early(callback, trainer):
    return {
        "should_stop": trainer.should_stop,
        "stopped_epoch": callback.stopped_epoch,
        "wait_count": callback.wait_count,
        "best_score": float(callback.best_score),
        "reason": callback.stopping_reason.name.lower(),
    }


def _name(path, folder):
    return pathlib.Path(path).relative_to(folder).as_posix() if path else None


def _checkpoint(callback, folder):
    best = callback.best_model_score
    return {
        "best_model_path": _name(callback.best_model_path, folder),
        "best_model_score": None if best is None else float(best),
        "last_model_path": _name(callback.last_model_path, folder),
        "best_k": {_name(path, folder): float(score) for path, score in callback.best_k_models.items()},
        "kth_best_model_path": _name(callback.kth_best_model_path, folder),
    }


def _file(folder, name):
    """The epoch stands in the name; inside, Lightning counts epochs from 0 and we the finished ones."""
    saved = torch.load(pathlib.Path(folder) / name, weights_only=False)
    return {
        "name": name,
        "global_step": saved["global_step"],
        "w": saved["state_dict"]["w"].item(),
    }
