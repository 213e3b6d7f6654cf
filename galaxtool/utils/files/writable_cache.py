"""Find a writable cache folder: the usual one, or a temporary one if that is read-only."""

from __future__ import annotations

import atexit
import functools
import shutil
import tempfile
from pathlib import Path

from galaxtool.types import Progress
from galaxtool.utils.config import cache_dir


def get_writable_cache(progress: Progress) -> Path:
    """Return the cache folder; if it cannot be written, say so and return a folder that ends with this process."""
    folder = cache_dir()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError:
        progress.say(f"The cache '{folder}' cannot be written, so nothing is kept for the next command.")
        return _make_temporary_folder()
    return folder


@functools.cache
def _make_temporary_folder() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="galaxtool-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder
