"""How an error looks in a terminal."""

from __future__ import annotations

import sys

from galaxtool.errors import GalaxtoolError


def report(error: GalaxtoolError) -> None:
    """Print one red line that says what is wrong, and one dim line that says what to do next, to stderr."""
    from rich.console import Console
    from rich.text import Text

    console = Console(stderr=True, soft_wrap=True)
    console.print(Text(one_line(f"Error: {error.message}"), style="bold red"))
    if error.hint:
        console.print(Text(one_line(error.hint), style="dim"))


def one_line(text: str) -> str:
    """Fold whatever a file's name or a library's message brought with it into one printable line."""
    folded = " ".join(text.split())
    encoding = sys.stderr.encoding or "utf-8"
    return folded.encode(encoding, "backslashreplace").decode(encoding)
