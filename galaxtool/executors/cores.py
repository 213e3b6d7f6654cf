"""How many processors there are for us, and how many workers that makes."""

from __future__ import annotations

import os

from galaxtool.errors import ConfigError


def cores() -> int:
    """Return the number of processors that this process may use, which Slurm and containers make fewer than all."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def checked(workers: int | None) -> int:
    """Return the number of workers that was asked for, one for each processor where none was.

    Raises
    ------
    ConfigError
        If it is not positive.
    """
    if workers is not None and workers < 1:
        raise ConfigError(f"--workers is {workers}, and must be at least 1.", hint="Leave it out for one a processor.")
    return workers or cores()
