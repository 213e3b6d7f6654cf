"""Count the workers to start on the available cores."""

from __future__ import annotations

from galaxtool.errors import ConfigError
from galaxtool.utils.cores import count_cores


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
