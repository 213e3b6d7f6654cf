"""Stacks of images in HDF5 files."""

from __future__ import annotations

import threading
import weakref
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from galaxtool.containers.array_rows import ArrayRows, Rows
from galaxtool.containers.hdf5_rows import BROKEN, Hdf5Rows, open_hdf5
from galaxtool.containers.member_index import identify_file
from galaxtool.containers.protocols import Member
from galaxtool.containers.stack import Stack
from galaxtool.containers.stack_values import SCALE_COLUMNS, choose_array
from galaxtool.errors import InputError, UnreadableImage
from galaxtool.images.read_options import ReadOptions
from galaxtool.images.reading import describe_error
from galaxtool.types import Cutout
from galaxtool.utils.optional_imports import require

_ATTRIBUTES = {
    "bands": ("bands", "band", "filters", "filter"),
    "row0": ("row0",),
    "unit": ("unit", "units", "bunit"),
    "pixel_scale": SCALE_COLUMNS,
    "axes": ("axes", "_array_dimensions"),
}
_SAMPLED = 3
_BLOCK_BYTES = 64 * 2**20
_lock = threading.Lock()
_open_arrays: weakref.WeakValueDictionary[tuple[Any, ...], _SharedArray] = weakref.WeakValueDictionary()


class Hdf5Container:
    """HDF5 files with an array of images.

    The images are the array ``images`` (or ``cutouts``, ``image``, ``data``), or else the only array with three or four
    axes, in any group of the file. `galaxtool.containers.axes` describes its axes, `galaxtool.containers.stack` the
    order of its rows. Attributes of the array, its group or the file, in upper or lower case, are ``bands`` (also
    ``filters``), ``unit``, ``pixel_scale`` in arcsec (also ``pxscale``) and ``row0``. Arrays of N values in the same
    group are columns: ``id`` (``objid``, ``id_str`` ...), ``ra`` and ``dec`` in degrees, ``pixel_scale``, and any
    others, such as labels.

    Attributes
    ----------
    skipped : Counter
        Always empty.
    notes : list of str
        What `members` assumed about the pixels.
    """

    def __init__(self) -> None:
        self.skipped: Counter[str] = Counter()
        self.notes: list[str] = []

    def members(self, path: Path) -> Iterator[Member]:
        """Yield the images in order; the key of the first is ``images/0``.

        Raises
        ------
        UnreadableImage
            If the file is damaged, or it is unclear which of its arrays holds images.
        """
        with _open_file(path) as file:
            array = _find_images(file, path)
            stack = _make_stack(path, array)
            self.notes += [stack.note] if stack.note else []
            yield from stack.members(f"{array.name[1:]}/")

    def open(self, path: Path) -> OpenHdf5:
        """Open a file; the threads of a process share blocks of it."""
        return OpenHdf5(path)


class OpenHdf5:
    """An HDF5 file open for reading."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._arrays: dict[str, _SharedArray] = {}

    def read(self, key: str, options: ReadOptions) -> Cutout:
        """Return an image.

        Raises
        ------
        UnreadableImage
            If the image does not exist, or that part of the file is damaged.
        """
        name, _, text = key.rpartition("/")
        if name not in self._arrays:
            self._arrays[name] = _open_array(self.path, name)
        stack, rows = self._arrays[name].stack, self._arrays[name].rows
        row = stack.row(text, key)
        return stack.cutout(rows.row(row), row, f"{self.path}[{key}]", options.pixels)

    def close(self) -> None:
        """Release the file, which is closed after the last thread has released it."""
        self._arrays.clear()


class _SharedArray:
    """An array that the threads of a process share."""

    def __init__(self, path: Path, name: str) -> None:
        with _open_file(path) as file:
            name = name or _find_images(file, path).name[1:]  # stack.h5[12] is allowed too
            array = file.get(name)
            if array is None or not hasattr(array, "shape"):
                raise UnreadableImage(f"There is no array '{name}' in '{path}'.")
            stack = _make_stack(path, array)
            # a few numbers per image, read all at once
            kept = {n: np.asarray(c[()]) for n, c in stack.columns.items() if c.dtype.kind in "iuf" or n == "flags"}
            self.stack = replace(stack, attributes=dict(stack.attributes), columns=kept)
            self.rows: Rows = (
                ArrayRows(array[()], stack.axes)
                if stack.axes.single
                else Hdf5Rows(path, name, array, _BLOCK_BYTES, axis=-1 if stack.axes.images_last else 0)
            )


def _open_array(path: Path, name: str) -> _SharedArray:
    """Return an array that is open already in this process, or open it."""
    with _lock:
        key = (*identify_file(path), name)
        found = _open_arrays.get(key)
        if found is None:
            found = _open_arrays[key] = _SharedArray(path, name)
        return found


@contextmanager
def _open_file(path: Path) -> Iterator[Any]:
    """Open a file; errors of h5py become an `UnreadableImage`."""
    try:
        file = open_hdf5(path)
    except InputError as error:
        raise UnreadableImage(error.message, hint=error.hint) from error
    with file:
        try:
            yield file
        except BROKEN as error:
            raise UnreadableImage(
                f"'{path}' is damaged ({describe_error(error)}).", hint="Download or copy it again."
            ) from error


def _find_images(file: Any, path: Path) -> Any:
    """Return the array of images in a file."""
    h5py = require("h5py", why="Reading HDF5 files", install="h5py")
    found: dict[str, Any] = {}

    def visit(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and item.ndim in (3, 4):
            found[name] = item

    file.visititems(visit)
    return found[choose_array(found, path)]


def _make_stack(path: Path, array: Any) -> Stack:
    """Return the stack of an array, with the arrays of N values in its group as columns."""
    h5py = require("h5py", why="Reading HDF5 files", install="h5py")
    columns: dict[str, Any] = {}
    for name, item in array.parent.items():
        if isinstance(item, h5py.Dataset) and item.ndim in (1, 2) and item.shape[1:] in ((), (1,)):
            kind = h5py.check_string_dtype(item.dtype)
            if item.dtype.kind in "iufbS" or kind is not None:
                columns[name] = item
    stack = Stack.of(f"{path}[{array.name[1:]}]", array, _attributes(array), columns)
    if "MATLAB_class" in array.attrs:  # MATLAB counts the axes the other way round
        stack = replace(stack, axes=replace(stack.axes, transposed=True))
    return stack.with_sample(ArrayRows(array, stack.axes), stack.sample_rows(_SAMPLED))


def _attributes(array: Any) -> Mapping[str, Any]:
    """Return the attributes for all images, from the array, its group or the file."""
    found_attributes: dict[str, Any] = {}
    if any(dimension.label for dimension in array.dims):
        found_attributes["axes"] = [dimension.label for dimension in array.dims]
    for owner in (array.file, array.parent, array):
        lower = {name.lower(): owner.attrs[name] for name in owner.attrs}
        for what, names in _ATTRIBUTES.items():
            value = next((lower[name] for name in names if name in lower), None)
            if value is not None:
                found_attributes[what] = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
    return found_attributes
