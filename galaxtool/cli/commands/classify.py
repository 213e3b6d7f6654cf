"""The command line of ``galaxtool classify``."""

from __future__ import annotations

from typing import Any

from galaxtool.cli.build import INPUT_OPTIONS, build_command
from galaxtool.cli.render import echo, print_flags, print_table
from galaxtool.commands.classify import classify
from galaxtool.inference.results import ClassifyResult
from galaxtool.types import FLAGS
from galaxtool.utils.counts import format_count

_PANELS = {
    "Input": INPUT_OPTIONS,
    "Computing": ("engine", "provider", "device", "precision", "tta", "passes", "batch_size", "workers", "executor"),
    "Output": ("output", "top_k", "prior", "terms", "html", "sort_into", "sort_by", "samp", "strict"),
    "Job": ("shard", "resume", "overwrite"),
}

_EPILOG = (
    "Examples:  galaxtool classify cutouts/  |  galaxtool classify cutouts/ --model runs/mine -o predictions.fits  |  "
    "galaxtool classify catalogue.fits --model model.onnx --resume"
)


def command() -> Any:
    """Build the command."""
    return build_command(classify, show=_show, panels=_PANELS, epilog=_EPILOG)


def _show(result: ClassifyResult) -> None:
    print_flags(result.flags, FLAGS)
    if result.dropped:
        echo(f"{result.dropped:.1%} of the probability is in classes that {result.terms} does not have: column dropped")
    if result.shard:
        failed = f", {result.errors} of them unreadable" if result.errors else ""
        echo(
            f"Shard {result.shard}: {format_count(result.n, 'row')}{failed}",
            f"When all are done: galaxtool merge {result.output}",
        )
        return
    good = result.n - result.errors
    rows = [{"class": slug, "images": n, "share": f"{n / good:.1%}"} for slug, n in result.labels.items()]
    if result.errors:
        rows.append({"class": "(unreadable)", "images": result.errors, "share": ""})
    print_table(rows, ("class", "images", "share"))
    echo("", f"{format_count(result.n, 'row')} in {result.output}")
