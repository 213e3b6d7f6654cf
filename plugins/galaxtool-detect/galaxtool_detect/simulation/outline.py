"""The box of a source, from its image without noise."""

from __future__ import annotations

import numpy as np

_SHARE = 0.03  # of the peak, which is what an image of usual contrast shows
_SIGMAS = 2.0
_MOST = 0.5  # of the peak: a source too faint for the others has the box at half of its maximum


def find_box(model: np.ndarray, rms: float) -> tuple[float, float, float, float] | None:
    """Return the box around what is seen of a source.

    That is where it is brighter than twice the noise, than 3 % of its peak, and at least where it is brighter than half
    of its peak.

    Parameters
    ----------
    model : ndarray, shape (ny, nx)
        The source without noise.
    rms : float
        Standard deviation of the noise.

    Returns
    -------
    (x0, y0, x1, y1) or None
        In pixels, within the image; the edges lie where the brightness crosses the level, between pixels. None for a
        source that lies outside the image.
    """
    peak = float(model.max())
    if not peak > 0:
        return None
    level = min(max(_SIGMAS * rms, _SHARE * peak), _MOST * peak)
    x0, x1 = _cross(model.max(axis=0), level)
    y0, y1 = _cross(model.max(axis=1), level)
    return x0, y0, x1, y1


def find_peak(model: np.ndarray) -> float:
    """Return the height of the peak, between pixels if need be: that of a Gaussian through the highest ones."""
    row, column = np.unravel_index(int(np.argmax(model)), model.shape)
    peak = float(model[row, column])
    height = 1.0
    for line, at in ((model[row], column), (model[:, column], row)):
        if 0 < at < len(line) - 1 and line[at - 1] > 0 and line[at + 1] > 0:
            low, middle, high = np.log(line[at - 1 : at + 2])
            curve = low - 2 * middle + high
            if curve < 0:
                height *= float(np.exp(-((low - high) ** 2) / (8 * curve)))
    return peak * height


def _cross(profile: np.ndarray, level: float) -> tuple[float, float]:
    """Return where a profile first and last crosses a level, by linear interpolation; at most half a pixel outside."""
    above = np.flatnonzero(profile >= level)
    first, last = int(above[0]), int(above[-1])
    low, high = -0.5, len(profile) - 0.5
    if first > 0:
        low = first - (profile[first] - level) / (profile[first] - profile[first - 1])
    if last < len(profile) - 1:
        high = last + (profile[last] - level) / (profile[last] - profile[last + 1])
    return float(low), float(high)
