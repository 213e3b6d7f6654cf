"""The manifest ``cutouts.csv``: a row for each row of the catalogue, and itself a catalogue of images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from astropy.table import Column, MaskedColumn, Table

from galaxtool.cutting.plan import CutPlan
from galaxtool.cutting.tasks import format_section
from galaxtool.tables.column_names import DEC_COLUMNS, ID_COLUMNS, MEMBER_COLUMNS, PATH_COLUMNS, RA_COLUMNS

OWN = ("id", "path", "ra", "dec", "image", "x", "y", "section", "size", "pixel_scale", "flags", "error")
"""Its columns, behind those of the catalogue."""

_READ_FIRST = {
    name
    for usual, ours in ((PATH_COLUMNS, "path"), (ID_COLUMNS, "id"), (RA_COLUMNS, "ra"), (DEC_COLUMNS, "dec"))
    for name in usual[: usual.index(ours)]
} | set(MEMBER_COLUMNS)


def make_manifest(plan: CutPlan, paths: Sequence[str], flags: Sequence[str], errors: Sequence[str]) -> Table:
    """Return the manifest.

    Parameters
    ----------
    plan : Plan
        Of N rows.
    paths : sequence of str
        Relative to the manifest's folder; empty where there is no cutout.
    flags, errors : sequence of str
        Of all rows.

    Returns
    -------
    Table
        The catalogue's columns, renamed ``in_<name>`` where they bear a name of ours or would be taken for it; then
        `OWN`. Pixels count from 1, as in FITS; ``x``, ``y``, ``section`` and ``pixel_scale`` are those of the first
        band that has an image.
    """
    table = Table()
    taken = {name.lower() for name in (*OWN, *plan.objects.table.colnames)}
    for name in plan.objects.table.colnames:
        kept = name
        if name.lower() in OWN or name.lower() in _READ_FIRST:
            kept = f"in_{name}"
            while kept.lower() in taken:
                kept = f"in_{kept}"
            taken.add(kept.lower())
        table[kept] = plan.objects.table[name]
    scales = np.array([*(np.sqrt(image.scale[0] * image.scale[1]) for image in plan.images), np.nan])
    x0, y0, image = (plan.at_reference(values) for values in (plan.x0, plan.y0, plan.image))
    sections = [format_section(*box) if box[2] else "" for box in zip(x0, y0, plan.nx, plan.ny, strict=True)]
    ours = {
        "id": _texts(plan.objects.ids),
        "path": _texts(paths),
        "ra": _known(plan.objects.ra),
        "dec": _known(plan.objects.dec),
        "image": _texts([_places(plan, row) for row in range(len(image))]),
        "x": _known(np.round(plan.at_reference(plan.x) + 1, 4)),
        "y": _known(np.round(plan.at_reference(plan.y) + 1, 4)),
        "section": _texts(sections),
        "size": MaskedColumn(np.maximum(plan.nx, plan.ny), mask=plan.nx == 0),
        "pixel_scale": _known(np.round(scales[image], 6)),
        "flags": _texts(flags),
        "error": _texts(errors),
    }
    for name, column in ours.items():
        table[name] = column
    return table


def _places(plan: CutPlan, row: int) -> str:
    return ";".join(str(plan.images[number].place) if number >= 0 else "" for number in plan.image[row]).strip(";")


def _known(values: np.ndarray) -> MaskedColumn:
    return MaskedColumn(values, mask=~np.isfinite(values))


def _texts(values: Sequence[str]) -> Column:
    return Column(np.array(list(values), dtype=str if len(values) else "U1"))
