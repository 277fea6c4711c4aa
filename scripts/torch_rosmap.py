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
from torch import nn

VIEWS, WIDTH, CLASSES, HIDDEN, EPOCHS = 3, 200, 2, 1000, 1001
PARTS = ["FeatureInforEncoder", "TCPConfidenceLayer", "TCPClassifierLayer", "FeatureEncoder"]


class LinearLayer(nn.Module):
    """The post's LinearLayer, for its names in a state_dict."""

    def __init__(self, in_dim, out_dim):
        super().__init__()
        self.clf = nn.Sequential(nn.Linear(in_dim, out_dim))

    def forward(self, x):
        return self.clf(x)


class MMDynamic(nn.Module):
    """The post's model with one hidden width."""

    def __init__(self):
        super().__init__()
        sizes = [(WIDTH, WIDTH), (HIDDEN, 1), (HIDDEN, CLASSES), (WIDTH, HIDDEN)]
        for name, (in_dim, out_dim) in zip(PARTS, sizes):
            setattr(self, name, nn.ModuleList([LinearLayer(in_dim, out_dim) for _ in range(VIEWS)]))
        self.MMClasifier = nn.Sequential(LinearLayer(VIEWS * HIDDEN, CLASSES))

    def forward(self, data_list):
        infos, logits, confidences, features = [], [], [], []
        for view, x in enumerate(data_list):
            info = torch.sigmoid(self.FeatureInforEncoder[view](x))
            feature = F.relu(self.FeatureEncoder[view](x * info))
            feature = F.dropout(feature, 0.5, training=self.training)
            confidence = self.TCPConfidenceLayer[view](feature)
            infos.append(info)
            logits.append(self.TCPClassifierLayer[view](feature))
            confidences.append(confidence)
            features.append(feature * confidence)
        return infos, logits, confidences, self.MMClasifier(torch.cat(features, dim=1))

    def loss(self, data_list, label):
        infos, logits, confidences, fused = self(data_list)
        total = F.cross_entropy(fused, label)
        for info, logit, confidence in zip(infos, logits, confidences):
            target = torch.gather(F.softmax(logit, dim=1), 1, label.unsqueeze(1)).view(-1)
            regression = F.mse_loss(confidence.view(-1), target)
            total = total + info.mean() + regression + F.cross_entropy(logit, label)
        return total


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
    for view in range(1, VIEWS + 1):
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
        model = MMDynamic()
        model.load_state_dict(read_checkpoint(path))
        optimizer = torch.optim.Adam(model.parameters(), lr=1e-4, weight_decay=1e-4)
        scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=500, gamma=0.2)
        model.train()
        for _ in range(EPOCHS):
            optimizer.zero_grad()
            model.loss(train, label).backward()
            optimizer.step()
            scheduler.step()
        model.eval()
        with torch.no_grad():
            probabilities = F.softmax(model(test)[3], dim=1).numpy()
            loss = model.loss(train, label).item()
        accuracy = (probabilities.argmax(axis=1) == truth).mean()
        print(f"{path}: ACC {accuracy:.4f} AUC {auc(truth, probabilities[:, 1]):.4f} loss {loss:.4f}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
