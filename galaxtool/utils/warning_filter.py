"""Hide the warnings of libraries while files are read in many threads."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.Lock()
_entered = 0
_saved_filters: warnings.catch_warnings | None = None


@contextmanager
def ignore_warnings() -> Iterator[None]:
    """Ignore all warnings until the last of the threads inside has left, then restore the filters.

    `warnings.catch_warnings` alone is not enough: where threads overlap, the one that leaves last restores the filters
    of another, and every later warning would be ignored.
    """
    global _entered, _saved_filters
    with _lock:
        if _entered == 0:
            _saved_filters = warnings.catch_warnings()
            _saved_filters.__enter__()
            warnings.simplefilter("ignore")
        _entered += 1
    try:
        yield
    finally:
        with _lock:
            _entered -= 1
            if _entered == 0 and _saved_filters is not None:
                _saved_filters.__exit__(None, None, None)
