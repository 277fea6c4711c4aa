"""The module and the loaders that a scenario describes.

The module has one weight `w`. A batch is a vector x; the loss is mean(x) * w ("linear": the gradient
does not depend on w) or mean((w - x)^2) / 2 ("quadratic"). Whatever else it does, a scenario says.
"""

import lightning.pytorch as pl
import torch

OPTIMIZERS = {"SGD": torch.optim.SGD, "Adam": torch.optim.Adam}
SCHEDULERS = {
    "StepLR": torch.optim.lr_scheduler.StepLR,
    "ExponentialLR": torch.optim.lr_scheduler.ExponentialLR,
    "ReduceLROnPlateau": torch.optim.lr_scheduler.ReduceLROnPlateau,
}


def loader(batches):
    """Ready-made batches, in order, each epoch the same."""
    return torch.utils.data.DataLoader([torch.tensor(batch) for batch in batches], batch_size=None)


def _loss(kind, w, x):
    return x.mean() * w if kind == "linear" else ((w - x) ** 2).mean() / 2


class Scripted(pl.LightningModule):
    """`spec` is the scenario's `module`, `events` collects `M.<hook>`."""

    def __init__(self, spec, events):
        super().__init__()
        self.spec = spec
        self.events = events
        self.w = torch.nn.Parameter(torch.tensor(spec["w"]))
        self.automatic_optimization = not spec.get("manual", False)
        self.calls = {}
        self.seen = []

    def forward(self, x):
        return x * self.w

    def enter(self, hook):
        """Notes the hook and logs what the scenario logs there."""
        self.events.append(f"M.{hook}")
        for entry in self.spec.get("log", {}).get(hook, []):
            options = {key: value for key, value in entry.items() if key not in ("name", "value")}
            self.log(entry["name"], self._value(entry), **options)

    def _value(self, entry):
        value = entry["value"]
        if value == "x_mean":
            return self.x.mean()
        if value == "w":
            return self.w
        if isinstance(value, dict):
            (kind, values), key = *value.items(), entry["name"]
            if kind == "by_epoch":
                return float(values[self.current_epoch])
            self.calls[key] = self.calls.get(key, -1) + 1
            return float(values[self.calls[key]])
        return float(value)

    def training_step(self, batch, batch_idx):
        self.x = batch
        self.seen.append(f"train {self.current_epoch}: {float(batch[0]):g}")
        self.enter("training_step")
        if self.spec.get("stop_at") == [self.current_epoch, batch_idx]:
            self.trainer.should_stop = True
        if float(batch[0]) in self.spec.get("none_for", []):
            return None
        loss = _loss(self.spec.get("loss", "linear"), self.w, batch)
        if self.automatic_optimization:
            return loss
        self._by_hand(loss)
        return None

    def _by_hand(self, loss):
        optimizer = self.optimizers()
        optimizer.zero_grad()
        self.manual_backward(loss)
        optimizer.step()
        if self.spec.get("schedulers"):
            self.lr_schedulers().step()

    def _eval_step(self, stage, batch, loader_idx):
        self.x = batch
        if not self.trainer.sanity_checking:
            self.seen.append(f"{stage} {loader_idx}: {float(batch[0]):g}")
        self.enter(f"{stage}_step")

    def validation_step(self, batch, batch_idx, dataloader_idx=0):
        self._eval_step("validation", batch, dataloader_idx)

    def test_step(self, batch, batch_idx, dataloader_idx=0):
        self._eval_step("test", batch, dataloader_idx)

    def predict_step(self, batch, batch_idx, dataloader_idx=0):
        self.enter("predict_step")
        return self(batch).tolist()

    def configure_optimizers(self):
        self.events.append("M.configure_optimizers")
        kind, args = self.spec["optimizer"]
        optimizer = OPTIMIZERS[kind]([self.w], **args)
        configs = [self._scheduler(optimizer, dict(one)) for one in self.spec.get("schedulers", [])]
        return [optimizer], configs

    @staticmethod
    def _scheduler(optimizer, config):
        kind, args = config.pop("scheduler")
        return {"scheduler": SCHEDULERS[kind](optimizer, **args), **config}

    def on_train_batch_start(self, batch, batch_idx):
        self.x = batch
        self.enter("on_train_batch_start")
        return -1 if self.spec.get("skip_epoch_at") == [self.current_epoch, batch_idx] else None

    def optimizer_step(self, *args, **kwargs):
        """Lightning's runs the training step inside; it is noted where it returns, which is where the update is."""
        super().optimizer_step(*args, **kwargs)
        self.enter("optimizer_step")


# Hooks that do nothing but note themselves (and log) before Lightning's own.
_PLAIN = """configure_callbacks prepare_data setup configure_model on_fit_start on_train_start
on_train_epoch_start on_train_batch_end on_train_epoch_end on_train_end on_fit_end teardown
on_before_zero_grad optimizer_zero_grad on_before_backward backward on_after_backward
on_before_optimizer_step configure_gradient_clipping lr_scheduler_step
on_before_batch_transfer transfer_batch_to_device on_after_batch_transfer
on_validation_model_eval on_validation_model_train on_validation_model_zero_grad
on_test_model_eval on_test_model_train on_predict_model_eval
on_save_checkpoint on_load_checkpoint""".split()
_PLAIN += [
    f"on_{stage}_{part}"
    for stage in ("validation", "test", "predict")
    for part in ("start", "epoch_start", "batch_start", "batch_end", "epoch_end", "end")
]


def _noting(hook):
    base = getattr(pl.LightningModule, hook)

    def noted(self, *args, **kwargs):
        self.enter(hook)
        return base(self, *args, **kwargs)

    return noted


for _hook in _PLAIN:
    setattr(Scripted, _hook, _noting(_hook))
