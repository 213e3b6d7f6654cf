"""The table as files: the mean and the spread of the trainings of each cell, beside what was published."""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from galaxtool import atomic_write
from galaxtool_detect.reproduction.recipe import Cell, TableRecipe

COLUMNS = ("row", "data", "mode", "published", "ours", "sd", "lowest", "highest", "trainings", "difference", "status")


def make_row(cell: Cell, scores: Sequence[float], status: str) -> dict[str, Any]:
    """Return the line of a cell."""
    ours = float(np.mean(scores)) if scores else None
    return {
        "row": cell.row,
        "data": cell.data,
        "mode": cell.mode,
        "published": cell.published,
        "ours": ours,
        "sd": float(np.std(scores, ddof=1)) if len(scores) > 1 else None,
        "lowest": min(scores, default=None),
        "highest": max(scores, default=None),
        "trainings": len(scores),
        "difference": None if ours is None or cell.published is None else ours - cell.published,
        "status": status,
    }


def write_table(folder: Path, recipe: TableRecipe, rows: Sequence[Mapping[str, Any]], notes: Sequence[str]) -> None:
    """Write ``table.csv`` and ``table.md``."""
    stream = io.StringIO(newline="")
    writer = csv.DictWriter(stream, COLUMNS)
    writer.writeheader()
    writer.writerows({key: _format(value) for key, value in row.items()} for row in rows)
    _write(folder / "table.csv", stream.getvalue())
    lines = [f"# {recipe.title}", "", recipe.paper, "", f"| {' | '.join(COLUMNS)} |", "|---" * len(COLUMNS) + "|"]
    lines += [f"| {' | '.join(_format(row[key]) for key in COLUMNS)} |" for row in rows]
    lines += ["", *(f"* {note}" for note in (*notes, *(f"Misprint: {text}" for text in recipe.misprints)))]
    _write(folder / "table.md", "\n".join(lines) + "\n")


def _format(value: Any) -> str:
    return "" if value is None else f"{value:.3f}" if isinstance(value, float) else str(value)


def _write(path: Path, text: str) -> None:
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="")
