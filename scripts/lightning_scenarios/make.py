"""Writes what real Lightning does in every scenario; `--check` only compares with what is committed."""

import argparse
import importlib
import os
import pathlib
import sys

# Read when torch is loaded: without them the last bits depend on the processor's vector width.
os.environ["ATEN_CPU_CAPABILITY"] = "default"
os.environ["MKL_CBWR"] = "COMPATIBLE"

import lightning as pl  # noqa: E402
import torch  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts" / "torch_fixtures"))

import encode  # noqa: E402
import layout  # noqa: E402
import run  # noqa: E402

FOLDER = ROOT / "lightning-core" / "tests" / "fixtures" / "lightning"
GROUPS = ("hooks", "log", "loops", "optimization", "checkpoints", "early_stopping", "resume")


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--check", action="store_true", help="write nothing, exit with 1 if a file would change"
    )
    parser.add_argument(
        "groups", nargs="*", default=GROUPS, help=f"some of {', '.join(GROUPS)}; all by default"
    )
    args = parser.parse_args()
    torch.set_num_threads(1)
    run.quiet()
    changed = [_differs(group) if args.check else _write(group) for group in args.groups]
    return 1 if any(changed) else 0


def _text(group):
    cases = []
    for scenario in importlib.import_module(f"group_{group}").SCENARIOS:
        cases.append(encode.plain({**scenario, "lightning": run.lightning(scenario)}))
    document = {"lightning": pl.__version__, "torch": torch.__version__, "scenarios": cases}
    return layout.text(document), len(cases)


def _write(group):
    text, count = _text(group)
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / f"{group}.json").write_text(text, encoding="utf-8")
    print(f"{count:>3} scenarios  {len(text):>9,} bytes  {group}.json")
    return False


def _differs(group):
    path = FOLDER / f"{group}.json"
    same = path.exists() and path.read_text(encoding="utf-8") == _text(group)[0]
    print(f"{'same' if same else 'DIFFERS'}  {path.relative_to(ROOT)}")
    return not same


if __name__ == "__main__":
    sys.exit(main())
