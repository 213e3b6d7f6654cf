"""Run tasks in processes of this machine.

The processes are those of loky, which start without running the calling script again and notice the death of a worker.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from itertools import islice
from typing import Any

from loky.process_executor import TerminatedWorkerError

from galaxtool.errors import GalaxtoolError
from galaxtool.executors.cores import resolve_workers
from galaxtool.executors.isolation import Isolation, Rescue, RescuingExecutor
from galaxtool.executors.ordered_map import AHEAD
from galaxtool.executors.worker_pool import close_pool, open_pool, run_task


class ProcessExecutor(RescuingExecutor):
    """A `galaxtool.executors.protocols.Executor` of processes, each of one thread.

    Parameters
    ----------
    workers : int, optional
        Number of processes; one per available core by default.
    address : str
        Not used.
    """

    def __init__(self, workers: int | None = None, address: str = "") -> None:
        self.workers = resolve_workers(workers)
        self._pool: Any = None

    def _map(
        self, make: Callable[[], Callable[[Any], Any]], tasks: Iterable[Any], rescue: Rescue | None
    ) -> Iterator[Any]:
        self.close()
        remaining = iter(tasks)
        waiting: deque[tuple[Any, Future[Any]]] = deque()
        try:
            while True:
                self._fill(make, remaining, waiting)
                if not waiting:
                    return
                task, future = waiting.popleft()
                try:
                    result = future.result()
                except TerminatedWorkerError as error:
                    if rescue is None:
                        raise _make_killed_error() from error
                    lost = [task, *(one for one, other in waiting if not _is_done(other))]
                    kept = {id(one): other for one, other in waiting if _is_done(other)}
                    rest = [task, *(one for one, _ in waiting)]
                    waiting.clear()
                    self.close()
                    with Isolation(make, rescue) as alone:
                        saved = {id(one): alone.run(one) for one in lost}
                    for one in rest:
                        yield kept[id(one)].result() if id(one) in kept else saved[id(one)]
                    continue
                yield result
        finally:
            self.close()

    def _fill(
        self, make: Callable[[], Callable[[Any], Any]], tasks: Iterator[Any], waiting: deque[tuple[Any, Future[Any]]]
    ) -> None:
        """Submit tasks until enough are under way."""
        for task in islice(tasks, max(0, AHEAD * self.workers - len(waiting))):
            if self._pool is None:
                self._pool = open_pool(self.workers)
            try:
                future = self._pool.submit(run_task, make, task)
            except TerminatedWorkerError as error:  # it died since the last result
                future = Future()
                future.set_exception(error)
            waiting.append((task, future))

    def close(self) -> None:
        """Stop the processes, even in the middle of a task."""
        if self._pool is not None:
            pool, self._pool = self._pool, None
            close_pool(pool)


def _is_done(future: Future[Any]) -> bool:
    return future.done() and not future.cancelled() and future.exception() is None


def _make_killed_error() -> GalaxtoolError:
    return GalaxtoolError(
        "A worker process was killed, perhaps because memory ran out.",
        hint="Finished parts are kept: continue with --resume, perhaps with fewer --workers.",
    )
