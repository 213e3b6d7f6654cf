"""Count the available cores."""

from __future__ import annotations

import os


def count_cores() -> int:
    """Return the number of cores that this process may use; under Slurm or in a container these may not be all."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
