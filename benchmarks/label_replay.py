"""How soon `label` finds a rare kind, beside a random order, an isolation forest and one example; and how fast it is.

    python benchmarks/label_replay.py --features FILE.parquet --labels LABELS.csv [--half report] [--draws 10]
    python benchmarks/label_replay.py --count 1000000

FILE is what ``galaxtool embed`` wrote of the images of LABELS, a table with the columns path, label and odd_pool (1 for
members of a selection of odd galaxies, of which all are spirals). These are thinned to 1, 2 and 5 % of what is left,
``--draws`` times; each time the loop starts from ``--runs`` of them, each with its four nearest neighbours, and answers
three pages of 24. The settings of `galaxtool.labeling` were chosen on one half of the images (``--half development``);
the scores that count are those of the other (``--half report``).

With ``--count``, the models are timed on as many random features of 512 numbers.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from galaxtool.inference.embeddings.stored import read_embeddings
from galaxtool.labeling.loop import find_first_labels, run_loop
from galaxtool.labeling.page import Wishes, choose_page
from galaxtool.labeling.rankers import find_distances, rank_grades, rank_kinds
from galaxtool.labeling.replay_scores import NAMES, measure_ranking
from galaxtool.labeling.space import make_space
from galaxtool.outliers.scores import score_anomalies
from galaxtool.tables.read import read_table
from galaxtool.types import Silent

SHARES = (0.01, 0.02, 0.05)
PAGES = 3
SHOWN = ("recall_top_1pct", "recall_top_5pct", "recall_top_10pct", "precision_top_1pct", "auroc", "average_precision")
TITLES = {
    "loop": "the loop", "one_example": "one example", "isolation_forest": "isolation forest", "random": "random order",
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--features", type=Path)
    parser.add_argument("--labels", type=Path)
    parser.add_argument("--half", choices=("report", "development", "all"), default="report")
    parser.add_argument("--draws", type=int, default=10, help="number of times that the odd spirals are thinned")
    parser.add_argument("--runs", type=int, default=3, help="number of examples to start from each time")
    parser.add_argument("--count", type=int, default=0, help="number of features to time")
    given = parser.parse_args()
    if given.features is not None:
        show_scores(given)
    if given.count:
        show_times(given.count)


def show_scores(given: argparse.Namespace) -> None:
    vectors, is_odd = read(given.features, given.labels)
    half = np.random.default_rng(0).random(len(vectors)) < 0.5
    kept = {"development": half, "report": ~half, "all": np.ones(len(vectors), dtype=bool)}[given.half]
    vectors, is_odd = vectors[kept], is_odd[kept]
    print("| odd spirals | ranking | top 1 % | top 5 % | top 10 % | precision, 1 % | AUROC | average precision |"
          " top 5 % of the unseen | lowest top 5 % |")  # fmt: skip
    print("|---|---|---:|---:|---:|---:|---:|---:|---:|---:|")
    for share in SHARES:
        show_share(vectors, is_odd, share, given)


def read(features: Path, labels: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return unit vectors, and which objects are odd; matched by the name of the file."""
    stored, table = read_embeddings(features), read_table(labels)
    row_of = {Path(str(path)).name: row for row, path in enumerate(table["path"])}
    rows = [row_of[Path(path).name] for path in stored.items["path"].to_pylist()]
    vectors = stored.vectors / np.linalg.norm(stored.vectors, axis=1, keepdims=True)
    return vectors, np.asarray(table["odd_pool"][rows] == 1, dtype=bool)


def show_share(vectors: np.ndarray, is_odd: np.ndarray, share: float, given: argparse.Namespace) -> None:
    others, odd = np.flatnonzero(~is_odd), np.flatnonzero(is_odd)
    count = round(share / (1 - share) * len(others))
    scores: dict[str, list[dict[str, float]]] = {name: [] for name in TITLES}
    unseen_recalls: dict[str, list[float]] = {name: [] for name in TITLES}
    found, covered = [], []
    for draw in range(given.draws):
        chosen = np.random.default_rng(draw).choice(odd, count, replace=False)
        rows = np.sort(np.concatenate([others, chosen]))
        points, is_wanted = vectors[rows], np.isin(rows, chosen)
        space = make_space(points)
        for run in range(given.runs):
            rng = np.random.default_rng([draw, run])
            example = int(rng.choice(np.flatnonzero(is_wanted)))
            loop = run_loop(space, find_first_labels(points, example), is_wanted, PAGES, rng)
            rankings = {
                "loop": loop.scores,
                "one_example": points @ points[example],
                "isolation_forest": score_anomalies(points, "isolation-forest", Silent(), seed=run).values,
                "random": rng.permutation(len(rows)).astype(float),
            }
            unseen = np.ones(len(rows), dtype=bool)
            unseen[loop.seen] = False
            for name, values in rankings.items():
                scores[name].append(measure_ranking(values, is_wanted, rng))
                unseen_recalls[name].append(measure_ranking(values[unseen], is_wanted[unseen], rng)["recall_top_5pct"])
            left = int(is_wanted[unseen].sum())
            found.append(1 - left / count)
            if loop.remaining is not None:
                covered.append(loop.remaining.low <= left <= loop.remaining.high)
    assert set(SHOWN) <= set(NAMES)
    for name, title in TITLES.items():
        means = [np.mean([one[key] for one in scores[name]]) for key in SHOWN]
        lowest = min(one["recall_top_5pct"] for one in scores[name])
        cells = " | ".join(f"{mean:.2f}" for mean in (*means, np.nanmean(unseen_recalls[name]), lowest))
        print(f"| {count} of {count + len(others)} | {title} | {cells} |")
    print(
        f"<!-- {share:.0%}: found while labelling {np.mean(found):.2f}, intervals that cover {np.mean(covered):.2f} -->"
    )


def show_times(count: int) -> None:
    rng = np.random.default_rng(0)
    vectors = np.empty((count, 512), dtype=np.float32)
    for start in range(0, count, 50_000):
        part = vectors[start : start + 50_000]
        part[:] = rng.standard_normal(part.shape, dtype=np.float32) * np.geomspace(3, 0.3, 512, dtype=np.float32)
        part /= np.linalg.norm(part, axis=1, keepdims=True)
    start_time = time.perf_counter()
    space = make_space(vectors)
    print(f"whitening, once: {time.perf_counter() - start_time:.2f} s")
    is_open = np.ones(count, dtype=bool)
    for labels in (8, 77, 500):
        rows = rng.choice(count, labels, replace=False)
        kinds = (np.arange(labels) >= labels // 4).astype(int)
        nearest = find_distances(space, rows)
        ranking = rank_kinds(space, rows, kinds, 2)
        tell(f"{labels} labels, {ranking.model}", lambda r=rows, k=kinds: rank_kinds(space, r, k, 2))
        wishes = Wishes(ranking.scores[:, :1], ranking.doubt, nearest, is_open, np.array([], dtype=int))
        tell("  a page of it", lambda w=wishes: choose_page(w, space.points, np.random.default_rng(0)))
        tell("  24 more labels to be far from", lambda r=rows[:24], n=nearest: find_distances(space, r, n))
        tell("  all of them to be far from", lambda r=rows: find_distances(space, r))
        grades = rng.integers(0, 6, labels).astype(float)
        tell("  Gaussian process", lambda r=rows, g=grades: rank_grades(space, r, g))


def tell(what: str, work: Callable[[], object]) -> None:
    times = []
    for _ in range(3):
        start, processor = time.perf_counter(), time.process_time()
        work()
        times.append((time.perf_counter() - start, time.process_time() - processor))
    print(f"{what}: {min(times)[0]:.2f} s, {min(one for _, one in times):.2f} s of all processors", flush=True)


if __name__ == "__main__":
    main()
