"""What an executor must be able to do."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol


class Executor(Protocol):
    """Works on batches somewhere, each worker with what it needs made once."""

    workers: int

    def map(self, make: Callable[[], Callable[[Any], Any]], tasks: Iterable[Any]) -> Iterator[Any]:
        """Yield what a function returns of each task, in order, taking few tasks ahead of who takes the results.

        Parameters
        ----------
        make : callable
            Returns the function; called once in every worker. Both it and the tasks are pickled where workers are
            other processes.
        tasks : iterable
            Taken as they are needed.
        """

    def close(self) -> None:
        """End the workers."""
