"""Whether this processor multiplies matrices of bfloat16 many times as fast as such of float32."""

from __future__ import annotations

import functools
from pathlib import Path


@functools.cache
def has_amx() -> bool:
    """Tell whether the processor has AMX for bfloat16, as Intel's since 2023; known of Linux only."""
    try:
        return " amx_bf16" in Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return False
