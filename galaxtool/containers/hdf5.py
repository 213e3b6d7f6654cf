"""Stacks of images in HDF5 files, read image by image."""

from __future__ import annotations

import threading
import weakref
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from galaxtool.containers.hdf5_rows import BROKEN, Hdf5Rows, open_hdf5
from galaxtool.containers.member_index import identity
from galaxtool.containers.protocols import Member
from galaxtool.containers.stack import SCALE_COLUMNS, ArrayRows, Rows, Stack, which_images
from galaxtool.errors import InputError, UnreadableImage
from galaxtool.images.read_options import ReadOptions
from galaxtool.images.reading import say
from galaxtool.types import Cutout
from galaxtool.utils.optional_imports import require

_ATTRIBUTES = {
    "bands": ("bands", "band", "filters", "filter"),
    "row0": ("row0",),
    "unit": ("unit", "units", "bunit"),
    "pixel_scale": SCALE_COLUMNS,
}
_BLOCK_BYTES = 64 * 2**20
_lock = threading.Lock()
_open_now: weakref.WeakValueDictionary[tuple[Any, ...], _Opened] = weakref.WeakValueDictionary()


class Hdf5Container:
    """HDF5 files with an array of images.

    The array ``images`` (or ``cutouts``, ``image``, ``data``), else the only one of three or four axes, wherever it
    lies in the file. Its axes are told apart by `galaxtool.containers.axes`, its rows are as
    `galaxtool.containers.stack` says. Attributes of the array, of its group or of the file, whatever the case:
    ``bands`` (also ``filters``), ``unit``, ``pixel_scale`` in arcsec (also ``pxscale``), ``row0``. Arrays of N values
    beside it are columns: ``id`` (``objid``, ``id_str`` ...), ``ra`` and ``dec`` in degrees, ``pixel_scale``, and any
    others, such as labels.

    Attributes
    ----------
    skipped : Counter
        Empty.
    """

    def __init__(self) -> None:
        self.skipped: Counter[str] = Counter()

    def members(self, path: Path) -> Iterator[Member]:
        """Yield the images in order; the key of the first is ``images/0``.

        Raises
        ------
        UnreadableImage
            If the file is damaged, or it cannot be told which of its arrays are images.
        """
        with _file(path) as file:
            array = _images(file, path)
            yield from _stack(path, array).members(f"{array.name[1:]}/")

    def open(self, path: Path) -> OpenHdf5:
        """Open a file; it is read by one thread at a time, and blocks of it are shared by all of this process."""
        return OpenHdf5(path)


class OpenHdf5:
    """An HDF5 file that is open."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._arrays: dict[str, _Opened] = {}

    def read(self, key: str, options: ReadOptions) -> Cutout:
        """Return an image.

        Raises
        ------
        UnreadableImage
            If there is no such image, or that part of the file is damaged.
        """
        name, _, text = key.rpartition("/")
        if name not in self._arrays:
            self._arrays[name] = _opened(self.path, name)
        stack, rows = self._arrays[name].stack, self._arrays[name].rows
        row = stack.row(text, key)
        return stack.cutout(rows.row(row), row, f"{self.path}[{key}]")

    def close(self) -> None:
        """Let go of the file; it is closed when all threads have."""
        self._arrays.clear()


class _Opened:
    """An array that the threads of a process share."""

    def __init__(self, path: Path, name: str) -> None:
        with _file(path) as file:
            name = name or _images(file, path).name[1:]  # stack.h5[12], as people write it
            array = file.get(name)
            if array is None or not hasattr(array, "shape"):
                raise UnreadableImage(f"There is no array '{name}' in '{path}'.")
            stack = _stack(path, array)
            # a few numbers for each image, kept rather than read one by one
            kept = {n: np.asarray(c[()]) for n, c in stack.columns.items() if c.dtype.kind in "iuf"}
            self.stack = Stack(stack.place, stack.axes, stack.dtype, dict(stack.attributes), kept)
            self.rows: Rows = (
                ArrayRows(array[()], single=True) if stack.axes.single else Hdf5Rows(path, name, array, _BLOCK_BYTES)
            )


def _opened(path: Path, name: str) -> _Opened:
    with _lock:
        key = (*identity(path), name)
        found = _open_now.get(key)
        if found is None:
            found = _open_now[key] = _Opened(path, name)
        return found


@contextmanager
def _file(path: Path) -> Iterator[Any]:
    """Give an open file; what is wrong with it becomes an `UnreadableImage`."""
    try:
        file = open_hdf5(path)
    except InputError as error:
        raise UnreadableImage(error.message, hint=error.hint) from error
    with file:
        try:
            yield file
        except BROKEN as error:
            raise UnreadableImage(f"'{path}' is damaged ({say(error)}).", hint="Fetch or copy it again.") from error


def _images(file: Any, path: Path) -> Any:
    """Return the array of images in a file."""
    h5py = require("h5py", why="Reading HDF5 files", install="h5py")
    found: dict[str, Any] = {}

    def look(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and item.ndim in (3, 4):
            found[name] = item

    file.visititems(look)
    return found[which_images(found, path)]


def _stack(path: Path, array: Any) -> Stack:
    h5py = require("h5py", why="Reading HDF5 files", install="h5py")
    beside: dict[str, Any] = {}
    for name, item in array.parent.items():
        if isinstance(item, h5py.Dataset) and item.shape in ((array.shape[0],), (array.shape[0], 1)):
            kind = h5py.check_string_dtype(item.dtype)
            if item.dtype.kind in "iufbS" or kind is not None:
                beside[name] = item
    return Stack.of(f"{path}[{array.name[1:]}]", array, _attributes(array), beside)


def _attributes(array: Any) -> Mapping[str, Any]:
    """Return what the array, its group or the file say of all images."""
    said: dict[str, Any] = {}
    for owner in (array.file, array.parent, array):
        lower = {name.lower(): owner.attrs[name] for name in owner.attrs}
        for what, names in _ATTRIBUTES.items():
            value = next((lower[name] for name in names if name in lower), None)
            if value is not None:
                said[what] = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
    return said
