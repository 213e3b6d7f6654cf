#!/usr/bin/env bash
# A complete example with simulated galaxies, from training to an ONNX file. All output is written to demo/, which is
# deleted first. PYTHON names the Python in which galaxtool is installed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
python=${PYTHON:-python}

galaxtool() {
    printf '\n\033[1m$ galaxtool %s\033[0m\n' "$*"
    "$python" -m galaxtool "$@"
}

rm -rf demo
# 600 labelled galaxies for training, and 50 that the model never sees
galaxtool simulate -o demo/labelled -n 600 --size 96
galaxtool simulate -o demo/new -n 50 --size 96 --split test
# train from random weights, so that the model learns only from these galaxies
galaxtool finetune demo/labelled --backbone small-resnet@none --epochs 15 --warmup-epochs 5 -o demo/run
galaxtool classify demo/new --model demo/run -o demo/predictions.csv
galaxtool index demo/labelled --model demo/run -o demo/index
galaxtool similar demo/new/images/sim-test-000005.fits --index demo/index -k 11 -o demo/similar.csv
galaxtool similar --symbol edge_on_with_bulge --index demo/index -k 11 -o demo/symbol.csv
galaxtool export --model demo/run -o demo/model.onnx
# this needs only the ONNX file and does not import PyTorch
galaxtool classify demo/new --model demo/model.onnx -o demo/predictions-onnx.csv

cat <<'END'

Look at
  demo/predictions.csv   class and probabilities of 50 new galaxies; their true classes are in demo/new/labels.csv
  demo/similar.png       a barred spiral, and the labelled galaxies most similar to it
  demo/symbol.png        the labelled galaxies most similar to the drawing of an edge-on galaxy with a bulge
  demo/run/              the run: settings, split, history, scores, and the model in demo/run/model/
  demo/model.onnx        the model as one file
The model learned ten classes from 510 simulated galaxies in two minutes. It is a demonstration, not for publication.
END
