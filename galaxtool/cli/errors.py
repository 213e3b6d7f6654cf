"""Print errors to the terminal."""

from __future__ import annotations

import contextlib
import errno
import os
import sys
import traceback
from pathlib import Path

from galaxtool.cli.render import make_text, to_printable
from galaxtool.errors import GalaxtoolError
from galaxtool.utils.error_text import describe_error

_HINTS = {
    errno.ENOSPC: "Make space on the disk, or write to another one.",
    errno.EDQUOT: "Your quota on this disk is used up: make space, or write to another one.",
    errno.EROFS: "Write to another disk.",
    errno.EACCES: "Check the permissions, or write to another folder.",
    errno.EPERM: "Check the permissions, or write to another folder.",
    errno.EMFILE: "Raise the limit on open files, as with: ulimit -n 4096",
    errno.EIO: "The disk, or the connection to it, may be failing.",
    errno.ENOMEM: "Use fewer --workers, a smaller --batch-size, or a machine with more memory.",
}


def explain_system_error(error: OSError | MemoryError, *, resume: str = "") -> GalaxtoolError:
    """Return the error that a failing disk, or lack of memory, is to the user.

    Parameters
    ----------
    error : OSError or MemoryError
        What the operating system or a library raised, with its notes.
    resume : str
        Command that resumes the work, if there is one.

    Examples
    --------
    >>> import errno
    >>> explain_system_error(OSError(errno.EROFS, "Read-only file system", "a.fits")).message
    "'a.fits' cannot be read or written: Read-only file system."
    """
    if isinstance(error, MemoryError):
        message, number = "There is not enough memory.", errno.ENOMEM
    else:
        reason = (error.strerror or describe_error(error, 200)).rstrip(".")
        what = f"'{error.filename}' cannot be read or written" if error.filename else "A file cannot be read or written"
        message, number = f"{what}: {reason}.", error.errno or 0
    hint = _HINTS.get(number, "GALAXTOOL_DEBUG=1 shows the traceback.")
    explained = GalaxtoolError(message, hint=hint)
    notes = getattr(error, "__notes__", ()) or ((f"Then resume with: {resume}",) if resume else ())
    for note in notes:
        explained.add_note(note)
    return explained


def explain_unexpected_error(error: Exception) -> GalaxtoolError:
    """Return the error that a fault of galaxtool is to the user: what it was and where, in one sentence."""
    place = ""
    for frame in traceback.extract_tb(error.__traceback__):
        if f"{os.sep}galaxtool" in frame.filename:
            place = f" in {Path(frame.filename).name}, line {frame.lineno}"
    explained = GalaxtoolError(
        f"galaxtool failed{place}: {type(error).__name__}: {describe_error(error, 200)}.",
        hint="This is a fault of galaxtool, or a file that nobody thought of. GALAXTOOL_DEBUG=1 shows the traceback; "
        "please report it.",
    )
    for note in getattr(error, "__notes__", ()):
        explained.add_note(note)
    return explained


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
