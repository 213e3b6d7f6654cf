"""Features of this machine's processor."""

from __future__ import annotations

import functools
from pathlib import Path


@functools.cache
def has_amx() -> bool:
    """Detect AMX, by which Intel processors since 2023 multiply bfloat16 matrices fast; False except on Linux."""
    try:
        return " amx_bf16" in Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
