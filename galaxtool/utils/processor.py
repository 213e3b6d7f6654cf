"""Features of this machine's processor."""

from __future__ import annotations

import functools
from pathlib import Path


@functools.cache
def has_amx() -> bool:
    """Detect AMX, the fast bfloat16 matrix products of Intel processors since 2023; False except on Linux."""
    try:
        return " amx_bf16" in Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
