"""The command line of ``galaxtool detect run``."""

from __future__ import annotations

from typer.core import TyperCommand

from galaxtool import build_command, echo
from galaxtool_detect.commands.run import RunResult, run


def build_run() -> TyperCommand:
    """Build the command."""
    command: TyperCommand = build_command(
        run,
        show=_show,
        group="detect",
        panels={
            "Outputs": ("output", "components", "regions", "overlay", "html"),
            "Computation": ("batch_size", "device", "precision"),
            "Job": ("resume", "overwrite"),
            "Windows": ("upscale", "overlap"),
        },
    )
    return command


def _show(result: RunResult) -> None:
    kinds = ", ".join(f"{count} {name}" for name, count in result.classes.items()) or "none"
    maps = "1 map" if result.maps == 1 else f"{result.maps} maps"
    sources = "1 source" if result.sources == 1 else f"{result.sources} sources"
    echo(f"{sources} in {maps} ({kinds}): {result.output}")
    if result.failed:
        echo(f"Could not be read: {', '.join(map(str, result.failed))}")
