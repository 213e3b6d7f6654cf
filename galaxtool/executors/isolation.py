"""Rerun the tasks of a dead worker one by one, each in its own process, to find what killed it."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Protocol, Self

from loky.process_executor import TerminatedWorkerError

from galaxtool.errors import GalaxtoolError
from galaxtool.executors.worker_pool import close_pool, open_pool, prepare_worker, run_task

_END = re.compile(r"\b((?:SIG|EXIT)\w*)\((-?\d+)\)")


class Rescue(Protocol):
    """How tasks are taken apart, and what stands in for a result that cannot be had."""

    def split(self, task: Any) -> Sequence[Any]:
        """Return the parts of a task, each a task; one if it cannot be split."""

    def join(self, results: Sequence[Any], tasks: Sequence[Any]) -> Any:
        """Return the result of a task from those of its parts."""

    def fail(self, task: Any, why: str) -> Any:
        """Return what stands in for the result of a task that kills its process; `why` names the signal."""


class RescuingExecutor(ABC):
    """What executors of processes share: tasks whose worker dies end the run, or are rescued."""

    def map(self, make: Callable[[], Callable[[Any], Any]], tasks: Iterable[Any]) -> Iterator[Any]:
        """Yield the results of tasks in order.

        Raises
        ------
        GalaxtoolError
            If a worker is killed, for example when memory runs out; or any error of `make` or of the function.
        """
        return self._map(make, tasks, None)

    def map_rescuing(
        self, make: Callable[[], Callable[[Any], Any]], tasks: Iterable[Any], rescue: Rescue
    ) -> Iterator[Any]:
        """Yield the results of tasks in order; tasks whose worker died are done again, or part by part.

        Parameters
        ----------
        make : callable
            Makes the function that does the tasks, once in each worker.
        tasks : iterable
            The tasks.
        rescue : Rescue
            What becomes of a task, or of a part of it, that kills its worker.
        """
        return self._map(make, tasks, rescue)

    @abstractmethod
    def _map(
        self, make: Callable[[], Callable[[Any], Any]], tasks: Iterable[Any], rescue: Rescue | None
    ) -> Iterator[Any]:
        """Yield the results of tasks in order; without a rescue, a worker that dies is an error."""


class Isolation:
    """A single process, started again whenever it dies.

    Parameters
    ----------
    make : callable
        Makes the function that does the tasks.
    rescue : Rescue
        What becomes of a task that kills the process.
    """

    def __init__(self, make: Callable[[], Callable[[Any], Any]], rescue: Rescue) -> None:
        self._make, self._rescue = make, rescue
        self._pool: Any = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def run(self, task: Any) -> Any:
        """Return the result of a task, part by part if it kills the process.

        Raises
        ------
        GalaxtoolError
            If the process dies before it begins a task: then no task is to blame.
        """
        try:
            return self._open().submit(run_task, self._make, task).result()
        except TerminatedWorkerError as error:
            self._close()
            parts = self._rescue.split(task)
            if len(parts) > 1:
                return self._rescue.join([self.run(part) for part in parts], parts)
            found = _END.search(str(error))
            end = "" if found is None else f" ({found[1] if found[1] != 'EXIT' else f'exit status {found[2]}'})"
            return self._rescue.fail(task, end)

    def _open(self) -> Any:
        if self._pool is None:
            self._pool = open_pool(1)
            try:
                self._pool.submit(prepare_worker, self._make).result()
            except TerminatedWorkerError as error:
                self._close()
                raise GalaxtoolError(
                    "A worker process was killed, perhaps because memory ran out.",
                    hint="Finished parts are kept: continue with --resume, perhaps with fewer --workers.",
                ) from error
        return self._pool

    def _close(self) -> None:
        if self._pool is not None:
            pool, self._pool = self._pool, None
            close_pool(pool)
