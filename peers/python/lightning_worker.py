"""PyTorch Lightning: `lightning_worker.py THREADS`. Each sample is a `fit` over as many batches as asked for."""

import logging
import sys
import time
import warnings
from pathlib import Path

import lightning
import torch

from protocol import model as parse, serve

# The one copy of the post's model.
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts" / "torch_fixtures"))
from post_model import MMDynamic, loss_terms  # noqa: E402

torch.set_num_threads(int(sys.argv[1]))
torch.manual_seed(1)
warnings.filterwarnings("ignore")
logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)


class Module(lightning.LightningModule):
    def __init__(self, widths, hidden, classes):
        super().__init__()
        self.net = MMDynamic(widths, [hidden], classes, 0.5)

    def training_step(self, batch, _):
        data, label = batch
        return loss_terms(self.net(data), label)["total"]

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=1e-4, weight_decay=1e-4)


class Batches(torch.utils.data.Dataset):
    """The same batch again and again, ready made: nothing is measured of loading."""

    def __init__(self, batch, times):
        self.batch, self.times = batch, times

    def __len__(self):
        return self.times

    def __getitem__(self, _):
        return self.batch


class Clock(lightning.Callback):
    """The time from the end of a step to the end of the next: all that Lightning does for a step."""

    def __init__(self):
        self.ends = []

    def on_train_batch_end(self, *_):
        self.ends.append(time.perf_counter_ns())


def prepare(kind, fields):
    if kind != "step":
        raise NotImplementedError("Lightning is measured by training steps")
    widths, classes, hidden, rows = parse(fields)
    batch = [torch.rand(rows, width) for width in widths], torch.arange(rows) % classes
    return Module(widths, hidden, classes), batch


def times(job, runs, samples):
    """One fit; its first step, which sets everything up, is not counted."""
    module, batch = job
    clock, total = Clock(), runs * samples + 1
    loader = torch.utils.data.DataLoader(Batches(batch, total), batch_size=None)
    trainer = lightning.Trainer(
        max_epochs=1,
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        callbacks=[clock],
    )
    trainer.fit(module, loader)
    return [(clock.ends[i + runs] - clock.ends[i]) / runs for i in range(0, runs * samples, runs)]


serve(f"Lightning {lightning.__version__}, torch {torch.__version__}", prepare, times)
