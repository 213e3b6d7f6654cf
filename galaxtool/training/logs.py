"""The history and the log lines of a training."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from galaxtool.utils.files.atomic_write import atomic_write
from galaxtool.utils.optional_imports import import_attribute, require

_SHOWN = {
    "valid_loss": "valid loss", "valid_accuracy": "valid accuracy", "valid_f1_macro": "F1",
    "valid_f1_mean": "mean F1 of the data sets", "valid_mean_error": "mean error",
}  # fmt: skip


def write_history(path: Path, history: Sequence[dict[str, Any]]) -> None:
    """Write ``history.csv``, one row per epoch; a column that a stage does not have is empty in its epochs."""
    columns = dict.fromkeys(key for row in history for key in row)
    with atomic_write(path) as temporary, temporary.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(columns))
        writer.writeheader()
        writer.writerows(
            {k: float(f"{v:.7g}") if isinstance(v, float) else v for k, v in row.items()} for row in history
        )


def write_tensorboard(folder: Path, history: Sequence[dict[str, Any]]) -> None:
    """Write the last row of the history as TensorBoard events; epochs are numbered over all stages.

    Each row has its own file, so no file is open when a run is killed.

    Raises
    ------
    DependencyMissing
        If TensorBoard is not installed.
    """
    require("tensorboard", why="--tensorboard", install="galaxtool[tensorboard]")
    make_writer = import_attribute("torch.utils.tensorboard:SummaryWriter")
    with make_writer(str(folder), purge_step=len(history)) as writer:
        for name, value in history[-1].items():
            if isinstance(value, float):
                writer.add_scalar(name, value, global_step=len(history))


def format_duration(seconds: float) -> str:
    """Format a duration, such as ``3 min 20 s``."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def number_epochs(history: Sequence[dict[str, Any]]) -> None:
    """Set the epochs of a history to 1, 2 and so on over all stages; older versions counted within each stage."""
    for number, row in enumerate(history, 1):
        row["epoch"] = number


def find_row(history: Sequence[dict[str, Any]], best: dict[str, Any]) -> dict[str, Any]:
    """Return the row of the history that a checkpoint holds, whose epoch an older version may have counted by stage."""
    content = {**best, "epoch": 0}
    return next((row for row in history if {**row, "epoch": 0} == content), best)


def describe_kept(best: dict[str, Any], epochs: int, tried: int) -> str:
    """Return a sentence on the epoch whose weights are kept, out of so many in all and tried in the last stage."""
    scores = "  ".join(f"{text} {best[key]:.4f}" for key, text in _SHOWN.items() if key in best)
    chosen = f", the best of {tried} on the validation images" if tried > 1 else ""
    return f"Kept epoch {best['epoch']} of {epochs}{chosen}: {scores}"


def format_row(row: dict[str, Any]) -> str:
    """Format a row of the history as a line of the log."""
    shown = [f"loss {row['loss']:.4f}"]
    shown += [f"{text} {row[key]:.4f}" for key, text in _SHOWN.items() if key in row]
    return "  ".join([*shown, f"{row['images_per_s']:.0f} images/s"])
