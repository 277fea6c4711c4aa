"""The paper's recipe on ROSMAP in PyTorch, from the starting weights of our own checkpoints.

Makes the comparison in docs/results.md. Starting weights of seed S, as a training with no learning rate to speak of
leaves them:

    cargo xtask train --data ROSMAP --preset paper --epochs 1 --lr 1e-300 --seed S --quiet --out startS
    python scripts/torch_rosmap.py ROSMAP startS/lightning_logs/version_0/checkpoints/last.ckpt

Prints ACC, AUC and the training loss in evaluation mode for each checkpoint given. Needs torch and numpy
(requirements-torch.txt); a run takes half a minute to a minute.
"""

import json
import struct
import sys
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

sys.path.insert(0, str(Path(__file__).parent / "torch_fixtures"))
from post_model import MMDynamic, loss_terms  # noqa: E402

EPOCHS = 1001


def read_checkpoint(path):
    """The tensors of a safetensors file."""
    raw = Path(path).read_bytes()
    (length,) = struct.unpack("<Q", raw[:8])
    header, data = json.loads(raw[8 : 8 + length]), raw[8 + length :]
    tensors = {}
    for name, entry in header.items():
        if name != "__metadata__":
            start, end = entry["data_offsets"]
            values = np.frombuffer(data[start:end], dtype=np.float32).reshape(entry["shape"])
            tensors[name] = torch.tensor(values)
    return tensors


def read_data(folder):
    """Both parts, scaled by the minimum and range of the training rows."""
    train, test = [], []
    for view in (1, 2, 3):
        parts = [np.loadtxt(folder / f"{view}_{part}.csv", delimiter=",") for part in ("tr", "te")]
        low = parts[0].min(axis=0)
        high = (parts[0] - low).max(axis=0) + 1e-10
        scaled = [torch.tensor((part - low) / high, dtype=torch.float32) for part in parts]
        train.append(scaled[0])
        test.append(scaled[1])
    labels = [np.loadtxt(folder / f"labels_{part}.csv").astype(int) for part in ("tr", "te")]
    return train, torch.tensor(labels[0]), test, labels[1]


def auc(label, score):
    positive, negative = score[label == 1][:, None], score[label == 0][None, :]
    return ((positive > negative) + 0.5 * (positive == negative)).mean()


def main(folder, checkpoints):
    train, label, test, truth = read_data(Path(folder))
    for path in checkpoints:
        torch.manual_seed(0)
        model = MMDynamic([x.shape[1] for x in train], hidden_dim=[1000], num_class=2, dropout=0.5)
        model.load_state_dict(read_checkpoint(path))
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-4, weight_decay=1e-4)
        scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=500, gamma=0.2)
        model.train()
        for _ in range(EPOCHS):
            optimizer.zero_grad()
            loss_terms(model(train), label)["total"].backward()
            optimizer.step()
            scheduler.step()
        model.eval()
        with torch.no_grad():
            probabilities = F.softmax(model(test)[-1], dim=1).numpy()
            loss = loss_terms(model(train), label)["total"].item()
        accuracy = (probabilities.argmax(axis=1) == truth).mean()
        print(f"{path}: ACC {accuracy:.4f} AUC {auc(truth, probabilities[:, 1]):.4f} loss {loss:.4f}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
