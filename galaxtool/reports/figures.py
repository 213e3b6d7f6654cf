"""Draw figures of a training, its curves and its confusion matrix, as PNG and as PDF."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from sklearn.metrics import confusion_matrix

from galaxtool.utils.atomic_write import atomic_write

_SCORES = {"valid_accuracy": "accuracy", "valid_f1_macro": "macro F1", "valid_mean_error": "mean error"}

_STYLE: dict[Any, Any] = {
    "text.parse_math": False,  # a class may be called "S$_0$"
    "pdf.fonttype": 42,  # journals refuse the Type 3 fonts of the default
    "axes.spines.top": False,
    "axes.spines.right": False,
}
_PANEL = 3.6  # inches


def draw_history(history: Sequence[Mapping[str, Any]], best_epoch: int, path: Path) -> None:
    """Draw loss and validation scores by epoch.

    Each stage has a panel of its own for its loss, because stages minimize different losses, whose values cannot be
    compared.

    Parameters
    ----------
    history : sequence of mapping
        Rows of ``history.csv``.
    best_epoch : int
        Epoch whose weights were kept, counted from 1 over all stages.
    path : Path
        PNG file to write; a PDF file is written beside it.
    """
    epochs = np.arange(1, len(history) + 1)
    stages = [list(rows) for _, rows in groupby(range(len(history)), key=lambda i: history[i]["stage"])]
    with _new_figure(path, ((len(stages) + 1) * _PANEL, _PANEL)) as figure:
        *losses, scores = figure.subplots(1, len(stages) + 1)
        for axes, rows in zip(losses, stages, strict=True):
            _plot(axes, epochs[rows], [history[i]["loss"] for i in rows], color="0.25")
            axes.set(xlabel="epoch", title=history[rows[0]]["stage"])
        losses[0].set_ylabel("training loss")
        for key, text in _SCORES.items():
            if all(key in row for row in history):
                _plot(scores, epochs, [row[key] for row in history], label=text)
        scores.axvline(best_epoch, color="0.5", linestyle=":", label="kept")
        scores.set(xlabel="epoch", title="validation", ylabel="score", ylim=(0, 1))
        scores.legend(loc="lower right", framealpha=1, edgecolor="none")
        for axes in (*losses, scores):
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def draw_confusion(
    targets: np.ndarray, predicted: np.ndarray, classes: Sequence[str], path: Path, *, title: str = ""
) -> None:
    """Draw a confusion matrix, with counts as numbers and shares of the true class as colours.

    Parameters
    ----------
    targets, predicted : ndarray of int, shape (N,)
        Indices of the true and of the predicted classes.
    classes : sequence of str
        Names of the classes, in the order of the indices.
    path : Path
        PNG file to write; a PDF file is written beside it.
    title : str
        Title, such as the split and the number of images.
    """
    counts = confusion_matrix(targets, predicted, labels=np.arange(len(classes)))
    share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    side = 2.6 + 0.55 * len(classes)
    with _new_figure(path, (side + 0.8, side)) as figure:
        axes = figure.subplots()
        image = axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
        for (row, column), count in np.ndenumerate(counts):
            color = "white" if share[row, column] > 0.5 else "black"
            axes.text(column, row, str(count), ha="center", va="center", color=color)
        axes.set_xticks(range(len(classes)), classes, rotation=45, ha="right", rotation_mode="anchor")
        axes.set_yticks(range(len(classes)), classes)
        axes.set(xlabel="predicted", ylabel="true", title=title)
        axes.spines[:].set_visible(False)
        axes.tick_params(length=0)
        figure.colorbar(image, label="share of the true class", shrink=0.8).outline.set_visible(False)


def _plot(axes: Axes, epochs: np.ndarray, values: Sequence[float], **style: Any) -> None:
    """Plot a curve, with a marker where it is a single point."""
    axes.plot(epochs, values, marker="o" if len(values) == 1 else "", **style)


@contextmanager
def _new_figure(path: Path, size: tuple[float, float]) -> Iterator[Figure]:
    """Yield an empty figure, and save it as PNG and as PDF at the end of the block."""
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=size, layout="constrained")
        yield figure
        for kind, metadata in (("png", {}), ("pdf", {"CreationDate": None})):
            with atomic_write(path.with_suffix(f".{kind}")) as temporary:
                figure.savefig(temporary, dpi=120, format=kind, metadata=metadata)
