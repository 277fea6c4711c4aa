#!/usr/bin/env bash
# The report of a generated cohort and of ROSMAP, where that is there, looked at in headless Chromium.
# Installs Chromium by apt-get where it may; where there is none it says so and succeeds.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! command -v python3 >/dev/null; then
  echo "check_report: SKIPPED, there is no python3" >&2
  exit 0
fi
has_chromium() { command -v chromium || command -v chromium-browser || command -v google-chrome; }
if ! has_chromium >/dev/null && command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
  mkdir -p target
  { apt-get update && apt-get install --yes --no-install-recommends chromium fonts-dejavu-core; } >target/chromium.log 2>&1 || true
fi
if ! has_chromium >/dev/null; then
  echo "check_report: SKIPPED, there is no Chromium and it cannot be installed (target/chromium.log)" >&2
  exit 0
fi

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
train() { cargo xtask train --quiet --out "$folder" "$@" >/dev/null; }
train --epochs 5
train --epochs 5 --seed 1 --lr 0.01
for data in ../shared/data/ROSMAP ../shared/data/BRCA263 ../shared/data/MFEAT; do
  if [ -d "$data" ]; then train --epochs 5 --data "$data"; fi
done
logs=$folder/lightning_logs
cargo xtask report compare "$logs/version_0" "$logs/version_1" --out "$folder/compare.html"
python3 scripts/check_report.py "$folder/compare.html" "$logs"/version_*/report.html
