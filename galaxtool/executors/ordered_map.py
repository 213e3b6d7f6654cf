"""Submit tasks a few at a time, and yield their results in order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from itertools import islice
from typing import Any

AHEAD = 3
"""Tasks per worker ahead of the results: one running, one waiting, one whose result waits for an earlier one."""


def ordered_map(submit: Callable[[Any], Future[Any]], tasks: Iterable[Any], ahead: int) -> Iterator[Any]:
    """Yield the results of tasks in order.

    Parameters
    ----------
    submit : callable
        Starts a task and returns its future.
    tasks : iterable
        Tasks. At most `ahead` of them are taken beyond the last result that was yielded.
    ahead : int
        Maximum number of tasks ahead of the results.

    Yields
    ------
    object
        Result of each task. If a task raises an error, it is raised here and the remaining tasks are cancelled.
    """
    remaining = iter(tasks)
    waiting: deque[Future[Any]] = deque(submit(task) for task in islice(remaining, ahead))
    try:
        while waiting:
            yield waiting.popleft().result()
            waiting.extend(submit(task) for task in islice(remaining, 1))
    finally:
        for future in waiting:
            future.cancel()
