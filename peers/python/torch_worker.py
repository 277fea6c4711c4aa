"""PyTorch, eager: `torch_worker.py THREADS default|fused`. The second chooses Adam's implementation."""

import sys
from pathlib import Path

import torch
import torch.nn.functional as F

from protocol import model as parse, serve

# The one copy of the post's model.
sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts" / "torch_fixtures"))
from post_model import MMDynamic, loss_terms  # noqa: E402

THREADS, FUSED = int(sys.argv[1]), sys.argv[2] == "fused"
torch.set_num_threads(THREADS)
torch.manual_seed(1)


def product(fields):
    float_type, layout, *sizes = fields
    m, n, k = map(int, sizes)
    dtype = torch.float32 if float_type == "f32" else torch.float64
    a = torch.rand((k, m) if layout == "tn" else (m, k), dtype=dtype)
    b = torch.rand((n, k) if layout == "nt" else (k, n), dtype=dtype)
    a, b = (a.T if layout == "tn" else a), (b.T if layout == "nt" else b)
    out = torch.empty((m, n), dtype=dtype)
    return lambda: torch.mm(a, b, out=out)


PASSES = {
    "exp": torch.exp,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": lambda x, out: torch.clamp(x, min=0, out=out),
    "softmax": lambda x, out: torch.softmax(x, 1, out=out),
    "log_softmax": lambda x, out: torch.log_softmax(x, 1, out=out),
    "sum": lambda x, out: torch.sum(x),
    "sum_columns": lambda x, out: torch.sum(x, 0, out=out[0]),
    # There is no form that writes into given memory.
    "dropout": lambda x, out: F.dropout(x, 0.5),
}


def one_pass(fields):
    name, rows, cols = fields
    operation, x = PASSES[name], torch.rand(int(rows), int(cols)) * 2 - 1
    out = torch.empty_like(x)
    operation(x, out=out)  # shows at once what does not work

    return lambda: operation(x, out=out)


def adam(net):
    # The default is asked for with no word about its implementation, as most programs do.
    chosen = {"fused": True} if FUSED else {}
    return torch.optim.Adam(net.parameters(), lr=1e-4, weight_decay=1e-4, **chosen)


def step(net, data, label, optimizer):
    def run():
        optimizer.zero_grad()
        loss_terms(net(data), label)["total"].backward()
        optimizer.step()

    return run


def inference(net, data):
    net.eval()

    def run():
        with torch.inference_mode():
            F.softmax(net(data)[3], dim=1)

    return run


def prepare(kind, fields):
    if kind == "product":
        return product(fields)
    if kind == "pass":
        return one_pass(fields)
    widths, classes, hidden, rows = parse(fields)
    net = MMDynamic(widths, [hidden], classes, 0.5)
    data = [torch.rand(rows, width) for width in widths]
    label = torch.arange(rows) % classes
    if kind == "inference":
        return inference(net, data)
    optimizer = adam(net)
    run = step(net, data, label, optimizer)
    if kind == "step":
        return run
    run()  # leaves gradients behind
    return optimizer.step


serve(f"torch {torch.__version__}" + (", fused Adam" if FUSED else ""), prepare)
