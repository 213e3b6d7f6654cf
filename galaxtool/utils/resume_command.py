"""The command that resumes the running one."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from galaxtool.utils.config import invocation

_DISCARDS = "--overwrite"
_RESUMES = "--resume"


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
    words = [word for word in argv[1:] if word not in (_DISCARDS, _RESUMES)]
    return shlex.join(["galaxtool", *words, _RESUMES])
