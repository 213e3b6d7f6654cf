"""Count the available cores, and the workers to start on them."""

from __future__ import annotations

import os

from galaxtool.errors import ConfigError


def count_cores() -> int:
    """Return the number of cores that this process may use; under Slurm or in a container these may not be all."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def resolve_workers(workers: int | None) -> int:
    """Return the number of workers that is given, or one per available core if it is None.

    Raises
    ------
    ConfigError
        If the number is not positive.
    """
    if workers is not None and workers < 1:
        raise ConfigError(
            f"--workers is {workers}; it must be at least 1.", hint="Leave it out for one per available core."
        )
    return workers or count_cores()
