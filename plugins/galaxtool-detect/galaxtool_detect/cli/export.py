"""The command line of ``galaxtool detect export``."""

from __future__ import annotations

from typer.core import TyperCommand

from galaxtool import build_command, echo
from galaxtool_detect.commands.export import ExportResult, export


def build_export() -> TyperCommand:
    """Build the command."""
    command: TyperCommand = build_command(export, show=_show, group="detect")
    return command


def _show(result: ExportResult) -> None:
    echo(
        f"{result.output}, {result.megabytes:.1f} MB; of {result.boxes} boxes in {result.images} images, edges differ "
        f"from PyTorch by {result.pixels:.2g} pixels at most, scores by {result.score:.2g}."
    )
