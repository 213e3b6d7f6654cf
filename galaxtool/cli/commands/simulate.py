"""The command line of ``galaxtool simulate``."""

from __future__ import annotations

from typing import Any

from galaxtool.cli.build import build_command
from galaxtool.cli.render import echo
from galaxtool.commands.simulate import SimulateResult, simulate
from galaxtool.utils.counts import format_count


def command() -> Any:
    """Build the command."""
    return build_command(simulate, show=_show, flags={"n": ("-n", "--n")})


def _show(result: SimulateResult) -> None:
    echo(
        f"{format_count(result.n, 'galaxy', 'galaxies')} of "
        f"{format_count(len(result.labels), 'class', 'classes')} in {result.output}",
        f"Try: galaxtool classify {result.output}",
    )
