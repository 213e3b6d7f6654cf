"""The command line of ``galaxtool detect reproduce``."""

from __future__ import annotations

from typer.core import TyperCommand

from galaxtool import build_command, echo
from galaxtool_detect.commands.reproduce import ReproduceResult, reproduce


def build_reproduce() -> TyperCommand:
    """Build the command."""
    command: TyperCommand = build_command(reproduce, show=_show, group="detect")
    return command


def _show(result: ReproduceResult) -> None:
    for row in result.rows:
        ours = "" if row["ours"] is None else f"{row['ours']:.3f}"
        published = "" if row["published"] is None else f"{row['published']:.3f}"
        echo(
            f"{row['row']}, {row['mode']}, {row['data']}: {ours or row['status']} (published {published or 'nothing'})"
        )
    echo(f"Table: {result.output / 'table.md'}")
