"""One simulated field: sources, their boxes and true fluxes, and the map."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from astropy.wcs import WCS

from galaxtool import Beam
from galaxtool_detect.boxes import FieldImage
from galaxtool_detect.simulation.components import Components, make_covariance, render
from galaxtool_detect.simulation.crowding import SHARES as CROWDED_SHARES
from galaxtool_detect.simulation.crowding import draw_crowding, find_blends, look_up
from galaxtool_detect.simulation.noise import draw_border, draw_gain, draw_noise, draw_sidelobes
from galaxtool_detect.simulation.outline import find_box, find_peak
from galaxtool_detect.simulation.sources import CLASSES, SHARES, draw_source

_BRIGHT = 150.0  # signal-to-noise of sources that leave sidelobes
_FAINTEST, _BRIGHTEST, _SLOPE = 2.5, 3000.0, 1.8  # of the distribution of signal-to-noise


@dataclass(frozen=True, kw_only=True)
class FieldOptions:
    """What simulated fields are like.

    Parameters
    ----------
    size : int
        Side in pixels.
    density : float
        Mean number of sources in 256 x 256 pixels.
    faintest : float
        Lowest ratio of peak to noise of the sources that have labels; fainter ones are ignored.
    artefacts : bool
        Whether there are sidelobes of bright sources, noise that varies, and borders without data.
    crowded : float
        Share of the fields that are crowded, see `galaxtool_detect.simulation.crowding.Crowding`.
    """

    size: int = 256
    density: float = 20.0
    faintest: float = 5.0
    artefacts: bool = True
    crowded: float = 0.0


def simulate_field(seed: int, index: int, options: FieldOptions) -> FieldImage:
    """Simulate a field.

    Parameters
    ----------
    seed, index : int
        Random seed, and number of the field; the field depends on nothing else than these and the options.
    options : FieldOptions
        What fields are like.

    Returns
    -------
    FieldImage
        In Jy/beam. `FieldImage.truth` has, for each labelled source and then each ignored one, ``x`` and ``y`` (the
        centroid), ``flux`` (Jy), ``peak`` (Jy/beam), ``rms`` (Jy/beam), ``snr`` and ``label``.
    """
    rng = np.random.default_rng((seed, index))
    shape = (options.size, options.size)
    scale = rng.uniform(1.0, 2.5)
    wcs = _make_wcs(rng, options.size, scale)
    width = rng.uniform(3.2, 6.0)
    ratio, angle = rng.uniform(0.7, 1.0), rng.uniform(-90, 90)
    beam = Beam(major=width * scale, minor=width * ratio * scale, angle=angle)
    kernel = make_covariance(width, width * ratio, angle)
    sigma = 10 ** rng.uniform(-4.7, -3.7)
    gain = draw_gain(shape, rng) if options.artefacts else np.ones(shape)
    noise = draw_noise(shape, kernel, rng)
    expected, shares = options.density * (options.size / 256) ** 2, SHARES
    crowding = draw_crowding(seed, index, options.crowded, shape)
    if crowding is not None:
        gain, noise = crowding.raise_noise(gain, width), crowding.disturb(noise, kernel, rng)
        expected, shares = expected * crowding.factor, CROWDED_SHARES
    image = sigma * gain * noise

    rows = []
    sky = np.zeros(shape)
    for _ in range(int(rng.poisson(expected))):
        label = int(rng.choice(len(CLASSES), p=shares))
        x, y = rng.uniform(2, options.size - 3, 2)
        source = draw_source(CLASSES[label], rng).scale(size=width).move(x, y)
        local = sigma * float(gain[round(y), round(x)])
        snr = _draw_snr(rng)
        model, source = _set_peak(source, kernel, shape, snr * local)
        box = find_box(model, local)
        if box is None:
            continue
        image += model
        sky += model
        if options.artefacts and snr > _BRIGHT:
            image += draw_sidelobes(shape, x, y, snr * local, width, rng)
        rows.append((*box, label, *source.centroid, source.fluxes.sum(), snr * local, local, snr))
    table = np.array(rows, dtype=np.float64).reshape(-1, 11)
    if options.artefacts and rng.random() < 0.25:
        table = _cut_border(image, table, draw_border(shape, rng))
    if crowding is not None:
        table = _cut_border(image, table, crowding.border)
    counts = table[:, 10] >= options.faintest
    if crowding is not None:
        counts &= (table[:, 4] > 0) | ~find_blends(sky, table[:, 5], table[:, 6], width)
    return _assemble(f"field-{index:05d}", image, table, counts, wcs, beam)


def _assemble(name: str, image: np.ndarray, table: np.ndarray, counts: np.ndarray, wcs: WCS, beam: Beam) -> FieldImage:
    """Return the field, with the sources that count, which get labels, first."""
    table = np.concatenate([table[counts], table[~counts]])
    n = int(counts.sum())
    names = ("label", "x", "y", "flux", "peak", "rms", "snr")
    return FieldImage(
        name=name,
        pixels=image[None].astype(np.float32),
        boxes=table[:n, :4].astype(np.float32),
        labels=table[:n, 4].astype(np.int64),
        ignored=table[n:, :4].astype(np.float32),
        wcs=wcs,
        beam=beam,
        unit="Jy/beam",
        truth={key: table[:, 4 + i] for i, key in enumerate(names)},
    )


def _make_wcs(rng: np.random.Generator, size: int, scale: float) -> WCS:
    wcs = WCS(naxis=2)
    wcs.wcs.ctype = ["RA---SIN", "DEC--SIN"]
    wcs.wcs.crval = [rng.uniform(0, 360), math.degrees(math.asin(rng.uniform(-0.95, 0.95)))]
    wcs.wcs.crpix = [(size + 1) / 2, (size + 1) / 2]
    wcs.wcs.cdelt = [-scale / 3600, scale / 3600]
    wcs.wcs.cunit = ["deg", "deg"]
    wcs.wcs.radesys = "ICRS"
    return wcs


def _draw_snr(rng: np.random.Generator) -> float:
    """Draw a ratio of peak to noise from a power law."""
    power = 1 - _SLOPE
    low, high = _FAINTEST**power, _BRIGHTEST**power
    return float((low + rng.random() * (high - low)) ** (1 / power))


def _set_peak(
    source: Components, kernel: np.ndarray, shape: tuple[int, int], peak: float
) -> tuple[np.ndarray, Components]:
    """Return the image of a source with a given peak, and the source with the flux that this takes."""
    model = render(source, kernel, shape)
    top = find_peak(model)
    factor = peak / top if top > 0 else 0.0
    return model * factor, source.scale(flux=factor)


def _cut_border(image: np.ndarray, table: np.ndarray, border: np.ndarray) -> np.ndarray:
    """Blank the pixels beyond a border, and drop the sources whose centres lie there."""
    image[border] = np.nan
    kept: np.ndarray = table[~look_up(border, table[:, 5], table[:, 6])]
    return kept
