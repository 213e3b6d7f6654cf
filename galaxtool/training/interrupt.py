"""Handle Ctrl-C so that the current step can finish."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType


class InterruptHandler:
    """Within its block, the first SIGINT, SIGTERM or SIGHUP only sets `requested`; the second interrupts at once.

    It has no effect outside the main thread, where signals cannot be caught.
    """

    def __init__(self) -> None:
        self.requested = False
        self._handlers: dict[int, object] = {}

    def __enter__(self) -> InterruptHandler:
        if threading.current_thread() is threading.main_thread():
            for name in ("SIGINT", "SIGTERM", "SIGHUP"):
                number = getattr(signal, name, None)  # Windows has no SIGHUP
                if number is not None and (name == "SIGINT" or signal.getsignal(number) is not signal.SIG_IGN):
                    self._handlers[number] = signal.signal(number, self._note)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _note(self, number: int, frame: FrameType | None) -> None:
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True
