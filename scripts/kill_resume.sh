#!/bin/sh
# Kills a training with kill -9 at random moments, resumes it, and compares what it leaves with an undisturbed run:
# weights, metric rows, choice of best checkpoint. kill_resume.sh [KILLS] [SEED]; 200 kills take about three minutes.
set -eu
cd "$(dirname "$0")/.."
KILLS=${1:-200} SEED=${2:-2} exec cargo test -p lightning-core --test resume -- --ignored --exact killed::killed_very_often --nocapture
