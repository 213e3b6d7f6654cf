"""Handing out tasks a few at a time, and taking the results in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from itertools import islice
from typing import Any

AHEAD = 3
"""Tasks under way for each worker: one at work, one waiting for it, one whose result waits for an earlier one."""


def ordered_map(submit: Callable[[Any], Future[Any]], tasks: Iterable[Any], ahead: int) -> Iterator[Any]:
    """Yield the results of tasks in order.

    Parameters
    ----------
    submit : callable
        Begins a task.
    tasks : iterable
        Taken one by one, never more than `ahead` beyond the result that was yielded last.
    ahead : int

    Yields
    ------
    object
        What each future gives; what it raises is raised here, and the rest is cancelled.
    """
    coming = iter(tasks)
    waiting: deque[Future[Any]] = deque(submit(task) for task in islice(coming, ahead))
    try:
        while waiting:
            yield waiting.popleft().result()
            waiting.extend(submit(task) for task in islice(coming, 1))
    finally:
        for future in waiting:
            future.cancel()
