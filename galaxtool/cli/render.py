"""Print results to stdout: tables for people, JSON for programs.

Names of files, classes and objects may look like the markup of Rich: ``field[/a]7``, ``[bold]``, ``:star:``. Everything
that galaxtool gives to Rich passes through `make_text`, which shows it as it is.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TextIO

from galaxtool.utils.printable import escape_controls

if TYPE_CHECKING:
    from rich.text import Text


def make_text(text: str, style: str = "") -> Text:
    """Return a text for Rich without any markup or emoji codes."""
    from rich.text import Text

    return Text(to_printable(text), style=style)


def escape_markup(text: str) -> str:
    """Return a text of a docstring for Typer, which hands it to Rich: without backquotes, and brackets escaped."""
    return re.sub(r"(?<!\\)\[", r"\\[", text.replace("``", "").replace("`", ""))


def to_printable(text: str, stream: TextIO | None = None) -> str:
    """Return a text with escapes for control characters and for what a stream, by default stdout, cannot encode.

    Names of files on Linux may contain both.
    """
    encoding = (stream or sys.stdout).encoding or "utf-8"
    return escape_controls(text).encode(encoding, "backslashreplace").decode(encoding)


def print_json(value: Any) -> None:
    """Print a value as indented JSON."""
    text = json.dumps(value, indent=2, ensure_ascii=False, default=str)
    if to_printable(text) != text:
        text = json.dumps(value, indent=2, default=str).replace("\x7f", "\\u007f")
    sys.stdout.write(text + "\n")


def print_table(
    rows: Iterable[Mapping[str, Any]], columns: Sequence[str], *, title: str = "", to_stderr: bool = False
) -> None:
    """Print rows as a table, without the columns that are empty in all rows."""
    from rich.console import Console
    from rich.table import Table

    every = list(rows)
    shown = [c for c in columns if any(row.get(c) not in (None, "", [], ()) for row in every)] or list(columns)
    console = Console(stderr=to_stderr)
    if title:
        console.print(make_text(title, "italic"), soft_wrap=True)  # a title of the table would be cut to its width
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in shown:
        table.add_column(make_text(column.replace("_", " ")), overflow="fold", no_wrap=column == "name")
    for row in every:
        table.add_row(*(make_text(format_cell(row.get(column))) for column in shown))
    console.print(table)


def print_flags(flags: Mapping[str, int], meanings: Mapping[str, str], *, of: str = "images") -> None:
    """Print the flags that occur to stderr, each with its number of images and its meaning."""
    rows = [{"flag": flag, of: n, "meaning": meanings.get(flag, "")} for flag, n in flags.items()]
    if rows:
        print_table(rows, ("flag", of, "meaning"), to_stderr=True)


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
        print(to_printable(line))
