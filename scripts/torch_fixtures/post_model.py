"""The post's model and loss in plain torch: same attributes, same names, same order of parameters.

Two things are wider than in the post. Each view may have its own number of features, then `data_list`
is a list with one matrix per view; the post's array (batch, view, feature) works as well. And the
classifier's layers chain when there are several hidden sizes, where the post's loop would not.

What the post does not have is off unless asked for: no gates, no confidences, a confidence that knows
noise, and weights of the loss.
"""

import torch
import torch.nn as nn
import torch.nn.functional as F


class LinearLayer(nn.Module):
    def __init__(self, in_dim, out_dim):
        super().__init__()
        self.clf = nn.Sequential(nn.Linear(in_dim, out_dim))

    def forward(self, x):
        return self.clf(x)


class MMDynamic(nn.Module):
    def __init__(self, in_dim, hidden_dim, num_class, dropout, gates=True, confidence="linear"):
        super().__init__()
        self.views = len(in_dim)
        self.dropout = dropout
        self.gates, self.confidence = gates, confidence
        gated, weighted = in_dim if gates else [], in_dim if confidence != "none" else []
        self.FeatureInforEncoder = nn.ModuleList([LinearLayer(width, width) for width in gated])
        self.TCPConfidenceLayer = nn.ModuleList([LinearLayer(hidden_dim[0], 1) for _ in weighted])
        self.TCPClassifierLayer = nn.ModuleList([LinearLayer(hidden_dim[0], num_class) for _ in in_dim])
        self.FeatureEncoder = nn.ModuleList([LinearLayer(width, hidden_dim[0]) for width in in_dim])
        self.MMClasifier = nn.Sequential(
            *_classifier([self.views * hidden_dim[0], *hidden_dim[1:]], num_class, dropout)
        )

    def forward(self, data_list):
        FeatureInfo, feature, TCPLogit, TCPConfidence = dict(), dict(), dict(), dict()
        for view in range(self.views):
            x = data_list[view] if isinstance(data_list, list) else data_list[:, view, :]
            feature[view] = x
            if self.gates:
                FeatureInfo[view] = torch.sigmoid(self.FeatureInforEncoder[view](x))
                feature[view] = x * FeatureInfo[view]
            feature[view] = self.FeatureEncoder[view](feature[view])
            feature[view] = F.relu(feature[view])
            feature[view] = F.dropout(feature[view], self.dropout, training=self.training)
            TCPLogit[view] = self.TCPClassifierLayer[view](feature[view])
            if self.confidence == "none":
                continue
            TCPConfidence[view] = self.TCPConfidenceLayer[view](feature[view])
            if self.confidence == "noise-aware":
                TCPConfidence[view] = torch.sigmoid(TCPConfidence[view]) * _trust(x, self.reference[view])
            feature[view] = feature[view] * TCPConfidence[view]
        MMlogit = self.MMClasifier(torch.cat(list(feature.values()), dim=1))
        return FeatureInfo, TCPLogit, TCPConfidence, MMlogit


def _trust(x, reference):
    """The share of each row's spread around the reference's mean that the reference's variance accounts for."""
    distance = (x - reference.mean(dim=0)).pow(2).sum(dim=1, keepdim=True)
    return 1 / (distance / reference.var(dim=0, correction=0).sum()).clamp(min=1)


def _classifier(sizes, num_class, dropout):
    layers = []
    for in_dim, out_dim in zip(sizes, sizes[1:]):
        layers += [LinearLayer(in_dim, out_dim), nn.ReLU(), nn.Dropout(p=dropout)]
    return [*layers, LinearLayer(sizes[-1], num_class)]


WEIGHTS = {"gate_l1": 1.0, "confidence": 1.0, "view_ce": 1.0, "classifier": 1.0}


def loss_terms(output, label, detach_target=False, weights=WEIGHTS):
    """Every term of the post's loss by name, one number for each view or one; `total` is their weighted sum."""
    FeatureInfo, TCPLogit, TCPConfidence, MMlogit = output
    criterion = nn.CrossEntropyLoss(reduction="none")
    classifier_ce = torch.mean(criterion(MMlogit, label))
    total = weights["classifier"] * classifier_ce
    terms = {"classifier_ce": classifier_ce, "gate_l1": [], "tcp_mse": [], "tcp_ce": []}
    for view in TCPLogit:
        if view in FeatureInfo:
            gate = torch.mean(FeatureInfo[view])
            terms["gate_l1"].append(gate)
            total = total + weights["gate_l1"] * gate
        ce = criterion(TCPLogit[view], label)
        terms["tcp_ce"].append(torch.mean(ce))
        if view in TCPConfidence:
            pred = F.softmax(TCPLogit[view], dim=1)
            p_target = torch.gather(input=pred, dim=1, index=label.unsqueeze(dim=1)).view(-1)
            mse = F.mse_loss(TCPConfidence[view].view(-1), p_target.detach() if detach_target else p_target)
            terms["tcp_mse"].append(mse)
            total = total + torch.mean(weights["confidence"] * mse + weights["view_ce"] * ce)
        else:
            total = total + torch.mean(weights["view_ce"] * ce)
    return {**terms, "total": total}
