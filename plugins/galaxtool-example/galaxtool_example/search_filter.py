"""A filter of similarity searches: objects in a range of declinations."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from galaxtool import ConfigError


def in_declinations(argument: str) -> Callable[[Any], np.ndarray]:
    """Return the filter for ``--filter example-dec:MIN,MAX``, in degrees."""
    try:
        low, high = map(float, argument.split(","))
    except ValueError as error:
        raise ConfigError(
            f"'{argument}' is not a range of declinations.", hint="Example: --filter example-dec:-5,5"
        ) from error

    def keep(rows: Any) -> np.ndarray:
        declinations = np.ma.filled(rows["dec"].astype(float), np.nan)
        return (low <= declinations) & (declinations <= high)

    return keep
