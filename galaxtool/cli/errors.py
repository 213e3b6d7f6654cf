"""Print errors to the terminal."""

from __future__ import annotations

import sys

from galaxtool.errors import GalaxtoolError


def print_error(error: GalaxtoolError) -> None:
    """Print an error to stderr: the message in red, and the hint in a dim line below."""
    from rich.console import Console
    from rich.text import Text

    console = Console(stderr=True, soft_wrap=True)
    console.print(Text(fold_lines(f"Error: {error.message}"), style="bold red"))
    if error.hint:
        console.print(Text(fold_lines(error.hint), style="dim"))


def fold_lines(text: str) -> str:
    """Return a text as one printable line; names of files and messages of libraries may contain anything."""
    folded = " ".join(text.split())
    encoding = sys.stderr.encoding or "utf-8"
    return folded.encode(encoding, "backslashreplace").decode(encoding)
