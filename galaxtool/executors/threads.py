"""Run tasks in threads of this process, which start at once but run Python code one at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from galaxtool.executors.cores import resolve_workers
from galaxtool.executors.ordered_map import AHEAD, ordered_map


class ThreadExecutor:
    """A `galaxtool.executors.protocols.Executor` of threads that share one function.

    Parameters
    ----------
    workers : int, optional
        Number of threads; one per available core by default.
    address : str
        Not used.
    """

    def __init__(self, workers: int | None = None, address: str = "") -> None:
        self.workers = resolve_workers(workers)

    def map(self, make: Callable[[], Callable[[Any], Any]], tasks: Iterable[Any]) -> Iterator[Any]:
        """Yield the results of tasks in order."""
        work = make()
        pool = ThreadPoolExecutor(self.workers, thread_name_prefix="galaxtool")
        try:
            yield from ordered_map(lambda task: pool.submit(work, task), tasks, AHEAD * self.workers)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def close(self) -> None:
        """Do nothing, as the threads end with `map`."""
