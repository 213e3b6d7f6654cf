"""How much memory a process may still use, and a limit on it."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path

with contextlib.suppress(ImportError):  # absent on Windows
    import resource

_STATE = Path("/proc/meminfo")
_PROCESS = Path("/proc/self/status")
_GROUP = Path("/sys/fs/cgroup")


@contextlib.contextmanager
def limit_growth(most: int) -> Iterator[None]:
    """Let this process take at most `most` bytes more of memory in the block; more raises where it is asked for.

    Only Linux keeps such a limit, and tells how much memory a process has.
    """
    before = _get_limit()
    used = _measure_data()
    if before is None or used is None:
        yield
        return
    soft, hard = before
    wanted = used + most
    resource.setrlimit(resource.RLIMIT_DATA, (wanted if soft < 0 else min(soft, wanted), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)


def _get_limit() -> tuple[int, int] | None:
    return resource.getrlimit(resource.RLIMIT_DATA) if "resource" in globals() else None


def _measure_data() -> int | None:
    """Return the bytes that the limit on data counts; None where nothing says."""
    with contextlib.suppress(OSError):
        if match := re.search(r"^VmData:\s+(\d+) kB", _PROCESS.read_text(), re.MULTILINE):
            return 1024 * int(match[1])
    return None


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
