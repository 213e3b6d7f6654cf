"""Limit the time and the memory of an ONNX file in a runtime, because the file may come from anyone."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np

from galaxtool.errors import ModelError
from galaxtool.utils.memory import limit_growth

Run = Callable[[dict[str, np.ndarray]], object]
End = Callable[[], None]
Opened = TypeVar("Opened")

OPENING_S = 120.0
"""Seconds that a runtime may take to open a file: it computes then what depends on constants alone."""

FIRST_RUN_S = 120.0
"""Seconds that a model may take over its first image."""

FIRST_RUN_BYTES = 4 << 30
"""Bytes of memory that a model may take for its first image, and for itself beside eight times its file."""

_TIMES = 8
_NO_MEMORY = ("bad_alloc", "bad alloc", "failed to allocate", "not enough memory", "std::length_error")


def open_in_time(open_file: Callable[[], Opened], file: Path) -> Opened:
    """Open a file in a runtime, within limits on time and memory.

    Neither ONNX Runtime nor OpenVINO stops when it is asked to. What takes too long goes on until the process ends.

    Parameters
    ----------
    open_file : callable
        Opens the file. It runs in a thread of its own, so that Ctrl-C is heard meanwhile.
    file : Path
        The file.

    Returns
    -------
    object
        What `open_file` returns.

    Raises
    ------
    ModelError
        If it takes too long.
    Exception
        What `open_file` raises.
    """
    opened: list[Opened] = []
    failures: list[BaseException] = []

    def try_opening() -> None:
        try:
            opened.append(open_file())
        except BaseException as error:  # raised below, in the thread that waits
            failures.append(error)

    thread = threading.Thread(target=try_opening, name="open an ONNX file", daemon=True)
    with limit_growth(FIRST_RUN_BYTES + _TIMES * file.stat().st_size):
        thread.start()
        thread.join(OPENING_S)
    if failures:
        raise failures[0]
    if not opened:
        raise ModelError(
            f"'{file}' was not opened: that took more than {OPENING_S:.0f} s.",
            hint="It may be damaged, or crafted never to finish: write it again with `galaxtool export`.",
        )
    return opened[0]


def lacks_memory(error: BaseException) -> bool:
    """Tell whether an error of a runtime says that there was not enough memory."""
    return isinstance(error, MemoryError) or any(words in str(error).lower() for words in _NO_MEMORY)


def make_memory_error(name: str) -> ModelError:
    """Return the error for a model that asks for more memory than a model may."""
    return ModelError(
        f"The model '{name}' was stopped: it needs more than {FIRST_RUN_BYTES >> 30} GB of memory for a single image.",
        hint="Its ONNX file may be damaged, or crafted to fill the memory.",
    )


class FirstRun:
    """The first run of a model on an engine: of one image, and ended if it takes too long or too much memory.

    Parameters
    ----------
    prepare : callable
        Returns two functions for one run: the first computes given inputs, the second ends that computation from
        another thread, so that the first raises.
    name : str
        Name of the model for messages.
    is_limited : bool
        Whether the memory of the process is limited meanwhile; with a GPU, it says little.
    """

    def __init__(self, prepare: Callable[[], tuple[Run, End]], name: str, *, is_limited: bool = True) -> None:
        self._prepare, self._name, self._is_limited = prepare, name, is_limited
        self._lock = threading.Lock()
        self._is_done = False

    def check(self, one: dict[str, np.ndarray]) -> None:
        """Run the inputs of one image, unless that is done.

        Raises
        ------
        ModelError
            If it did not end in time, or needs too much memory.
        """
        if self._is_done:
            return
        with self._lock:
            if not self._is_done:
                self._run(one)
                self._is_done = True

    def _run(self, one: dict[str, np.ndarray]) -> None:
        run, end = self._prepare()
        is_late = threading.Event()

        def end_late() -> None:
            is_late.set()
            end()

        timer = threading.Timer(FIRST_RUN_S, end_late)
        timer.daemon = True
        timer.start()
        try:
            with limit_growth(FIRST_RUN_BYTES) if self._is_limited else contextlib.nullcontext():
                run(one)
        except Exception as error:
            if lacks_memory(error):
                raise make_memory_error(self._name) from error
            if not is_late.is_set():
                raise
            raise ModelError(
                f"The model '{self._name}' was stopped: its first image took more than {FIRST_RUN_S:.0f} s.",
                hint="Its ONNX file may be damaged, or crafted never to finish.",
            ) from None
        finally:
            timer.cancel()
