"""The log of labels, ``labels.csv``: one line for each answer, only ever appended to.

Each row is the state of an object after an answer of one person: the label, empty if there is none, and whether it is
starred. The last row of an object and a person holds, so a label is removed or an answer undone by one more row. A row
is on the disk before the next question is asked.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Self, TextIO

from galaxtool.datasets.label_log import COLUMNS
from galaxtool.errors import GalaxtoolError, InputError
from galaxtool.labeling.answers import ACTIONS, UNDO, LogEntry, drop_undone
from galaxtool.utils.files.disk_abilities import sync_file
from galaxtool.utils.files.locks import lock_file, lock_owner
from galaxtool.utils.files.regular_files import NOT_REGULAR, is_special, open_to_append

_ENCODING = {"encoding": "utf-8", "errors": "surrogateescape"}


class LabelLog:
    """An open log, locked for this process.

    Parameters
    ----------
    path : Path
        The file.
    answers : sequence of LogEntry
        Its rows.
    lock : file object
        Held until `close`.
    dropped : int
        Number of characters of an unfinished last line that were cut off.
    """

    def __init__(self, path: Path, answers: Sequence[LogEntry], lock: TextIO, dropped: int = 0) -> None:
        self.path = path
        self.answers = list(answers)
        self.dropped = dropped
        self._lock = lock
        self._stream = open_to_append(path, follow=True)

    @classmethod
    def open(cls, path: Path) -> Self:
        """Open a log to append to, and create it if it does not exist.

        Raises
        ------
        GalaxtoolError
            If another process has it open, or its folder cannot be written to.
        InputError
            If the file is not a log of labels.
        """
        if is_special(path):
            raise _make_write_error(path, OSError(NOT_REGULAR))
        lock_path = path.with_name(f".{path.name}.lock")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            lock = lock_file(lock_path)
        except OSError as error:
            raise _make_write_error(path, error) from error
        if lock is None:
            owner = lock_owner(lock_path)
            raise GalaxtoolError(
                f"'{path}' is open in another `galaxtool label`" + (f" ({owner})." if owner else "."),
                hint="Close that one first, or label into another file with -o.",
            )
        try:
            answers = read_log(path) if path.exists() and path.stat().st_size else []
            dropped = _cut_unfinished_line(path)
            log = cls(path, answers, lock, dropped)
        except OSError as error:
            lock.close()
            raise _make_write_error(path, error) from error
        except InputError:
            lock.close()
            raise
        return log

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file and release the lock; a file without any answer is removed."""
        is_empty = not self._stream.closed and not self._stream.tell()
        self._stream.close()
        if is_empty:
            self.path.unlink(missing_ok=True)
        self._lock.close()

    def append(self, answer: LogEntry) -> LogEntry:
        """Write an answer, and return it with its time; it is on the disk when this returns.

        Raises
        ------
        GalaxtoolError
            If the disk is full.
        """
        stamped = answer if answer.time else replace(answer, time=f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}")
        end = self._stream.tell()
        try:
            self._append(stamped.cells())
        except OSError as error:
            with suppress(OSError):
                self._stream.truncate(end)  # half a row would spoil the next one
            raise _make_write_error(self.path, error) from error
        self.answers.append(stamped)
        return stamped

    def undo(self, by: str) -> LogEntry | None:
        """Undo the last answer of a person that is not undone yet; return the new state, or None if there is none."""
        standing = [answer for answer in drop_undone(self.answers) if answer.by == by]
        if not standing:
            return None
        last = standing.pop()
        before = next((one for one in reversed(standing) if one.id == last.id), None)
        state = replace(last, action=UNDO, time="", label="", star=False)
        if before is not None:
            state = replace(state, label=before.label, star=before.star)
        return self.append(state)

    def _append(self, cells: Sequence[str]) -> None:
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        if not self._stream.tell():
            writer.writerow(COLUMNS)
        writer.writerow(cells)
        content = text.getvalue().encode(**_ENCODING)
        while content:
            content = content[self._stream.write(content) :]
        sync_file(self.path)


def read_log(path: Path) -> list[LogEntry]:
    """Read the rows of a log; an unfinished last line is left out.

    Raises
    ------
    InputError
        If the file does not exist or is not a log of labels.
    """
    try:
        text = _find_finished_lines(path.read_bytes()).decode(**_ENCODING)
    except OSError as error:
        raise InputError(f"'{path}' cannot be read: {error.strerror}.", hint="Check the path.") from error
    if "\0" in text:
        raise _make_format_error(path, "it is not a text file")
    if not text:
        return []
    rows = csv.DictReader(io.StringIO(text, newline=""), strict=True)
    try:
        missing = [name for name in COLUMNS if name not in (rows.fieldnames or ())]
        if missing:
            raise _make_format_error(path, f"it has no column '{missing[0]}'")
        return [_parse(row) for row in rows]
    except (csv.Error, ValueError, TypeError) as error:
        raise _make_format_error(path, f"line {rows.line_num} cannot be read") from error


def _parse(row: dict[str, str]) -> LogEntry:
    ra, dec = (float(row[name]) if row[name] else None for name in ("ra", "dec"))
    if row["action"] not in ACTIONS or None in row:
        raise ValueError(row["action"])
    return LogEntry(
        id=row["id"], path=row["path"], ra=ra, dec=dec, label=row["label"], by=row["by"], time=row["time"],
        action=row["action"], star=row["star"] == "1", why=row["why"], page=int(row["page"] or 0),
        pool=int(row["pool"] or 0),
    )  # fmt: skip


def _find_finished_lines(content: bytes) -> bytes:
    """Return a file up to the end of its last finished row."""
    end = content.rfind(b"\n") + 1
    # a line break within quotes is not the end of a row
    while end and content[:end].count(b'"') % 2:
        end = content.rfind(b"\n", 0, end - 1) + 1
    return content[:end]


def _cut_unfinished_line(path: Path) -> int:
    """Cut off a last line that a crash left unfinished, and return its length in bytes."""
    if not path.exists():
        return 0
    content = path.read_bytes()
    end = len(_find_finished_lines(content))
    if end < len(content):
        with path.open("r+b") as stream:
            stream.truncate(end)
    return len(content) - end


def _make_format_error(path: Path, why: str) -> InputError:
    return InputError(
        f"'{path}' is not a log of labels of `galaxtool label`: {why}.", hint="Label into another file with -o."
    )


def _make_write_error(path: Path, error: OSError) -> GalaxtoolError:
    return GalaxtoolError(
        f"Cannot write '{path}': {error.strerror or error}.",
        hint="Label into another folder with -o, or check the permissions and the space on the disk.",
    )
