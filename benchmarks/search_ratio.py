"""Compare kinds of similarity index with exact search by the time of the processor, one thread each.

    OMP_NUM_THREADS=1 python benchmarks/search_ratio.py FOLDER [--kinds ivf-sq8 ivf-pq ...] [--passes 5]

FOLDER is what `benchmarks/search.py --folder FOLDER` kept: the vectors, the queries, the true neighbours, and an
index of each kind. All are opened in this process and take turns: in each pass, exact search and every index answer
all queries together, then some one by one. So what else the machine does slows all of them alike, and the ratios hold.

The script prints Markdown. Microseconds are those of the pass that was fastest; the ratio to exact search is the median
over the passes, each against the exact search of the same pass, with the least and the greatest.
"""

from __future__ import annotations

import argparse
import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import faiss
import numpy as np
from search import measure_recall

from galaxtool.search.index.store import Index

ALONE, EXACT_ALONE = 200, 10  # queries that are also put one by one

Search = Callable[[np.ndarray], np.ndarray]
"""A function from queries to rows."""


def time_together(search: Search, queries: np.ndarray) -> float:
    """Return the processor time for each query, in microseconds."""
    begun = time.process_time()
    search(queries)
    return 1e6 * (time.process_time() - begun) / len(queries)


def time_alone(search: Search, queries: np.ndarray) -> float:
    """Return the median processor time of a query that is alone, in microseconds."""
    return float(np.median([time_together(search, query) for query in queries[:, None]]))


def search_index(index: Index, keep: np.ndarray | None, queries: np.ndarray) -> np.ndarray:
    """Return the rows of the ten nearest."""
    return index.search(queries, 10, keep)[1]


def describe_ratio(times: np.ndarray, exact: np.ndarray) -> str:
    """Return the median ratio and its range."""
    ratios = exact / times
    return f"{np.median(ratios):.1f} ({ratios.min():.1f} to {ratios.max():.1f})"


def main() -> None:
    """Measure the indexes and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--kinds", nargs="+", default=["ivf-sq8", "ivf-pq"], help="kinds of index")
    parser.add_argument("--passes", type=int, default=5, help="number of turns of each index")
    options = parser.parse_args()
    if os.environ.get("OMP_NUM_THREADS") != "1":
        parser.error("run it with OMP_NUM_THREADS=1, so that NumPy uses one thread as well")
    faiss.omp_set_num_threads(1)
    truth = np.load(options.folder / "truth.npz")
    queries, keep = truth["queries"], truth["keep"]
    vectors = np.load(options.folder / "source.npy", mmap_mode="r")
    indexes = {kind: Index.open(options.folder / kind) for kind in options.kinds}

    def search_exactly(some: np.ndarray) -> np.ndarray:
        return faiss.knn(some, vectors, 10, metric=faiss.METRIC_INNER_PRODUCT)[1]

    times: dict[str, list[list[float]]] = {kind: [] for kind in ("exact", *indexes)}
    found = {kind: index.search(queries, 10)[1] for kind, index in indexes.items()}  # also reads the files
    kept = {kind: index.search(queries, 10, keep)[1] for kind, index in indexes.items()}
    search_exactly(queries[:50])
    for _ in range(options.passes):
        alone = time_alone(search_exactly, queries[:EXACT_ALONE])
        times["exact"].append([time_together(search_exactly, queries), alone])
        for kind, index in indexes.items():
            plain, filtered = (partial(search_index, index, selected) for selected in (None, keep))
            times[kind].append([
                time_together(plain, queries), time_alone(plain, queries[:ALONE]),
                time_together(filtered, queries), time_alone(filtered, queries[:ALONE]),
            ])  # fmt: skip
    print(f"{len(vectors):,} vectors of {queries.shape[1]}, one thread, {options.passes} passes, load "
          f"{os.getloadavg()[0]:.1f}\n")  # fmt: skip
    print("| kind | settings | recall@10 | µs a query | times exact search | alone, µs | "
          "1 % kept: recall@10 | µs a query | alone, µs |")  # fmt: skip
    print("|---|---|" + "---:|" * 7)
    exact = np.array(times["exact"])
    print(f"| exact search | | 1.000 | {exact[:, 0].min():,.0f} | | {exact[:, 1].min():,.0f} | | | |")
    for kind, index in indexes.items():
        one = np.array(times[kind])
        best = one.min(axis=0)
        settings = ", ".join(f"{name} {value}" for name, value in index.record.settings.items())
        print(f"| {kind} | {settings} | {measure_recall(found[kind], truth['all']):.3f} | {best[0]:,.0f} | "
              f"{describe_ratio(one[:, 0], exact[:, 0])} | {best[1]:,.0f} | "
              f"{measure_recall(kept[kind], truth['kept']):.3f} | {best[2]:,.0f} | {best[3]:,.0f} |")  # fmt: skip


if __name__ == "__main__":
    main()
