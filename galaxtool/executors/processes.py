"""Run tasks in processes of this machine.

The processes are those of loky, which start without running the calling script again and notice the death of a worker.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from loky import ProcessPoolExecutor
from loky.process_executor import TerminatedWorkerError

from galaxtool.errors import GalaxtoolError
from galaxtool.executors.cores import resolve_workers
from galaxtool.executors.ordered_map import AHEAD, ordered_map

_IDLE_S = 60  # seconds after which an idle worker ends
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
_functions: list[Callable[[Any], Any]] = []


class ProcessExecutor:
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

    def map(self, make: Callable[[], Callable[[Any], Any]], tasks: Iterable[Any]) -> Iterator[Any]:
        """Yield the results of tasks in order.

        Raises
        ------
        GalaxtoolError
            If a process is killed, for example when memory runs out; or any error of `make` or of the function.
        """
        self.close()
        self._pool = ProcessPoolExecutor(
            self.workers, timeout=_IDLE_S, initializer=_start_worker, initargs=(os.getpid(),), env=_ONE_THREAD
        )
        try:
            yield from ordered_map(lambda task: self._pool.submit(_run_task, make, task), tasks, AHEAD * self.workers)
        except TerminatedWorkerError as error:
            raise GalaxtoolError(
                "A worker process was killed, perhaps because memory ran out.",
                hint="Finished parts are kept: continue with --resume, perhaps with fewer --workers.",
            ) from error
        finally:
            self.close()

    def close(self) -> None:
        """Stop the processes, even in the middle of a task."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, kill_workers=True)
            self._pool = None


def _start_worker(parent: int) -> None:
    """Prepare a worker process: it leaves Ctrl-C to its parent, and ends with its parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _functions.clear()
    _end_with_parent(parent)


def _end_with_parent(parent: int) -> None:
    """End this process when its parent has ended, so that a killed run leaves no processes behind."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _run_task(make: Callable[[], Callable[[Any], Any]], task: Any) -> Any:
    """Return the result of a task; the function is made once per process."""
    if not _functions:
        _functions.append(make())
    return _functions[0](task)
