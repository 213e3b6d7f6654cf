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
    classes = "class" if result.classes == 1 else "classes"
    echo(
        f"{result.output}: {result.bytes / 1e6:.1f} MB, {result.precision}",
        f"Checked on {result.images} {result.checked_on}, in batches of {', '.join(map(str, result.batches))}: "
        f"they fall into {result.classes} {classes}, {result.agreement:.1%} of labels equal, "
        f"cosine of embeddings >= {result.least_cosine:.6f}, probabilities within {result.largest_difference:.1e}",
    )
    if result.classes == 1:
        echo(
            "Warning: all of them fall into one class, so the check says little; give images of all classes with "
            "--check-on."
        )
    echo(f"Try: galaxtool classify cutouts/ --model {result.output}")
