"""The command that resumes the running one, and the option that resumes a run."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from galaxtool.utils.config import invocation

_DISCARDS = "--overwrite"
_RESUMES = "--resume"
_END = "--"
_RESUMES_OUTPUT = ("evaluate",)  # where --resume has no value
_STARTS_AGAIN = ("cluster", "compare")


def make_resume_command(argv: Sequence[str] = ()) -> str:
    """Return what to type to resume the running command; for a call from Python, the argument to add.

    Parameters
    ----------
    argv : sequence of str
        Command line; by default that of the running command.
    """
    argv = argv or invocation.get().argv
    if not argv:
        return "the same call and resume=True"
    end = argv.index(_END) if _END in argv else len(argv)  # what follows it are inputs, whatever they begin with
    words = [word for word in argv[1:end] if word not in (_DISCARDS, _RESUMES)]
    return shlex.join(["galaxtool", *words, _RESUMES, *argv[end:]])


def describe_resuming(path: Path, command: str) -> str:
    """Return the option that resumes an unfinished run, as the end of a list of options; empty if there is none.

    Parameters
    ----------
    path : Path
        Folder of the run.
    command : str
        Name of the command that began it.
    """
    if command in _STARTS_AGAIN:
        return ""
    return f", or {_RESUMES}" if command in _RESUMES_OUTPUT else f", or {_RESUMES} {path}"
