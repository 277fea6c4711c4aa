"""Writes every fixture PyTorch is the reference for; `--check` only compares with what is committed."""

import argparse
import os
import pathlib
import sys

# Read when torch is loaded: without them the last bits depend on the processor's vector width.
os.environ["ATEN_CPU_CAPABILITY"] = "default"
os.environ["MKL_CBWR"] = "COMPATIBLE"

import torch  # noqa: E402

import clip  # noqa: E402
import mmdynamic  # noqa: E402
import ops  # noqa: E402
import optimizers  # noqa: E402
import schedulers  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help="write nothing, exit with 1 if a file would change"
    )
    check = parser.parse_args().check
    torch.set_num_threads(1)
    changed = 0
    for maker in (ops, optimizers, clip, schedulers, mmdynamic):
        for path, text in maker.files().items():
            changed += _differs(ROOT / path, text) if check else _write(ROOT / path, text)
    print("\n".join(f"f32 against f64: {line}" for line in mmdynamic.precision()))
    return 1 if check and changed else 0


def _write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    print(f"{len(text):>9,} bytes  {path.relative_to(ROOT)}")
    return 0


def _differs(path, text):
    same = path.exists() and path.read_text(encoding="utf-8") == text
    print(f"{'same' if same else 'DIFFERS'}  {path.relative_to(ROOT)}")
    return not same


if __name__ == "__main__":
    sys.exit(main())
