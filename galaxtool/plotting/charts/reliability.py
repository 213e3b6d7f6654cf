"""The reliability diagram: how often predictions of a given confidence are right."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np
from astropy.stats import binom_conf_interval
from matplotlib.figure import Figure

from galaxtool.evaluation.calibration_error import expected_calibration_error
from galaxtool.plotting.charts.bars import LEAST_IN_BIN, find_bars
from galaxtool.plotting.style import COLORS, LINES, MARKERS, make_figure, with_style


@with_style
def draw_reliability(
    scored: Mapping[str, tuple[np.ndarray, np.ndarray]],
    *,
    bins: int = 15,
    columns: int = 1,
    cross_fitted: Collection[str] = (),
) -> Figure:
    """Draw the share of right predictions by confidence, and below it the distribution of the confidences.

    Parameters
    ----------
    scored : mapping
        Name of a model -> probabilities (N, K) and indices of the true classes (N,).
    bins : int
        Most bins of confidence, which have equal numbers of images, at least 10.
    columns : {1, 2}
        Columns of a journal page that the figure spans.
    cross_fitted : collection of str
        Models whose probabilities have temperatures that were not fitted to the image; the legend says so.

    Returns
    -------
    Figure
        Bars are 95 % Wilson intervals; the legend has the debiased expected calibration error.
    """
    figure = make_figure(columns, 1.15 if columns == 1 else 0.6)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    upper.plot((0, 1), (0, 1), color="0.6", linewidth=0.8, zorder=0)
    edges = np.linspace(0, 1, 21)
    least = 1.0
    for i, (name, (probabilities, targets)) in enumerate(scored.items()):
        confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == targets
        center, share, low, high = bin_confidences(confidence, right, bins)
        error = expected_calibration_error(probabilities, targets)
        label = f"{name}, ECE {error:.3f}" if len(scored) > 1 else f"ECE {error:.3f}"
        label += ", cross-fitted" if name in cross_fitted else ""
        style = {"color": COLORS[i % len(COLORS)], "linestyle": LINES[i % len(LINES)]}
        upper.errorbar(
            center, share, yerr=find_bars(share, low, high), marker=MARKERS[i % len(MARKERS)], elinewidth=0.8,
            capsize=1.5, markersize=3, label=label, **style,
        )  # fmt: skip
        weights = np.full(len(confidence), 1 / len(confidence))
        lower.hist(confidence, edges, weights=weights, histtype="step", linewidth=1, **style)
        least = min(least, float(confidence.min()))
    start = min(np.floor(10 * least) / 10, 0.9)
    upper.set(ylabel="share of right predictions", xlim=(start, 1), ylim=(0, 1))
    lower.set(ylabel="share of\nimages", xlabel="confidence (probability of the predicted class)")
    upper.legend(loc="lower right" if start > 0.3 else "upper left")
    return figure


def bin_confidences(
    confidence: np.ndarray, right: np.ndarray, bins: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Divide predictions into bins of equal numbers by their confidence.

    Parameters
    ----------
    confidence : ndarray, shape (N,)
        Probabilities of the predicted classes.
    right : ndarray of bool, shape (N,)
        Whether the prediction is right.
    bins : int
        Most bins.

    Returns
    -------
    center, share, low, high : ndarray, shape (B,)
        Mean confidence of each bin, and the share of right predictions with its 95 % Wilson interval. Equal confidences
        are in one bin.
    """
    bins = max(1, min(bins, len(confidence) // LEAST_IN_BIN))
    edges = np.unique(np.quantile(confidence, np.linspace(0, 1, bins + 1)))
    number = np.clip(np.searchsorted(edges, confidence, side="right") - 1, 0, max(len(edges) - 2, 0))
    counts = np.bincount(number)
    filled = counts > 0
    hits = np.bincount(number, right)[filled]
    center = np.bincount(number, confidence)[filled] / counts[filled]
    low, high = binom_conf_interval(hits, counts[filled], interval="wilson", confidence_level=0.95)
    return center, hits / counts[filled], low, high
