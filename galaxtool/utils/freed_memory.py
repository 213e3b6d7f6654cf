"""Keep memory that was freed for the next image, instead of returning it to the system page by page."""

from __future__ import annotations

import ctypes
from contextlib import suppress

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # parameters of mallopt, as in malloc.h
_KEPT, _LARGE = 64 * 2**20, 32 * 2**20


def keep_freed_memory() -> None:
    """Let the C library of Linux keep up to 64 MB of freed memory in this process.

    By default it returns the memory of each image at once, and the next image takes longer over getting fresh pages
    than over everything else. Blocks of more than 32 MB are returned as before. Other systems have no such setting.
    """
    with suppress(OSError, AttributeError, TypeError):
        set_option = ctypes.CDLL(None).mallopt
        set_option(_MMAP_THRESHOLD, _LARGE)
        set_option(_TRIM_THRESHOLD, _KEPT)
