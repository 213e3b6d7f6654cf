"""Draw figures of a training: its curves and its confusion matrix."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from sklearn.metrics import confusion_matrix

from galaxtool.utils.atomic_write import atomic_write

_SCORES = {"valid_accuracy": "accuracy", "valid_f1_macro": "macro F1", "valid_mean_error": "mean error"}


def draw_history(history: Sequence[Mapping[str, Any]], best_epoch: int, path: Path) -> None:
    """Draw loss and validation scores by epoch, with the stages one after another, as PNG.

    Parameters
    ----------
    history : sequence of mapping
        Rows of ``history.csv``.
    best_epoch : int
        Epoch of the last stage whose weights were kept.
    path : Path
        File to write.
    """
    figure = Figure(figsize=(9, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    epochs = np.arange(1, len(history) + 1)
    stages = [row["stage"] for row in history]
    starts = [i for i in range(len(stages)) if i == 0 or stages[i] != stages[i - 1]]
    for k, start in enumerate(starts):
        end = starts[k + 1] if k + 1 < len(starts) else len(stages)
        left.plot(epochs[start:end], [row["loss"] for row in history[start:end]], label=stages[start])
    left.set(xlabel="epoch", ylabel="training loss")
    left.legend(frameon=False)
    for key, text in _SCORES.items():
        if all(key in row for row in history):
            right.plot(epochs, [row[key] for row in history], label=text)
    right.axvline(starts[-1] + best_epoch, color="0.5", linestyle=":", label="kept")
    right.set(xlabel="epoch", ylabel="validation score", ylim=(0, 1))
    right.legend(frameon=False, loc="lower right")
    _save(figure, path)


def draw_confusion(targets: np.ndarray, predicted: np.ndarray, classes: Sequence[str], path: Path) -> None:
    """Draw a confusion matrix as PNG, with counts as numbers and shares of the true class as colours.

    Parameters
    ----------
    targets, predicted : ndarray of int, shape (N,)
        Indices of the true and of the predicted classes.
    classes : sequence of str
        Names of the classes, in the order of the indices.
    path : Path
        File to write.
    """
    counts = confusion_matrix(targets, predicted, labels=np.arange(len(classes)))
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    side = 2.6 + 0.55 * len(classes)
    figure = Figure(figsize=(side + 0.8, side), layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
    for (row, column), count in np.ndenumerate(counts):
        axes.text(
            column, row, str(count), ha="center", va="center", color="white" if share[row, column] > 0.5 else "black"
        )
    axes.set_xticks(range(len(classes)), classes, rotation=45, ha="right")
    axes.set_yticks(range(len(classes)), classes)
    axes.set(xlabel="predicted", ylabel="true", title=f"Validation, {len(targets)} images")
    figure.colorbar(image, label="share of the true class", shrink=0.8)
    _save(figure, path)


def _save(figure: Figure, path: Path) -> None:
    with atomic_write(path) as temporary:
        figure.savefig(temporary, dpi=120, format="png")
