"""Pools of worker processes, and what one of them does."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

from loky import ProcessPoolExecutor
from loky.backend import resource_tracker

from galaxtool.utils.garbage import collect_rarely

_IDLE_S = 60  # seconds after which an idle worker ends
_ENVIRONMENT = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
_functions: list[Callable[[Any], Any]] = []


def open_pool(workers: int) -> Any:
    """Return a pool of processes of one thread each, for `run_task`."""
    _start_resource_tracker()
    return ProcessPoolExecutor(
        workers, timeout=_IDLE_S, initializer=_start_worker, initargs=(os.getpid(),), env=_ENVIRONMENT
    )


def _start_resource_tracker() -> None:
    """Start the process in which loky counts semaphores, deaf to the hang-up that ends a session.

    It is deaf to Ctrl-C and SIGTERM anyway. Ended before its parent, it would be started again, and complain about
    each semaphore with a traceback.
    """
    if not hasattr(signal, "SIGHUP"):
        return
    blocked = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGHUP})
    try:
        resource_tracker.ensure_running()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, blocked)


def close_pool(pool: Any) -> None:
    """Stop the processes of a pool, even in the middle of a task."""
    pool.shutdown(wait=True, kill_workers=True)


def run_task(make: Callable[[], Callable[[Any], Any]], task: Any) -> Any:
    """Return the result of a task; the function is made once per process."""
    prepare_worker(make)
    return _functions[0](task)


def prepare_worker(make: Callable[[], Callable[[Any], Any]]) -> None:
    """Make the function of this process, if it is not made yet."""
    if not _functions:
        _functions.append(make())


def _start_worker(parent: int) -> None:
    """Prepare a worker process: it leaves Ctrl-C to its parent, and ends with its parent."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    collect_rarely()
    _functions.clear()
    _end_with_parent(parent)


def _end_with_parent(parent: int) -> None:
    """End this process when its parent has ended, so that a killed run leaves no processes behind."""

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
