"""The work of worker processes in tests, in a file of its own so that they import little."""

from __future__ import annotations

import os
import signal

from galaxtool.errors import ModelError


class Adder:
    """Adds an offset to a number; -1 raises an error, and -2 kills the process."""

    def __init__(self, offset: int) -> None:
        self.offset = offset

    def __call__(self, number: int) -> int:
        if number == -1:
            raise ModelError("No such model.", hint="Train one.")
        if number == -2:
            os.kill(os.getpid(), signal.SIGKILL)
        return number + self.offset


def make_adder() -> Adder:
    return Adder(10)


def add_numbers(numbers: list[int]) -> int:
    """Add numbers; -9 kills the process by a signal, and -3 ends it."""
    if -9 in numbers:
        os.kill(os.getpid(), signal.SIGKILL)
    if -3 in numbers:
        os._exit(3)
    return sum(numbers)


def make_deadly_sum() -> object:
    return add_numbers
