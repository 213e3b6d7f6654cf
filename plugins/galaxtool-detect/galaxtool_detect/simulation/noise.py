"""Noise and artefacts of a radio map."""

from __future__ import annotations

import math

import numpy as np
from scipy import fft, ndimage


def draw_noise(shape: tuple[int, int], beam: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw noise with a standard deviation of one that is correlated like the beam.

    Parameters
    ----------
    shape : (ny, nx)
        Size of the image.
    beam : ndarray, shape (2, 2)
        Covariance of the beam in pixels.
    rng : Generator
        Source of random numbers.

    Returns
    -------
    ndarray of float64, shape (ny, nx)
    """
    size, kernel = _make_kernel(shape, beam)
    white = fft.rfft2(rng.normal(size=size))
    noise = fft.irfft2(white * kernel, s=size)[: shape[0], : shape[1]]
    # the variance that smoothing leaves of white noise
    gain = math.sqrt(float(np.mean(fft.irfft2(kernel, s=size) ** 2)) * size[0] * size[1])
    scaled: np.ndarray = noise / gain
    return scaled


def draw_confusion(shape: tuple[int, int], beam: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Draw what point sources too faint to count add up to, with a mean of zero and a standard deviation of one.

    There is one source in each area of the beam, with a flux from a power law over a decade.

    Parameters
    ----------
    shape : (ny, nx)
        Size of the image.
    beam : ndarray, shape (2, 2)
        Covariance of the beam in pixels.
    rng : Generator
        Source of random numbers.

    Returns
    -------
    ndarray of float64, shape (ny, nx)
    """
    size, kernel = _make_kernel(shape, beam)
    number = rng.poisson(size[0] * size[1] / (2 * math.pi * math.sqrt(np.linalg.det(beam))))
    points = np.zeros(size)
    place = (rng.integers(size[0], size=number), rng.integers(size[1], size=number))
    np.add.at(points, place, (1 - 0.85 * rng.random(number)) ** -1.25)
    image = fft.irfft2(fft.rfft2(points) * kernel, s=size)
    scaled: np.ndarray = ((image - image.mean()) / (image.std() or 1.0))[: shape[0], : shape[1]]
    return scaled


def _make_kernel(shape: tuple[int, int], beam: np.ndarray) -> tuple[tuple[int, int], np.ndarray]:
    """Return the size of an image with margins, beyond which nothing wraps around, and the beam's Fourier transform."""
    pad = 2 * math.ceil(6 * math.sqrt(beam.max()))
    size = (fft.next_fast_len(shape[0] + pad), fft.next_fast_len(shape[1] + pad))
    ky, kx = np.fft.fftfreq(size[0])[:, None], np.fft.rfftfreq(size[1])
    power = beam[0, 0] * kx**2 + 2 * beam[0, 1] * kx * ky + beam[1, 1] * ky**2
    return size, np.exp(-2 * math.pi**2 * power)


def draw_gain(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Draw a smooth map of factors of the noise, from 1 to at most 2, growing away from a pointing centre."""
    ny, nx = shape
    y, x = np.mgrid[:ny, :nx]
    cx, cy = nx * rng.uniform(0, 1), ny * rng.uniform(0, 1)
    distance = np.hypot(x - cx, y - cy) / np.hypot(nx, ny)
    gain: np.ndarray = 1 + rng.uniform(0, 1) * distance**2
    return gain


def draw_sidelobes(
    shape: tuple[int, int], x: float, y: float, peak: float, width: float, rng: np.random.Generator
) -> np.ndarray:
    """Draw what deconvolution leaves around a bright source: faint rings and spokes.

    Parameters
    ----------
    shape : (ny, nx)
        Size of the image.
    x, y, peak : float
        Position in pixels and peak of the source.
    width : float
        Width of the beam in pixels.
    rng : Generator
        Source of random numbers.
    """
    rows, columns = np.mgrid[: shape[0], : shape[1]]
    radius = np.hypot(columns - x, rows - y) / width
    angle = np.arctan2(rows - y, columns - x)
    rings = np.cos(2 * math.pi * radius / rng.uniform(2.0, 3.0) + rng.uniform(0, 2 * math.pi))
    spokes = 0.6 + 0.4 * np.cos(int(rng.integers(2, 6)) * angle + rng.uniform(0, 2 * math.pi))
    fall = np.clip(radius - 1.5, 0, 1) / np.maximum(radius, 1)
    pattern: np.ndarray = rings * spokes * fall
    return peak * rng.uniform(0.002, 0.008) * pattern


def draw_border(shape: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    """Draw the edge of a mosaic: True where there are no data, on one side or corner of the field."""
    ny, nx = shape
    y, x = np.mgrid[:ny, :nx]
    angle, depth = rng.uniform(0, 2 * math.pi), rng.uniform(0.25, 0.6)
    distance = ((x - nx / 2) * math.cos(angle) + (y - ny / 2) * math.sin(angle)) / min(ny, nx)
    wave = 0.03 * ndimage.gaussian_filter(rng.normal(size=shape), 8, mode="nearest") * 20
    beyond: np.ndarray = distance + wave > depth
    return beyond
