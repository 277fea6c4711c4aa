"""The post's model and loss in plain torch: same attributes, same names, same order of parameters.

Two things are wider than in the post. Each view may have its own number of features, then `data_list`
is a list with one matrix per view; the post's array (batch, view, feature) works as well. And the
classifier's layers chain when there are several hidden sizes, where the post's loop would not.
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
    def __init__(self, in_dim, hidden_dim, num_class, dropout):
        super().__init__()
        self.views = len(in_dim)
        self.dropout = dropout
        self.FeatureInforEncoder = nn.ModuleList([LinearLayer(width, width) for width in in_dim])
        self.TCPConfidenceLayer = nn.ModuleList([LinearLayer(hidden_dim[0], 1) for _ in in_dim])
        self.TCPClassifierLayer = nn.ModuleList([LinearLayer(hidden_dim[0], num_class) for _ in in_dim])
        self.FeatureEncoder = nn.ModuleList([LinearLayer(width, hidden_dim[0]) for width in in_dim])
        self.MMClasifier = nn.Sequential(
            *_classifier([self.views * hidden_dim[0], *hidden_dim[1:]], num_class, dropout)
        )

    def forward(self, data_list):
        FeatureInfo, feature, TCPLogit, TCPConfidence = dict(), dict(), dict(), dict()
        for view in range(self.views):
            x = data_list[view] if isinstance(data_list, list) else data_list[:, view, :]
            FeatureInfo[view] = torch.sigmoid(self.FeatureInforEncoder[view](x))
            feature[view] = x * FeatureInfo[view]
            feature[view] = self.FeatureEncoder[view](feature[view])
            feature[view] = F.relu(feature[view])
            feature[view] = F.dropout(feature[view], self.dropout, training=self.training)
            TCPLogit[view] = self.TCPClassifierLayer[view](feature[view])
            TCPConfidence[view] = self.TCPConfidenceLayer[view](feature[view])
            feature[view] = feature[view] * TCPConfidence[view]
        MMlogit = self.MMClasifier(torch.cat(list(feature.values()), dim=1))
        return FeatureInfo, TCPLogit, TCPConfidence, MMlogit


def _classifier(sizes, num_class, dropout):
    layers = []
    for in_dim, out_dim in zip(sizes, sizes[1:]):
        layers += [LinearLayer(in_dim, out_dim), nn.ReLU(), nn.Dropout(p=dropout)]
    return [*layers, LinearLayer(sizes[-1], num_class)]


def loss_terms(output, label, detach_target=False):
    """Every term of the post's loss by name, one number for each view or one; `total` is their sum."""
    FeatureInfo, TCPLogit, TCPConfidence, MMlogit = output
    criterion = nn.CrossEntropyLoss(reduction="none")
    total = torch.mean(criterion(MMlogit, label))
    terms = {"classifier_ce": total, "gate_l1": [], "tcp_mse": [], "tcp_ce": []}
    for view in FeatureInfo:
        gate = torch.mean(FeatureInfo[view])
        pred = F.softmax(TCPLogit[view], dim=1)
        p_target = torch.gather(input=pred, dim=1, index=label.unsqueeze(dim=1)).view(-1)
        mse = F.mse_loss(TCPConfidence[view].view(-1), p_target.detach() if detach_target else p_target)
        ce = criterion(TCPLogit[view], label)
        total = total + gate + torch.mean(mse + ce)
        terms["gate_l1"].append(gate)
        terms["tcp_mse"].append(mse)
        terms["tcp_ce"].append(torch.mean(ce))
    return {**terms, "total": total}
