"""``galaxtool classify``."""

from __future__ import annotations

from typing import Any

from galaxtool.cli.build import command_of
from galaxtool.cli.render import print_table, say
from galaxtool.pipelines.classify import ClassifyResult, classify

_PANELS = {
    "Input": ("hdu", "image_column", "id_column"),
    "Speed": ("engine", "device", "precision", "batch_size"),
    "Output": ("output", "top_k", "resume", "overwrite", "strict"),
}

_EPILOG = (
    "Examples:  galaxtool classify cutouts/  |  galaxtool classify cutouts/ --model runs/mine -o predictions.fits  |  "
    "galaxtool classify catalogue.fits --model model.onnx --resume"
)


def command() -> Any:
    """Make the command."""
    flags = {"output": ("--output", "-o"), "model": ("--model", "-m"), "top_k": ("--top-k", "-k")}
    return command_of(classify, show=_show, flags=flags, panels=_PANELS, epilog=_EPILOG)


def _show(result: ClassifyResult) -> None:
    good = result.n - result.errors
    rows = [{"class": slug, "images": n, "share": f"{n / good:.1%}"} for slug, n in result.labels.items()]
    if result.errors:
        rows.append({"class": "(unreadable)", "images": result.errors, "share": ""})
    print_table(rows, ("class", "images", "share"))
    say("", f"{result.n} rows in {result.output}")
