"""``galaxtool simulate``."""

from __future__ import annotations

from typing import Any

from galaxtool.cli.build import command_of
from galaxtool.cli.render import say
from galaxtool.commands.simulate import SimulateResult, simulate


def command() -> Any:
    """Make the command."""
    return command_of(simulate, show=_show, flags={"output": ("--output", "-o"), "n": ("-n", "--n")})


def _show(result: SimulateResult) -> None:
    say(
        f"{result.n} galaxies of {len(result.labels)} classes in {result.output}",
        f"Try: galaxtool classify {result.output}",
    )
