"""What ``galaxtool cluster`` does, and how; this file imports nothing heavy."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from galaxtool.errors import ConfigError
from galaxtool.utils.config import check_choice

METHODS = ("kmeans", "hdbscan")
DEFAULT_CLUSTERS = 10
"""Number of clusters of k-means where there are no labels to count the classes of."""


@dataclass(frozen=True, kw_only=True)
class ClusterOptions:
    """How images are grouped.

    Parameters
    ----------
    output : Path
        Folder to write.
    method : {"kmeans", "hdbscan"}
        Method.
    clusters : int, optional
        Number of clusters of k-means; by default that of the classes of the labels, else 10.
    min_size : int, optional
        Size of the smallest cluster of HDBSCAN; by default one percent of the images, at least 5.
    variance : float
        Share of the variance that the principal components keep; 1 for the features as they are.
    labels : str, optional
        Data set with labels of the same images.
    label_column : str, optional
        Column of the labels.
    names : sequence of str
        Names to choose from for the clusters.
    seed : int
        Random seed.

    Raises
    ------
    ConfigError
        If a value is not possible, or a setting of the other method is given.
    """

    output: Path
    method: str = "kmeans"
    clusters: int | None = None
    min_size: int | None = None
    variance: float = 0.95
    labels: str | None = None
    label_column: str | None = None
    names: Sequence[str] = ()
    seed: int = 0

    def __post_init__(self) -> None:
        check_choice("method", self.method, METHODS)
        for name, value, least in (("clusters", self.clusters, 2), ("min-size", self.min_size, 2)):
            if value is not None and value < least:
                raise ConfigError(
                    f"--{name} is {value}; it must be at least {least}.", hint="Leave it out for the default."
                )
        if not 0 < self.variance <= 1:
            raise ConfigError(
                f"--variance is {self.variance:g}; it must be above 0 and at most 1.",
                hint="Give the share of the variance to keep, such as 0.95, or 1 to leave the features as they are.",
            )
        if self.method == "hdbscan" and self.clusters is not None:
            raise ConfigError(
                "--clusters cannot be used with HDBSCAN, which finds the number of clusters itself.",
                hint="Leave --clusters out, or give the size of the smallest cluster with --min-size.",
            )
        if self.method == "kmeans" and self.min_size is not None:
            raise ConfigError("--min-size is for --method hdbscan.", hint="Leave it out, or add --method hdbscan.")

    @property
    def name_list(self) -> tuple[str, ...]:
        """Names of `names`, one by one."""
        return tuple(name.strip() for text in self.names for name in text.split(",") if name.strip())
