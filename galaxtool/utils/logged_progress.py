"""Progress that also writes its messages to a log file."""

from __future__ import annotations

from pathlib import Path

from galaxtool.types import Progress
from galaxtool.utils.files.regular_files import open_to_append
from galaxtool.utils.printable import escape_controls
from galaxtool.utils.run_manifest import utc_now


class LoggedProgress:
    """A `Progress` that forwards everything to another, and appends each message to a log file with the time.

    Parameters
    ----------
    inner : Progress
        Progress to forward to.
    path : Path
        Log file.
    """

    def __init__(self, inner: Progress, path: Path) -> None:
        self.inner = inner
        self.path = path

    def start(self, what: str, total: int | None = None) -> None:
        """Begin a task."""
        self.inner.start(what, total)

    def advance(self, n: int = 1, note: str = "") -> None:
        """Advance the task."""
        self.inner.advance(n, note)

    def say(self, message: str) -> None:
        """Show a message and append it to the log."""
        self.inner.say(message)
        with open_to_append(self.path) as stream:
            stream.write(f"{utc_now()}  {escape_controls(message)}\n".encode("utf-8", "backslashreplace"))
