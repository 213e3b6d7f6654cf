"""What ``galaxtool anomalies`` computes and writes, checked as it is made."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from galaxtool.errors import ConfigError
from galaxtool.plugins.registry import get_registry
from galaxtool.utils.config import check_choice

AUTO = "auto"

MOST_COMPARED = 300_000
"""Number of images up to which ``auto`` compares neighbours; a million take two minutes of processor time."""


def choose_method(method: str, count: int) -> str:
    """Return the measure that ``auto`` stands for; any other as it is.

    Examples
    --------
    >>> choose_method("auto", 20_000), choose_method("auto", 1_000_000), choose_method("lof", 1_000_000)
    ('knn', 'isolation-forest', 'lof')
    """
    if method != AUTO:
        return method
    return "knn" if count <= MOST_COMPARED else "isolation-forest"


@dataclass(frozen=True, kw_only=True)
class AnomalyOptions:
    """How odd images are found, and where they are written.

    Parameters
    ----------
    output : Path
        Table to write.
    html : Path, optional
        Page of the oddest images to write.
    method : str
        Registered measure of oddness; ``auto`` for one that takes less than a minute, see `choose_method`.
    neighbors : int
        Number of neighbours for ``knn`` and ``lof``.
    top_k : int, optional
        Number of rows to write; by default all.
    seed : int
        Random seed of the isolation forest.

    Raises
    ------
    ConfigError
        If a number is too small, or the method does not exist.
    """

    output: Path
    html: Path | None = None
    method: str = AUTO
    neighbors: int = 50
    top_k: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        methods = get_registry().anomaly_methods
        if self.method != AUTO and self.method not in methods:
            check_choice("method", self.method, [AUTO, *methods.names()])
        if self.neighbors < 1:
            raise ConfigError(f"--neighbors is {self.neighbors}; it must be at least 1.", hint="Leave it out for 50.")
        if self.top_k is not None and self.top_k < 1:
            raise ConfigError(f"--top-k is {self.top_k}; it must be at least 1.", hint="Leave it out for all images.")
        if not 0 <= self.seed < 2**32:
            raise ConfigError(f"--seed is {self.seed}; it must be from 0 to 2^32 - 1.", hint="Leave it out for 0.")
