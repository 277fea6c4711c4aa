"""Times the reading of one csv matrix: ours, numpy.loadtxt and pandas.read_csv, in turns in one run.

    cargo build --release -p mmdynamic --example read_csv
    python scripts/csv_speed.py            # needs numpy and pandas

Prints the median of each and the ratios. The file has 1000 x 2000 numbers with 18 decimals, as published cohorts have.
"""

import pathlib
import statistics
import subprocess
import tempfile
import time

import numpy
import pandas

ROUNDS = 5
ROOT = pathlib.Path(__file__).resolve().parent.parent
OURS = ROOT / "target/release/examples/read_csv"


def seconds(read):
    start = time.perf_counter()
    read()
    return time.perf_counter() - start


def ours(path):
    # The time inside the process: neither is numpy charged for the start of Python.
    printed = subprocess.run([OURS, path, "1"], check=True, capture_output=True, text=True).stdout
    return float(printed.split()[0])


def main():
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "matrix.csv"
        numpy.savetxt(path, numpy.random.default_rng(0).random((1000, 2000)), delimiter=",")
        readers = {
            "ours": lambda: ours(path),
            "numpy.loadtxt": lambda: seconds(lambda: numpy.loadtxt(path, delimiter=",")),
            "pandas.read_csv": lambda: seconds(lambda: pandas.read_csv(path, header=None)),
        }
        times = {name: [] for name in readers}
        for _ in range(ROUNDS):
            for name, read in readers.items():
                times[name].append(read())
    medians = {name: statistics.median(all_) for name, all_ in times.items()}
    for name, median in medians.items():
        print(f"{name:<16} {median * 1e3:8.1f} ms   ours is {median / medians['ours']:.2f} x as fast")


if __name__ == "__main__":
    main()
