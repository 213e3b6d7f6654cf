"""Points of known flux, added to a real image: what is found of them tells completeness and flux bias."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from galaxtool import InputError
from galaxtool_detect.boxes import FieldImage
from galaxtool_detect.catalog.maps import FieldMap, beam_pixels
from galaxtool_detect.catalog.noise_grid import NoiseGrid, measure_noise
from galaxtool_detect.simulation.components import Components, make_covariance, render
from galaxtool_detect.simulation.outline import find_box

_CELL_BEAMS = 6.0
_CLEAR_BEAMS = 1.5
_TRIES = 40


def inject_points(field: FieldImage, n: int, seed: int, snr: tuple[float, float] = (3.0, 40.0)) -> FieldImage:
    """Add point sources to an image, away from the sources that are there.

    Parameters
    ----------
    field : FieldImage
        Image with a beam and a WCS.
    n : int
        Number of points; fewer, where there is no room for as many without overlaps.
    seed : int
        Random seed.
    snr : (float, float)
        Range of the ratio of peak to local noise; uniform in its logarithm.

    Returns
    -------
    FieldImage
        The points are the labelled sources (class 0), and all others ignored. `FieldImage.truth` has ``flux``,
        ``peak``, ``rms`` and ``snr``; NaN for the ignored sources.

    Raises
    ------
    InputError
        If the image has no beam, no scale or no noise, or the injected points find no room.
    """
    image = FieldMap(field)
    beam = beam_pixels(image)
    if beam is None:
        what = "no beam" if field.beam is None else "no WCS"
        raise InputError(
            f"'{field.name}' has {what}, so it is not known what a point source looks like in it.",
            hint="Its header needs BMAJ, BMIN and BPA, and a WCS.",
        )
    rng = np.random.default_rng(seed)
    noise = measure_noise(image)
    if np.isfinite(noise.rms).any() and not (noise.rms > 0).any():
        raise InputError(
            f"'{field.name}' has no noise (nearly all of its pixels are equal), which sets the brightness of sources.",
            hint="Give a map with noise.",
        )
    places = _find_places(field, beam[0], n, rng, noise)
    if not len(places):
        raise InputError(f"'{field.name}' has no room for injected sources.")
    _, rms = noise.at(places[:, 0], places[:, 1])
    levels = np.exp(rng.uniform(np.log(snr[0]), np.log(snr[1]), len(places)))
    fluxes = levels * rms
    kernel = make_covariance(*beam)
    pixels = field.pixels.copy()
    boxes = []
    for place, flux, sigma in zip(places, fluxes, rms, strict=True):
        point = Components(positions=place[None], fluxes=np.array([flux]), covariances=np.zeros((1, 2, 2)))
        model = render(point, kernel, field.shape)
        pixels[0] += model.astype(np.float32)
        boxes.append(find_box(model, float(sigma)))
    ignored = np.concatenate([field.boxes, field.ignored])
    missing = np.full(len(ignored), np.nan)
    truth = {"flux": fluxes, "peak": fluxes, "rms": rms, "snr": levels}
    return replace(
        field,
        pixels=pixels,
        boxes=np.array(boxes, np.float32).reshape(-1, 4),
        labels=np.zeros(len(boxes), np.int64),
        ignored=ignored,
        truth={key: np.concatenate([values, missing]) for key, values in truth.items()},
    )


def count_room(field: FieldImage) -> int:
    """Return how many points can be injected into an image at a time without crowding it."""
    beam = beam_pixels(FieldMap(field))
    width = beam[0] if beam is not None else 4.0
    pixels = int(np.isfinite(field.pixels[0]).sum())
    return max(1, int(pixels / (_CELL_BEAMS * width) ** 2))


def _find_places(field: FieldImage, width: float, n: int, rng: np.random.Generator, noise: NoiseGrid) -> np.ndarray:
    """Return places with noise that are clear of blank pixels, of sources and of each other, shape (m, 2)."""
    ny, nx = field.shape
    boxes = np.concatenate([field.boxes, field.ignored])
    margin = _CLEAR_BEAMS * width
    if min(nx, ny) <= 2 * margin + 1:
        return np.zeros((0, 2))
    blank = np.isnan(field.pixels[0])
    found: list[np.ndarray] = []
    drawn = rng.uniform([margin, margin], [nx - 1 - margin, ny - 1 - margin], (_TRIES * n, 2))
    _, rms = noise.at(drawn[:, 0], drawn[:, 1])
    for place in drawn[rms > 0]:  # maps may be padded with zeros
        x, y = place
        if len(found) == n:
            break
        x0, x1 = max(0, int(x - margin)), int(x + margin) + 2
        y0, y1 = max(0, int(y - margin)), int(y + margin) + 2
        if blank[y0:y1, x0:x1].any():
            continue
        near = (boxes[:, 0] < x + margin) & (boxes[:, 2] > x - margin)
        near &= (boxes[:, 1] < y + margin) & (boxes[:, 3] > y - margin)
        if near.any() or any(np.hypot(*(place - other)) < 2 * margin for other in found):
            continue
        found.append(place)
    return np.array(found).reshape(-1, 2)
