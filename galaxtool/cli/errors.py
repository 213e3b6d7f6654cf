"""Print errors to the terminal."""

from __future__ import annotations

import contextlib
import sys

from galaxtool.cli.render import make_text, to_printable
from galaxtool.errors import GalaxtoolError


def print_error(error: GalaxtoolError) -> None:
    """Print an error to stderr: the message in red, and the hint and notes in a dim line below."""
    from rich.console import Console

    console = Console(stderr=True, soft_wrap=True)
    console.print(make_text(fold_lines(f"Error: {error.message}"), "bold red"))
    if hints := [line for line in (error.hint, *getattr(error, "__notes__", ())) if line]:
        console.print(make_text(fold_lines(" ".join(hints)), "dim"))


def print_interruption(error: KeyboardInterrupt) -> None:
    """Print that a command was interrupted, by which signal if not by Ctrl-C, and how to resume it."""
    name = str(error) if hasattr(error, "number") else ""
    with contextlib.suppress(OSError):  # the terminal may be gone
        print(f"Interrupted{f' by {name}' if name else ''}.", file=sys.stderr)
        for line in getattr(error, "__notes__", ()):
            print(fold_lines(line), file=sys.stderr, flush=True)


def fold_lines(text: str) -> str:
    """Return a text as one printable line; names of files and messages of libraries may contain anything."""
    return to_printable(" ".join(text.split()), sys.stderr)
