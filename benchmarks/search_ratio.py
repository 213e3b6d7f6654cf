"""Compare kinds of similarity index with exact search by the time of the processor, one thread each.

    OMP_NUM_THREADS=1 python benchmarks/search_ratio.py FOLDER [--kinds ivf-sq8 ivf-pq ...] [--passes 5]

FOLDER is what `benchmarks/search.py --folder FOLDER` kept: the vectors, the queries, the true neighbours, and an
index of each kind. All are opened in this process and take turns: in each pass, every one answers all queries
together, then some one by one. So what else the machine does slows all of them alike, and the ratios hold.

The script prints Markdown. Microseconds are those of the pass that was fastest; the ratio to exact search is the median
over the passes, each against the exact search of the same pass, with the least and the greatest.
"""

from __future__ import annotations

import argparse
import os
import time
from pathlib import Path

import faiss
import numpy as np
from search import measure_recall

from galaxtool.search.index.store import Index

ALONE, EXACT_ALONE = 200, 20  # queries that are also put one by one
EXACT_TOGETHER = 500  # queries that exact search answers together


def time_searches(index: Index, queries: np.ndarray, keep: np.ndarray | None = None) -> float:
    """Return the processor time for each query, in microseconds."""
    begun = time.process_time()
    index.search(queries, 10, keep)
    return 1e6 * (time.process_time() - begun) / len(queries)


def time_alone(index: Index, queries: np.ndarray, keep: np.ndarray | None = None) -> float:
    """Return the median processor time of a query that is alone, in microseconds."""
    return float(np.median([time_searches(index, query, keep) for query in queries[:, None]]))


def describe_ratio(times: list[float], exact: list[float]) -> str:
    """Return the median ratio and its range."""
    ratios = np.array(exact) / np.array(times)
    return f"{np.median(ratios):.1f} ({ratios.min():.1f} to {ratios.max():.1f})"


def main() -> None:
    """Measure the indexes and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--kinds", nargs="+", default=["ivf-sq8", "ivf-pq"], help="kinds of index, beside flat")
    parser.add_argument("--passes", type=int, default=5, help="number of turns of each index")
    options = parser.parse_args()
    if os.environ.get("OMP_NUM_THREADS") != "1":
        parser.error("run it with OMP_NUM_THREADS=1, so that NumPy uses one thread as well")
    faiss.omp_set_num_threads(1)
    truth = np.load(options.folder / "truth.npz")
    queries, keep = truth["queries"], truth["keep"]
    kinds = ["flat", *options.kinds]
    indexes = {kind: Index.open(options.folder / kind) for kind in kinds}
    names = ("all", "alone", "kept", "kept alone")
    times: dict[str, dict[str, list[float]]] = {kind: {name: [] for name in names} for kind in kinds}
    recalls: dict[str, tuple[float, float]] = {}
    for kind, index in indexes.items():  # which also reads the files into memory
        found, kept = (index.search(queries, 10, selected)[1] for selected in (None, keep))
        recalls[kind] = measure_recall(found, truth["all"]), measure_recall(kept, truth["kept"])
    for _ in range(options.passes):
        for kind, index in indexes.items():
            together, alone = (EXACT_TOGETHER, EXACT_ALONE) if kind == "flat" else (len(queries), ALONE)
            one = times[kind]
            one["all"].append(time_searches(index, queries[:together]))
            one["alone"].append(time_alone(index, queries[:alone]))
            one["kept"].append(time_searches(index, queries, keep))
            one["kept alone"].append(time_alone(index, queries[:ALONE], keep))
    print(f"{len(indexes['flat']):,} vectors of {queries.shape[1]}, one thread, {options.passes} passes, load "
          f"{os.getloadavg()[0]:.1f}\n")  # fmt: skip
    print("| kind | settings | recall@10 | µs a query | times exact search | alone, µs | "
          "1 % kept: recall@10 | µs a query | alone, µs |")  # fmt: skip
    print("|---|---|" + "---:|" * 7)
    for kind, index in indexes.items():
        one = times[kind]
        settings = ", ".join(f"{name} {value}" for name, value in index.record.settings.items())
        print(f"| {kind} | {settings} | {recalls[kind][0]:.3f} | {min(one['all']):,.0f} | "
              f"{describe_ratio(one['all'], times['flat']['all'])} | {min(one['alone']):,.0f} | "
              f"{recalls[kind][1]:.3f} | {min(one['kept']):,.0f} | {min(one['kept alone']):,.0f} |")  # fmt: skip


if __name__ == "__main__":
    main()
