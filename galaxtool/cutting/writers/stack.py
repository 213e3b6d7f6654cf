"""The content of a stack: one array of all cutouts with their identifiers and positions, known before any is cut."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from galaxtool import __version__
from galaxtool.cutting.images import SkyImage
from galaxtool.cutting.plan import CutPlan
from galaxtool.errors import ConfigError

STACK_COLUMNS = {
    "row": "row of the catalogue, from 1",
    "ra": "degrees, ICRS",
    "dec": "degrees, ICRS",
    "pixel_scale": "arcsec per pixel",
}
"""Columns of a stack beside `id`, with one value per image, and their descriptions."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StackContent:
    """The content of a stack of M cutouts, without the pixels.

    Parameters
    ----------
    shape : (int, int, int)
        Number of bands, ny and nx of each cutout.
    bands, units : list of str
        Name and unit of each band.
    ids : list of str
        Identifier of each cutout.
    columns : dict of str to ndarray
        The columns of `STACK_COLUMNS`, each of shape (M,).
    flags : ndarray of bytes, shape (M,)
        Flags of each cutout that its pixels do not show, joined by blanks; empty if there are none.
    catalogue : str
        Path of the catalogue.
    """

    shape: tuple[int, int, int]
    bands: list[str]
    units: list[str]
    ids: list[str]
    columns: dict[str, np.ndarray]
    flags: np.ndarray
    catalogue: str

    @property
    def unicode_ids(self) -> list[str]:
        """The identifiers with everything that is not valid Unicode escaped."""
        return [one.encode("utf-8", "backslashreplace").decode() for one in self.ids]

    def image_attributes(self) -> dict[str, str]:
        """Return the attributes of the array of images, beside `bands` and `units`."""
        unit = self.units[0] if len(set(self.units)) == 1 else ""
        return {"unit": unit, "row0": "bottom", "axes": "object, band, y, x"}

    def root_attributes(self) -> dict[str, str]:
        """Return the attributes of the whole stack."""
        return {"creator": f"galaxtool {__version__}", "catalogue": Path(self.catalogue).name}


def write_at(descriptor: int, values: bytes, offset: int) -> None:
    """Write all bytes at an offset of an open file."""
    written = 0
    while written < len(values):
        written += os.pwrite(descriptor, values[written:], offset + written)


def describe_stack(plan: CutPlan) -> StackContent:
    """Return the content of the stack of a plan: the rows that have a cutout, in the order of the catalogue.

    Raises
    ------
    ConfigError
        If the cutouts differ in shape.
    """
    rows = plan.wanted
    first = plan.at_reference(plan.image)
    counts = np.array([len(image.bands) for image in plan.images])
    planes = np.full(len(rows), len(plan.bands)) if plan.bands else counts[first[rows]]
    shapes = sorted({*zip(planes.tolist(), plan.ny[rows].tolist(), plan.nx[rows].tolist(), strict=True)})
    if len(shapes) > 1:
        shown = ", ".join(" x ".join(map(str, shape)) for shape in shapes[:4]) + (", ..." if len(shapes) > 4 else "")
        raise ConfigError(
            f"All cutouts of a stack must have one shape, but these have {len(shapes)} (bands, ny, nx): {shown}.",
            hint="Set one size for all with --size, or write --kind fits.",
        )
    scales = np.array([np.sqrt(image.scale[0] * image.scale[1]) for image in plan.images])
    bands = plan.bands or _find_bands([plan.images[number] for number in dict.fromkeys(first[rows].tolist())])
    return StackContent(
        shape=shapes[0],
        bands=list(bands),
        units=_find_units(plan, len(bands)),
        ids=[plan.objects.ids[row] for row in rows],
        columns={
            "row": rows + 1,
            "ra": plan.objects.ra[rows],
            "dec": plan.objects.dec[rows],
            "pixel_scale": scales[first[rows]],
        },
        flags=_join_flags([plan.flags[row] for row in rows]),
        catalogue=str(plan.objects.path),
    )


def _find_bands(images: Sequence[SkyImage]) -> tuple[str, ...]:
    """Return the name of each plane of images that are not stacked; empty where not all of them give it.

    Raises
    ------
    ConfigError
        If two images name a plane differently.
    """
    bands = []
    for names in zip(*(image.bands for image in images), strict=True):
        if len(known := dict.fromkeys(name for name in names if name)) > 1:
            one, other = (images[names.index(name)] for name in list(known)[:2])
            raise ConfigError(
                f"All cutouts of a stack must have the same bands, but '{one.ref}' has {', '.join(one.bands)} and "
                f"'{other.ref}' has {', '.join(other.bands)}.",
                hint="Cut from one of them at a time, or write --kind fits.",
            )
        bands.append("" if "" in names else names[0])
    return tuple(bands)


def _join_flags(flags: list[tuple[str, ...]]) -> np.ndarray:
    """Return the flags of each cutout as bytes; an empty array if no cutout has any."""
    return (
        np.array([" ".join(some).encode() for some in flags], dtype=bytes) if any(flags) else np.array([], dtype=bytes)
    )


def _find_units(plan: CutPlan, n: int) -> list[str]:
    """Return the unit of each of the n bands; empty where the images that are used for it differ."""
    rows = plan.wanted
    used = [np.unique(plan.image[rows, band]) for band in range(plan.image.shape[1])]
    found = [{plan.images[number].unit for number in numbers if number >= 0} for numbers in used]
    units = [some.pop() if len(some) == 1 else "" for some in found]
    return units if plan.bands else units * n
