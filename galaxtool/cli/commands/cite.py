"""The command line of ``galaxtool cite``."""

from __future__ import annotations

import sys
from typing import Any

from galaxtool.cli.build import build_command
from galaxtool.cli.render import echo, to_printable
from galaxtool.commands.cite import cite
from galaxtool.diagnostics.citation_list import CitationList

_EPILOG = "Examples:  galaxtool cite runs/mine  |  galaxtool cite mini --json"


def command() -> Any:
    """Build the command."""
    return build_command(cite, show=_show, epilog=_EPILOG)


def _show(result: CitationList) -> None:
    echo(*result.bibtex.splitlines())
    notes = [*result.notes, *(f"Licence of the weights: {licence}" for licence in result.licences)]
    for note in notes:
        print(to_printable(note, sys.stderr), file=sys.stderr)
