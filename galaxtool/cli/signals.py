"""End a command cleanly at SIGTERM, which Slurm and kill send, and at SIGHUP, which a lost terminal sends."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_NAMES = ("SIGTERM", "SIGHUP")


class Stopped(KeyboardInterrupt):
    """A signal other than that of Ctrl-C; it is handled in the same way.

    Parameters
    ----------
    number : int
        Number of the signal.
    """

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


@contextmanager
def stop_on_signals() -> Iterator[None]:
    """Raise `Stopped` in the block at the first SIGTERM or SIGHUP; the second one ends the process at once.

    A signal that is ignored, as under nohup, stays ignored. Only the main thread can handle signals.
    """
    handled: list[int] = []

    def stop(number: int, frame: FrameType | None) -> None:
        for other in handled:
            signal.signal(other, signal.SIG_DFL)
        raise Stopped(number)

    if threading.current_thread() is threading.main_thread():
        known = [int(getattr(signal, name)) for name in _NAMES if hasattr(signal, name)]
        handled += [number for number in known if signal.getsignal(number) is signal.SIG_DFL]
        for number in handled:
            signal.signal(number, stop)
    try:
        yield
    finally:
        for number in handled:
            signal.signal(number, signal.SIG_DFL)
