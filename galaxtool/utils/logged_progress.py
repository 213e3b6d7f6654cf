"""A progress whose lines are also kept in a file."""

from __future__ import annotations

from pathlib import Path

from galaxtool.types import Progress
from galaxtool.utils.run_directory import utc_now


class LoggedProgress:
    """Passes everything on, and appends each line to a log with the time.

    Parameters
    ----------
    inner : Progress
    path : Path
    """

    def __init__(self, inner: Progress, path: Path) -> None:
        self.inner = inner
        self.path = path

    def start(self, what: str, total: int | None = None) -> None:
        """Begin a task."""
        self.inner.start(what, total)

    def advance(self, n: int = 1, note: str = "") -> None:
        """Go on."""
        self.inner.advance(n, note)

    def say(self, message: str) -> None:
        """Show and keep a line."""
        self.inner.say(message)
        with self.path.open("a", encoding="utf-8") as stream:
            stream.write(f"{utc_now()}  {message}\n")
