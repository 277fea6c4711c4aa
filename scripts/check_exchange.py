"""Checks what is handed on to PyTorch, onnxruntime and numpy, and what is taken over, against these programs.

    check_exchange.py onnx FOLDER VIEW.csv ...           model.onnx in onnxruntime (and onnx's checker)
    check_exchange.py weights FOLDER [--train TR.csv ...] VIEW.csv ...
                                                         model.safetensors in PyTorch; without torch in numpy
    check_exchange.py make FOLDER --hidden 8,5 --classes 3 VIEW.csv ...
                                                         a model of PyTorch's own as checkpoint.pt, converted as
                                                         docs/exchange.md says, and what it predicts
    check_exchange.py same FOLDER OTHER                  the predictions of two folders

FOLDER holds our predictions, or gets PyTorch's, as probabilities.npy, class.npy and confidences.npy. Views are raw csv
matrices; --train are those that the scaling was fitted on, without it there is none. Python code between the two ends
is taken out of docs/exchange.md and run as it stands there. Called by xtask/tests/cli/exchange.rs; needs numpy, and
onnx, onnxruntime, safetensors, torch for the parts that name them (requirements-checks.txt).
"""

import argparse
import json
import os
import re
import sys
from pathlib import Path

import numpy as np

ROOT = Path(__file__).resolve().parent.parent
TOLERANCE = 1e-6


def documented(label, **names):
    """Runs the block of docs/exchange.md that begins with `# label`, and gives back its variables."""
    text = (ROOT / "docs" / "exchange.md").read_text(encoding="utf-8")
    (block,) = re.findall(rf"```python\n# {label}\n(.*?)```", text, re.DOTALL)
    exec(compile(block, f"docs/exchange.md, {label}", "exec"), names)
    return names


def matrices(files, dtype=np.float32):
    """As this program reads them: f64, then rounded."""
    return [np.loadtxt(file, delimiter=",", ndmin=2).astype(np.float32).astype(dtype) for file in files]


def compare(what, ours, theirs):
    if ours.shape != theirs.shape:
        sys.exit(f"{what}: shape {ours.shape} here, {theirs.shape} there")
    difference = float(np.abs(ours.astype(np.float64) - theirs.astype(np.float64)).max())
    print(f"{what}: {ours.shape}, largest difference {difference:.2e}")
    if not difference <= TOLERANCE:
        sys.exit(f"{what}: differ by {difference:.2e}, more than {TOLERANCE}")


def compare_all(probabilities, classes, confidences):
    names = documented("numpy")
    compare("probabilities", names["probabilities"], probabilities)
    # A confidence is not bounded: what counts is the error relative to its size.
    ours = np.load("confidences.npy")
    size = np.maximum(1, np.abs(ours).max())
    compare("confidences", ours / size, confidences / size)
    gap = np.sort(probabilities, axis=1)
    undecided = gap[:, -1] - gap[:, -2] <= 2 * TOLERANCE
    if not np.all((names["classes"] == classes) | undecided):
        sys.exit(f"classes: {names['classes']} here, {classes} there")


def check_onnx(views):
    import onnx

    model = onnx.load("model.onnx")
    onnx.checker.check_model(model, full_check=True)
    metadata = {entry.key: json.loads(entry.value) for entry in model.metadata_props}
    widths = [len(names) for names in metadata["feature_names"]]
    if widths != [view.shape[1] for view in views]:
        sys.exit(f"feature_names: {widths} names")
    if not any(output.name == "confidences" for output in model.graph.output):
        return check_onnx_without_confidences(views)
    names = documented("onnx", views=views)
    probabilities = names["probabilities"]
    if len(metadata["class_names"]) != probabilities.shape[1]:
        sys.exit(f"class_names: {metadata['class_names']}")
    compare_all(probabilities, names["classes"], names["confidences"])
    first = {name: x[:1] for name, x in names["inputs"].items()}
    compare("one row alone", probabilities[:1], names["session"].run(["probabilities"], first)[0])


def check_onnx_without_confidences(views):
    import onnxruntime as ort

    session = ort.InferenceSession("model.onnx")
    probabilities, classes = session.run(
        ["probabilities", "class"], {f"view{i}": x for i, x in enumerate(views, 1)}
    )
    compare_all(probabilities, classes, np.ones((len(probabilities), len(views))))


def scaled(views, train):
    """The published scaling, in f64 and rounded once; a constant feature becomes 0."""
    if not train:
        return views
    result = []
    for view, rows in zip(views, matrices(train, np.float64)):
        low, width = rows.min(axis=0), rows.max(axis=0) - rows.min(axis=0)
        result.append(np.where(width == 0, 0, (view.astype(np.float64) - low) / (width + 1e-10)).astype(np.float32))
    return result


def check_weights(views):
    try:
        import torch  # noqa: F401
    except ImportError:
        print("no torch in this Python: the weights are read by safetensors and run in numpy")
        compare_all(*run_numpy(views))
    else:
        compare_all(*run_torch(torch_model_of_file(), views))


def torch_model(in_dim, hidden_dim, num_class):
    sys.path.insert(0, str(ROOT / "scripts" / "torch_fixtures"))
    from post_model import MMDynamic

    return MMDynamic(in_dim, hidden_dim, num_class, dropout=0.5).eval()


def torch_model_of_file():
    from safetensors.numpy import load_file

    shapes = {name: array.shape for name, array in load_file("model.safetensors").items()}
    views = sum(name.startswith("FeatureEncoder.") for name in shapes) // 2
    encoders = [shapes[f"FeatureEncoder.{view}.clf.0.weight"] for view in range(views)]
    layers = sorted((name for name in shapes if re.match(r"MMClasifier.*weight", name)), key=number)
    further = [shapes[name][0] for name in layers]
    model = torch_model([width for _, width in encoders], [encoders[0][0], *further[:-1]], further[-1])
    documented("load", model=model)
    return model


def number(name):
    return int(name.split(".")[1])


def run_torch(model, views):
    import torch

    with torch.no_grad():
        _, _, confidence, logits = model([torch.from_numpy(view) for view in views])
        probabilities = torch.softmax(logits, dim=1).numpy()
    confidences = torch.cat(list(confidence.values()), dim=1).numpy()
    return probabilities, probabilities.argmax(axis=1), confidences


def run_numpy(views):
    """The network in f64."""
    from safetensors.numpy import load_file

    state = {name: array.astype(np.float64) for name, array in load_file("model.safetensors").items()}

    def linear(layer, x):
        return x @ state[f"{layer}.clf.0.weight"].T + state[f"{layer}.clf.0.bias"]

    features, confidences = [], []
    for view, x in enumerate(views):
        gated = x / (1 + np.exp(-linear(f"FeatureInforEncoder.{view}", x)))
        feature = np.maximum(linear(f"FeatureEncoder.{view}", gated), 0)
        confidences.append(linear(f"TCPConfidenceLayer.{view}", feature))
        features.append(feature * confidences[-1])
    x = np.concatenate(features, axis=1)
    last = max(number(name) for name in state if name.startswith("MMClasifier."))
    for layer in range(0, last + 1, 3):
        x = linear(f"MMClasifier.{layer}", x)
        x = np.maximum(x, 0) if layer < last else x
    exponential = np.exp(x - x.max(axis=1, keepdims=True))
    probabilities = exponential / exponential.sum(axis=1, keepdims=True)
    return probabilities, probabilities.argmax(axis=1), np.concatenate(confidences, axis=1)


def make(views, hidden_dim, num_class):
    import torch

    torch.manual_seed(1)
    model = torch_model([view.shape[1] for view in views], hidden_dim, num_class)
    torch.save(model.state_dict(), "checkpoint.pt")
    documented("convert")
    for name, array in zip(("probabilities", "class", "confidences"), run_torch(model, views)):
        np.save(f"{name}.npy", array)


def same(other):
    arrays = [np.load(Path(other) / f"{name}.npy") for name in ("probabilities", "class", "confidences")]
    compare_all(*arrays)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("check", choices=["onnx", "weights", "make", "same"])
    parser.add_argument("folder")
    parser.add_argument("views", nargs="+")
    parser.add_argument("--train", nargs="+", default=[])
    parser.add_argument("--hidden", default="8")
    parser.add_argument("--classes", type=int, default=2)
    args = parser.parse_args()
    if args.check == "same":
        other = Path(args.views[0]).resolve()
        os.chdir(args.folder)
        return same(other)
    views = scaled(matrices(args.views), args.train)
    os.chdir(args.folder)
    if args.check == "onnx":
        check_onnx(views)
    elif args.check == "weights":
        check_weights(views)
    else:
        make(views, [int(width) for width in args.hidden.split(",")], args.classes)


if __name__ == "__main__":
    main()
