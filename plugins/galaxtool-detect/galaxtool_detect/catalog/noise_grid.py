"""Background and noise of a large image on a coarse grid, read strip by strip."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.ndimage import distance_transform_edt, map_coordinates

from galaxtool_detect.catalog.maps import PixelMap, beam_pixels

_STEP_BEAMS, _SMALLEST_STEP, _MOST_STEPS = 8.0, 16, 160
_WINDOW_STEPS = 2.5
_MOST_SAMPLES = 4096  # of a window
_ROUNDS, _CLIP = 5, 3.0
_LEAST = 0.1  # share of a window that must have data
_USUAL_BEAM = 4.0  # pixels, for an image without one
_TO_SIGMA = 1.4826  # median absolute deviation of a Gaussian


@dataclass(frozen=True, kw_only=True, eq=False)
class NoiseGrid:
    """Background and noise at the nodes of a grid.

    Parameters
    ----------
    background, rms : ndarray, shape (rows, columns)
        Median and standard deviation of the pixels around each node, without sources; NaN only if the image is blank.
    step : float
        Distance of the nodes in pixels.
    start : float
        Coordinate of the first node along both axes.
    """

    background: np.ndarray
    rms: np.ndarray
    step: tuple[float, float]
    start: tuple[float, float]

    def at(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return background and noise at some pixels, by linear interpolation."""
        rows = (np.asarray(y, float) - self.start[0]) / self.step[0]
        columns = (np.asarray(x, float) - self.start[1]) / self.step[1]
        place = np.stack([rows, columns])
        background: np.ndarray = map_coordinates(self.background, place, order=1, mode="nearest")
        rms: np.ndarray = map_coordinates(self.rms, place, order=1, mode="nearest")
        return background, rms


def measure_noise(image: PixelMap) -> NoiseGrid:
    """Measure background and noise all over an image.

    Parameters
    ----------
    image : PixelMap
        Its first band is measured.

    Returns
    -------
    NoiseGrid
        From windows of 20 beams, 8 beams apart, or larger ones in a very large image. Pixels more than 3 standard
        deviations above or below the median are clipped; so sources count little, unless they fill a window.
    """
    _, ny, nx = image.shape
    beam = beam_pixels(image)
    width = beam[0] if beam is not None else _USUAL_BEAM
    step = max(_STEP_BEAMS * width, _SMALLEST_STEP, max(ny, nx) / _MOST_STEPS)
    rows, columns = (max(1, round(n / step)) for n in (ny, nx))
    steps = ny / rows, nx / columns
    half = _WINDOW_STEPS * step / 2
    background, rms = np.full((2, rows, columns), np.nan)
    for row in range(rows):
        middle = (row + 0.5) * steps[0]
        y0, y1 = max(0, math.floor(middle - half)), min(ny, math.ceil(middle + half))
        strip = image.read(y0, y1, 0, nx)[0]
        for column in range(columns):
            middle = (column + 0.5) * steps[1]
            x0, x1 = max(0, math.floor(middle - half)), min(nx, math.ceil(middle + half))
            background[row, column], rms[row, column] = measure_window(strip[:, x0:x1])
    return NoiseGrid(
        background=_fill(background), rms=_fill(rms), step=steps, start=(steps[0] / 2 - 0.5, steps[1] / 2 - 0.5)
    )


def measure_window(pixels: np.ndarray) -> tuple[float, float]:
    """Return median and standard deviation of the noise in some pixels; NaN if too few have data."""
    every = math.ceil(math.sqrt(pixels.size / _MOST_SAMPLES))
    values = pixels[::every, ::every].ravel()
    finite = values[np.isfinite(values)].astype(np.float64)
    if len(finite) < max(8, _LEAST * len(values)):
        return math.nan, math.nan
    for _ in range(_ROUNDS):
        middle = float(np.median(finite))
        sigma = _TO_SIGMA * float(np.median(np.abs(finite - middle)))
        kept = finite[np.abs(finite - middle) <= _CLIP * sigma]
        if sigma == 0 or len(kept) == len(finite):
            break
        finite = kept
    return middle, sigma


def _fill(values: np.ndarray) -> np.ndarray:
    """Return values with the nearest ones in the place of NaN."""
    missing = np.isnan(values)
    if not missing.any() or missing.all():
        return values
    nearest = distance_transform_edt(missing, return_distances=False, return_indices=True)
    filled: np.ndarray = values[tuple(nearest)]
    return filled
