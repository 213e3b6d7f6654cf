"""Tasks of `galaxtool cutouts`: what each takes from the plan."""

from __future__ import annotations

import tracemalloc
from types import SimpleNamespace
from typing import Any

import numpy as np

from galaxtool.cutting.plan import CutPlan
from galaxtool.cutting.tasks import make_task

ROWS = 200_000


def make_plan() -> CutPlan:
    """Return a plan of many objects in two bands, some of which have no image in the first."""
    image: Any = SimpleNamespace(
        ref="field.fits[0]", has_tables=True, table_shift=lambda x, y: np.column_stack([x / 10, y / 10])
    )
    objects: Any = SimpleNamespace(ra=np.zeros(ROWS), dec=np.zeros(ROWS), ids=[""] * ROWS)
    number = np.zeros((ROWS, 2), dtype=int)
    number[1::2, 0] = -1
    x = np.arange(2.0 * ROWS).reshape(ROWS, 2)
    x[1::2, 0] = np.nan
    side = np.full(ROWS, 8)
    return CutPlan(
        objects=objects, images=[image], bands=("g", "r"), image=number, x=x, y=-x, x0=number, y0=number, nx=side,
        ny=side, errors=[""] * ROWS, flags=[()] * ROWS, seen=np.ones(1, dtype=bool),
    )  # fmt: skip


def test_a_task_costs_as_much_as_its_rows_and_not_as_the_catalogue() -> None:
    plan, paths, slots, rows = make_plan(), [""] * ROWS, np.full(ROWS, -1), np.array([4, 7])
    tracemalloc.start()
    try:
        task = make_task(plan, 0, rows, paths, slots)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < ROWS / 2  # bytes; one value for each row of the catalogue would need more
    np.testing.assert_allclose(task.shift, [[0.8, -0.8], [1.5, -1.5]])  # by the first band that has an image
