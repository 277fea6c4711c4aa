"""Writes metrics/tests/fixtures/evaluation.json: intervals, calibration and selective prediction by scipy, scikit-learn,
PyTorch and plain numpy, for the Rust crate `metrics` to be held against.

    python3 -m venv venv && venv/bin/pip install -r scripts/requirements-torch.txt -r scripts/requirements-metrics.txt
    venv/bin/python scripts/evaluation_fixtures.py            # write
    venv/bin/python scripts/evaluation_fixtures.py --check    # compare with the file that is there, write nothing

Resamples are drawn by a generator of two lines that the Rust test has, too, so that both see the same samples.
"""

import itertools
import json
import math
import pathlib
import sys
import warnings

import numpy as np
import torch
from scipy import optimize, stats
from sklearn import metrics as sk
from sklearn.calibration import calibration_curve

SEED = 20220618
TARGET = pathlib.Path(__file__).resolve().parent.parent / "metrics" / "tests" / "fixtures" / "evaluation.json"


class Generator:
    """Knuth's linear congruential generator; its upper half, scaled."""

    def __init__(self, seed):
        self.state = seed

    def below(self, n):
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (self.state >> 32) * n >> 32


def quantiles():
    grid = itertools.product((0.5, 0.6, 0.9, 0.975, 0.995, 0.9999, 0.025, 1e-6), (1, 2, 3, 4.5, 9, 29, 30, 49, 99, 1000, 1e5))
    return [{"p": p, "freedom": v, "t": float(stats.t.ppf(p, v))} for p, v in grid]


def means(rng):
    for n in (2, 3, 5, 10, 50):
        values = np.round(rng.normal(0.8, 0.03, n), 6)
        for level in (0.9, 0.95):
            sem = stats.sem(values)
            plain = stats.t.interval(level, n - 1, loc=values.mean(), scale=sem)
            ratio = 0.25
            scale = values.std(ddof=1) * math.sqrt(1 / n + ratio)
            corrected = stats.t.interval(level, n - 1, loc=values.mean(), scale=scale)
            yield {
                "values": values.tolist(),
                "level": level,
                "mean": float(values.mean()),
                "sd": float(values.std(ddof=1)),
                "interval": [float(end) for end in plain],
                "ratio": ratio,
                "corrected": [float(end) for end in corrected],
            }


def temperatures(rng):
    for n, k, sharpness in ((12, 2, 0.3), (40, 2, 3.0), (37, 3, 1.0), (60, 5, 2.0), (200, 4, 8.0)):
        logits = np.round(rng.normal(0, 2, (n, k)), 4)
        chances = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
        labels = np.array([rng.choice(k, p=row) for row in chances])
        logits = np.round(logits * sharpness, 4)
        x, y = torch.tensor(logits, dtype=torch.float64), torch.tensor(labels)

        def slope(log_t):
            log_t = torch.tensor(log_t, dtype=torch.float64, requires_grad=True)
            loss = torch.nn.functional.cross_entropy(x / log_t.exp(), y)
            return float(torch.autograd.grad(loss, log_t)[0])

        temperature = math.exp(optimize.brentq(slope, math.log(1e-3), math.log(1e3), xtol=1e-15, rtol=1e-15))
        scaled = torch.softmax(x / temperature, 1).numpy()
        yield {
            "labels": labels.tolist(),
            "logits": logits.tolist(),
            "temperature": temperature,
            "log_loss": float(sk.log_loss(labels, scaled, labels=range(k))),
        }


def reliability(rng):
    # One less than a prime: then no quantile falls on a sample, where rounding would choose the bin.
    for n, k in ((24, 2), (60, 3), (102, 5)):
        probabilities = rng.dirichlet(np.ones(k), n)
        labels = np.array([rng.choice(k, p=row) for row in probabilities])
        hits, top = probabilities.argmax(1) == labels, probabilities.max(1)
        for bins, (binning, strategy) in itertools.product((5, 10), (("width", "uniform"), ("mass", "quantile"))):
            accuracy, confidence = calibration_curve(hits, top, n_bins=bins, strategy=strategy)
            yield {
                "labels": labels.tolist(),
                "probabilities": probabilities.tolist(),
                "bins": bins,
                "binning": binning,
                "accuracy": accuracy.tolist(),
                "confidence": confidence.tolist(),
            }


def bootstraps(rng):
    resamples = 400
    scores = {
        "acc": lambda y, p: sk.accuracy_score(y, p > 0.5),
        "f1": lambda y, p: sk.f1_score(y, p > 0.5),
        "auc": lambda y, p: sk.roc_auc_score(y, p),
    }
    for n in (6, 30):
        probabilities = np.round(rng.random(n), 3)
        labels = (rng.random(n) < probabilities).astype(int)
        labels[:2] = 0, 1
        for (name, score), stratified in itertools.product(scores.items(), (False, True)):
            generator, values = Generator(7), []
            strata = [np.flatnonzero(labels == c) for c in (0, 1)] if stratified else [np.arange(n)]
            for _ in range(resamples):
                rows = [stratum[generator.below(len(stratum))] for stratum in strata for _ in stratum]
                values.append(score(labels[rows], probabilities[rows]))
            values = np.array(values)
            defined = values[np.isfinite(values)]
            lower, upper = np.percentile(defined, [2.5, 97.5])
            yield {
                "labels": labels.tolist(),
                "probabilities": probabilities.tolist(),
                "score": name,
                "stratified": stratified,
                "resamples": resamples,
                "lower": float(lower),
                "upper": float(upper),
                "standard_error": float(defined.std(ddof=1)),
                "undefined": int(resamples - len(defined)),
            }


def area(errors):
    """Mean risk over accepting the first 1, 2, ... samples."""
    return float((np.cumsum(errors) / np.arange(1, len(errors) + 1)).mean())


def risk_coverage(rng):
    for n in (1, 10, 50):
        confidences, errors = rng.random(n), rng.random(n) < 0.3
        yield {"confidences": confidences.tolist(), "errors": errors.astype(int).tolist(), "aurc": area(errors[np.argsort(-confidences)])}
    for _ in range(6):  # ties: the mean over all orders of the samples, each sorted stably
        confidences, errors = rng.integers(0, 3, 6) / 2, rng.random(6) < 0.5
        orders = [np.array(order) for order in itertools.permutations(range(6))]
        areas = [area(errors[order][np.argsort(-confidences[order], kind="stable")]) for order in orders]
        yield {"confidences": confidences.tolist(), "errors": errors.astype(int).tolist(), "aurc": float(np.mean(areas))}


def main():
    warnings.simplefilter("ignore")
    rng = np.random.default_rng(SEED)
    made = {
        "quantiles": quantiles(),
        "means": list(means(rng)),
        "temperatures": list(temperatures(rng)),
        "reliability": list(reliability(rng)),
        "bootstraps": list(bootstraps(rng)),
        "risk_coverage": list(risk_coverage(rng)),
    }
    parts = (f'"{name}":[\n' + ",\n".join(json.dumps(case, separators=(",", ":"), allow_nan=False) for case in cases) + "\n]" for name, cases in made.items())
    text = "{\n" + ",\n".join(parts) + "\n}\n"
    print(", ".join(f"{len(cases)} {name}" for name, cases in made.items()), f"in {len(text)} bytes")
    if "--check" in sys.argv[1:]:
        sys.exit(0 if TARGET.read_text() == text else f"{TARGET.name} differs from what this script makes")
    TARGET.write_text(text)


if __name__ == "__main__":
    main()
