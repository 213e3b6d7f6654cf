"""The command line of ``galaxtool merge``."""

from __future__ import annotations

from typing import Any

from galaxtool.cli.build import build_command
from galaxtool.cli.render import echo, print_flags
from galaxtool.commands.merge import merge
from galaxtool.inference.results import MergeResult
from galaxtool.types import FLAGS
from galaxtool.utils.counts import format_count

_EPILOG = (
    "Examples:  galaxtool merge predictions.fits  |  galaxtool merge predictions.fits -o other.parquet --keep  |  "
    "galaxtool merge predictions.fits --html page.html"
)


def command() -> Any:
    """Build the command."""
    return build_command(merge, show=_show, epilog=_EPILOG)


def _show(result: MergeResult) -> None:
    print_flags(result.flags, FLAGS)
    failed = f", {result.errors} of them with an error" if result.errors else ""
    made = f"{format_count(result.parts, 'part')} of {format_count(result.shards, 'shard')}"
    echo(f"{result.output}: {format_count(result.n, 'row')}{failed}, from {made}")
