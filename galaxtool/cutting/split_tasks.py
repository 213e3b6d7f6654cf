"""Splitting a plan into tasks, the same ones each time."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from galaxtool.cutting.plan import CutPlan
from galaxtool.cutting.tasks import CutTask

_MOST = 1024
_BYTES = 1 << 26  # pixels of a task


def rows_of_tasks(plan: CutPlan, *, in_order: bool = False, multiple: int = 1) -> list[np.ndarray]:
    """Return the rows of each task.

    Parameters
    ----------
    plan : Plan
    in_order : bool
        Whether a task has consecutive cutouts of the catalogue; by default those that lie together in the images.
    multiple : int
        How many rows a task has is a multiple of this, but for the last.

    Returns
    -------
    list of ndarray of int
    """
    wanted = plan.wanted
    if not wanted.size:
        return []
    bytes_each = 4 * plan.image.shape[1] * int(plan.nx[wanted].max()) * int(plan.ny[wanted].max())
    number = min(_MOST, max(1, _BYTES // bytes_each))
    number = max(multiple, number // multiple * multiple)
    if not in_order:
        keys = [plan.at_reference(plan.x0)[wanted], plan.at_reference(plan.y0)[wanted]]
        wanted = wanted[np.lexsort([*keys, *plan.image[wanted].T[::-1]])]
    return [wanted[start : start + number] for start in range(0, len(wanted), number)]


def make_task(plan: CutPlan, number: int, rows: np.ndarray, paths: Sequence[str], slots: np.ndarray) -> CutTask:
    """Return what a worker needs to know to cut some rows.

    Parameters
    ----------
    plan : Plan
    number : int
        Of the task.
    rows : ndarray of int
    paths : sequence of str
        Of all rows of the catalogue, relative to the folder.
    slots : ndarray of int
        Of all rows of the catalogue, as in `CutTask`.
    """
    image = plan.image[rows]
    return CutTask(
        number=number,
        rows=rows,
        images={int(i): plan.images[i].place for i in np.unique(image[image >= 0])},
        image=image,
        x0=plan.x0[rows],
        y0=plan.y0[rows],
        nx=plan.nx[rows],
        ny=plan.ny[rows],
        shift=_shifts(plan, rows),
        ra=plan.objects.ra[rows],
        dec=plan.objects.dec[rows],
        ids=[plan.objects.ids[row] for row in rows],
        paths=[paths[row] for row in rows],
        flags=[plan.flags[row] for row in rows],
        slots=slots[rows],
    )


def _shifts(plan: CutPlan, rows: np.ndarray) -> np.ndarray:
    shifts = np.zeros((len(rows), 2))
    image, x, y = (plan.at_reference(values)[rows] for values in (plan.image, plan.x, plan.y))
    for number in np.unique(image):
        if plan.images[number].has_tables:
            here = image == number
            shifts[here] = plan.images[number].table_shift(x[here], y[here])
    return shifts
