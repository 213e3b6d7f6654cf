"""Read the arrays of small ``.npz`` files, which may come from anyone: no pickles, and no more than memory holds."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

import numpy as np

from galaxtool.utils.files.regular_files import open_regular

BROKEN = (OSError, EOFError, KeyError, ValueError, MemoryError, zlib.error, zipfile.BadZipFile, NotImplementedError)
"""Errors of `read_arrays` for a file that is missing, damaged or too large."""

_MOST_BYTES = 1 << 30


def read_arrays(path: Path, most_bytes: int = _MOST_BYTES) -> dict[str, np.ndarray]:
    """Return all arrays of a file.

    Parameters
    ----------
    path : Path
        The file.
    most_bytes : int
        Number of bytes that its arrays may have together.

    Raises
    ------
    OSError, ValueError, KeyError and others
        See `BROKEN`.
    """
    with open_regular(path) as stream:
        with zipfile.ZipFile(stream) as archive:
            size = sum(entry.file_size for entry in archive.infolist())
        if size > most_bytes:
            raise ValueError(f"its arrays have {size:,} bytes, more than {most_bytes:,}")
        stream.seek(0)
        with np.load(stream, allow_pickle=False) as content:
            return {name: content[name] for name in content.files}
