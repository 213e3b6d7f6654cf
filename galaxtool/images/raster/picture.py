"""A picture as it was decoded, by whatever decoder."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture as it was decoded, not yet a cutout.

    Parameters
    ----------
    planes : ndarray of uint8 or float32, shape (3 or 1, ny, nx)
        Top row first; uint8 is read-only.
    format : str
        As Pillow names it.
    scale : float
        Pixels of the file for one of these, along each axis.
    extent : (float, float) or None
        Height and width that the file's pixels fill, where that is less than (ny, nx).
    """

    planes: np.ndarray
    format: str
    scale: float = 1.0
    extent: tuple[float, float] | None = None
