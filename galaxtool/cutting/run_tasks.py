"""Doing the tasks, in this process or in several."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import closing
from functools import partial

from galaxtool.cutting.tasks import CutTask, TaskResult, CutSettings
from galaxtool.cutting.worker import make_cutter
from galaxtool.executors.cores import checked
from galaxtool.executors.processes import ProcessExecutor

_MANY = 5000  # objects that are worth the second or two in which processes start


def number_of_workers(asked: int | None, objects: int, tasks: int) -> int:
    """Return how many processes to use: one for each processor where that is not said and objects are many."""
    return max(1, min(checked(asked) if asked is not None or objects >= _MANY else 1, tasks))


def do_tasks(tasks: Iterable[CutTask], settings: CutSettings, workers: int) -> Generator[TaskResult, None, None]:
    """Yield what became of each task, in order.

    Parameters
    ----------
    tasks : iterable of Task
    settings : Settings
    workers : int
        Processes; with one, this process itself works.

    Raises
    ------
    GalaxtoolError
        If nothing can be written, or a process is killed.
    """
    if workers == 1:
        with closing(make_cutter(settings)) as cutter:
            yield from map(cutter, tasks)
        return
    with closing(ProcessExecutor(workers)) as executor:
        yield from executor.map(partial(make_cutter, settings), tasks)
