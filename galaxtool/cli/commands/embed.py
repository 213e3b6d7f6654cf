"""The command line of ``galaxtool embed``."""

from __future__ import annotations

from typing import Any

from galaxtool.cli.build import INPUT_OPTIONS, build_command
from galaxtool.cli.render import echo, print_flags
from galaxtool.commands.embed import embed
from galaxtool.inference.results import EmbedResult
from galaxtool.types import FLAGS
from galaxtool.utils.counts import format_count

_PANELS = {
    "Input": INPUT_OPTIONS,
    "Computing": ("engine", "provider", "device", "precision", "tta", "layer", "batch_size", "workers", "executor"),
    "Job": ("shard", "resume", "overwrite"),
}
_EPILOG = "Examples:  galaxtool embed cutouts/ -o features.parquet  |  galaxtool embed catalogue.fits -o features.npy"


def command() -> Any:
    """Build the command."""
    return build_command(embed, show=_show, panels=_PANELS, epilog=_EPILOG)


def _show(result: EmbedResult) -> None:
    print_flags(result.flags, FLAGS)
    failed = f", {result.unreadable} of them unreadable" if result.unreadable else ""
    if result.shard:
        echo(
            f"Shard {result.shard}: {format_count(result.count, 'row')}{failed}",
            f"When all are done: galaxtool merge {result.output}",
        )
        return
    made = format_count(result.count, "embedding")
    layer = "" if result.layer == "joint" else f", layer {result.layer}"
    echo(f"{result.output}: {made} of {result.dim} dimensions by {result.model}{layer}{failed}")
