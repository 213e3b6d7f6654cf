"""Tasks for workers: the settings that all share, how a plan is split into them, and what a worker returns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from galaxtool.cutting.images import HduRef
from galaxtool.cutting.plan import CutPlan
from galaxtool.vision.stretch import Stretch

_MAX_ROWS = 1024
_MAX_BYTES = 1 << 26  # pixels of one task


@dataclass(frozen=True, slots=True, kw_only=True)
class CutSettings:
    """The settings that all tasks of a job share.

    Parameters
    ----------
    kind : {"fits", "png", "hdf5", "zarr"}
        Kind of output.
    folder : Path
        Folder of the files; not used for stacks.
    stack : Path
        Path of the stack while it is filled; not used for files.
    catalogue : str
        Path of the catalogue, as headers record it.
    bands : tuple of str
        Bands that are stacked; empty where each object is cut from one image.
    stretch : Stretch
        Stretch of PNG pictures.
    """

    kind: str
    folder: Path
    stack: Path
    catalogue: str
    bands: tuple[str, ...] = ()
    stretch: Stretch = field(default_factory=Stretch)


@dataclass(frozen=True, slots=True, kw_only=True)
class CutTask:
    """A group of n objects to cut; arrays as in `galaxtool.cutting.plan.CutPlan`.

    Parameters
    ----------
    number : int
        Number of the task.
    rows : ndarray of int, shape (n,)
        Rows of the catalogue, from 0.
    images : dict of int to HduRef
        The images that the task needs, by their number in the plan.
    image, x0, y0 : ndarray of int, shape (n, C)
        Number of the image, and first pixel in it.
    nx, ny : ndarray of int, shape (n,)
        Sides of the cutouts.
    shift : ndarray, shape (n, 2)
        Shift of the object's pixel by the lookup tables of distortions, x and y.
    ra, dec : ndarray, shape (n,)
        Positions in degrees, ICRS.
    ids, paths : list of str
        Identifiers, and paths of the files relative to the folder.
    flags : list of tuple of str
        Flags known before any pixel is read.
    slots : ndarray of int, shape (n,)
        Where each cutout goes in a stack: its index, or for HDF5 its byte in the file.
    """

    number: int
    rows: np.ndarray
    images: dict[int, HduRef]
    image: np.ndarray
    x0: np.ndarray
    y0: np.ndarray
    nx: np.ndarray
    ny: np.ndarray
    shift: np.ndarray
    ra: np.ndarray
    dec: np.ndarray
    ids: list[str]
    paths: list[str]
    flags: list[tuple[str, ...]]
    slots: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskResult:
    """The outcome of a task, with one entry for each of its objects.

    Parameters
    ----------
    number : int
        Number of the task.
    rows : ndarray of int
        Rows of the catalogue, from 0.
    flags : list of str
        Flags of each object, joined by blanks.
    errors : list of str
        Why the cutout is missing; empty where it is not.
    """

    number: int
    rows: np.ndarray
    flags: list[str]
    errors: list[str]


def split_rows(plan: CutPlan) -> list[np.ndarray]:
    """Split the rows of a plan into tasks of cutouts that lie close together in the images, always in the same way."""
    wanted = plan.wanted
    if not wanted.size:
        return []
    bytes_each = 4 * plan.image.shape[1] * int(plan.nx[wanted].max()) * int(plan.ny[wanted].max())
    number = min(_MAX_ROWS, max(1, _MAX_BYTES // bytes_each))
    keys = [plan.at_reference(plan.x0)[wanted], plan.at_reference(plan.y0)[wanted]]
    wanted = wanted[np.lexsort([*keys, *plan.image[wanted].T[::-1]])]
    return [wanted[start : start + number] for start in range(0, len(wanted), number)]


def make_task(plan: CutPlan, number: int, rows: np.ndarray, paths: Sequence[str], slots: np.ndarray) -> CutTask:
    """Return the task that cuts some rows of a plan.

    Parameters
    ----------
    plan : CutPlan
        The plan.
    number : int
        Number of the task.
    rows : ndarray of int
        Rows of the catalogue that the task cuts.
    paths : sequence of str
        Paths of all rows of the catalogue, relative to the folder.
    slots : ndarray of int
        Slots of all rows of the catalogue, as in `CutTask`.
    """
    image = plan.image[rows]
    return CutTask(
        number=number,
        rows=rows,
        images={int(i): plan.images[i].ref for i in np.unique(image[image >= 0])},
        image=image,
        x0=plan.x0[rows],
        y0=plan.y0[rows],
        nx=plan.nx[rows],
        ny=plan.ny[rows],
        shift=_compute_shifts(plan, rows),
        ra=plan.objects.ra[rows],
        dec=plan.objects.dec[rows],
        ids=[plan.objects.ids[row] for row in rows],
        paths=[paths[row] for row in rows],
        flags=[plan.flags[row] for row in rows],
        slots=slots[rows],
    )


def _compute_shifts(plan: CutPlan, rows: np.ndarray) -> np.ndarray:
    """Return the shifts of `CutTask`, zero for images without lookup tables."""
    shifts = np.zeros((len(rows), 2))
    band = (plan.image[rows] >= 0).argmax(axis=1)  # `plan.at_reference` of a large catalogue costs much for each task
    image, x, y = (values[rows, band] for values in (plan.image, plan.x, plan.y))
    for number in np.unique(image):
        if plan.images[number].has_tables:
            here = image == number
            shifts[here] = plan.images[number].table_shift(x[here], y[here])
    return shifts
