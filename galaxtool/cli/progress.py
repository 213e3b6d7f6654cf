"""The progress bar: rate and time left, on stderr."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

from galaxtool.types import Progress, Silent


@contextmanager
def make_progress(*, quiet: bool) -> Iterator[Progress]:
    """Give a progress for a command: a live bar in a terminal, single lines in a log, nothing when `quiet`."""
    if quiet:
        yield Silent()
    elif sys.stderr.isatty():
        yield from _bar()
    else:
        yield Lines()


class Lines:
    """Says each thing once, for logs and pipes."""

    def start(self, what: str, total: int | None = None) -> None:
        """Say what begins."""
        print(what + (f" ({total})" if total else ""), file=sys.stderr)

    def advance(self, n: int = 1, note: str = "") -> None:
        """Say nothing; a log is no place for a bar."""

    def say(self, message: str) -> None:
        """Print the line."""
        print(message, file=sys.stderr, flush=True)


def _bar() -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as RichProgress

    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        TextColumn("[dim]{task.fields[note]}"),
    )

    class Bar:
        task: TaskID | None = None
        note = ""

        def start(self, what: str, total: int | None = None) -> None:
            if self.task is not None:
                rich.remove_task(self.task)
            self.task = rich.add_task(what, total=total, note="", rate="")

        def advance(self, n: int = 1, note: str = "") -> None:
            if self.task is None:
                return
            speed = rich.tasks[-1].speed
            rich.update(self.task, advance=n, rate=f"{speed:.0f}/s" if speed else "", note=note or self.note)
            self.note = note or self.note

        def say(self, message: str) -> None:
            rich.console.print(message, markup=False, highlight=False)

    with RichProgress(*columns, console=Console(stderr=True), transient=True) as rich:
        yield Bar()
