"""Image statistics that tell galaxies from stars, artefacts, empty sky and photographs, without a network."""

from __future__ import annotations

import itertools
from functools import lru_cache
from typing import NamedTuple

import numpy as np

_RINGS = (0.0, 0.022, 0.045, 0.07, 0.1, 0.15, 0.22, 0.32, 0.45)
"""Edges of the rings around the middle, in sides of the picture."""

_BORDER, _CORE, _TURNED = 0.42, 0.07, 0.3
_FLOOR = 0.003  # about one level of 8 bits, below which logarithms would say nothing
_DARK, _BRIGHT = 0.01, 0.97
_WHITE = 255

N_STATISTICS = 29
"""Number of statistics of a picture."""


class _Regions(NamedTuple):
    """Regions of a picture: the indices of the border, and a matrix that takes means in the others."""

    border: np.ndarray
    rings: np.ndarray
    core: np.ndarray
    disk: np.ndarray


def measure_statistics(pictures: np.ndarray) -> np.ndarray:
    """Return the statistics of pictures.

    Parameters
    ----------
    pictures : ndarray of uint8, shape (N, size, size, C)
        Pictures as `galaxtool.vision.preprocess.Preprocess.picture` returns them.

    Returns
    -------
    ndarray of float32, shape (N, 29)
        Logarithms of: level and range of the border, brightness in rings around the middle above the border, the same
        relative to the innermost, shares of black and of white pixels, steps along rows and columns and their ratio,
        differences between channels, curvature, pixels that stick out of their neighbours, and difference from the
        picture turned by 180 degrees.
    """
    # one by one, so that an image stays in the cache of the processor, and in whole numbers
    rows = [_measure(picture) for picture in pictures]
    values = np.array(rows, dtype=np.float32).reshape(len(pictures), N_STATISTICS)
    statistics: np.ndarray = np.log(np.maximum(values, 0) + np.float32(_FLOOR))
    return statistics


def _measure(picture: np.ndarray) -> list[float]:
    planes = np.ascontiguousarray(picture.transpose(2, 0, 1))
    channels, size = planes.shape[:2]
    white = channels * _WHITE
    gray = planes.sum(axis=0, dtype=np.int16)  # a picture has at most 128 channels
    flat, regions = gray.ravel(), _get_regions(size)
    level, low, high = (one / white for one in _find_quantiles(flat[regions.border], (0.5, 0.1, 0.9)))
    rings = np.maximum(flat.astype(np.float32) @ regions.rings / white - level, 0)
    dark, dim = (np.count_nonzero(flat <= int(share * white)) / flat.size for share in (_DARK, _BRIGHT))
    across = _find_mean(np.abs(gray[:, 1:] - gray[:, :-1])) / white
    along = _find_mean(np.abs(gray[1:] - gray[:-1])) / white
    turned = np.abs((flat - flat[::-1])[regions.disk])
    return [
        level,
        high - low,
        *rings.tolist(),
        *(rings[1:] / max(float(rings[0]), 0.01)).tolist(),
        dark,
        1 - dim,
        across,
        along,
        abs(float(np.log((across + 1e-4) / (along + 1e-4)))),
        *_measure_color(planes, regions),
        *_measure_sharpness(planes, gray),
        _find_mean(turned) / white,
    ]


def _measure_color(planes: np.ndarray, regions: _Regions) -> tuple[float, float, float]:
    """Return the mean difference between channels, that of the core, and its 99th percentile."""
    color = (planes.max(axis=0) - planes.min(axis=0)).ravel()
    (extreme,) = _find_quantiles(color, (0.99,))
    return _find_mean(color) / _WHITE, _find_mean(color[regions.core]) / _WHITE, extreme / _WHITE


def _measure_sharpness(planes: np.ndarray, gray: np.ndarray) -> tuple[float, float, float]:
    """Return the median and 99th percentile of the curvature, and how far the sharpest pixels stick out."""
    size = gray.shape[-1]
    values, left, right, up, down = _get_neighbors(gray[None])
    curvature = np.abs(values * 4 - left - right - up - down)
    median, extreme = _find_quantiles(_drop_edges(curvature, size), (0.5, 0.99))
    values, left, right, up, down = _get_neighbors(planes)
    low = np.minimum(np.maximum(left, right), np.maximum(up, down))
    high = np.maximum(np.minimum(left, right), np.minimum(up, down))
    # the two neighbours in between are `low` and `high` in some order
    least, most = np.minimum(low, high), np.maximum(low, high)
    sticking = np.maximum(np.maximum(values, most) - most, least - np.minimum(values, least))
    (spikes,) = _find_quantiles(_drop_edges(sticking.max(axis=0), size), (0.995,))
    white = len(planes) * _WHITE
    return median / white, extreme / white, spikes / _WHITE


def _get_neighbors(planes: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return all pixels but those of the first and last row, and their left, right, upper and lower neighbours.

    All are views, (C, n), of long rows, which are fast; those of the first and last columns are wrong.
    """
    size = planes.shape[-1]
    rows = planes.reshape(len(planes), -1)
    end = rows.shape[1] - size
    return (
        rows[:, size:end],
        rows[:, size - 1 : end - 1],
        rows[:, size + 1 : end + 1],
        rows[:, : end - size],
        rows[:, 2 * size :],
    )


def _drop_edges(values: np.ndarray, size: int) -> np.ndarray:
    """Return the values of `_get_neighbors`, (n,), without those of the first and last columns."""
    return values.reshape(-1, size)[:, 1:-1].ravel()


def _find_mean(values: np.ndarray) -> float:
    """Return the mean of whole numbers, which is exact."""
    return float(np.add.reduce(values, axis=None, dtype=np.int64) / values.size)


def _find_quantiles(values: np.ndarray, shares: tuple[float, ...]) -> list[float]:
    """Return quantiles of whole numbers from 0 on, without interpolation."""
    places = np.bincount(values).cumsum().searchsorted([share * values.size for share in shares], side="right")
    return [float(place) for place in places.tolist()]


@lru_cache(maxsize=4)
def _get_regions(size: int) -> _Regions:
    offset = np.arange(size) - (size - 1) / 2
    distance = (np.hypot(offset[:, None], offset) / size).ravel()
    inside = [(low <= distance) & (distance < high) for low, high in itertools.pairwise(_RINGS)]
    rings = np.stack([one / max(1, one.sum()) for one in inside], axis=1).astype(np.float32)
    core = distance <= max(_CORE, float(distance.min()))  # at least the pixels in the middle
    border, disk = distance > _BORDER, distance < _TURNED
    return _Regions(np.flatnonzero(border), rings, np.flatnonzero(core), np.flatnonzero(disk))
