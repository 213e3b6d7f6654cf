"""Contain what plugins do while they load: their exits and output do not reach the command."""

from __future__ import annotations

import contextlib
import sys
import threading
from collections.abc import Iterator
from typing import TextIO

from galaxtool.utils.debugging import is_debugging


class PluginExit(Exception):
    """An exception of a plugin that is none of `Exception`; the message has its name and text."""


class _Stdout:
    """Standard output, which several threads may replace by standard error at once; the last one restores it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._users = 0
        self._original: TextIO | None = None

    @contextlib.contextmanager
    def replace(self) -> Iterator[None]:
        with self._lock:
            if not self._users:
                self._original, sys.stdout = sys.stdout, sys.stderr
            self._users += 1
        try:
            yield
        finally:
            with self._lock:
                self._users -= 1
                if not self._users:
                    sys.stdout, self._original = self._original, None


_stdout = _Stdout()


@contextlib.contextmanager
def contain() -> Iterator[None]:
    """Run the code of a plugin: what it prints goes to standard error, and only Ctrl-C passes through it.

    Raises
    ------
    PluginExit
        For an exception that would pass through ``except Exception``.
    """
    try:
        with _stdout.replace():
            yield
    except (Exception, KeyboardInterrupt):
        raise
    except BaseException as error:
        if is_debugging():
            raise
        raise PluginExit(f"{type(error).__name__}: {' '.join(str(error).split())}".rstrip(": ")) from error
