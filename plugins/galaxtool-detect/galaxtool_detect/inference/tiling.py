"""The windows in which a large image passes through a network."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from galaxtool import ConfigError

OVERLAP = 0.25
"""Share of a window that it has in common with the next."""


@dataclass(frozen=True)
class Tiling:
    """Windows of one size that cover an image and overlap.

    Parameters
    ----------
    shape : (int, int)
        Height and width of the image.
    side : int
        Side of a window in pixels of the image.
    overlap : float
        Share of a window that it has at least in common with the next, below 0.9.
    """

    shape: tuple[int, int]
    side: int
    overlap: float = OVERLAP

    def __post_init__(self) -> None:
        if not 0 <= self.overlap < 0.9:
            raise ConfigError(f"--overlap must be at least 0 and below 0.9, not {self.overlap:g}.")

    @property
    def rows(self) -> list[int]:
        """First row of each row of windows."""
        return place_windows(self.shape[0], self.side, self.overlap)

    @property
    def columns(self) -> list[int]:
        """First column of each window in a row."""
        return place_windows(self.shape[1], self.side, self.overlap)

    def find_cut(self, boxes: np.ndarray, left: int, bottom: int) -> np.ndarray:
        """Return whether each box (N, 4), in pixels of the image, ends at an edge of its window within the image."""
        ny, nx = self.shape
        low = np.array([left, bottom], float) - 0.5
        high = low + self.side
        at_low = (boxes[:, :2] <= low + 1) & (low > -0.5)
        at_high = (boxes[:, 2:] >= high - 1) & (high < np.array([nx, ny]) - 0.5)
        return np.asarray((at_low | at_high).any(axis=1))


def place_windows(length: int, side: int, overlap: float) -> list[int]:
    """Return the first pixel of each window along an axis: evenly spaced, from one end to the other.

    An axis that is shorter than a window has one, with the image in its middle.

    Examples
    --------
    >>> place_windows(300, 128, 0.25)
    [0, 86, 172]
    >>> place_windows(100, 128, 0.25)
    [-14]
    """
    if length <= side:
        return [(length - side) // 2]
    step = max(side * (1 - overlap), 1)
    count = int(np.ceil((length - side) / step)) + 1
    return [int(place) for place in np.linspace(0, length - side, count).round()]
