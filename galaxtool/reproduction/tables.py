"""The files of a reproduced table: CSV, Markdown and JSON."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from galaxtool.reproduction.recipe import TableRecipe
from galaxtool.reproduction.splits import LEAKS, PROTOCOLS
from galaxtool.reproduction.table_row import COLUMNS, TableRow
from galaxtool.utils.files.atomic_write import atomic_write

_LEGEND = (
    "Each cell: published / ours (95 % interval over test objects) difference; ± is the standard deviation over "
    "trainings."
)

SMALL_NOTE = (
    "Scale small: simulated images and a tiny network from random weights in place of every backbone. It shows that "
    "the recipe runs; its numbers say nothing about the paper."
)


def write_csv(path: Path, rows: Sequence[TableRow]) -> None:
    """Write all numbers, one in each row."""
    with atomic_write(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.DictWriter(stream, COLUMNS)
        writer.writeheader()
        writer.writerows({name: "" if v is None else v for name, v in row.as_dict().items()} for row in rows)


def write_markdown(path: Path, recipe: TableRecipe, rows: Sequence[TableRow], *, is_small: bool) -> None:
    """Write the table for people."""
    with atomic_write(path) as temporary:
        temporary.write_text("\n".join(format_markdown(recipe, rows, is_small=is_small)) + "\n", encoding="utf-8")


def format_markdown(recipe: TableRecipe, rows: Sequence[TableRow], *, is_small: bool) -> list[str]:
    """Return the lines of the table in Markdown, one table for each data set and way to split it."""
    lines = [f"# {recipe.name}: {recipe.title}", "", recipe.paper, ""]
    if is_small:
        lines += [SMALL_NOTE, ""]
    if recipe.rows:
        lines.append(_LEGEND)
    for data, split in dict.fromkeys((row.data, row.split) for row in rows):
        chosen = [row for row in rows if (row.data, row.split) == (data, split)]
        leak = " This leaks, and shows what a leak is worth." if split in LEAKS else ""
        if split:
            lines += ["", f"## {data}, {split} split", "", f"{PROTOCOLS[split].capitalize()}.{leak}", ""]
        else:
            lines += ["", f"## {data}", ""]
        lines += _format_one(recipe, chosen)
    reasons = dict.fromkeys(f"{row.row} ({row.data}): {row.reason}" for row in rows if row.reason)
    if reasons:
        lines += ["", "## Not computed", "", *(f"* {reason}" for reason in reasons)]
    if recipe.conditions or recipe.misprints:
        lines += ["", "## Conditions that differ", ""]
        lines += [f"* {text}" for text in (*recipe.conditions, *recipe.misprints)]
    return lines


def _format_one(recipe: TableRecipe, rows: Sequence[TableRow]) -> list[str]:
    """Return one Markdown table: a line for each row, way to read it out and value of the axis."""
    axis = recipe.axis.setting if recipe.axis else ""
    readouts = any(row.readout for row in rows)
    head = ["row", *(["read by"] if readouts else []), *([axis] if axis else [])]
    titles = {score.name: score.title for score in recipe.scores}
    scores = [name for name in titles if any(row.score == name for row in rows)] or list(
        dict.fromkeys(row.score for row in rows)
    )
    head += [titles.get(name, name) for name in scores]
    cells: dict[tuple[Any, ...], dict[str, str]] = {}
    for row in rows:
        cells.setdefault((row.row, row.readout, row.at), {})[row.score] = format_cell(row)
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    for (name, readout, at), found in cells.items():
        texts = [name, *([readout] if readouts else []), *([str(at)] if axis else [])]
        texts += [found.get(name, "") for name in scores]
        lines.append(f"| {' | '.join(texts)} |")
    return lines


def format_cell(row: TableRow) -> str:
    """Return one number as ``0.973 / 0.951 (0.944 to 0.958) -0.022``; a count of images as it is."""
    if not row.split and row.ours is not None:
        return f"{row.ours:.0f}"
    published = "-" if row.published is None else f"{row.published:.4g}"
    if row.published_sd is not None:
        published += f" ± {row.published_sd:.2g}"
    if row.ours is None:
        return f"{published} / {row.status if row.status != 'done' else '-'}"
    ours = f"{row.ours:.4g}"
    if row.low is not None and row.high is not None:
        ours += f" ({row.low:.4g} to {row.high:.4g})"
    if row.sd is not None:
        ours += f" ± {row.sd:.2g}"
    difference = "" if row.difference is None else f" {row.difference:+.3g}"
    return f"{published} / {ours}{difference}"
