"""Keep a command running when stdout or stderr is closed or full."""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TextIO

_STDERR = 2


class LenientFile(io.FileIO):
    """A file that discards what cannot be written, and keeps the first error in `failure`."""

    failure: OSError | None = None

    def write(self, data: object) -> int:
        """Write bytes, or pretend to."""
        size = memoryview(data).nbytes  # type: ignore[arg-type]
        if self.failure is not None:
            return size
        try:
            return super().write(data)  # type: ignore[arg-type]
        except BlockingIOError:
            raise
        except OSError as error:
            self.failure = error
            return size


@contextmanager
def lenient_streams() -> Iterator[None]:
    """Let a command run to its end whatever happens to its standard streams.

    A closed one is replaced by the null device, so that no file of the command takes its number. What cannot be
    written to standard error is lost. An error of standard output is reported at the end, with status 1, unless
    the reader of a pipe has left, as ``head`` does.
    """
    _open_closed()
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = (_wrap(stream) for stream in before)
    try:
        yield
    except SystemExit as end:
        if end.code in (None, 0) and _finish_stdout():
            raise SystemExit(1) from None
        raise
    else:
        if _finish_stdout():
            raise SystemExit(1)
    finally:
        sys.stderr.flush()


def _open_closed() -> None:
    """Open the null device for standard streams that are closed."""
    for number, name in enumerate(("stdin", "stdout", "stderr")):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number, which is this one
        if getattr(sys, name) is None:
            mode = "w" if number else "r"
            setattr(sys, name, open(number, mode, encoding="utf-8", errors="backslashreplace", closefd=False))  # noqa: SIM115


def _wrap(stream: TextIO) -> TextIO:
    """Return a stream that writes to the same file without errors; the console of Windows stays as it is."""
    buffer = getattr(stream, "buffer", None)
    raw = getattr(buffer, "raw", buffer)  # without a buffer where PYTHONUNBUFFERED is set
    if type(raw) is not io.FileIO:
        return stream
    stream.flush()
    file = LenientFile(raw.fileno(), "w", closefd=False)
    lines = bool(stream.line_buffering) or raw is buffer or raw.fileno() == _STDERR
    return io.TextIOWrapper(
        io.BufferedWriter(file), encoding=stream.encoding, errors=stream.errors, line_buffering=lines
    )


def _finish_stdout() -> bool:
    """Flush standard output; return whether something was lost, and say why where somebody would want to know."""
    sys.stdout.flush()
    failure = getattr(getattr(getattr(sys.stdout, "buffer", None), "raw", None), "failure", None)
    if failure is None:
        return False
    if failure.errno != errno.EPIPE:
        print(f"Error: Cannot write to standard output: {failure.strerror}.", file=sys.stderr)
        print("Files that the command wrote are complete.", file=sys.stderr)
    return True
