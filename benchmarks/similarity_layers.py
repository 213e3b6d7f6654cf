"""Which layer of a model finds galaxies that are alike within a class, and not only galaxies of the same class.

    python benchmarks/similarity_layers.py [--model mini] [--count 2000] [--layers joint penultimate]

Galaxies are simulated in all ten classes, from the test split of the simulation. For each layer, class and property,
all pairs of galaxies of the class are ranked by the similarity of their features and by the closeness of the property.
The table has Spearman's rank correlation of the two, averaged over the classes that have the property, with the 95 %
interval of 200 resamples of the galaxies. The last columns are the mean of all properties, how much it differs from
that of the first layer on the same resamples, and the mean average precision of the classes, which says how well the
layer keeps classes apart.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
from scipy.stats import rankdata

import galaxtool
from galaxtool.inference.embeddings.stored import read_embeddings
from galaxtool.tables.read import read_table

PROPERTIES = {
    "inclination": ("axis_ratio", lambda ratio: np.degrees(np.arccos(np.clip(ratio, 0, 1)))),
    "size": ("radius", np.log),
    "pitch angle": ("pitch_angle", lambda angle: angle),
    "bulge fraction": ("bulge_fraction", lambda fraction: fraction),
}
"""Property -> its column in the labels.csv of `galaxtool simulate`, and the scale on which it is compared."""

RESAMPLES = 200


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="mini")
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--layers", nargs="+", default=["joint", "penultimate"])
    parser.add_argument("--folder", type=Path, help="where to keep the galaxies; by default nowhere")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.folder or Path(temporary)
        images = folder / "galaxies"
        if not images.exists():
            galaxtool.simulate(output=images, n=given.count, seed=given.seed, split="test")
        names = list(PROPERTIES)
        print(f"| model | layer | {' | '.join(names)} | mean | difference | class mAP |")
        print("|---|---|" + "---:|" * (len(names) + 3))
        first: np.ndarray | None = None
        for layer in given.layers:
            file = folder / f"{given.model}-{layer}.parquet"
            if not file.exists():
                galaxtool.embed([images], output=file, model=given.model, layer=layer)
            scores, precision = measure(file, images / "labels.csv")
            difference = "" if first is None else describe(scores[:, -1] - first[:, -1], signed=True)
            first = scores if first is None else first
            cells = [describe(column) for column in scores.T]
            print(f"| {given.model} | {layer} | {' | '.join(cells)} | {difference} | {precision:.3f} |", flush=True)


def describe(values: np.ndarray, *, signed: bool = False) -> str:
    """Return the first value, that of all galaxies, with the interval of the others, those of the resamples."""
    low, high = np.percentile(values[1:], [2.5, 97.5])
    return f"{values[0]:{'+' if signed else ''}.3f} ({low:.3f} to {high:.3f})"


def measure(file: Path, catalogue: Path) -> tuple[np.ndarray, float]:
    """Return the correlations of each property and their mean, and the mean average precision.

    The first row of the correlations is that of all galaxies, the others are those of the resamples.
    """
    stored = read_embeddings(file)
    labels = read_table(catalogue)
    row_of = {Path(str(path)).stem: row for row, path in enumerate(labels["path"])}
    rows = np.array([row_of[Path(path).stem] for path in stored.items["path"].to_pylist()])
    classes = np.array([str(label) for label in labels["label"]])[rows]
    values = {
        name: scale(np.ma.filled(np.ma.asarray(labels[column], dtype=float), np.nan)[rows])
        for name, (column, scale) in PROPERTIES.items()
    }
    similarities = stored.vectors @ stored.vectors.T
    rng = np.random.default_rng(0)
    draws = [np.sort(rng.integers(0, len(rows), len(rows))) for _ in range(RESAMPLES)]
    scores = correlate(similarities, classes, values, [np.arange(len(rows)), *draws])
    return scores, average_precision(similarities, classes)


def correlate(
    similarities: np.ndarray, classes: np.ndarray, values: dict[str, np.ndarray], draws: list[np.ndarray]
) -> np.ndarray:
    """Return for each draw of galaxies the correlation of each property, averaged over classes, and their mean."""
    found = []
    for draw in draws:
        means = []
        for value in values.values():
            known = draw[np.isfinite(value[draw])]
            each = [correlate_pairs(similarities, value, known[classes[known] == name]) for name in np.unique(classes)]
            means.append(np.nanmean(each))
        found.append([*means, float(np.mean(means))])
    return np.array(found)


def correlate_pairs(similarities: np.ndarray, value: np.ndarray, rows: np.ndarray) -> float:
    """Return Spearman's correlation of similarity and closeness over all pairs of different galaxies of a class."""
    first, second = np.triu_indices(len(rows), k=1)
    first, second = rows[first], rows[second]
    pairs = first != second  # a resample has some galaxies twice
    if np.count_nonzero(pairs) < 3 or np.ptp(value[rows]) == 0:
        return float("nan")
    first, second = first[pairs], second[pairs]
    ranks = rankdata(similarities[first, second]), rankdata(-np.abs(value[first] - value[second]))
    return float(np.corrcoef(*ranks)[0, 1])


def average_precision(similarities: np.ndarray, classes: np.ndarray) -> float:
    """Return the mean over all galaxies of the average precision of the others of their class."""
    precisions = []
    for row in range(len(classes)):
        order = np.argsort(-similarities[row], kind="stable")
        hits = classes[order[order != row]] == classes[row]
        places = np.flatnonzero(hits) + 1
        precisions.append(np.mean(np.arange(1, len(places) + 1) / places))
    return float(np.mean(precisions))


if __name__ == "__main__":
    main()
