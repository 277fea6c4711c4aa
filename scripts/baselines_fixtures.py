"""Makes baselines/tests/fixtures/scikit_learn.json: what scikit-learn's classifiers say of small data sets.

    python3 -m venv venv && venv/bin/pip install -r scripts/requirements-metrics.txt
    venv/bin/python scripts/baselines_fixtures.py [--check]

Two views with overlapping classes, for two and for three classes, on a grid of 1/64 so that f32 holds them exactly.
Neighbours have no ties there (checked), since libraries break them in different ways.
"""

import json
import pathlib
import sys

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier

PATH = pathlib.Path(__file__).parent.parent / "baselines/tests/fixtures/scikit_learn.json"


def draw(classes, rows, rng):
    labels = np.arange(rows) % classes
    views = [
        np.round((rng.normal(size=(rows, width)) + shift * labels[:, None]) * 64) / 64
        for width, shift in ((3, 0.8), (2, 0.5))
    ]
    return labels, views


def case(classes, seed):
    rng = np.random.default_rng(seed)
    (labels, views), (_, asked) = draw(classes, 40, rng), draw(classes, 12, rng)
    both, asked_both = np.hstack(views), np.hstack(asked)
    distances = np.sort(np.linalg.norm(asked_both[:, None] - both[None], axis=2), axis=1)
    assert (distances[:, 3] - distances[:, 2] > 1e-6).all(), "a tie among neighbours"

    def logistic(x, z):
        return LogisticRegression(tol=1e-12, max_iter=10000).fit(x, labels).predict_proba(z)

    answers = {f"logistic regression, view {i + 1}": logistic(x, z) for i, (x, z) in enumerate(zip(views, asked))}
    answers["logistic regression, all views"] = logistic(both, asked_both)
    neighbours = KNeighborsClassifier(3, algorithm="brute").fit(both, labels)
    answers["3 nearest neighbours, all views"] = neighbours.predict_proba(asked_both)
    return {
        "classes": classes,
        "labels": labels.tolist(),
        "train": [view.tolist() for view in views],
        "test": [view.tolist() for view in asked],
        "answers": {name: answer.tolist() for name, answer in answers.items()},
    }


def main():
    text = json.dumps([case(2, 1), case(3, 2)], indent=None, separators=(",", ":")) + "\n"
    if "--check" in sys.argv:
        sys.exit(PATH.read_text() != text)
    PATH.write_text(text)


if __name__ == "__main__":
    main()
