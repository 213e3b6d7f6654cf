"""The progress of a command on stderr: a bar with rate and remaining time, or plain lines."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from galaxtool.cli.render import make_text, to_printable
from galaxtool.types import Progress, Silent


@contextmanager
def make_progress(*, quiet: bool) -> Iterator[Progress]:
    """Yield the progress of a command: a bar in a terminal, lines in a log or a pipe, nothing if `quiet`."""
    if quiet:
        yield Silent()
    elif sys.stderr.isatty():
        yield from _make_bar()
    else:
        yield LineProgress()


class LineProgress:
    """A `Progress` that prints plain lines, for logs and pipes."""

    def start(self, what: str, total: int | None = None) -> None:
        """Print the task and its number of steps."""
        print(to_printable(what, sys.stderr) + (f" ({total})" if total else ""), file=sys.stderr)

    def advance(self, n: int = 1, note: str = "") -> None:
        """Do nothing; a log does not show single steps."""

    def say(self, message: str) -> None:
        """Print a message."""
        print(to_printable(message, sys.stderr), file=sys.stderr, flush=True)

    def warn(self, message: str) -> None:
        """Print a warning."""
        self.say(f"Warning: {message}")


def _make_bar() -> Iterator[Progress]:
    """Yield a progress bar; Rich is imported here because most commands end without one."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as RichProgress

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}", markup=False),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}", style="dim", markup=False),
    )

    class Bar:
        task: TaskID | None = None
        note = ""

        def start(self, what: str, total: int | None = None) -> None:
            if self.task is not None:
                rich.remove_task(self.task)
            self.task = rich.add_task(to_printable(what, sys.stderr), total=total, note="", rate="")

        def advance(self, n: int = 1, note: str = "") -> None:
            if self.task is None:
                return
            speed = rich.tasks[-1].speed
            rich.update(
                self.task,
                advance=n,
                rate=f"{speed:.0f}/s" if speed else "",
                note=to_printable(note or self.note, sys.stderr),
            )
            self.note = note or self.note

        def say(self, message: str) -> None:
            rich.console.print(make_text(message))

        def warn(self, message: str) -> None:
            rich.console.print(make_text(f"Warning: {message}"), style="yellow")

    with RichProgress(*columns, console=Console(stderr=True), transient=True) as rich:
        yield Bar()
