"""Splits of scikit-learn's StratifiedKFold, for lightning-core/tests/data.rs.

python scripts/k_fold_fixtures.py > lightning-core/tests/fixtures/k_fold.json
"""

import json

import numpy as np
from sklearn.model_selection import StratifiedKFold

CASES = [(20, 2, 2), (37, 3, 5), (50, 4, 3), (101, 6, 10), (12, 5, 2), (300, 2, 7)]


def case(seed, samples, classes, folds):
    rng = np.random.default_rng(seed)
    labels = rng.choice(classes, size=samples, p=rng.dirichlet(np.full(classes, 5.0)))
    split = StratifiedKFold(folds).split(np.zeros((samples, 1)), labels)
    held_out = [validation.tolist() for _, validation in split]
    return {"labels": labels.tolist(), "folds": folds, "held_out": held_out}


print(json.dumps([case(i, *sizes) for i, sizes in enumerate(CASES)]))
