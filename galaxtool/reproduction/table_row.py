"""One number of a reproduced table."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from typing import Any


@dataclass(frozen=True, kw_only=True)
class TableRow:
    """One number of a table.

    Parameters
    ----------
    row, data, split, readout : str
        Row as printed, data set, way to split it, and way to read the training out.
    at : object
        Value of the setting on the horizontal axis of a figure; None for a table.
    score : str
        Name of the score.
    published, published_sd : float or None
        Value as printed, and its standard deviation where there is one.
    ours : float or None
        Mean over the trainings.
    low, high : float or None
        Mean of the ends of their 95 % intervals, which are over test objects.
    sd, lowest, highest : float or None
        Spread of the trainings, which differ in their seed; None for one.
    trainings : int
        Number of trainings.
    difference : float or None
        Ours minus published.
    status : str
        ``done``, ``missing`` (weights, package or data), ``failed``, or ``waiting``.
    reason : str
        Why there is no number.
    run : str
        Run directory of the first training.
    """

    row: str
    data: str
    split: str
    readout: str
    at: Any
    score: str
    published: float | None
    published_sd: float | None
    ours: float | None = None
    low: float | None = None
    high: float | None = None
    sd: float | None = None
    lowest: float | None = None
    highest: float | None = None
    trainings: int = 0
    difference: float | None = None
    status: str = "waiting"
    reason: str = ""
    run: str = ""

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as plain values."""
        return asdict(self)


COLUMNS = tuple(field.name for field in fields(TableRow))
