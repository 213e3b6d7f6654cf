"""Estimate how much memory a process may still use."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

_STATE = Path("/proc/meminfo")
_GROUP = Path("/sys/fs/cgroup")


def measure_available_memory() -> int | None:
    """Return the memory that is available in bytes, within the limit of the container; None where nothing says."""
    with contextlib.suppress(OSError):
        if match := re.search(r"^MemAvailable:\s+(\d+) kB", _STATE.read_text(), re.MULTILINE):
            available = 1024 * int(match[1])
            with contextlib.suppress(OSError, ValueError):  # "max" without a limit
                limit = int((_GROUP / "memory.max").read_text())
                available = min(available, limit - int((_GROUP / "memory.current").read_text()))
            return max(0, available)
    return None
