"""Names of files and folders that are never inputs or classes."""

from __future__ import annotations

import os

_SYSTEM = frozenset(
    (b"@eadir", b"__macosx", b"thumbs.db", b"desktop.ini", b"#recycle", b"$recycle.bin", b"lost+found")
)  # fmt: skip


UNFINISHED = ".unfinished"
"""End of the name of the folder that holds the finished parts of a job beside its output."""

IS_UNFINISHED = "unfinished work of another command, which it completes with --resume"
"""Why such a folder is not an input."""


def is_ignored(name: str | bytes) -> bool:
    """Tell whether a file or folder is hidden, or belongs to an operating system or a NAS.

    Examples
    --------
    >>> [is_ignored(name) for name in (".DS_Store", "@eaDir", "__MACOSX", "spiral")]
    [True, True, True, False]
    """
    raw = os.fsencode(name)
    return raw.startswith(b".") or raw.lower() in _SYSTEM
