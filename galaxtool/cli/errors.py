"""Print errors to the terminal."""

from __future__ import annotations

import sys

from galaxtool.cli.render import make_text, to_printable
from galaxtool.errors import GalaxtoolError


def print_error(error: GalaxtoolError) -> None:
    """Print an error to stderr: the message in red, and the hint in a dim line below."""
    from rich.console import Console

    console = Console(stderr=True, soft_wrap=True)
    console.print(make_text(fold_lines(f"Error: {error.message}"), "bold red"))
    if error.hint:
        console.print(make_text(fold_lines(error.hint), "dim"))


def fold_lines(text: str) -> str:
    """Return a text as one printable line; names of files and messages of libraries may contain anything."""
    return to_printable(" ".join(text.split()), sys.stderr)
