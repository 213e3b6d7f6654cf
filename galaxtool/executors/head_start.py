"""Tasks done by a thread of this process while worker processes start."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from galaxtool.executors.worker_pool import prepare_worker

HEAD_START_AHEAD = 2
"""Tasks under way in the thread: one running, one waiting."""


class HeadStart:
    """A thread that does tasks until a worker process is ready.

    Parameters
    ----------
    make : callable
        Makes the function that does the tasks, here and in the processes.
    open_pool : callable
        Returns the pool of processes, which begin to start.
    """

    def __init__(self, make: Callable[[], Callable[[Any], Any]], open_pool: Callable[[], Any]) -> None:
        self._make = make
        self._work: Callable[[Any], Any] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="galaxtool-start")
        self._ready: Future[Any] = open_pool().submit(prepare_worker, make)

    @property
    def is_over(self) -> bool:
        """Whether a process is ready, or has failed to start, which its tasks will say."""
        return self._ready.done()

    def submit(self, task: Any) -> Future[Any]:
        """Start a task."""
        return self._thread.submit(self._run, task)

    def close(self) -> None:
        """Let the thread end after the tasks that it has."""
        self._thread.shutdown(wait=False)

    def _run(self, task: Any) -> Any:
        if self._work is None:
            self._work = self._make()
        return self._work(task)
