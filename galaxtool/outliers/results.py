"""What `anomalies` returns; this file imports nothing heavy."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Anomaly:
    """One of the oddest images: a row of the table.

    Parameters
    ----------
    rank : int
        1 for the oddest.
    id, path : str
        Identifier and path of the image.
    score : float
        Oddness by the method.
    percentile : float
        Percentage of the images with a lower score.
    """

    rank: int
    id: str
    path: str
    score: float
    percentile: float


@dataclass(frozen=True, kw_only=True)
class AnomaliesResult:
    """The result of `anomalies`.

    Parameters
    ----------
    output : str
        Path of the table.
    html : str
        Path of the page; empty if none was asked for.
    source, model : str
        Where the features come from, and the model that made them; the latter is empty if unknown.
    method : str
        How oddness was measured.
    count : int
        Number of images that were compared.
    rows : int
        Number of rows of the table.
    unreadable : int
        Number of images without features, which were left out.
    recall : float or None
        Fraction of the true neighbours that were found, where they were not searched for exhaustively.
    oddest : tuple of Anomaly
        The oddest images, at most 100.
    notes : tuple of str
        What to beware of.
    """

    output: str
    html: str
    source: str
    model: str
    method: str
    count: int
    rows: int
    unreadable: int
    recall: float | None
    oddest: tuple[Anomaly, ...]
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return the result as JSON values."""
        return {**asdict(self), "oddest": [asdict(one) for one in self.oddest], "notes": list(self.notes)}
