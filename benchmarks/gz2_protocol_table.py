"""The table of `gz2_protocol`: scores of each arm and readout, and their differences to cross-entropy."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.stats import binomtest

COLUMNS = (
    "arm", "read out by", "seeds", "accuracy", "minus cross-entropy", "macro F1", "minus cross-entropy", "McNemar p",
    "cigar F1", "s/epoch",
)  # fmt: skip
REFERENCE = ("cross-entropy", "linear")
RESAMPLES = 2000
SMOOTH_CIGAR = "smooth_cigar"


@dataclass(frozen=True)
class Counts:
    """What counts for the scores, for each image: right predictions, and true and predicted classes, over all seeds."""

    right: np.ndarray
    both: np.ndarray
    true: np.ndarray
    predicted: np.ndarray

    def scores(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return accuracy (B,), and F1 of each class (B, K) and on average (B,), for weights of the images (B, n)."""
        n = weights @ self.true.sum(axis=1)
        denominator = weights @ (self.true + self.predicted)
        f1 = np.divide(2 * (weights @ self.both), denominator, out=np.zeros_like(denominator), where=denominator > 0)
        return weights @ self.right / n, f1, f1.mean(axis=1)


def count(rows: list[dict[str, Any]], readout: str, labels: Mapping[str, str]) -> Counts:
    """Count the predictions of an arm, in which each image was predicted once for each seed."""
    classes = rows[0]["classes"]
    index = {name: i for i, name in enumerate(labels)}
    truth = np.array([classes.index(label) for label in labels.values()])
    n, k = len(truth), len(classes)
    right, seen = np.zeros(n), np.zeros(n, dtype=int)
    both, true, predicted = (np.zeros((n, k)) for _ in range(3))
    for row in rows:
        at = np.array([index[name] for name in row["ids"]])
        found = np.argmax(row["readouts"][readout], axis=1)
        seen[at] += 1
        right[at] += found == truth[at]
        true[at, truth[at]] += 1
        predicted[at, found] += 1
        both[at[found == truth[at]], truth[at[found == truth[at]]]] += 1
    if len(set(seen)) != 1:
        raise ValueError(f"Not every image was predicted {seen.max()} times by '{rows[0]['arm']}'.")
    return Counts(right, both, true, predicted)


def compare(ours: Counts, reference: Counts) -> float:
    """Return the p-value of McNemar's exact test: images that one arm predicts more often than the other, both ways."""
    better, worse = int((ours.right > reference.right).sum()), int((ours.right < reference.right).sum())
    return float(binomtest(better, better + worse).pvalue) if better + worse else 1.0


def format_table(rows: list[dict[str, Any]], truth: Mapping[str, str], folds: int) -> Iterator[str]:
    """Yield the lines of the table of the arms that have predicted every image for at least one seed.

    Parameters
    ----------
    rows : list of dict
        Finished trainings, in the order of the arms.
    truth : mapping of str to str
        Class of each image.
    folds : int
        Number of folds.
    """
    n = len(truth)
    draws = np.random.default_rng(0).multinomial(n, np.full(n, 1 / n), RESAMPLES)
    weights = np.vstack([np.ones(n), draws])
    yield f"| {' | '.join(COLUMNS)} |"
    yield "|---" * len(COLUMNS) + "|"
    whole: dict[str, dict[int, list[dict[str, Any]]]] = defaultdict(dict)
    for arm, seed in sorted({(row["arm"], row["seed"]) for row in rows}):
        found = [row for row in rows if (row["arm"], row["seed"]) == (arm, seed)]
        if len(found) == folds:
            whole[arm][seed] = found
    for arm in sorted(whole, key=[row["arm"] for row in rows].index):
        seeds = whole[arm]
        of_arm = [row for found in seeds.values() for row in found]
        shared = whole.get(REFERENCE[0], {})
        same = [row for seed in seeds for row in shared.get(seed, [])]
        reference = count(same, REFERENCE[1], truth) if len(same) == len(of_arm) else None
        seconds = np.mean([row["epoch_seconds"] for row in of_arm])
        for readout in of_arm[0]["readouts"]:
            is_reference = (arm, readout) == REFERENCE
            counts = count(of_arm, readout, truth)
            scores = _format_scores(counts, None if is_reference else reference, weights, of_arm[0]["classes"])
            yield f"| {arm} | {readout} | {len(seeds)} | {scores} | {seconds:.1f} |"


def _format_scores(ours: Counts, reference: Counts | None, weights: np.ndarray, classes: list[str]) -> str:
    accuracy, f1, macro = ours.scores(weights)
    cigar = f1[:, classes.index(SMOOTH_CIGAR)] if SMOOTH_CIGAR in classes else np.full(len(weights), np.nan)
    low, high = np.percentile(cigar[1:], (2.5, 97.5))
    shown = f"{cigar[0]:.3f} ({low:.3f} to {high:.3f})"
    if reference is None:
        return f"{accuracy[0]:.3f} | | {macro[0]:.3f} | | | {shown}"
    accuracy_0, _, macro_0 = reference.scores(weights)
    return " | ".join(
        (
            f"{accuracy[0]:.3f}", _format_difference(accuracy - accuracy_0), f"{macro[0]:.3f}",
            _format_difference(macro - macro_0), f"{compare(ours, reference):.2g}", shown,
        )
    )  # fmt: skip


def _format_difference(values: np.ndarray) -> str:
    """Return a difference with its paired-bootstrap interval; the first value is that of all images."""
    low, high = np.percentile(values[1:], (2.5, 97.5))
    return f"{values[0]:+.3f} ({low:+.3f} to {high:+.3f})"
