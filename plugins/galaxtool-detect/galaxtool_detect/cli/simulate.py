"""The command line of ``galaxtool detect simulate``."""

from __future__ import annotations

from typer.core import TyperCommand

from galaxtool import build_command, echo
from galaxtool_detect.commands.simulate import SimulateResult, simulate


def build_simulate() -> TyperCommand:
    """Build the command."""
    command: TyperCommand = build_command(simulate, show=_show, flags={"n": ("-n", "--n")}, group="detect")
    return command


def _show(result: SimulateResult) -> None:
    kinds = ", ".join(f"{count} {name}" for name, count in result.sources.items())
    echo(f"{result.n} fields with {sum(result.sources.values())} sources ({kinds}) in {result.output}")
    echo(f"Try: galaxtool detect train {result.output}")
