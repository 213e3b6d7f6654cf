"""Exchange two folders in one step, so that there is always one at each place."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

_HERE = -100  # AT_FDCWD: relative paths start at the working folder
_EXCHANGE = 2  # RENAME_EXCHANGE


def exchange_paths(first: Path, second: Path) -> bool:
    """Exchange what is at two paths on the same disk; return whether the system and the disk can.

    If they cannot, nothing is changed.
    """
    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2  # Linux only
    except (AttributeError, OSError, TypeError):
        return False
    return int(rename(_HERE, os.fsencode(first), _HERE, os.fsencode(second), _EXCHANGE)) == 0
