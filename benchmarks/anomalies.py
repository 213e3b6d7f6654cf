"""Time and memory of `anomalies`, and how many objects of a rare kind are among the oddest.

    python benchmarks/anomalies.py --features FILE.parquet --labels LABELS.csv [--count 1000000]

FILE is what ``galaxtool embed`` wrote of the images of LABELS, a table with the columns path, label and perhaps
odd_pool (1 for members of a selection of odd galaxies). For the recall, the objects of one kind are thinned to a few
percent of all others, several times. For the time, as many features as ``--count`` says are drawn between neighbours
among those of the file, and the whole command runs on them, once for each method. If coniferest is installed, its
isolation forest is timed beside that of scikit-learn.
"""

from __future__ import annotations

import argparse
import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import faiss
import numpy as np
from sklearn.ensemble import IsolationForest

from galaxtool.inference.embeddings.file import EmbeddedImage, open_embedding_writer
from galaxtool.inference.embeddings.stored import read_embeddings
from galaxtool.outliers.scores import score_anomalies
from galaxtool.tables.read import read_table
from galaxtool.types import Silent
from galaxtool.utils.optional_imports import import_attribute, is_installed

ARMS = (("knn", 20), ("knn", 50), ("isolation-forest", 20), ("lof", 20), ("lof", 50))
SHARES = (0.01, 0.05, 0.10)
RARE = 25
_CHUNK = 10_000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--features", type=Path, required=True)
    parser.add_argument("--labels", type=Path, required=True)
    parser.add_argument("--count", type=int, default=1_000_000, help="number of features to time; 0 for none")
    parser.add_argument("--draws", type=int, default=10, help="number of times that a kind is thinned")
    given = parser.parse_args()
    vectors, labels, odd = read(given.features, given.labels)
    print("| rare kind | of | method | " + " | ".join(f"top {share:.0%}" for share in SHARES) + " |")
    print("|---|---:|---|" + "---:|" * len(SHARES))
    for name, rare, others in (
        ("odd spirals", odd, ~odd),
        *((label, (labels == label) & ~odd, (labels != label) & ~odd) for label in np.unique(labels)),
    ):
        if rare.sum() >= RARE:
            show_recall(name, vectors, rare, others, given.draws)
    if given.count:
        show_times(vectors, given.count)


def read(features: Path, labels: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return features, labels, and which objects are odd; matched by the name of the file."""
    stored, table = read_embeddings(features), read_table(labels)
    row_of = {Path(str(path)).name: row for row, path in enumerate(table["path"])}
    rows = [row_of[Path(path).name] for path in stored.items["path"].to_pylist()]
    odd = table["odd_pool"][rows] == 1 if "odd_pool" in table.colnames else np.zeros(len(rows), dtype=bool)
    return stored.vectors, np.asarray(table["label"][rows]).astype(str), np.asarray(odd, dtype=bool)


def show_recall(name: str, vectors: np.ndarray, rare: np.ndarray, others: np.ndarray, draws: int) -> None:
    """Print the recall of a rare kind among the oddest, beside that of a perfect and a random order."""
    found = np.zeros((len(ARMS), draws, len(SHARES)))
    for draw in range(draws):
        chosen = np.random.default_rng(draw).choice(np.flatnonzero(rare), RARE, replace=False)
        rows = np.concatenate([np.flatnonzero(others), chosen])
        is_rare = np.isin(rows, chosen)
        for arm, (method, k) in enumerate(ARMS):
            scores = score_anomalies(vectors[rows], method, Silent(), neighbors=k, seed=draw)
            ranked = is_rare[scores.order()]
            found[arm, draw] = [ranked[: round(share * len(rows))].sum() / RARE for share in SHARES]
    total = int(others.sum()) + RARE
    best = [min(1.0, round(share * total) / RARE) for share in SHARES]
    for text, values in (
        *(
            (f"{m}, k = {k}" if m != "isolation-forest" else m, found[arm].mean(axis=0))
            for arm, (m, k) in enumerate(ARMS)
        ),
        ("perfect order", best),
        ("random order", SHARES),
    ):
        print(f"| {name} | {RARE} of {total:,} | {text} | " + " | ".join(f"{value:.2f}" for value in values) + " |")
    sys.stdout.flush()


def show_times(vectors: np.ndarray, count: int) -> None:
    """Print the time and the memory of the whole command."""
    print(f"\n{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}\n")
    print("| on " + f"{count:,} x {vectors.shape[1]} | wall s | CPU s | peak GB |\n|---|---:|---:|---:|")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "many.parquet"
        write_many(path, vectors, count)
        for method in ("isolation-forest", "knn", "lof"):
            command = [sys.executable, "-m", "galaxtool", "anomalies", path, "--method", method, "--quiet"]
            before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
            process = subprocess.Popen([*map(str, command), "-o", f"{folder}/{method}.parquet"])
            _, status, used = os.wait4(process.pid, 0)
            wall = time.perf_counter() - start
            assert status == 0 and before is not None
            cpu = used.ru_utime + used.ru_stime
            print(f"| anomalies --method {method} | {wall:.0f} | {cpu:.0f} | {used.ru_maxrss / 1e6:.1f} |", flush=True)
        if is_installed("coniferest"):
            compare_forests(read_embeddings(path).vectors)


def compare_forests(vectors: np.ndarray) -> None:
    """Print the time of two isolation forests alone, both with 100 trees."""
    other = import_attribute("coniferest.isoforest:IsolationForest")
    for name, forest in (
        ("scikit-learn's forest alone", IsolationForest(n_estimators=100, random_state=0, n_jobs=2)),
        ("coniferest's forest alone", other(n_trees=100, random_seed=0, n_jobs=2)),
    ):
        start, cpu = time.perf_counter(), time.process_time()
        forest.fit(vectors).score_samples(vectors)
        wall = time.perf_counter() - start
        print(f"| {name} | {wall:.0f} | {time.process_time() - cpu:.0f} | |", flush=True)


def write_many(path: Path, vectors: np.ndarray, count: int) -> None:
    """Write features drawn between neighbours of the given ones."""
    rng = np.random.default_rng(0)
    near = faiss.knn(vectors, vectors, 11)[1][:, 1:]
    with open_embedding_writer(path, count=count, dim=vectors.shape[1], meta={}) as writer:
        for start in range(0, count, _CHUNK):
            n = min(_CHUNK, count - start)
            first = rng.integers(0, len(vectors), n)
            drawn = vectors[first].copy()
            for _ in range(4):
                step = vectors[near[first, rng.integers(0, 10, n)]] - vectors[first]
                drawn += rng.uniform(-0.5, 0.5, (n, 1)).astype(np.float32) * step
            drawn /= np.linalg.norm(drawn, axis=1, keepdims=True)
            rows = [EmbeddedImage(f"g{start + i}", f"survey/g{start + i}.fits", 150.0, 2.0) for i in range(n)]
            writer.write(rows, drawn)


if __name__ == "__main__":
    main()
