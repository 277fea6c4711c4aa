#!/usr/bin/env bash
# Instructions that our kernels and a training step execute, counted by valgrind: a regression shows on a machine that
# is too noisy for a stopwatch. One thread; valgrind hides AVX-512, so the AVX2 kernels are counted.
#
#   scripts/instruction_counts.sh > before.txt
#   scripts/instruction_counts.sh before.txt      # a further column: the change in percent
set -euo pipefail
cd "$(dirname "$0")/.."

baseline=${1:-/dev/null}
if [ ! -r "$baseline" ]; then
  echo "$baseline: no such list of counts; make one with scripts/instruction_counts.sh > $baseline" >&2
  exit 2
fi
if ! command -v valgrind >/dev/null; then
  echo "valgrind is not installed" >&2
  exit 1
fi
cargo build --quiet --release --package xtask

# Each job as `cargo xtask bench` sends it to a worker (xtask/src/bench/job.rs).
jobs=(
  "product f32 nn 64 64 64"
  "product f32 nn 256 256 256"
  "product f64 nn 256 256 256"
  "product f32 nt 245 200 200"
  "product f32 tn 300 200 245"
  "product f32 nn 245 200 300"
  "product f32 nt 245 2 900"
  "product f32 tn 2 900 245"
  "product f32 nt 1 1000 1000"
  "product f32 nt 8 300 200"
  "product f32 tn 300 200 8"
  "pass exp 245 300"
  "pass sigmoid 245 300"
  "pass tanh 245 300"
  "pass relu 245 300"
  "pass softmax 245 300"
  "pass log_softmax 245 300"
  "pass sum 245 300"
  "pass sum_columns 245 300"
  "pass dropout 245 300"
  "update 200,200,200 2 300 8"
  "step 200,200,200 2 300 8"
  "inference 200,200,200 2 300 1"
)

# Instructions of a worker that runs job $1 $2 times.
count() {
  printf 'prepare %s\nrun 1 %d\n' "$1" "$2" |
    RAYON_NUM_THREADS=1 valgrind --tool=callgrind --callgrind-out-file=/dev/null \
      target/release/xtask bench --worker ours 2>&1 >/dev/null |
    sed -n 's/.*Collected : \([0-9]*\).*/\1/p'
}

for job in "${jobs[@]}"; do
  # The difference of two counts is what the further runs took: start and preparation cancel.
  few=$(count "$job" 2)
  many=$(count "$job" 6)
  each=$(((many - few) / 4))
  before=$(grep -F "$job  " "$baseline" | awk '{print $NF}' || true)
  if [ -n "$before" ]; then
    change=$(awk -v a="$before" -v b="$each" 'BEGIN { printf "%+.2f %%", 100 * (b / a - 1) }')
    printf '%-34s  %12d  %s\n' "$job" "$each" "$change"
  else
    printf '%-34s  %12d\n' "$job" "$each"
  fi
done
