"""Measure similarity indexes: recall, queries per second, latency, filters, memory and time to build.

    python benchmarks/search.py [--count 1000000] [--dim 512] [--kinds flat ivf-sq8 ...] [--threads 2]
    python benchmarks/search.py --embeddings gz2.parquet first.parquet --count 1000000
    python benchmarks/search.py --against autofaiss.faiss   # an index of another program, of vectors.npy in --folder

The script prints Markdown. Each index is built and searched in a process of its own, through the files that
`galaxtool index` writes and `galaxtool similar` opens. Queries per second are those of the fastest of three passes;
"open" is the time from the folder to the first answer.

Without embeddings, the vectors are random: clusters of unequal size, each a cloud with 64 dimensions of its own and
some noise in all. With embeddings of real images, these are enlarged to the count wanted: each new vector lies at a
random place between a real one and one of its ten nearest, with noise of a tenth of their distance. Queries are drawn
the same way and are not indexed.
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
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import pyarrow as pa

from galaxtool.inference.embeddings.stored import read_embeddings
from galaxtool.models.find import find_model
from galaxtool.search.index.assemble import IndexPlan, assemble_index
from galaxtool.search.index.recall import ExactSearch, QuerySet
from galaxtool.search.index.record import ELSEWHERE, IndexRecord
from galaxtool.search.index.store import Index
from galaxtool.search.index.vector_source import ArraySource
from galaxtool.search.source import read_record
from galaxtool.types import Silent

QUERIES, SINGLE, KEPT, BLOCK = 2000, 300, 0.01, 50_000
PASSES = 3  # over all queries, of which the fastest counts: the first reads the files into memory


def open_source(path: Path) -> ArraySource:
    """Return the vectors in a file, with invented objects."""
    vectors = np.load(path, mmap_mode="r")
    names = [f"g{row:08}" for row in range(len(vectors))]
    nothing = pa.nulls(len(names), pa.float64())
    return ArraySource(
        vectors, pa.table({"id": names, "path": [f"/cutouts/{n}.fits" for n in names], "ra": nothing, "dec": nothing})
    )


def make_clusters(rng: np.random.Generator, size: int, dim: int, clusters: int, seed: int) -> np.ndarray:
    """Return random vectors in clusters of unequal size, which depend only on `seed`."""
    fixed = np.random.default_rng(seed)
    centres = fixed.normal(size=(clusters, dim)).astype(np.float32)
    weights = fixed.lognormal(0, 1, clusters)
    bases = fixed.normal(size=(8, 64, dim)).astype(np.float32) / np.sqrt(64)
    which = rng.choice(clusters, size, p=weights / weights.sum())
    vectors = centres[which] + 0.1 * rng.normal(size=(size, dim)).astype(np.float32)
    for number, base in enumerate(bases):
        rows = np.flatnonzero(which % len(bases) == number)
        vectors[rows] += rng.normal(size=(len(rows), len(base))).astype(np.float32) @ base
    return vectors


def mix_neighbors(rng: np.random.Generator, size: int, real: np.ndarray, near: np.ndarray) -> np.ndarray:
    """Return vectors between real ones and their neighbours."""
    first = rng.integers(len(real), size=size)
    second = near[first, rng.integers(near.shape[1], size=size)]
    apart = real[second] - real[first]
    noise = rng.normal(size=apart.shape).astype(np.float32) / np.sqrt(apart.shape[1])
    length = np.linalg.norm(apart, axis=1, keepdims=True)
    mixed: np.ndarray = real[first] + rng.random((size, 1)).astype(np.float32) * apart + 0.1 * length * noise
    return mixed


def write_vectors(folder: Path, options: argparse.Namespace) -> None:
    """Write the vectors, the queries, a filter and the true neighbours."""
    real = near = None
    if options.embeddings:
        parts = [read_embeddings(path).vectors for path in options.embeddings]
        real = np.concatenate([part[np.isfinite(part).all(axis=1)] for part in parts]).astype(np.float32)
        near = faiss.knn(real, real, 11, metric=faiss.METRIC_INNER_PRODUCT)[1][:, 1:]
    rng = np.random.default_rng(1)
    dim = options.dim if real is None else real.shape[1]
    out = np.lib.format.open_memmap(folder / "source.npy", "w+", np.float32, (options.count, dim))
    queries = np.empty((QUERIES, dim), np.float32)
    for target in (out, queries):
        for start in range(0, len(target), BLOCK):
            size = min(BLOCK, len(target) - start)
            if real is None or near is None:
                block = make_clusters(rng, size, dim, options.clusters or max(20, options.count // 500), 0)
            else:
                block = mix_neighbors(rng, size, real, near)
            target[start : start + size] = block / np.linalg.norm(block, axis=1, keepdims=True)
    keep = rng.random(options.count) < KEPT
    everything, kept = ExactSearch([QuerySet(queries)]), ExactSearch([QuerySet(queries)])
    for start in range(0, options.count, BLOCK):
        block = np.array(out[start : start + BLOCK])
        everything.add(block)
        kept.add(block[keep[start : start + BLOCK]])
    true_kept = np.flatnonzero(keep)[kept.finish()[0].neighbors]
    np.savez(folder / "truth.npz", queries=queries, keep=keep, all=everything.finish()[0].neighbors, kept=true_kept)


def build(folder: Path, kind: str, target: float) -> dict[str, Any]:
    """Build an index; return the minutes it took, its peak memory and its size."""
    model = find_model("mini")
    source = open_source(folder / "source.npy")
    record = IndexRecord(
        kind=kind, count=source.count, dim=int(np.load(folder / "source.npy", mmap_mode="r").shape[1]), model="mini",
        model_at=ELSEWHERE, model_digest="", preprocess_digest="", recall_at_10=0, recall_queries=0,
        target_recall=target,
    )  # fmt: skip
    start = time.perf_counter()
    plan = IndexPlan(
        folder=folder / kind, sources=[source], record=record, model=model, model_record=read_record(model)
    )
    record = assemble_index(plan, Silent())
    return {
        "minutes": (time.perf_counter() - start) / 60,
        "peak": peak_memory(),
        "size": (folder / kind / "index.faiss").stat().st_size / 1e9,
        "settings": record.settings,
        "stored": record.recall_at_10,
    }


def search(folder: Path, kind: str, threads: int) -> dict[str, Any]:
    """Search an index; return recalls, queries per second and latencies."""
    faiss.omp_set_num_threads(threads)
    truth = np.load(folder / "truth.npz")
    queries, keep = truth["queries"], truth["keep"]
    start = time.perf_counter()
    index = Index.open(folder / kind)
    rows = index.search(queries[:1], 10)[1]
    names = [index[int(row)].id for row in rows[0]]
    opened = time.perf_counter() - start
    assert len(names) == 10
    result: dict[str, Any] = {"open": 1e3 * opened}
    for name, selected in (("all", None), ("kept", keep)):
        index.search(queries[:50], 10, selected)
        passes = []
        for _ in range(PASSES):
            begun = time.perf_counter()
            found = index.search(queries, 10, selected)[1]
            passes.append(time.perf_counter() - begun)
        result[f"{name} per s"] = len(queries) / min(passes)
        result[f"{name} recall"] = measure_recall(found, truth[name])
        times = []
        for query in queries[:SINGLE, None]:
            begun = time.perf_counter()
            index.search(query, 10, selected)
            times.append(time.perf_counter() - begun)
        result[f"{name} ms"] = 1e3 * float(np.median(times))
    result["peak"] = peak_memory()
    return result


def search_foreign(file: Path, folder: Path, threads: int) -> dict[str, Any]:
    """Search an index of another program with its own settings."""
    faiss.omp_set_num_threads(threads)
    truth = np.load(folder / "truth.npz")
    index = faiss.read_index(str(file))
    index.search(truth["queries"][:50], 10)
    begun = time.perf_counter()
    found = index.search(truth["queries"], 10)[1]
    seconds = time.perf_counter() - begun
    return {"recall": measure_recall(found, truth["all"]), "per s": QUERIES / seconds, "GB": file.stat().st_size / 1e9}


def measure_recall(found: np.ndarray, true: np.ndarray) -> float:
    """Return the share of the true neighbours that were found."""
    return float(np.mean([len(set(a.tolist()) & set(b.tolist())) for a, b in zip(found, true, strict=True)]) / 10)


def peak_memory() -> float:
    """Return the peak memory of this process in GB, with the mapped pages of files that it read."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1e9 if sys.platform == "darwin" else 1e6)


def run_apart(folder: Path, options: argparse.Namespace, *step: str) -> dict[str, Any]:
    """Run one step in a process of its own."""
    command = [sys.executable, __file__, "--folder", str(folder), "--threads", str(options.threads),
               "--target-recall", str(options.target_recall), "--step", *step]  # fmt: skip
    environment = {**os.environ, "OMP_NUM_THREADS": str(options.threads)}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True)
    values: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return values


def main() -> None:
    """Measure the indexes and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1_000_000, help="number of vectors")
    parser.add_argument("--dim", type=int, default=512, help="length of a random vector")
    parser.add_argument("--clusters", type=int, help="number of random clusters; one for 500 vectors by default")
    parser.add_argument("--kinds", nargs="+", default=["flat", "ivf-sq8", "opq-ivf-pq", "hnsw"], help="kinds of index")
    parser.add_argument("--threads", type=int, default=2, help="number of threads")
    parser.add_argument("--target-recall", type=float, default=0.99, help="recall that each search is tuned to")
    parser.add_argument("--embeddings", nargs="+", type=Path, help="files of `galaxtool embed` to enlarge")
    parser.add_argument("--folder", type=Path, help="folder to keep; what is there already is not made again")
    parser.add_argument("--against", type=Path, help="a FAISS file of another program")
    parser.add_argument("--step", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.step:
        step, kind = options.step
        result = (
            build(options.folder, kind, options.target_recall)
            if step == "build"
            else search(options.folder, kind, options.threads)
        )
        print(json.dumps(result))
        return
    if options.against:
        print(json.dumps(search_foreign(options.against, options.folder, options.threads)))
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / "truth.npz").exists():
            write_vectors(folder, options)
        shape = np.load(folder / "source.npy", mmap_mode="r").shape
        print(f"{shape[0]:,} vectors of {shape[1]}, {options.threads} threads, {platform.machine()}, load "
              f"{os.getloadavg()[0]:.1f}\n")  # fmt: skip
        print("| kind | settings | recall@10 | queries/s | one query, ms | 1 % kept: recall@10 | queries/s | "
              "one query, ms | open, ms | index, GB | build, min | peak GB: build | search |")  # fmt: skip
        print("|---|---|" + "---:|" * 11)
        for kind in options.kinds:
            made = folder / f"{kind}.json"
            if not made.exists():
                made.write_text(json.dumps(run_apart(folder, options, "build", kind)))
            one, two = json.loads(made.read_text()), run_apart(folder, options, "search", kind)
            settings = ", ".join(f"{name} {value}" for name, value in one["settings"].items())
            print(
                f"| {kind} | {settings} | {two['all recall']:.3f} | {two['all per s']:,.0f} | {two['all ms']:.2f} | "
                f"{two['kept recall']:.3f} | {two['kept per s']:,.0f} | {two['kept ms']:.2f} | {two['open']:.0f} | "
                f"{one['size']:.2f} | {one['minutes']:.1f} | {one['peak']:.2f} | {two['peak']:.2f} |",
                flush=True,
            )  # fmt: skip


if __name__ == "__main__":
    main()
