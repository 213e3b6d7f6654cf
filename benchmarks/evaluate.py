"""Measure the scores of `galaxtool evaluate` and `compare`, beside scikit-learn and plain loops.

    python benchmarks/evaluate.py

The script prints, with simulated predictions and embeddings,

* the time and the peak memory of all metrics with their intervals from 1,000 stratified resamples, and the time that
  scikit-learn's functions would take for the same metrics and resamples, from a few of them;
* the time and the peak memory of retrieval, in which each item is a query among the others, and the time that a loop
  over the queries with scikit-learn's `average_precision_score` would take, from a few of them;
* the time and the peak memory of the whole command `galaxtool compare` for two tables of predictions.

Values and differences from the reference are printed too. Each row is a process of its own. The seconds of processors
say what a loaded machine hides.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from sklearn import metrics as sk
from startup import find_processor_name

from galaxtool.assessment.metrics.classes import Predictions, measure_classes
from galaxtool.assessment.metrics.retrieval import measure_embeddings
from galaxtool.evaluation.resamples import STRATIFIED_RESAMPLES, StratifiedResamples
from galaxtool.evaluation.retrieval import measure_retrieval
from galaxtool.types import Silent
from galaxtool.utils.cores import count_cores
from galaxtool.utils.run_directory import find_versions, utc_now

CLASSES, SKILL = 10, 2.0
_FEW_RESAMPLES, _FEW_QUERIES = 5, 200


def main() -> None:
    """Measure and print; in a process that this script has started, one thing only."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--predictions", type=int, default=100_000, help="number of predictions")
    parser.add_argument("--embeddings", type=int, default=20_000, help="number of embeddings")
    parser.add_argument("--dim", type=int, default=512, help="number of their components")
    parser.add_argument("--only", choices=list(PARTS), help="measure one thing in this process and print it as JSON")
    options = parser.parse_args()
    if options.only:
        print(json.dumps(PARTS[options.only](options)))
        return
    about = find_versions()
    print(
        f"{utc_now()}, {platform.system()} {platform.machine()}, {find_processor_name()}, {count_cores()} cores, "
        f"load {os.getloadavg()[0]:.1f}, Python {about['python']}, galaxtool {about['galaxtool']}\n"
    )
    print("| what | seconds | of processors | peak MB | values |\n|---|---|---|---|---|")
    for name in PARTS:
        command = [sys.executable, __file__, "--only", name, "--predictions", str(options.predictions)]
        command += ["--embeddings", str(options.embeddings), "--dim", str(options.dim)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        row = json.loads(done.stdout.splitlines()[-1])
        peak = f"{row['peak']:,.0f}" if row["peak"] else ""
        print(f"| {row['what']} | {row['wall']:,.1f} | {row['cpu']:,.1f} | {peak} | {row['values']} |", flush=True)


def simulate_predictions(n: int, skill: float = SKILL, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return probabilities (n, K) and true classes (n,); the true classes do not depend on `skill` and `seed`."""
    targets = np.random.default_rng(99).integers(0, CLASSES, n)
    logits = np.random.default_rng(seed).normal(size=(n, CLASSES))
    logits[np.arange(n), targets] += skill
    exact = np.exp(logits)
    return exact / exact.sum(axis=1, keepdims=True), targets


def simulate_embeddings(n: int, dim: int) -> tuple[np.ndarray, np.ndarray]:
    """Return unit embeddings (n, dim), float32, and classes (n,)."""
    rng = np.random.default_rng(0)
    targets = rng.integers(0, CLASSES, n)
    values = rng.normal(size=(n, dim)) + 0.2 * rng.normal(size=(CLASSES, dim))[targets]
    return (values / np.linalg.norm(values, axis=1, keepdims=True)).astype(np.float32), targets


def measure(what: str, run: Callable[[], str], *, factor: float = 1, of_children: bool = False) -> dict[str, Any]:
    """Return the time of a function, times `factor`, the peak memory of its process, and the values that it returns."""
    who = resource.RUSAGE_CHILDREN if of_children else resource.RUSAGE_SELF
    before, start = resource.getrusage(who), time.perf_counter()
    values = run()
    wall, after = time.perf_counter() - start, resource.getrusage(who)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    peak = after.ru_maxrss / 1024 if factor == 1 else 0
    return {"what": what, "wall": wall * factor, "cpu": cpu * factor, "peak": peak, "values": values}


def measure_our_metrics(options: argparse.Namespace) -> dict[str, Any]:
    """Measure all registered metrics of probabilities with their intervals, those of single classes included."""
    probabilities, targets = simulate_predictions(options.predictions)
    slugs = tuple(f"c{k}" for k in range(CLASSES))
    predictions = Predictions(slugs, targets, probabilities, probabilities)

    def run() -> str:
        found = measure_classes(predictions, seed=0, progress=Silent())
        return ", ".join(f"{name} {found[name]['value']:.6f}" for name in REFERENCES)

    what = f"galaxtool: all metrics of {options.predictions:,} predictions, {STRATIFIED_RESAMPLES:,} resamples"
    return measure(what, run)


REFERENCES: dict[str, Callable[[np.ndarray, np.ndarray, np.ndarray], float]] = {
    "accuracy": lambda t, p, best: sk.accuracy_score(t, best),
    "balanced_accuracy": lambda t, p, best: sk.balanced_accuracy_score(t, best),
    "f1_macro": lambda t, p, best: sk.f1_score(t, best, average="macro"),
    "precision_macro": lambda t, p, best: sk.precision_score(t, best, average="macro"),
    "roc_auc": lambda t, p, best: sk.roc_auc_score(t, p, multi_class="ovr"),
    "average_precision": lambda t, p, best: sk.average_precision_score(np.eye(CLASSES)[t], p),
    "top_2": lambda t, p, best: sk.top_k_accuracy_score(t, p, k=2),
    "cross_entropy": lambda t, p, best: sk.log_loss(t, p),
}


def measure_scikit_learn(options: argparse.Namespace) -> dict[str, Any]:
    """Measure scikit-learn's functions for a few resamples."""
    probabilities, targets = simulate_predictions(options.predictions)

    def score(rows: np.ndarray) -> list[float]:
        p, t = probabilities[rows], targets[rows]
        best = p.argmax(axis=1)
        return [reference(t, p, best) for reference in REFERENCES.values()]

    def run() -> str:
        values = score(np.arange(len(targets)))
        for weights in StratifiedResamples(targets, seed=0, count=_FEW_RESAMPLES - 1):
            score(np.repeat(np.arange(len(targets)), weights.astype(np.int64)))
        return ", ".join(f"{name} {value:.6f}" for name, value in zip(REFERENCES, values, strict=True))

    what = f"scikit-learn: {len(REFERENCES)} of these metrics, from {_FEW_RESAMPLES} resamples"
    return measure(what, run, factor=STRATIFIED_RESAMPLES / _FEW_RESAMPLES)


def measure_our_retrieval(options: argparse.Namespace) -> dict[str, Any]:
    """Measure retrieval with its intervals and with permuted labels."""
    embeddings, targets = simulate_embeddings(options.embeddings, options.dim)

    def run() -> str:
        found = measure_embeddings(embeddings, None, targets, seed=0, progress=Silent())["retrieval"]["cosine"]
        names = ("map", "map_at_5", "map_at_5_possible", "precision_at_10")
        return ", ".join(f"{name} {found[name]['value']:.6f}" for name in names)

    what = f"galaxtool: retrieval among {options.embeddings:,} x {options.dim}, with intervals and permuted labels"
    return measure(what, run)


def measure_plain_retrieval(options: argparse.Namespace) -> dict[str, Any]:
    """Measure a loop over a few queries, and compare its average precision with that of galaxtool."""
    embeddings, targets = simulate_embeddings(options.embeddings, options.dim)
    few, classes, gallery = embeddings[:_FEW_QUERIES], targets[:_FEW_QUERIES], embeddings[_FEW_QUERIES:]
    found: list[float] = []

    def run() -> str:
        for query, target in zip(few, classes, strict=True):
            found.append(sk.average_precision_score(targets[_FEW_QUERIES:] == target, gallery @ query))
        return ""

    what = f"a loop with scikit-learn: mAP alone, from {_FEW_QUERIES} queries"
    row = measure(what, run, factor=options.embeddings / _FEW_QUERIES)
    ours = measure_retrieval(few, classes, gallery, targets[_FEW_QUERIES:])[0].average_precision
    difference = np.abs(ours - np.array(found)).max()
    return {**row, "values": f"largest difference of an average precision {difference:.1e}"}


def measure_compare(options: argparse.Namespace) -> dict[str, Any]:
    """Measure the whole command for two tables of predictions."""
    with tempfile.TemporaryDirectory() as scratch:
        folders = [write_predictions(Path(scratch), name, options.predictions) for name in ("a", "b")]
        command = [sys.executable, "-m", "galaxtool", "compare", *map(str, folders), "--json"]

        def run() -> str:
            done = subprocess.run(command, check=True, capture_output=True, text=True)
            of_accuracy = json.loads(done.stdout)["differences"][0]
            return (
                f"difference {of_accuracy['difference']:+.5f}, {of_accuracy['low']:+.5f} to {of_accuracy['high']:+.5f}"
            )

        return measure(
            f"galaxtool compare of two times {options.predictions:,} predictions, whole command", run, of_children=True
        )


def write_predictions(scratch: Path, name: str, n: int) -> Path:
    """Write the table of predictions of an evaluation."""
    probabilities, targets = simulate_predictions(n, *{"a": (2.0, 1), "b": (2.05, 2)}[name])
    columns = {
        "id": [f"object-{i}" for i in range(n)],
        "truth": [f"c{k}" for k in targets],
        "label": [f"c{k}" for k in probabilities.argmax(axis=1)],
        "probability": probabilities.max(axis=1),
        **{f"p_c{k}": probabilities[:, k].astype(np.float32) for k in range(CLASSES)},
    }
    (scratch / name).mkdir()
    pq.write_table(pa.table(columns), scratch / name / "predictions.parquet")
    return scratch / name


PARTS: dict[str, Callable[[argparse.Namespace], dict[str, Any]]] = {
    "metrics": measure_our_metrics,
    "scikit-learn": measure_scikit_learn,
    "retrieval": measure_our_retrieval,
    "loop": measure_plain_retrieval,
    "compare": measure_compare,
}

if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
