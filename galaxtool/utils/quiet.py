"""Keeping the warnings of libraries off the screen while files are read, by many threads at once."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.Lock()
_inside = 0
_caught: warnings.catch_warnings | None = None


@contextmanager
def no_warnings() -> Iterator[None]:
    """Ignore warnings inside; the filters that stood before the first thread came in stand when the last has left.

    `warnings.catch_warnings` alone, in threads that overlap, leaves the filters of whichever ends last: everything
    would be ignored ever after.
    """
    global _inside, _caught
    with _lock:
        if _inside == 0:
            _caught = warnings.catch_warnings()
            _caught.__enter__()
            warnings.simplefilter("ignore")
        _inside += 1
    try:
        yield
    finally:
        with _lock:
            _inside -= 1
            if _inside == 0 and _caught is not None:
                _caught.__exit__(None, None, None)
