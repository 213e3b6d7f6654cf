"""Tasks that kill their process: the others get their results, in order."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from support.adder import make_deadly_sum

from galaxtool.errors import GalaxtoolError
from galaxtool.executors.processes import ProcessExecutor
from galaxtool.inference.batch_rescue import BatchRescue
from galaxtool.inference.worker import ScoredBatch
from galaxtool.inputs.items import InputItem
from galaxtool.types import ImageRef


class Sums:
    def split(self, task: Sequence[int]) -> Sequence[Sequence[int]]:
        return [[number] for number in task]

    def join(self, results: Sequence[object], tasks: Sequence[Sequence[int]]) -> object:
        return results

    def fail(self, task: Sequence[int], why: str) -> object:
        return f"{task}{why}"


def test_a_deadly_task_costs_its_part_alone() -> None:
    tasks = [[1, 2], [3], [4, -9, 5], [6], [-3], [7, 8]]
    found = list(ProcessExecutor(2).map_rescuing(make_deadly_sum, tasks, Sums()))
    assert found == [3, 3, [4, "[-9] (SIGKILL)", 5], 6, "[-3] (exit status 3)", 15]


@pytest.mark.slow
def test_a_process_that_dies_before_its_task_is_an_error() -> None:
    with pytest.raises(GalaxtoolError, match="was killed"):
        list(ProcessExecutor(1).map_rescuing(make_nothing, [[1]], Sums()))


def make_nothing() -> None:
    os._exit(1)


def test_batches_are_joined() -> None:
    items = [InputItem("a", ImageRef(Path("a.fits")), ra=1.0, dec=2.0), InputItem("b", ImageRef(Path("b")))]
    rescue = BatchRescue(3)
    one = ScoredBatch(np.array([5.0]), np.array([6.0]), ["X"], [""], values=np.ones((1, 3), np.float32))
    whole = rescue.join([one, rescue.fail(items, " (SIGSEGV)")], [])
    end = "ends its process (SIGSEGV)."
    assert whole.errors == ["", f"Reading 'a.fits' {end}", f"Reading 'b' {end}"]
    np.testing.assert_array_equal(whole.ra, [5, 1, np.nan])
    assert whole.values is not None and np.isnan(whole.values[1:]).all() and whole.values[0].tolist() == [1, 1, 1]
    assert BatchRescue(None).fail(items, "").values is None
