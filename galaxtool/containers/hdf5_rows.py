"""Rows of an array in an HDF5 file, read a few at a time however the file packs them."""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np

from galaxtool.errors import InputError, UnreadableImage
from galaxtool.images.reading import say
from galaxtool.utils.optional_imports import require
from galaxtool.utils.suggestions import suggest_path

BROKEN = (OSError, RuntimeError, ValueError, KeyError, TypeError)
"""What h5py makes of HDF5's own errors."""

_GZIP = b"\x1f\x8b"
_BLOCKS_KEPT = 2
_MOST_BYTES = 2**30


class Hdf5Rows:
    """Slices of an array along its first axis.

    They may be asked for in any order and by several threads at once; rising order is the fastest. The file is opened
    when the first one is.

    Parameters
    ----------
    path : Path
        The file.
    key : str
        The array's name in it.
    array : h5py.Dataset
        The array, of which only the form is looked at.
    block_bytes : int
        How much may be read at once.

    Notes
    -----
    HDF5 packs an array in chunks, and h5py's own choice of them puts a small square of hundreds of images into each.
    To unpack one image is then to unpack as many whole images, so all that lie in the same chunks are read together
    and kept: at most two such blocks of `block_bytes`, whatever the size of the file.
    """

    def __init__(self, path: Path, key: str, array: Any, block_bytes: int) -> None:
        self.path, self.key = path, key
        self.shape: tuple[int, ...] = array.shape
        self.dtype: np.dtype = array.dtype
        self._lock = threading.Lock()
        self._array: Any = None
        self._blocks: OrderedDict[int, np.ndarray | str] = OrderedDict()
        row_bytes = max(1, int(np.prod(self.shape[1:])) * self.dtype.itemsize)
        self._rows_in_block = max(1, min(array.chunks[0] if array.chunks else 1, block_bytes // row_bytes))
        self._chunk_bytes = int(np.prod(array.chunks)) * self.dtype.itemsize if array.chunks else 0

    def __len__(self) -> int:
        return self.shape[0]

    def row(self, row: int) -> np.ndarray:
        """Return ``array[row]``, to be copied before anything is changed in it.

        Raises
        ------
        UnreadableImage
            If that part of the file is damaged, or the file has gone.
        """
        at, place = divmod(row, self._rows_in_block)
        with self._lock:
            if at not in self._blocks:
                if len(self._blocks) == _BLOCKS_KEPT:
                    self._blocks.popitem(last=False)
                self._blocks[at] = self._read(at * self._rows_in_block)
            self._blocks.move_to_end(at)
            block = self._blocks[at]
        if isinstance(block, str):
            raise UnreadableImage(f"Image {row} of '{self.path}' cannot be read: {block}.")
        pixels: np.ndarray = block[place]
        return pixels

    def close(self) -> None:
        """Let go of the file, which h5py closes then; it is opened again where another row is asked for."""
        with self._lock:
            self._array = None
            self._blocks.clear()

    def _read(self, start: int) -> np.ndarray | str:
        """Return a block, or why it cannot be read: its images lie in the same chunks, so what ails one ails all."""
        if self._chunk_bytes > _MOST_BYTES:
            return f"the file packs it in chunks of {self._chunk_bytes:,} bytes"
        try:
            if self._array is None:
                self._array = open_hdf5(self.path)[self.key]
            block: np.ndarray = self._array[start : start + self._rows_in_block]
            return block
        except InputError as error:
            return error.message.rstrip(".")
        except BROKEN as error:
            return say(error)


def open_hdf5(path: Path) -> Any:
    """Open an HDF5 file for reading.

    Returns
    -------
    h5py.File

    Raises
    ------
    InputError
        If it is absent, a folder, no HDF5 file, cut short or damaged.
    DependencyMissing
        If h5py is not installed.
    """
    h5py = require("h5py", why="Reading HDF5 files", install="h5py")
    try:
        with path.open("rb") as stream:
            head = stream.read(2)
    except FileNotFoundError as error:
        raise InputError(f"There is no file at '{path}'.", hint=suggest_path(path)) from error
    except OSError as error:
        what = "is a folder, not an HDF5 file" if path.is_dir() else f"cannot be opened: {error.strerror or error}"
        raise InputError(f"'{path}' {what}.") from error
    if not h5py.is_hdf5(path):
        if head == _GZIP:
            raise InputError(f"'{path}' is an archive of gzip.", hint=f"Unpack it first: gunzip {path}")
        raise InputError(
            f"'{path}' is {'not an HDF5 file' if head else 'an empty file'}.",
            hint="It may be an unfinished download, or a page that said why there was none; fetch it again.",
        )
    try:
        # nothing is written, so a file system without locks will do
        return h5py.File(path, "r", locking="best-effort")
    except OSError as error:
        raise InputError(f"'{path}' is {_damage(error)}.", hint="Fetch or copy it again.") from error


def _damage(error: OSError) -> str:
    """Return what HDF5 says is wrong with a file that it cannot open."""
    text = say(error)
    if sizes := re.search(r"truncated file: eof = (\d+),.* stored_eof = (\d+)", text):
        return f"cut short: it has {int(sizes[1]):,} of {int(sizes[2]):,} bytes"
    return f"cut short or damaged ({text.partition('(')[2].rstrip(')') or text})"
