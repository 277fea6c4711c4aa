"""What a step costs in PyTorch Lightning beside the module's own work, on this machine, in microseconds.

The counterpart of `cargo bench -p lightning-core --bench trainer`: epochs of 10,000 steps of a module with one
parameter that logs two values, one thread, default callbacks, no progress bar. The same steps without Lightning are
timed beside it.
"""

import logging
import pathlib
import statistics
import tempfile
import time
import warnings

import lightning.pytorch as pl
import torch

STEPS = 10_000
EPOCHS = 3


class OneParameter(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.w = torch.nn.Parameter(torch.tensor([1.0]))

    def training_step(self, batch, batch_idx):
        loss = (self.w * batch).sum()
        self.log("loss", 1.0)
        self.log("both", 2.0, on_step=True, on_epoch=True)
        return loss

    def configure_optimizers(self):
        return torch.optim.SGD([self.w], lr=1e-6)


class Clock(pl.Callback):
    """The default callbacks stay; this one reads the clock once an epoch."""

    def __init__(self):
        self.seconds = []

    def on_train_epoch_start(self, trainer, pl_module):
        self.begin = time.perf_counter()

    def on_train_epoch_end(self, trainer, pl_module):
        self.seconds.append(time.perf_counter() - self.begin)


def bare(batches):
    """Forward, backward, step."""
    module = OneParameter()
    optimizer = module.configure_optimizers()
    begin = time.perf_counter()
    for batch in batches:
        loss = (module.w * batch).sum()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return time.perf_counter() - begin


def main():
    warnings.simplefilter("ignore")
    for name in ("lightning.pytorch", "lightning.fabric", "lightning"):
        logging.getLogger(name).setLevel(logging.ERROR)
    torch.set_num_threads(1)
    batches = [torch.tensor([1.0]) for _ in range(STEPS)]
    loader = torch.utils.data.DataLoader(batches, batch_size=None)
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder:
        trainer = pl.Trainer(
            accelerator="cpu",
            devices=1,
            max_epochs=EPOCHS,
            callbacks=[clock],
            enable_progress_bar=False,
            default_root_dir=pathlib.Path(folder),
        )
        trainer.fit(OneParameter(), loader)
    own = [bare(batches) for _ in range(EPOCHS)]
    per_step = [1e6 * statistics.median(seconds) / STEPS for seconds in (clock.seconds, own)]
    print(f"Lightning {pl.__version__}, torch {torch.__version__}, one thread, {STEPS} steps an epoch")
    print(f"fit             {per_step[0]:7.1f} us a step")
    print(f"the bare loop   {per_step[1]:7.1f} us a step")
    print(f"Lightning's own {per_step[0] - per_step[1]:7.1f} us a step")


if __name__ == "__main__":
    main()
