"""Print results to stdout: tables for people, JSON for programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def print_json(value: Any) -> None:
    """Print a value as indented JSON."""
    sys.stdout.write(json.dumps(value, indent=2, ensure_ascii=False, default=str) + "\n")


def print_table(rows: Iterable[Mapping[str, Any]], columns: Sequence[str], *, title: str = "") -> None:
    """Print rows as a table, without the columns that are empty in all rows."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    every = list(rows)
    shown = [c for c in columns if any(row.get(c) not in (None, "", [], ()) for row in every)] or list(columns)
    table = Table(title=title or None, title_justify="left", box=None, pad_edge=False, header_style="bold")
    for column in shown:
        table.add_column(column.replace("_", " "), overflow="fold", no_wrap=column == "name")
    for row in every:
        table.add_row(*(Text(format_cell(row.get(column))) for column in shown))
    Console().print(table)


def format_cell(value: Any) -> str:
    """Return a value as the text of a table cell."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, (list, tuple)):
        return ", ".join(str(v) for v in value)
    return str(value)


def echo(*lines: str) -> None:
    """Print plain lines to stdout."""
    for line in lines:
        print(line)
