"""A decoded picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, slots=True)
class Picture:
    """A decoded picture, before it becomes a `Cutout`.

    Parameters
    ----------
    planes : ndarray of uint8 or float32, shape (bands, ny, nx)
        Pixels, top row first; uint8 is read-only. Usually 3 bands or 1.
    format : str
        Name of the format, as Pillow has it.
    scale : float
        Number of pixels of the file per decoded pixel, along each axis.
    extent : (float, float) or None
        Height and width that the pixels of the file fill, if they are less than (ny, nx).
    bands : tuple of str
        Names of the bands; empty for R, G, B, or for one band without a name.
    flags : tuple of str
        Flags about how the file was understood, and those that `galaxtool cutouts` wrote into it.
    """

    planes: np.ndarray
    format: str
    scale: float = 1.0
    extent: tuple[float, float] | None = None
    bands: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
