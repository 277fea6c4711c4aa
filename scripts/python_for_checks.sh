#!/usr/bin/env bash
# Prints the path of a Python that has what the checks against real programs need (TensorBoard, onnxruntime, safetensors),
# or nothing. Uses what CHECKS_PYTHON or python3 is; else makes target/python-checks by pip, once. Where there is no pip or
# no network it says so on stderr and still succeeds: the checks then say aloud that they skip the real programs.
set -uo pipefail
cd "$(dirname "$0")/.."
venv=target/python-checks
modules="numpy, onnx, onnxruntime, safetensors, tensorboard"

for python in "${CHECKS_PYTHON:-}" python3 "$PWD/$venv/bin/python"; do
  if [ -n "$python" ] && path=$(command -v "$python") && "$path" -c "import $modules" 2>/dev/null; then
    echo "$path"
    exit 0
  fi
done

mkdir -p target
{
  python3 -m venv "$venv" || python3 -m venv --without-pip "$venv"
  "$venv/bin/python" -m pip install --quiet --disable-pip-version-check --timeout 20 --retries 1 \
    --requirement scripts/requirements-checks.txt || python3 -m pip --python "$venv/bin/python" install --quiet \
    --timeout 20 --retries 1 --requirement scripts/requirements-checks.txt
} >target/python-checks.log 2>&1

if "$venv/bin/python" -c "import $modules" 2>/dev/null; then
  echo "$PWD/$venv/bin/python"
else
  echo "python_for_checks: $modules cannot be installed, see target/python-checks.log" >&2
fi
