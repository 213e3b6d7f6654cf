"""Features of this machine's processor, and how threads use it."""

from __future__ import annotations

import functools
import os
from pathlib import Path


@functools.cache
def has_amx() -> bool:
    """Detect AMX, the fast bfloat16 matrix products of Intel processors since 2023; False except on Linux."""
    try:
        return " amx_bf16" in Path("/proc/cpuinfo").read_text(encoding="ascii", errors="replace")
    except OSError:
        return False


def let_waiting_threads_sleep() -> None:
    """Make the OpenMP threads of PyTorch sleep while they wait, unless the environment says how they wait.

    By default they spin for some milliseconds. While other jobs use the same cores, the threads that have work to do
    then wait for those that spin, and trainings hold each other up (``benchmarks/shared_cores.py``). It must be called
    before PyTorch is imported.
    """
    if not {"OMP_WAIT_POLICY", "GOMP_SPINCOUNT", "KMP_BLOCKTIME"} & os.environ.keys():
        os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
