"""The manifest ``cutouts.csv``: one row per row of the catalogue, and itself a catalogue of images."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from astropy.table import Column, MaskedColumn, Table

from galaxtool.cutting.cutout_pixels import format_section
from galaxtool.cutting.plan import CutPlan
from galaxtool.tables.column_names import DEC_COLUMNS, ID_COLUMNS, MEMBER_COLUMNS, PATH_COLUMNS, RA_COLUMNS
from galaxtool.tables.text_arrays import make_text_array

MANIFEST_COLUMNS = (
    "id", "path", "ra", "dec", "image", "x", "y", "section", "size", "pixel_scale", "flags", "error",
)  # fmt: skip
"""Columns that are added behind those of the catalogue."""

# usual names that readers of a catalogue prefer to ours
_PREFERRED = {
    name
    for usual, ours in ((PATH_COLUMNS, "path"), (ID_COLUMNS, "id"), (RA_COLUMNS, "ra"), (DEC_COLUMNS, "dec"))
    for name in usual[: usual.index(ours)]
} | set(MEMBER_COLUMNS)


def make_manifest(plan: CutPlan, paths: Sequence[str], flags: Sequence[str], errors: Sequence[str]) -> Table:
    """Return the manifest.

    Parameters
    ----------
    plan : CutPlan
        Plan of N rows.
    paths : sequence of str
        Path of each row's cutout, relative to the folder of the manifest; empty where there is none.
    flags, errors : sequence of str
        Flags and error of each row.

    Returns
    -------
    Table
        The columns of the catalogue, then `MANIFEST_COLUMNS`. A column of the catalogue becomes ``in_<name>`` if its
        name is one of ours or would be read in place of ours. Pixels count from 1, as in FITS; ``x``, ``y``,
        ``section`` and ``pixel_scale`` belong to the first band that has an image.
    """
    table = Table()
    taken = {name.lower() for name in (*MANIFEST_COLUMNS, *plan.objects.table.colnames)}
    for name in plan.objects.table.colnames:
        new_name = name
        if name.lower() in MANIFEST_COLUMNS or name.lower() in _PREFERRED:
            new_name = f"in_{name}"
            while new_name.lower() in taken:
                new_name = f"in_{new_name}"
            taken.add(new_name.lower())
        table[new_name] = plan.objects.table[name]
    scales = np.array([*(np.sqrt(image.scale[0] * image.scale[1]) for image in plan.images), np.nan])
    x0, y0, image = (plan.at_reference(values) for values in (plan.x0, plan.y0, plan.image))
    sections = [format_section(*box) if box[2] else "" for box in zip(x0, y0, plan.nx, plan.ny, strict=True)]
    columns = {
        "id": _make_text_column(plan.objects.ids),
        "path": _make_text_column(paths),
        "ra": _mask_unknown(plan.objects.ra),
        "dec": _mask_unknown(plan.objects.dec),
        "image": _make_text_column([_join_images(plan, row) for row in range(len(image))]),
        "x": _mask_unknown(np.round(plan.at_reference(plan.x) + 1, 4)),
        "y": _mask_unknown(np.round(plan.at_reference(plan.y) + 1, 4)),
        "section": _make_text_column(sections),
        "size": MaskedColumn(np.maximum(plan.nx, plan.ny), mask=plan.nx == 0),
        "pixel_scale": _mask_unknown(np.round(scales[image], 6)),
        "flags": _make_text_column(flags),
        "error": _make_text_column(errors),
    }
    for name, column in columns.items():
        table[name] = column
    return table


def _join_images(plan: CutPlan, row: int) -> str:
    return ";".join(str(plan.images[number].ref) if number >= 0 else "" for number in plan.image[row]).strip(";")


def _mask_unknown(values: np.ndarray) -> MaskedColumn:
    return MaskedColumn(values, mask=~np.isfinite(values))


def _make_text_column(values: Sequence[str]) -> Column:
    return Column(make_text_array(list(values)))
