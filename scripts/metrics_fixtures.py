"""Writes metrics/tests/fixtures/metrics.json: what scikit-learn says, for the Rust crate `metrics` to be held against.

    python3 -m venv venv && venv/bin/pip install -r scripts/requirements-metrics.txt
    venv/bin/python scripts/metrics_fixtures.py            # write
    venv/bin/python scripts/metrics_fixtures.py --check    # compare with the file that is there, write nothing

The file is a list of data sets in four families (see the functions at the bottom), each with `expect`: a name for every
call and its outcome. An outcome is a number, an array, or a word: "raises" (scikit-learn refuses the input), "nan" (it
warns and returns NaN). JSON has no NaN and no infinity, so they are the words "nan", "inf", "-inf" in data too.
"""

import json
import math
import pathlib
import sys
import warnings

import numpy as np
import sklearn
from sklearn import metrics as sk

SEED = 20230110
TARGET = pathlib.Path(__file__).resolve().parent.parent / "metrics" / "tests" / "fixtures" / "metrics.json"
BINS = (1, 5, 10, 15)
ZERO_DIVISION = {"0": 0, "1": 1, "nan": np.nan}


# --- outcomes ---------------------------------------------------------------------------------------------------------


def plain(value):
    """NumPy to JSON, with words for what JSON lacks."""
    if isinstance(value, (list, tuple, np.ndarray)):
        return [plain(item) for item in value]
    if isinstance(value, (int, np.integer)):
        return int(value)
    value = float(value)
    return value if math.isfinite(value) else str(value)


def outcome(call):
    """What `call` returns, or "raises"."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return plain(call())
        except (ValueError, IndexError):  # an empty ranking ends in an IndexError
            return "raises"


# --- functions scikit-learn lacks, written without it -----------------------------------------------------------------


def evaluate(labels, probabilities, binary):
    """`Utils.evaluate` of the post."""
    predictions = probabilities.argmax(1)
    acc = sk.accuracy_score(labels, predictions)
    if binary:
        return acc, sk.f1_score(labels, predictions), sk.roc_auc_score(labels, probabilities[:, 1])
    weighted = sk.f1_score(labels, predictions, average="weighted")
    return acc, weighted, sk.f1_score(labels, predictions, average="macro")


def expected_calibration_error(labels, probabilities, bins):
    """Guo et al. 2017, equation 5; bins ((m - 1)/M, m/M], zero in the first."""
    if probabilities.ndim == 1:
        probabilities = np.stack([1 - probabilities, probabilities], axis=1)
    if len(labels) == 0 or max(labels) >= probabilities.shape[1]:
        raise ValueError("no samples, or a label without a column")
    if not np.all((probabilities >= 0) & (probabilities <= 1)):
        raise ValueError("not probabilities")
    confidence, right = probabilities.max(1), probabilities.argmax(1) == labels
    total = 0.0
    for m in range(1, bins + 1):
        inside = (confidence <= m / bins) & ((confidence > (m - 1) / bins) | (m == 1))
        if inside.any():
            total += inside.sum() / len(labels) * abs(right[inside].mean() - confidence[inside].mean())
    return total


# --- one data set of each family --------------------------------------------------------------------------------------


def classes_case(name, labels, predictions):
    """Labels against predicted classes."""
    labels, predictions = np.asarray(labels, dtype=int), np.asarray(predictions, dtype=int)
    scores = {"precision": sk.precision_score, "recall": sk.recall_score, "f1": sk.f1_score}
    averages = {
        "binary1": {"average": "binary", "pos_label": 1},
        "binary0": {"average": "binary", "pos_label": 0},
        "micro": {"average": "micro"},
        "macro": {"average": "macro"},
        "weighted": {"average": "weighted"},
        "each": {"average": None},
    }
    confusion = outcome(lambda: sk.confusion_matrix(labels, predictions))
    expect = {
        "classes": confusion if confusion == "raises" else plain(np.union1d(labels, predictions)),
        "confusion": confusion,
        "accuracy": outcome(lambda: sk.accuracy_score(labels, predictions)),
        "balanced_accuracy": outcome(lambda: sk.balanced_accuracy_score(labels, predictions)),
        "matthews": outcome(lambda: sk.matthews_corrcoef(labels, predictions)),
    }
    for score, function in scores.items():
        for average, options in averages.items():
            variants = {
                key: outcome(lambda: function(labels, predictions, zero_division=value, **options))
                for key, value in ZERO_DIVISION.items()
            }
            if all(variant == variants["0"] for variant in variants.values()):
                variants = {"any": variants["0"]}
            for key, value in variants.items():
                expect[f"{score}/{average}/{key}"] = value
    return {
        "family": "classes",
        "name": name,
        "labels": plain(labels),
        "predictions": plain(predictions),
        "expect": expect,
    }


def ranking_case(name, labels, scores, curves=True):
    """Labels 0 and 1 against one score each."""
    labels, scores = np.asarray(labels, dtype=int), np.asarray(scores, dtype=float)
    expect = {
        "roc_auc": outcome(lambda: sk.roc_auc_score(labels, scores)),
        "average_precision": outcome(lambda: sk.average_precision_score(labels, scores)),
    }
    if curves:
        expect["roc_curve/all"] = outcome(lambda: sk.roc_curve(labels, scores, drop_intermediate=False))
        expect["roc_curve/drop"] = outcome(lambda: sk.roc_curve(labels, scores, drop_intermediate=True))
        expect["precision_recall_curve"] = outcome(lambda: sk.precision_recall_curve(labels, scores))
    return {"family": "ranking", "name": name, "labels": plain(labels), "scores": plain(scores), "expect": expect}


def positive_case(name, labels, probabilities):
    """Labels 0 and 1 against the probability of class 1."""
    labels, probabilities = np.asarray(labels, dtype=int), np.asarray(probabilities, dtype=float)
    expect = {
        "log_loss": outcome(lambda: sk.log_loss(labels, probabilities, labels=[0, 1])),
        "brier": outcome(lambda: sk.brier_score_loss(labels, probabilities, pos_label=1)),
    }
    for bins in BINS:
        expect[f"ece/{bins}"] = outcome(lambda: expected_calibration_error(labels, probabilities, bins))
    return {
        "family": "positive",
        "name": name,
        "labels": plain(labels),
        "probabilities": plain(probabilities),
        "expect": expect,
    }


def columns_case(name, labels, probabilities):
    """Labels against one column of probabilities for each class."""
    labels, probabilities = np.asarray(labels, dtype=int), np.asarray(probabilities, dtype=float)
    classes = list(range(probabilities.shape[1]))
    expect = {
        "log_loss": outcome(lambda: sk.log_loss(labels, probabilities, labels=classes)),
        "brier": outcome(lambda: sk.brier_score_loss(labels, probabilities, labels=classes)),
    }
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        try:
            sk.log_loss(labels, probabilities, labels=classes)
            expect["rows_sum_to_one"] = 1
        except UserWarning:
            expect["rows_sum_to_one"] = 0
        except ValueError:
            pass
    for bins in BINS:
        expect[f"ece/{bins}"] = outcome(lambda: expected_calibration_error(labels, probabilities, bins))
    # NumPy's argmax knows nothing of labels and takes a NaN for a maximum; the crate refuses both.
    if np.isfinite(probabilities).all() and max(labels) < len(classes):
        expect["evaluate/multiclass"] = outcome(lambda: evaluate(labels, probabilities, False))
        if len(classes) == 2:
            expect["evaluate/binary"] = outcome(lambda: evaluate(labels, probabilities, True))
    if len(classes) > 2:
        for average in ("macro", "weighted"):
            expect[f"roc_auc_ovr/{average}"] = outcome(
                lambda: sk.roc_auc_score(labels, probabilities, multi_class="ovr", average=average, labels=classes)
            )
    return {
        "family": "columns",
        "name": name,
        "labels": plain(labels),
        "probabilities": plain(probabilities),
        "expect": expect,
    }


# --- the data sets ----------------------------------------------------------------------------------------------------


def classes_cases(rng):
    yield classes_case("one sample, right", [1], [1])
    yield classes_case("one sample, wrong", [0], [1])
    yield classes_case("one sample of class 0, right", [0], [0])
    yield classes_case("one sample of class 5", [5], [5])
    yield classes_case("perfect, two classes", [0, 1, 1, 0, 1], [0, 1, 1, 0, 1])
    yield classes_case("all wrong, two classes", [0, 1, 1, 0, 1], [1, 0, 0, 1, 0])
    yield classes_case("perfect, four classes", [0, 1, 2, 3, 3], [0, 1, 2, 3, 3])
    yield classes_case("all wrong, four classes", [0, 1, 2, 3, 3], [1, 2, 3, 0, 0])
    yield classes_case("only class 0 in truth", [0, 0, 0, 0], [0, 1, 0, 1])
    yield classes_case("only class 1 in truth", [1, 1, 1, 1], [0, 1, 0, 1])
    yield classes_case("only class 0 predicted", [0, 1, 0, 1, 1], [0, 0, 0, 0, 0])
    yield classes_case("only class 1 predicted", [0, 1, 0, 1, 1], [1, 1, 1, 1, 1])
    yield classes_case("only class 0 anywhere", [0, 0, 0], [0, 0, 0])
    yield classes_case("only class 1 anywhere", [1, 1, 1], [1, 1, 1])
    yield classes_case("truth and predictions share no class", [0, 0, 2, 2], [1, 1, 3, 3])
    yield classes_case("all truth 0, all predicted 1", [0, 0, 0], [1, 1, 1])
    yield classes_case("one class in truth, another predicted, neither 0 nor 1", [2, 2], [3, 3])
    yield classes_case("two classes, neither 1", [0, 2, 2, 0], [0, 2, 0, 0])
    yield classes_case("a class only in truth", [0, 1, 2, 2, 1, 0], [0, 1, 1, 1, 1, 0])
    yield classes_case("a class only predicted", [0, 1, 1, 0], [0, 1, 2, 2])
    yield classes_case("a class missing between", [0, 2, 2, 4, 4], [0, 2, 4, 4, 2])
    yield classes_case("large class numbers", [7, 1000, 123456, 7], [7, 123456, 123456, 1000])
    yield classes_case("no samples", [], [])
    yield classes_case("a prediction too few", [0, 1, 1], [0, 1])
    for k in range(2, 7):
        for n in (2, 3, 5, 8, 13, 30):
            labels = rng.integers(0, k, n)
            predictions = np.where(rng.random(n) < 0.5, labels, rng.integers(0, k, n))
            yield classes_case(f"random, {k} classes, {n} samples", labels, predictions)
    for k in range(2, 7):
        skew = rng.dirichlet(np.full(k, 0.5))
        labels, predictions = rng.choice(k, 20, p=skew), rng.choice(k, 20, p=skew[::-1])
        yield classes_case(f"skewed and unrelated, {k} classes", labels, predictions)


def ranking_cases(rng):
    ramp = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6]
    yield ranking_case("perfect", [0, 0, 0, 1, 1, 1], ramp)
    yield ranking_case("inverted", [1, 1, 1, 0, 0, 0], ramp)
    yield ranking_case("all tied", [0, 1, 0, 1, 1], [0.5] * 5)
    yield ranking_case("tied across classes", [0, 1, 0, 1, 1, 0], [0.3, 0.3, 0.5, 0.5, 0.9, 0.9])
    yield ranking_case("one of each, tied", [0, 1], [0.5, 0.5])
    yield ranking_case("one of each, right", [0, 1], [0.2, 0.8])
    yield ranking_case("one of each, wrong", [0, 1], [0.8, 0.2])
    yield ranking_case("one positive", [1], [0.5])
    yield ranking_case("one negative", [0], [0.5])
    yield ranking_case("only positives", [1, 1, 1], [0.1, 0.5, 0.5])
    yield ranking_case("only negatives", [0, 0, 0], [0.1, 0.5, 0.5])
    yield ranking_case("zeros and ones", [0, 1, 0, 1, 1, 0], [0.0, 1.0, 1.0, 0.0, 1.0, 0.0])
    yield ranking_case("negative scores", [0, 1, 1, 0], [-3.5, -0.25, 2.0, -1.0])
    yield ranking_case("huge scores", [0, 1, 1, 0], [-1e308, 1e308, -1e300, 1e300])
    yield ranking_case("subnormal scores", [0, 1, 1, 0], [0.0, 5e-324, 1e-323, 5e-324])
    yield ranking_case("zero and minus zero", [0, 1, 1, 0], [0.0, -0.0, 1.0, -1.0])
    yield ranking_case("neighbouring floats", [1, 0, 1], [0.1 + 0.2, 0.3, 0.3])
    yield ranking_case("a straight stretch", [1, 1, 1, 1, 0, 0, 0, 1, 0], [9, 8, 7, 6, 5, 4, 3, 2, 1])
    yield ranking_case("a stretch of equal diagonal steps", [1, 0, 1, 0, 1, 0, 0], [3, 3, 2, 2, 1, 1, 0])
    yield ranking_case("a NaN score", [0, 1, 1], [0.1, np.nan, 0.5])
    yield ranking_case("an infinite score", [0, 1, 1], [0.1, np.inf, 0.5])
    yield ranking_case("a score of minus infinity", [0, 1, 1], [0.1, -np.inf, 0.5])
    yield ranking_case("no samples", [], [])
    yield ranking_case("a score too few", [0, 1, 1], [0.1, 0.5])
    yield ranking_case("three classes", [0, 1, 2], [0.1, 0.5, 0.7])
    for n in (2, 3, 5, 10, 20):
        for digits in (0, 1, 2, None):
            for repeat in range(2):
                labels = np.roll(np.concatenate([[0, 1], rng.integers(0, 2, n - 2)]), repeat)
                scores = 0.5 * rng.random(n) + 0.3 * labels * rng.random(n)
                scores = scores if digits is None else np.round(2 * scores, digits)
                name = f"random, {n} samples, {'all' if digits is None else digits} digits, {repeat}"
                yield ranking_case(name, labels, scores, curves=n <= 10 or digits == 1)


def positive_cases(rng):
    yield positive_case("certain and right", [0, 1, 1], [0.0, 1.0, 1.0])
    yield positive_case("certain and wrong", [0, 1, 1], [1.0, 0.0, 1.0])
    yield positive_case("undecided", [0, 1, 1, 0, 1], [0.5] * 5)
    yield positive_case("one positive", [1], [0.25])
    yield positive_case("one negative", [0], [0.25])
    yield positive_case("only positives", [1, 1, 1], [0.25, 0.5, 0.875])
    yield positive_case("only negatives", [0, 0, 0], [0.25, 0.5, 0.875])
    yield positive_case("beyond the clip", [0, 1, 0, 1], [1e-300, 1e-17, 1 - 2**-53, 1.0])
    yield positive_case("on the edges of bins", [0, 1, 0, 1, 1, 0, 1], [0.0, 0.1, 0.2, 0.6, 0.7, 0.8, 1.0])
    yield positive_case("above one", [0, 1], [0.5, 1.0000001])
    yield positive_case("below zero", [0, 1], [-1e-9, 0.5])
    yield positive_case("a NaN", [0, 1], [0.5, np.nan])
    yield positive_case("no samples", [], [])
    yield positive_case("a probability too many", [0, 1], [0.5, 0.25, 0.75])
    for n in (1, 2, 5, 12, 40):
        for digits in (1, None):
            probabilities = rng.random(n)
            labels = (rng.random(n) < probabilities).astype(int)
            probabilities = probabilities if digits is None else np.round(probabilities, digits)
            yield positive_case(f"random, {n} samples, {digits or 'all'} digits", labels, probabilities)


def columns_cases(rng):
    third = [1 / 3, 1 / 3, 1 / 3]
    yield columns_case("certain and right", [0, 1, 2], np.eye(3))
    yield columns_case("certain and wrong", [1, 2, 0], np.eye(3))
    yield columns_case("certain, two classes", [0, 1, 1, 0], [[1, 0], [0, 1], [1, 0], [0, 1]])
    yield columns_case("undecided: the first class is taken", [0, 1, 2, 1], [third] * 4)
    yield columns_case("undecided, two classes", [0, 1, 1], [[0.5, 0.5]] * 3)
    yield columns_case("two maxima of three", [0, 1, 2], [[0.5, 0.5, 0], [0, 0.5, 0.5], [0.5, 0, 0.5]])
    yield columns_case("one sample, three classes", [2], [[0.25, 0.25, 0.5]])
    yield columns_case("one sample, two classes", [1], [[0.25, 0.75]])
    yield columns_case("one class in truth", [1, 1], [[0.25, 0.5, 0.25], [0.5, 0.25, 0.25]])
    yield columns_case("one class in truth, two classes", [1, 1], [[0.25, 0.75], [0.5, 0.5]])
    yield columns_case("only class 0 in truth and prediction", [0, 0], [[0.75, 0.25], [0.625, 0.375]])
    yield columns_case("a class without samples", [0, 2, 0, 2], [[0.5, 0.25, 0.25], [0.25, 0.25, 0.5], third, third])
    yield columns_case("rows that do not sum to one", [0, 1, 2], [[0.5, 0.25, 0.5], [0.25, 0.25, 0.25], [0, 0, 1]])
    yield columns_case("rows of zeros", [0, 1], [[0, 0], [0, 0]])
    yield columns_case("two columns that do not sum to one", [0, 1, 1], [[0.5, 0.75], [0.25, 0.25], [1, 1]])
    yield columns_case("sums off by 1e-6", [0, 1, 2], np.eye(3) * (1 - 1e-6))
    yield columns_case("sums off by 2e-8", [0, 1, 2], np.eye(3) * (1 - 2e-8))
    yield columns_case("sums off by 3e-8", [0, 1, 2], np.eye(3) * (1 - 3e-8))
    yield columns_case("sums off by 1e-4", [0, 1, 2], np.eye(3) * (1 - 1e-4))
    yield columns_case("above one", [0, 1, 1], [[0.5, 0.5], [-0.25, 1.25], [0.5, 0.5]])
    yield columns_case("a NaN", [0, 1, 2], [third, [0.5, np.nan, 0.5], third])
    yield columns_case("a label without a column", [0, 1, 3], [third] * 3)
    yield columns_case("a row too few", [0, 1, 2], [third] * 2)
    for k in range(2, 7):
        for n in (1, 2, 5, 12, 25):
            for coarse in (True, False):
                probabilities = rng.dirichlet(np.ones(k), n)
                labels = np.array([rng.choice(k, p=row) for row in probabilities])
                if n >= 12:  # every class has a sample, so that the macro average of AUC is defined
                    labels[:k] = np.arange(k)
                if coarse:  # eighths, summing to one exactly: many ties, between rows and within
                    probabilities = rng.multinomial(8, probabilities) / 8
                name = f"random, {k} classes, {n} samples, {'eighths' if coarse else 'all digits'}"
                yield columns_case(name, labels, probabilities)


def main():
    rng = np.random.default_rng(SEED)
    families = (classes_cases, ranking_cases, positive_cases, columns_cases)
    cases = [case for family in families for case in family(rng)]
    head = {"scikit-learn": sklearn.__version__, "numpy": np.__version__, "seed": SEED}
    lines = ",\n".join(json.dumps(case, separators=(",", ":"), allow_nan=False) for case in cases)
    text = f'{{"made_by":{json.dumps(head)},"cases":[\n{lines}\n]}}\n'
    calls = sum(len(case["expect"]) for case in cases)
    print(f"{len(cases)} data sets, {calls} outcomes, {len(text)} bytes")
    if "--check" in sys.argv[1:]:
        sys.exit(0 if TARGET.read_text() == text else f"{TARGET.name} differs from what this script makes")
    TARGET.write_text(text)


if __name__ == "__main__":
    main()
