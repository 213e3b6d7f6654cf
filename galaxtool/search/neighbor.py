"""One look-alike."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Neighbour:
    """One row of the result.

    Parameters
    ----------
    query : str
        What was asked for.
    rank : int
        From 1.
    id, path : str
        As indexed.
    similarity : float
        Cosine.
    ra, dec : float or None
        Degrees, ICRS.
    """

    query: str
    rank: int
    id: str
    path: str
    similarity: float
    ra: float | None
    dec: float | None
