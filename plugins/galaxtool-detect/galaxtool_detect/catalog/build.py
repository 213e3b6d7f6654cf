"""Build the catalogue of what was found in an image: a table of sources, and one of the detections they consist of."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from astropy.table import Column, Table

from galaxtool import Progress
from galaxtool_detect.boxes import Detections
from galaxtool_detect.catalog.fluxes import (
    NO_WCS,
    RESOLVED,
    Measurement,
    estimate_beam_width,
)
from galaxtool_detect.catalog.joining import contains, find_groups
from galaxtool_detect.catalog.maps import PixelMap
from galaxtool_detect.catalog.measure_boxes import measure_boxes
from galaxtool_detect.catalog.noise_grid import NoiseGrid, measure_noise
from galaxtool_detect.catalog.units import clean_unit, find_flux_unit

_BOX = ("x0", "y0", "x1", "y1")
_FRAME = 0.8  # of the box around all parts: a part that fills so much of it is the source itself


@dataclass(frozen=True, kw_only=True, eq=False)
class SourceCatalogue:
    """What was found in an image.

    Parameters
    ----------
    sources : Table
        A row for each source; see `build_catalogue`.
    components : Table
        A row for each detection, with the same columns but ``n_parts`` and ``parts``, and with ``source``.
    """

    sources: Table
    components: Table


def build_catalogue(
    image: PixelMap,
    found: Detections,
    classes: Sequence[str],
    *,
    name: str = "source",
    join: bool = True,
    noise: NoiseGrid | None = None,
    progress: Progress | None = None,
) -> SourceCatalogue:
    """Measure detections and join those that are parts of one source.

    Parameters
    ----------
    image : PixelMap
        The image: a `galaxtool.SkyMap`, or a `galaxtool_detect.catalog.maps.FieldMap`.
    found : Detections
        What the detector found in it.
    classes : sequence of str
        Names of the classes.
    name : str
        Beginning of the identifiers, such as the name of the image.
    join : bool
        Whether to join parts of one source; otherwise each detection is a source.
    noise : NoiseGrid, optional
        Background and noise of the image, if they were measured before.
    progress : Progress, optional
        Receives the progress.

    Returns
    -------
    SourceCatalogue
        Columns: ``id``; ``ra`` and ``dec`` in degrees (ICRS); ``x`` and ``y``, the position in pixels, the centre of
        the first pixel being (0, 0); the box ``x0``, ``y0``, ``x1``, ``y1`` in pixels, and its sides ``width_arcsec``
        and ``height_arcsec``; ``score``, ``label``; ``peak`` and ``flux`` with errors, ``rms``, ``background``;
        ``snr``; the beam ``beam_major``, ``beam_minor`` (arcsec) and ``beam_angle`` (deg); ``n_parts``, ``parts``;
        ``flags``. The position is that of the peak, or the middle of the box of a source that is resolved or has parts.
    """
    noise = noise if noise is not None else measure_noise(image)
    boxes = found.boxes.astype(float)
    n = len(found)
    labels = [classes[int(label)] for label in found.labels]
    measured = measure_boxes(image, noise, boxes, labels, progress)
    groups = find_groups(image, boxes, measured, estimate_beam_width(image)) if join and n else np.arange(n)
    rows = [_describe(measured[i], boxes[i], float(found.scores[i]), labels[i]) for i in range(n)]
    members = np.split(np.argsort(groups, kind="stable"), np.cumsum(np.bincount(groups))[:-1]) if n else []
    ids = [f"{name}-{i + 1:05d}" for i in range(len(members))]
    part_ids = np.array([ids[group] for group in groups], dtype=object)
    for parts in members:
        if len(parts) > 1:
            for number, i in enumerate(parts):
                part_ids[i] += _letter(number)
    components = _make_table(image, rows, part_ids.tolist())
    components.add_column(_text_column([ids[group] for group in groups]), name="source", index=1)
    sources = _make_table(image, [_join(rows, parts) for parts in members], ids)
    flags = sources["flags"]
    sources.remove_column("flags")
    sources["n_parts"] = np.array([len(parts) for parts in members], np.int64)
    sources["parts"] = _text_column([" ".join(part_ids[parts]) if len(parts) > 1 else "" for parts in members])
    sources["flags"] = flags
    return SourceCatalogue(sources=sources, components=components)


def _text_column(values: Sequence[str]) -> Column:
    return Column(list(values), dtype=str)


def _letter(number: int) -> str:
    """Return a, b, ... z, aa, ab for the parts of a source."""
    text = ""
    number += 1
    while number:
        number, rest = divmod(number - 1, 26)
        text = chr(ord("a") + rest) + text
    return text


@dataclass(frozen=True, kw_only=True)
class _Row:
    """A source before it becomes a row of a table."""

    x: float
    y: float
    box: tuple[float, float, float, float]
    score: float
    label: str
    peak: float
    flux: float
    flux_error: float
    rms: float
    background: float
    flags: tuple[str, ...]


def _describe(one: Measurement, box: np.ndarray, score: float, label: str) -> _Row:
    resolved = RESOLVED in one.flags
    return _Row(
        x=float(box[0] + box[2]) / 2 if resolved else one.x,
        y=float(box[1] + box[3]) / 2 if resolved else one.y,
        box=(float(box[0]), float(box[1]), float(box[2]), float(box[3])),
        score=score, label=label, peak=one.peak, flux=one.flux, flux_error=one.flux_error, rms=one.rms,
        background=one.background, flags=one.flags,
    )  # fmt: skip


def _join(rows: list[_Row], parts: np.ndarray) -> _Row:
    """Return the source that some detections are parts of."""
    members: list[_Row] = [rows[i] for i in parts.tolist()]
    if len(members) == 1:
        return members[0]
    corners = np.array([one.box for one in members])
    x0, y0, x1, y1 = (*map(float, corners[:, :2].min(axis=0)), *map(float, corners[:, 2:].max(axis=0)))
    area = (corners[:, 2] - corners[:, 0]) * (corners[:, 3] - corners[:, 1])
    largest = members[int(np.argmax(area))]
    has_frame = float(area.max()) >= _FRAME * (x1 - x0) * (y1 - y0)
    brightest = max(members, key=lambda one: (-math.inf if math.isnan(one.peak) else one.peak, one.score))
    main = largest if has_frame else brightest
    # the pixels of a part within a larger one count for that one already
    counted = [
        one for i, one in enumerate(members)
        if not any(area[i] < area[j] and contains(corners[i], corners[j]) for j in range(len(members)))
    ]  # fmt: skip
    return _Row(
        x=(x0 + x1) / 2,
        y=(y0 + y1) / 2,
        box=(x0, y0, x1, y1),
        score=max(one.score for one in members),
        label=main.label,
        peak=brightest.peak,
        flux=main.flux if has_frame else float(sum(one.flux for one in counted)),
        flux_error=main.flux_error if has_frame else float(np.sqrt(sum(one.flux_error**2 for one in counted))),
        rms=main.rms,
        background=main.background,
        flags=tuple(dict.fromkeys(flag for one in members for flag in one.flags)),
    )


def _make_table(image: PixelMap, rows: Sequence[_Row], names: Sequence[str]) -> Table:
    """Return a table of sources, with units."""

    def column(values: Sequence[float], unit: str | None = None) -> Column:
        return Column(np.array(values, dtype=np.float64), unit=unit)

    x, y = (np.array([getattr(one, key) for one in rows], float) for key in ("x", "y"))
    ra, dec = image.to_sky(x, y)
    boxes = np.array([one.box for one in rows], float).reshape(-1, 4)
    scale = image.pixel_scale if image.pixel_scale else np.nan
    peak_unit, flux_unit = clean_unit(image.unit), find_flux_unit(image.unit)
    table = Table()
    table["id"] = _text_column(names)
    table["ra"], table["dec"] = column(ra.tolist(), "deg"), column(dec.tolist(), "deg")
    table["x"], table["y"] = column(x.tolist(), "pix"), column(y.tolist(), "pix")
    for i, key in enumerate(_BOX):
        table[key] = column(boxes[:, i].tolist(), "pix")
    table["width_arcsec"] = column(((boxes[:, 2] - boxes[:, 0]) * scale).tolist(), "arcsec")
    table["height_arcsec"] = column(((boxes[:, 3] - boxes[:, 1]) * scale).tolist(), "arcsec")
    table["score"] = column([one.score for one in rows])
    table["label"] = _text_column([one.label for one in rows])
    table["peak"] = column([one.peak for one in rows], peak_unit)
    table["peak_error"] = column([one.rms for one in rows], peak_unit)
    table["flux"] = column([one.flux for one in rows], flux_unit)
    table["flux_error"] = column([one.flux_error for one in rows], flux_unit)
    table["rms"] = column([one.rms for one in rows], peak_unit)
    table["background"] = column([one.background for one in rows], peak_unit)
    table["snr"] = column([one.peak / one.rms if one.rms > 0 else np.nan for one in rows])
    beam = image.beam
    values = (beam.major, beam.minor, beam.angle) if beam is not None else (np.nan,) * 3
    for key, value, unit in zip(
        ("beam_major", "beam_minor", "beam_angle"), values, ("arcsec", "arcsec", "deg"), strict=True
    ):
        table[key] = column([value] * len(rows), unit)
    extra = (NO_WCS,) if image.pixel_scale is None else ()
    table["flags"] = _text_column([" ".join((*one.flags, *extra)) for one in rows])
    return table
