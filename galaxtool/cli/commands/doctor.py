"""The command line of ``galaxtool doctor``."""

from __future__ import annotations

from typing import Any

from galaxtool.cli.build import build_command
from galaxtool.cli.render import echo, print_table
from galaxtool.commands.doctor import doctor
from galaxtool.diagnostics.installation import Diagnosis


def command() -> Any:
    """Build the command."""
    return build_command(doctor, show=_show)


def _show(found: Diagnosis) -> None:
    print_table([{"what": name, "version": version} for name, version in found.versions.items()], ("what", "version"))
    echo(
        "",
        f"devices    {', '.join(found.devices) or 'none for training'}",
        f"providers  {', '.join(found.providers) or 'none'}",
        f"precision  {_describe_precision(found.precision)}",
        f"plugins    {', '.join(p['name'] for p in found.plugins if p['status'] == 'ok')}",
        *(f"note       {note}" for note in found.notes),
        *(f"TO FIX     {problem}" for problem in found.problems),
        "" if found.problems else "\nNothing to fix.",
    )


def _describe_precision(fastest: str) -> str:
    if not fastest:
        return "none for training"
    return "fp32" if fastest == "fp32" else f"fp32; the CPU also computes in {fastest}, see --precision"
