"""Making room for a stack before it is filled."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from galaxtool.cutting.plan import CutPlan
from galaxtool.cutting.writers.hdf5 import StackContent, create_stack, offsets
from galaxtool.cutting.writers.zarr import create_zarr, images_a_file, zarr_package
from galaxtool.errors import ConfigError


def stack_content(plan: CutPlan) -> StackContent:
    """Return what a stack will hold: the rows that have a cutout, in the catalogue's order.

    Raises
    ------
    ConfigError
        If cutouts are not all of one shape.
    """
    rows = plan.wanted
    first = plan.at_reference(plan.image)
    own = np.array([len(image.bands) for image in plan.images])
    planes = np.full(len(rows), len(plan.bands)) if plan.bands else own[first[rows]]
    shapes = sorted({*zip(planes.tolist(), plan.ny[rows].tolist(), plan.nx[rows].tolist(), strict=True)})
    if len(shapes) > 1:
        shown = ", ".join(" x ".join(map(str, shape)) for shape in shapes[:4]) + (", ..." if len(shapes) > 4 else "")
        raise ConfigError(
            f"A stack holds cutouts of one shape, and these would have {len(shapes)} (bands, ny, nx): {shown}.",
            hint="Give all the same size with --size, or write --kind fits.",
        )
    scales = np.array([np.sqrt(image.scale[0] * image.scale[1]) for image in plan.images])
    bands = plan.bands or plan.images[first[rows[0]]].bands
    return StackContent(
        shape=shapes[0],
        bands=list(bands),
        units=_units(plan, len(bands)),
        ids=[plan.objects.ids[row] for row in rows],
        columns={
            "row": rows + 1,
            "ra": plan.objects.ra[rows],
            "dec": plan.objects.dec[rows],
            "pixel_scale": scales[first[rows]],
        },
        catalogue=str(plan.objects.path),
    )


def _units(plan: CutPlan, n: int) -> list[str]:
    """Return the unit of each band: that of its first image that is used."""
    rows = plan.wanted
    used = [plan.image[rows, band] for band in range(plan.image.shape[1])]
    units = [plan.images[numbers[numbers >= 0][0]].unit if (numbers >= 0).any() else "" for numbers in used]
    return units if plan.bands else units * n


def check_kind(kind: str) -> None:
    """Raise `DependencyMissing` where a kind of stack needs a package that is not installed."""
    if kind == "zarr":
        zarr_package()


def rows_a_file(kind: str, content: StackContent) -> int:
    """Return how many cutouts lie in one file of the store, so that one task has to write them."""
    return images_a_file(content.shape) if kind == "zarr" else 1


def prepare(kind: str, path: Path, plan: CutPlan, content: StackContent) -> np.ndarray:
    """Make the stack where it is not there; return the slot of every row of the catalogue, -1 without a cutout."""
    if not path.exists():
        (create_zarr if kind == "zarr" else create_stack)(path, content)
    slots = np.full(len(plan.nx), -1, dtype=np.int64)
    slots[plan.wanted] = np.arange(len(content.ids)) if kind == "zarr" else offsets(path)
    return slots
