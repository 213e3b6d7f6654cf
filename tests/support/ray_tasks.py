"""The work of the workers in test_ray.py; they import this file, so it imports little."""

from __future__ import annotations

import os
import signal
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

from galaxtool.errors import ConfigError, UnreadableImage

PATIENCE_S = 120


def make_square() -> Callable[[int], int]:
    return lambda number: number * number


def wait_until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, f"the condition was not met within {PATIENCE_S} seconds"
        time.sleep(0.02)


class CountingFactory:
    """Writes a file each time it is called to make the work; the work waits until there are two."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self) -> Callable[[int], int]:
        (self.folder / f"{os.getpid()}-{uuid.uuid4()}").touch()
        return self.work

    def work(self, _: int) -> int:
        wait_until(lambda: len(list(self.folder.iterdir())) >= 2)
        return os.getpid()


class KillingFactory:
    """Makes work that kills its own process at one number, the first `times` times."""

    def __init__(self, folder: Path, at: int, times: int) -> None:
        self.folder, self.at, self.times = folder, at, times

    def __call__(self) -> Callable[[int], int]:
        return self.work

    def work(self, number: int) -> int:
        if number == self.at and len(list(self.folder.iterdir())) < self.times:
            (self.folder / str(uuid.uuid4())).touch()
            os.kill(os.getpid(), signal.SIGKILL)
        return number * number


class KilledWhenMade:
    """Kills the process in which the work is made."""

    def __call__(self) -> Callable[[int], int]:
        os.kill(os.getpid(), signal.SIGKILL)
        return abs


class WaitingFactory:
    """Makes work that writes a file and waits for another."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def __call__(self) -> Callable[[int], int]:
        return self.work

    def work(self, number: int) -> int:
        (self.folder / f"{number}.waits").touch()
        wait_until((self.folder / "go").exists)
        return number * number


def make_unreadable() -> Callable[[int], int]:
    def work(number: int) -> int:
        if number == 5:
            raise UnreadableImage("The image number 5 is damaged.", hint="Make it anew.")
        return number

    return work


def make_broken() -> Callable[[int], int]:
    return lambda number: 1 // (number - 2)


def fail_to_make() -> Callable[[int], int]:
    raise ConfigError("There is no such model.", hint="Name another.")


def make_environment_reader() -> Callable[[str], Any]:
    return lambda name: str(Path.cwd()) if name == "." else os.environ.get(name)
