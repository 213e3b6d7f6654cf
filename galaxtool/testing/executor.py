"""Check that an executor follows `galaxtool.executors.protocols.Executor`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from galaxtool.errors import InputError
from galaxtool.plugins.registry import get_registry

_TASKS, _BAD = 12, 7


def check_executor(name: str, *, workers: int = 2, address: str = "") -> None:
    """Check a registered executor.

    The checks are:

    - Results come in the order of the tasks, and nothing comes for no tasks.
    - A task that raises an error raises the same error here.
    - The function is made in the workers, and it and the tasks are sent there whatever module they are from.
    - It can be closed twice.

    Parameters
    ----------
    name : str
        Name of the executor, plain or as ``plugin:name``.
    workers : int
        Number of workers.
    address : str
        Address of a cluster.

    Raises
    ------
    AssertionError
        If a check fails.
    """
    found = get_registry().executors.find(name)
    executor = found.create(workers=workers, address=address)
    assert isinstance(executor.workers, int) and executor.workers > 0, (
        f"The executor '{name}' has workers = {executor.workers!r}, not a positive integer."
    )
    try:
        results = list(executor.map(_MakeSquare(_BAD + _TASKS), range(_TASKS)))
        assert results == [n * n for n in range(_TASKS)], (
            f"The executor '{name}' returns {results}; results must come in the order of the tasks."
        )
        assert list(executor.map(_MakeSquare(-1), [])) == [], f"The executor '{name}' returns results of no tasks."
        try:
            list(executor.map(_MakeSquare(_BAD), range(_TASKS)))
        except InputError as error:
            assert error.message == f"{_BAD} is bad." and error.hint, (
                f"The executor '{name}' changes the error of a task to '{error}'."
            )
        except Exception as error:
            raise AssertionError(
                f"The executor '{name}' raises {type(error).__name__} for a task that raised an InputError; raise the "
                "same error."
            ) from error
        else:
            raise AssertionError(f"The executor '{name}' hides the error of a task.")
    finally:
        executor.close()
        executor.close()


@dataclass(frozen=True)
class _MakeSquare:
    """Makes a function that returns squares, and raises an error for one number."""

    bad: int

    def __call__(self) -> Callable[[int], int]:
        return self._square

    def _square(self, number: int) -> int:
        if number == self.bad:
            raise InputError(f"{number} is bad.", hint="Leave it out.")
        return number * number
