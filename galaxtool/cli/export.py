"""The command line of ``galaxtool export``."""

from __future__ import annotations

from typing import Any

from galaxtool.cli.build import build_command
from galaxtool.cli.render import echo
from galaxtool.commands.export import ExportResult, export


def command() -> Any:
    """Build the command."""
    return build_command(export, show=_show)


def _show(result: ExportResult) -> None:
    echo(
        f"{result.output}: {result.bytes / 1e6:.1f} MB, {result.precision}",
        f"Checked in batches of {', '.join(map(str, result.batches))}: {result.agreement:.1%} of labels equal, "
        f"cosine of embeddings >= {result.least_cosine:.6f}, probabilities within {result.largest_difference:.1e}",
        f"Try: galaxtool classify cutouts/ --model {result.output}",
    )
