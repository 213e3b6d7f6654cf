"""Rows of an array in an HDF5 file, read in blocks that match its chunks."""

from __future__ import annotations

import re
import threading
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np

from galaxtool.containers.hdf5.checks import find_missing_rows
from galaxtool.containers.hdf5.child import check_survivable
from galaxtool.containers.hdf5.links import check_links
from galaxtool.containers.hdf5.values import Hdf5Values, has_plain_layout
from galaxtool.containers.member_index import identify_file
from galaxtool.errors import InputError, UnreadableImage
from galaxtool.images.content import describe_content
from galaxtool.images.packing import find_packing
from galaxtool.utils.error_text import describe_error
from galaxtool.utils.files.regular_files import open_regular
from galaxtool.utils.optional_imports import require
from galaxtool.utils.suggestions import suggest_path

BROKEN = (OSError, RuntimeError, ValueError, KeyError, TypeError, SystemError)
"""Errors of h5py for damaged files."""

_BLOCKS_KEPT = 2
_ASKED_BYTES = 2**20
_MOST_CHECKED = 100_000
_CHECKED: dict[tuple[str, int, int, int], None] = {}
MOST_CHUNK_BYTES = 2**30
"""Chunks that unpack to more than this are not read."""


class Hdf5Rows:
    """Slices of an array along its first or last axis.

    Rows can be read in any order and by several threads at once; ascending order is the fastest. The file is opened
    with the first row.

    Parameters
    ----------
    path : Path
        Path of the file.
    key : str
        Name of the array.
    array : h5py.Dataset
        The array, used only for its shape, type and chunks.
    block_bytes : int
        Number of bytes to read at once.
    axis : int
        Axis of the rows, 0 or -1.

    Notes
    -----
    HDF5 compresses an array in chunks, and by default h5py puts a small square of hundreds of images into each chunk.
    Reading one image then decompresses as many whole images. So all images in the same chunks are read together and
    kept: at most two such blocks of `block_bytes`, regardless of the size of the file.
    """

    def __init__(self, path: Path, key: str, array: Any, block_bytes: int, axis: int = 0) -> None:
        self.path, self.key = path, key
        self.shape: tuple[int, ...] = array.shape
        self.dtype: np.dtype = array.dtype
        self._lock = threading.Lock()
        self._array: Any = None
        self._blocks: OrderedDict[int, np.ndarray | str] = OrderedDict()
        self._axis = axis
        self._missing = find_missing_rows(array, axis)
        row_bytes = max(1, int(np.prod(self.shape)) // max(1, self.shape[axis]) * self.dtype.itemsize)
        in_chunk = array.chunks[axis] if array.chunks else 1 if axis == 0 else self.shape[axis]
        self._rows_in_block = self._rows_in_chunk = max(1, min(in_chunk, block_bytes // row_bytes))
        if not has_plain_layout(array):  # asking the child for each small image would be slow
            self._rows_in_block *= max(1, _ASKED_BYTES // (row_bytes * self._rows_in_block))
        self._chunk_bytes = int(np.prod(array.chunks)) * self.dtype.itemsize if array.chunks else 0

    def __len__(self) -> int:
        return self.shape[self._axis]

    def __getstate__(self) -> dict[str, Any]:
        """Leave the lock, the open file and the rows read so far behind; another process opens the file itself."""
        return {**vars(self), "_lock": None, "_array": None, "_blocks": OrderedDict()}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state, _lock=threading.Lock())

    def row(self, row: int) -> np.ndarray:
        """Return ``array[row]``, or ``array[..., row]``; copy it before changing values.

        Raises
        ------
        UnreadableImage
            If that part of the file is damaged, or the file was removed.
        """
        if self._chunk_bytes <= MOST_CHUNK_BYTES and (why := self._missing.reason(row)):
            raise UnreadableImage(f"Image {row} of '{self.path}' cannot be read: {why}.")
        with self._lock:
            block, place = self._find_block(row)
            if isinstance(block, str) and self._rows_in_block > self._rows_in_chunk:
                self._rows_in_block = self._rows_in_chunk  # only the images in the damaged chunk are lost
                self._blocks.clear()
                block, place = self._find_block(row)
        if isinstance(block, str):
            raise UnreadableImage(f"Image {row} of '{self.path}' cannot be read: {block}.")
        pixels: np.ndarray = block[place] if self._axis == 0 else block[..., place]
        return pixels

    def _find_block(self, row: int) -> tuple[np.ndarray | str, int]:
        """Return the block of a row, and its place in it."""
        at, place = divmod(row, self._rows_in_block)
        if at not in self._blocks:
            if len(self._blocks) == _BLOCKS_KEPT:
                self._blocks.popitem(last=False)
            self._blocks[at] = self._read(at * self._rows_in_block)
        self._blocks.move_to_end(at)
        return self._blocks[at], place

    def close(self) -> None:
        """Close the file; reading another row opens it again."""
        with self._lock:
            self._array = None
            self._blocks.clear()

    def _read(self, start: int) -> np.ndarray | str:
        """Return a block, or why it cannot be read: its images share chunks, so damage affects all of them."""
        if self._chunk_bytes > MOST_CHUNK_BYTES:
            return f"the file stores it in chunks of {self._chunk_bytes:,} bytes"
        try:
            if self._array is None:
                self._array = Hdf5Values(self.path, self.key, open_hdf5(self.path)[self.key])
            part = slice(start, start + self._rows_in_block)
            block: np.ndarray = self._array[part] if self._axis == 0 else self._array[..., part]
            return block
        except InputError as error:
            return error.message.rstrip(".")
        except BROKEN as error:
            return describe_error(error)


def open_hdf5(path: Path) -> Any:
    """Open an HDF5 file for reading.

    Returns
    -------
    h5py.File

    Raises
    ------
    InputError
        If the file does not exist, is a folder, is not HDF5, or is cut short or damaged.
    DependencyMissing
        If h5py is not installed.
    """
    h5py = require("h5py", why="Reading HDF5 files", install="h5py")
    try:
        with open_regular(path) as stream:
            head = stream.read(4096)
    except FileNotFoundError as error:
        raise InputError(f"There is no file '{path}'.", hint=suggest_path(path)) from error
    except OSError as error:
        what = "is a folder, not an HDF5 file" if path.is_dir() else f"cannot be opened: {error.strerror or error}"
        raise InputError(f"'{path}' {what}.") from error
    if not h5py.is_hdf5(path):
        if (packing := find_packing(head)) is not None:
            raise InputError(
                f"'{path}' is compressed by {packing.name}.", hint=f"Decompress it first: {packing.command} {path}"
            )
        what, hint = describe_content(head) if head else ("an empty file", "")
        raise InputError(
            f"'{path}' is {f'{what}, ' if what and head else what}{'not an HDF5 file' if head else ''}.",
            hint=hint or "It may be an incomplete download, or an error page; download it again.",
        )
    key = identify_file(path)
    if key not in _CHECKED:
        check_survivable(path, key[2])
    try:
        # nothing is written, so a file system without locks is fine
        file = h5py.File(path, "r", locking="best-effort")
    except OSError as error:
        raise InputError(f"'{path}' is {_describe_damage(error)}.", hint="Download or copy it again.") from error
    try:
        _check_once(file, path, key)
    except BROKEN as error:
        file.close()
        raise InputError(
            f"'{path}' is damaged ({describe_error(error)}).", hint="Download or copy it again."
        ) from error
    except InputError:
        file.close()
        raise
    return file


def _check_once(file: Any, path: Path, key: tuple[str, int, int, int]) -> None:
    """Check where a file points to, once in a process as long as it does not change."""
    if key not in _CHECKED:
        check_links(file, path)
        _CHECKED[key] = None
        if len(_CHECKED) > _MOST_CHECKED:
            del _CHECKED[next(iter(_CHECKED))]


def _describe_damage(error: OSError) -> str:
    """Return the reason that HDF5 gives for a file that it cannot open."""
    text = describe_error(error)
    if sizes := re.search(r"truncated file: eof = (\d+),.* stored_eof = (\d+)", text):
        return f"cut short: it has {int(sizes[1]):,} of {int(sizes[2]):,} bytes"
    return f"cut short or damaged ({text.partition('(')[2].rstrip(')') or text})"
