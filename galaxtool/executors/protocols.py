"""The interface of executors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol


class Executor(Protocol):
    """Runs tasks on workers, each of which makes the function that it needs once.

    Attributes
    ----------
    workers : int
        Number of workers.
    """

    workers: int

    def map(self, make: Callable[[], Callable[[Any], Any]], tasks: Iterable[Any]) -> Iterator[Any]:
        """Yield the results of tasks in order, taking only a few tasks ahead of the results.

        Parameters
        ----------
        make : callable
            Makes the function; called once in every worker. It and the tasks are pickled if workers are other
            processes.
        tasks : iterable
            Arguments of the function.
        """

    def close(self) -> None:
        """Stop the workers."""
