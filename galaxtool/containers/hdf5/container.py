"""Stacks of images in HDF5 files."""

from __future__ import annotations

import math
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
from galaxtool.containers.hdf5.checks import find_dataset, find_missing_rows
from galaxtool.containers.hdf5.rows import BROKEN, MOST_CHUNK_BYTES, Hdf5Rows, open_hdf5
from galaxtool.containers.hdf5.values import Hdf5Values
from galaxtool.containers.member_index import identify_file
from galaxtool.containers.protocols import Member
from galaxtool.containers.stack import Stack
from galaxtool.containers.stack_positions import describe_sky_arrays
from galaxtool.containers.stack_values import IMAGES, SCALE_COLUMNS, choose_array
from galaxtool.errors import InputError, UnreadableImage
from galaxtool.images.read_options import ReadOptions
from galaxtool.types import Cutout
from galaxtool.utils.error_text import describe_error
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
            name = _find_images(file, path)
            stack = _make_stack(path, file, name, self.notes)
            self.notes += [stack.note] if stack.note else []
            self.notes += describe_sky_arrays(stack.columns, stack.sky, str(path))
            yield from stack.members(f"{name}/")

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
        return stack.cutout(rows.row(row), row, f"{self.path}[{key}]", options)

    def close(self) -> None:
        """Release the file, which is closed after the last thread has released it."""
        self._arrays.clear()


class _SharedArray:
    """An array that the threads of a process share."""

    def __init__(self, path: Path, name: str) -> None:
        with _open_file(path) as file:
            name = name or _find_images(file, path)  # stack.h5[12] is allowed too
            array = file.get(name)
            if array is None or not hasattr(array, "shape"):
                raise UnreadableImage(f"There is no array '{name}' in '{path}'.")
            stack = _make_stack(path, file, name, [])
            # a few numbers per image, read all at once
            kept = {n: np.asarray(c[()]) for n, c in stack.columns.items() if c.dtype.kind in "iuf" or n == "flags"}
            self.stack = replace(stack, attributes=dict(stack.attributes), columns=kept)
            self.rows: Rows = (
                ArrayRows(Hdf5Values(path, name, array)[()], stack.axes)
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


def _find_images(file: Any, path: Path) -> str:
    """Return the name of the array of images in a file, which may be a link."""
    h5py = require("h5py", why="Reading HDF5 files", install="h5py")
    found: dict[str, Any] = {}
    problems: list[str] = []

    def visit(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and item.ndim in (3, 4):
            found[name] = item

    def follow(name: str, link: Any) -> None:
        if isinstance(link, h5py.SoftLink | h5py.ExternalLink):
            item = find_dataset(file, name, problems)
            inside = {f"{name}/{key}": item.get(key) for key in item} if isinstance(item, h5py.Group) else {name: item}
            for key, one in inside.items():
                if isinstance(one, h5py.Dataset) and one.ndim in (3, 4) and one not in found.values():
                    found[key] = one

    file.visititems(visit)
    file.visititems_links(follow)
    broken = [text for text in problems if text.split("'")[1].rpartition("/")[2].lower() in IMAGES]
    if problems and (broken or not found):
        raise UnreadableImage(f"The images in '{path}' cannot be read: {(broken or problems)[0]}.")
    return choose_array(found, path)


def _make_stack(path: Path, file: Any, name: str, notes: list[str]) -> Stack:
    """Return the stack of an array, with the arrays of N values in its group as columns; say which are left out."""
    h5py = require("h5py", why="Reading HDF5 files", install="h5py")
    array = file[name]
    columns: dict[str, Any] = {}
    group = name.rpartition("/")[0]
    parent = file[group or "/"]
    for other in parent:
        item = parent.get(other)
        if isinstance(item, h5py.Dataset) and item.ndim in (1, 2) and item.shape[1:] in ((), (1,)):
            kind = h5py.check_string_dtype(item.dtype)
            if item.dtype.kind in "iufbS" or kind is not None:
                columns[other] = item
    stack = Stack.of(f"{path}[{name}]", array, _attributes(file, parent, array), columns)
    if "MATLAB_class" in array.attrs:  # MATLAB counts the axes the other way round
        stack = replace(stack, axes=replace(stack.axes, transposed=True))
    for other in list(stack.columns):
        missing = find_missing_rows(stack.columns[other])
        if missing.is_elsewhere:
            raise UnreadableImage(f"The array '{other}' in '{path}' cannot be read: {missing.parts[0][2]}.")
        if missing.parts:
            notes.append(f"'{path}': the array '{other}' is left out, because {missing.parts[0][2]}.")
            stack = replace(stack, columns={key: c for key, c in stack.columns.items() if key != other})
    stack = replace(stack, columns={key: Hdf5Values(path, f"{group}/{key}", c) for key, c in stack.columns.items()})
    if math.prod(array.chunks or ()) * array.dtype.itemsize > MOST_CHUNK_BYTES:
        return stack  # its rows say so
    missing = find_missing_rows(array, -1 if stack.axes.images_last else 0)
    if why := missing.parts[0][2] if missing.parts and stack.axes.single else missing.reason_for_all():
        raise UnreadableImage(f"The images in '{path}' cannot be read: {why}.")
    sample = [row for row in stack.sample_rows(_SAMPLED) if not missing.reason(row)]
    return stack.with_sample(ArrayRows(Hdf5Values(path, name, array), stack.axes), sample)


def _attributes(file: Any, parent: Any, array: Any) -> Mapping[str, Any]:
    """Return the attributes for all images, from the array, its group or the file."""
    found_attributes: dict[str, Any] = {}
    if any(dimension.label for dimension in array.dims):
        found_attributes["axes"] = [dimension.label for dimension in array.dims]
    for owner in (file, parent, array):
        lower = {name.lower(): owner.attrs[name] for name in owner.attrs}
        for what, names in _ATTRIBUTES.items():
            value = next((lower[name] for name in names if name in lower), None)
            if value is not None:
                found_attributes[what] = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
    return found_attributes
