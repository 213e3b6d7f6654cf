"""The folder of a comparison: its tables and its result as JSON."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

from galaxtool.comparison.results import ComparedScore, CompareResult, Difference
from galaxtool.plotting.charts.differences import draw_differences
from galaxtool.plotting.save import save_figure
from galaxtool.utils.files.atomic_write import atomic_write, write_json
from galaxtool.utils.run_directory import RunDirectory

_DRAWN = ("accuracy", "f1_macro", "roc_auc")
"""Scores in the figure, or all that were compared if none of these was."""


def write_comparison(run: RunDirectory, result: CompareResult) -> None:
    """Write ``comparison.json``, ``tables/``, and ``figures/differences`` as PNG and PDF."""
    write_json(run.path / "comparison.json", result.as_dict())
    tables = run.path / "tables"
    tables.mkdir(exist_ok=True)
    _write_table(tables / "scores.csv", ComparedScore, [asdict(one) for one in result.scores])
    differences = [asdict(one) for one in result.differences]
    _write_table(tables / "differences.csv", Difference, differences)
    figures = run.path / "figures"
    figures.mkdir(exist_ok=True)
    known = [one.metric for one in result.differences if one.low is not None]
    if known:
        figure = draw_differences(differences, [name for name in _DRAWN if name in known])
        save_figure(figure, figures / "differences.png", figures / "differences.pdf")


def _write_table(path: Path, kind: Any, rows: Sequence[Mapping[str, Any]]) -> None:
    with atomic_write(path) as temporary, temporary.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, [one.name for one in fields(kind)])
        writer.writeheader()
        writer.writerows(rows)
