"""Makes the fixtures of the data module: what scikit-learn's imputer and scalers do, and files that numpy wrote.

    python scripts/data_fixtures.py          # needs numpy and scikit-learn: scripts/requirements-metrics.txt
    python scripts/data_fixtures.py --check  # writes nothing, exits with 1 if a file would change

Values lie on a grid of 1/64, so that f32 and f64 start from the same numbers; NaN is written as null.
"""

import io
import json
import pathlib
import sys

import numpy
from sklearn.impute import SimpleImputer
from sklearn.preprocessing import MinMaxScaler, StandardScaler

FOLDER = pathlib.Path(__file__).resolve().parent.parent / "mmdynamic/tests/fixtures"


def rows(matrix):
    return [[None if numpy.isnan(x) else x for x in row] for row in numpy.asarray(matrix, dtype=float).tolist()]


def draw(rng, shape):
    values = numpy.round(rng.normal(3, 20, shape) * 64) / 64
    values[rng.random(shape) < 0.2] = numpy.nan
    return values


def case(rng, train_rows, test_rows, columns):
    train, test = draw(rng, (train_rows, columns)), draw(rng, (test_rows, columns))
    train[0] = numpy.round(rng.normal(size=columns) * 64) / 64  # a value in each column
    made = {"train": rows(train), "test": rows(test), "imputers": {}, "scalers": {}}
    for name, options in {
        "mean": {"strategy": "mean"},
        "median": {"strategy": "median"},
        "zero": {"strategy": "constant", "fill_value": 0.0},
    }.items():
        imputer = SimpleImputer(**options).fit(train)
        made["imputers"][name] = {
            "figures": imputer.statistics_.tolist(),
            "train": rows(imputer.transform(train)),
            "test": rows(imputer.transform(test)),
        }
    imputer = SimpleImputer(strategy="mean").fit(train)
    for name, scaler in {"min-max": MinMaxScaler(), "z-score": StandardScaler()}.items():
        scaler.fit(imputer.transform(train))
        made["scalers"][name] = {
            "train": rows(scaler.transform(imputer.transform(train))),
            "test": rows(scaler.transform(imputer.transform(test))),
        }
    return made


def npy(array):
    buffer = io.BytesIO()
    numpy.save(buffer, array)
    return buffer.getvalue()


def main():
    rng = numpy.random.default_rng(20250103)
    cases = [case(rng, *sizes) for sizes in [(7, 4, 5), (30, 11, 8), (2, 3, 1)]]
    matrix = numpy.arange(12).reshape(3, 4) / 8 - 0.5
    files = {
        "preprocessing.json": (json.dumps(cases) + "\n").encode(),
        "c_f64.npy": npy(matrix),
        "fortran_f32.npy": npy(numpy.asfortranarray(matrix.astype("<f4"))),
        "labels_i64.npy": npy(numpy.array([0, 2, 1], dtype="<i8")),
        "big_endian.npy": npy(matrix.astype(">f8")),
    }
    changed = []
    for name, data in files.items():
        path = FOLDER / name
        if not path.exists() or path.read_bytes() != data:
            changed.append(name)
            if "--check" not in sys.argv:
                path.write_bytes(data)
    print("changed:", ", ".join(changed) or "nothing")
    return 1 if changed and "--check" in sys.argv else 0


if __name__ == "__main__":
    sys.exit(main())
