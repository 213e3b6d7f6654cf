"""A thread that works while processes start: the same results, in the same order."""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import pytest

from galaxtool.executors.processes import ProcessExecutor


def make_slow() -> Callable[[int], tuple[int, int]]:
    """Return a function that takes a moment and says which process ran it."""

    def work(task: int) -> tuple[int, int]:
        time.sleep(0.02)
        return task, os.getpid()

    return work


def make_failing() -> Callable[[int], int]:
    def work(task: int) -> int:
        raise ValueError(f"no {task}")

    return work


def test_this_process_works_until_the_others_are_ready() -> None:
    executor = ProcessExecutor(2)
    executor.has_head_start = True
    seen: list[tuple[int, int]] = []
    for one in executor.map(make_slow, range(2000)):
        seen.append(one)
        if one[1] != os.getpid() and len(seen) % 20 == 0:
            break
    executor.close()
    assert [task for task, _ in seen] == list(range(len(seen)))
    places = [process for _, process in seen]
    assert places[0] == os.getpid() and places[-1] != os.getpid()
    assert places == sorted(places, key=lambda one: one != os.getpid()), "it does not take tasks back"


def test_an_error_ends_the_run_as_in_a_process() -> None:
    executor = ProcessExecutor(1)
    executor.has_head_start = True
    with pytest.raises(ValueError, match="no 0"):
        list(executor.map(make_failing, range(5)))
