"""The tables, the figures and the page of an evaluation."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from galaxtool.assessment.score_rows import RowTable, format_rows, list_tables
from galaxtool.errors import GalaxtoolError
from galaxtool.finetuning.score_tables import ScoreTable
from galaxtool.plotting.request import PlotRequest
from galaxtool.plotting.save import save_figure
from galaxtool.plotting.style import use_style
from galaxtool.plugins.options import parse_options
from galaxtool.plugins.registry import get_registry
from galaxtool.reports.html.training import write_training_page
from galaxtool.types import Progress, warn
from galaxtool.utils.files.atomic_write import atomic_write

FIGURES = {
    "confusion": "Confusion matrix",
    "class-f1": "F1 of each class",
    "roc": "ROC curves, one class against the rest",
    "precision-recall": "Precision and recall, one class against the rest",
    "reliability": "Reliability: share of right answers by the confidence that the model states",
}
"""Kinds of figure that are drawn of every evaluation, and their captions."""

_SUFFIXES = (".png", ".pdf")
_OF_ONE = ("confusion",)  # kinds that show one evaluation
_MEANS = ("class-f1",)  # kinds that show the mean of those with the same label


def write_tables(folder: Path, metrics: Mapping[str, Any]) -> list[RowTable]:
    """Write each table as a CSV file, and return the tables."""
    tables = list_tables(metrics)
    for table in tables:
        name = "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in table.name)
        with (
            atomic_write(folder / f"{name}.csv") as temporary,
            temporary.open("w", newline="", encoding="utf-8") as stream,
        ):
            writer = csv.DictWriter(stream, table.columns, restval="", lineterminator="\n")
            writer.writeheader()
            writer.writerows(table.rows)
    return tables


def draw_figures(
    folder: Path, metrics: Mapping[str, Any], progress: Progress, evaluations: Sequence[Path] = ()
) -> list[tuple[str, Path]]:
    """Draw the figures of an evaluation directory, and return their captions and PNG files.

    A figure that cannot be drawn costs only itself.

    Parameters
    ----------
    folder : Path
        The evaluation directory, in which the figures are written.
    metrics : mapping
        Content of its ``metrics.json``.
    progress : Progress
        Receiver of warnings.
    evaluations : sequence of Path
        Evaluations of several models, which are drawn in one figure, if it is the folder of several.
    """
    inputs = tuple(map(str, evaluations or (folder,)))
    wanted: list[tuple[str, str, str, str | None]]
    wanted = [(kind, kind, caption, None) for kind, caption in FIGURES.items() if "confusion" in metrics]
    wanted += [("accuracy-by", f"accuracy-by-{name}", f"Accuracy by {name}", name) for name in metrics.get("by", {})]
    if "robustness" in metrics:
        wanted.append(("robustness", "robustness", "Accuracy on perturbed images", None))
    figures = []
    for kind, name, caption, column in wanted:
        if len(inputs) > 1 and kind in _OF_ONE:
            continue
        try:
            _draw(kind, inputs, column, [folder / "figures" / f"{name}{suffix}" for suffix in _SUFFIXES])
        except GalaxtoolError as error:
            warn(progress, f"The figure '{name}' was not drawn: {error.message}")
        else:
            figures.append((caption, folder / "figures" / f"{name}.png"))
    return figures


def _draw(kind: str, inputs: tuple[str, ...], column: str | None, paths: Sequence[Path]) -> None:
    """Draw a figure once, and save it to several files."""
    registered = get_registry().plots.find(kind)
    options = parse_options(f"the plot '{kind}'", registered.spec.options, [])
    width = 2 if kind == "robustness" else 1
    label: tuple[str, ...] = ()
    if len(inputs) > 1 and kind in _MEANS:
        label = (f"mean of {len(inputs)} models",) * len(inputs)
    request = PlotRequest(kind=kind, inputs=inputs, by=column, label=label, options=options, columns=width)
    with use_style():
        save_figure(registered.create(request), *paths)


def write_page(
    path: Path,
    metrics: Mapping[str, Any],
    tables: Sequence[RowTable],
    figures: Sequence[tuple[str, Path]],
    *,
    notes: Sequence[str],
    settings: Mapping[str, str],
) -> None:
    """Write ``report.html``, one file that needs no other."""
    split = "" if metrics["split"] == "all" else f", split {metrics['split']}"
    shown = [_show_table(table) for table in tables]
    write_training_page(
        path,
        title=f"{metrics['model']} on {metrics['dataset']}",
        kept=f"{metrics['n']:,} images{split}.",
        tables=shown,
        notes=notes,
        settings=settings,
        figures=figures,
        subject="scores of an evaluation",
        warning="Before you use these scores",
    )


def _show_table(table: RowTable) -> ScoreTable:
    """Return a table for the page, which says how many of its rows it shows."""
    columns, rows = format_rows(table)
    remark = table.remark
    if len(rows) < len(table.rows):
        remark = f"{remark} The first {len(rows)} of {len(table.rows):,} rows; tables/ has all of them.".strip()
    return ScoreTable(table.title, columns, rows, remark)
