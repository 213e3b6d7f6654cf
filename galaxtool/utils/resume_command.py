"""The command that resumes the running one."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from galaxtool.utils.config import invocation

_DISCARDS = "--overwrite"
_RESUMES = "--resume"
_END = "--"


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
