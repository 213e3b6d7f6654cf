"""The space in which a model of few labels works: whitened features, made once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

COMPONENTS = 64
"""Number of principal components that are kept."""

POWER = 0.5
"""How much the components are made equal: 0 leaves their variances, 1 makes all 1."""

_SAMPLE = 100_000  # vectors from which the components are computed
_BLOCK = 16_384
_TINY = 1e-6


@dataclass(frozen=True, eq=False)
class LabelSpace:
    """Features for models of few labels.

    Parameters
    ----------
    points : ndarray of float32, shape (N, K)
        Whitened principal components, with a mean variance of 1.
    lengths : ndarray of float32, shape (N,)
        Their lengths, at least a tiny number.
    mean : ndarray of float32, shape (D,)
        Mean that was subtracted.
    axes : ndarray of float32, shape (D, K)
        Directions, scaled.
    """

    points: np.ndarray
    lengths: np.ndarray
    mean: np.ndarray
    axes: np.ndarray

    def __len__(self) -> int:
        return len(self.points)

    def blocks(self) -> Iterator[tuple[slice, np.ndarray]]:
        """Yield the points in blocks that fit into the cache of a processor."""
        for start in range(0, len(self.points), _BLOCK):
            part = slice(start, min(start + _BLOCK, len(self.points)))
            yield part, self.points[part]

    def project(self, weights: np.ndarray) -> np.ndarray:
        """Return the products of all points with some directions, float32 (N, ...), for weights (K, ...)."""
        product: np.ndarray = self.points @ weights.astype(np.float32)
        return product


def make_space(vectors: np.ndarray, *, components: int = COMPONENTS, power: float = POWER) -> LabelSpace:
    """Whiten features.

    Parameters
    ----------
    vectors : ndarray of float32 or float16, shape (N, D)
        Features, all finite; they may be mapped from a file.
    components : int
        Number of principal components to keep, if there are as many.
    power : float
        Each component is divided by its standard deviation to this power.

    Notes
    -----
    The components are those of at most 100,000 vectors, evenly spaced. Little-varying components are noise, and a model
    of a few labels would learn it: hence not all are kept, and they are not made fully equal.
    """
    step = max(1, -(-len(vectors) // _SAMPLE))
    sample = np.asarray(vectors[::step], dtype=np.float32)
    mean = sample.mean(axis=0, dtype=np.float64).astype(np.float32)
    centered = sample - mean
    covariance = (centered.T @ centered).astype(np.float64) / max(1, len(sample) - 1)
    variances, axes = np.linalg.eigh(covariance)
    variances, axes = variances[::-1], axes[:, ::-1]
    count = min(components, max(1, int((variances > max(variances[0], 0) * _TINY).sum())))
    variances = np.maximum(variances[:count], np.finfo(np.float32).tiny)
    axes = axes[:, :count] * np.where(np.abs(axes[:, :count]).max(axis=0) == axes[:, :count].max(axis=0), 1, -1)
    scales = variances ** (-power / 2)
    scales /= np.sqrt(np.mean(variances * scales**2))
    directions = (axes * scales).astype(np.float32)
    points = np.empty((len(vectors), count), dtype=np.float32)
    for start in range(0, len(vectors), _BLOCK):
        part = slice(start, start + _BLOCK)
        points[part] = (np.asarray(vectors[part], dtype=np.float32) - mean) @ directions
    lengths = np.maximum(np.sqrt(np.einsum("ij,ij->i", points, points)), 1e-12)
    return LabelSpace(points, lengths, mean, directions)
