"""Processes of this machine, by loky: they start without running the calling script again, and notice a death."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from loky import ProcessPoolExecutor
from loky.process_executor import TerminatedWorkerError

from galaxtool.errors import GalaxtoolError
from galaxtool.executors.cores import resolve_workers
from galaxtool.executors.ordered_map import AHEAD, ordered_map

_IDLE_S = 60  # after which a worker whose parent was killed ends by itself
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
_made: dict[int, Callable[[Any], Any]] = {}


class ProcessExecutor:
    """A `galaxtool.executors.protocols.Executor` of processes, each of one thread.

    Parameters
    ----------
    workers : int, optional
        Processes; one for each processor where it is not said.
    address : str
        Without meaning here.
    """

    def __init__(self, workers: int | None = None, address: str = "") -> None:
        self.workers = resolve_workers(workers)
        self._pool: Any = None

    def map(self, make: Callable[[], Callable[[Any], Any]], tasks: Iterable[Any]) -> Iterator[Any]:
        """Yield what the function returns of each task, in order.

        Raises
        ------
        GalaxtoolError
            If a process is killed, e.g. for want of memory; or what ``make`` or the function raise.
        """
        self.close()
        self._pool = ProcessPoolExecutor(
            self.workers, timeout=_IDLE_S, initializer=_begin, initargs=(os.getpid(),), env=_ONE_THREAD
        )
        try:
            yield from ordered_map(lambda task: self._pool.submit(_work, make, task), tasks, AHEAD * self.workers)
        except TerminatedWorkerError as error:
            raise GalaxtoolError(
                "A worker process was killed, perhaps because memory ran out.",
                hint="What is done is kept: go on with --resume, perhaps with fewer --workers.",
            ) from error
        finally:
            self.close()

    def close(self) -> None:
        """End the processes, whatever they are doing."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, kill_workers=True)
            self._pool = None


def _begin(parent: int) -> None:
    """Prepare a worker: Ctrl-C reaches it too, and is the parent's business; the parent's death is its own."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _made.clear()
    _end_with(parent)


def _end_with(parent: int) -> None:
    """End this process when its parent is gone, so that a killed run leaves nobody behind."""
    import threading
    import time

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _work(make: Callable[[], Callable[[Any], Any]], task: Any) -> Any:
    if 0 not in _made:
        _made[0] = make()
    return _made[0](task)
