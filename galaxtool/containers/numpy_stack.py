"""Stacks of images in NumPy files."""

from __future__ import annotations

import math
import zipfile
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from galaxtool.containers.array_rows import ArrayRows, Rows
from galaxtool.containers.axes import Axes
from galaxtool.containers.protocols import Member
from galaxtool.containers.stack import Stack
from galaxtool.containers.stack_values import choose_array
from galaxtool.containers.streams import BROKEN, MOST_BYTES, MOST_RATIO, read_head, wrong_content_error
from galaxtool.containers.zip import seek_to_data
from galaxtool.errors import UnreadableImage
from galaxtool.images.read_options import ReadOptions
from galaxtool.types import Cutout
from galaxtool.utils.error_text import describe_error

_BROKEN = (zipfile.BadZipFile, KeyError, RuntimeError, TypeError, SyntaxError, *BROKEN)
_ATTRIBUTES = ("bands", "row0", "unit", "pixel_scale", "axes")
_SAMPLED = 8
_MAGIC = b"\x93NUMPY"
_FEW_VALUES = 100
_READ_HEADER = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


class NumpyContainer:
    """NumPy files: an array of images in an ``.npy``, or in an ``.npz`` with arrays of N values.

    In an ``.npz``, the images are the array ``images`` (or ``cutouts``, ``image``, ``data``), or else the only array
    with three or four axes. Axes and rows are as in HDF5 files (`galaxtool.containers.axes`,
    `galaxtool.containers.stack`). Small arrays take the place of attributes: ``bands``, ``row0``, ``unit``,
    ``pixel_scale``. Pickled objects are never loaded.

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
        """Yield the images in order; the key of the first is ``0``, or ``images/0`` in an ``.npz``.

        Raises
        ------
        UnreadableImage
            If the file is damaged, contains Python objects, or it is unclear which of its arrays holds images.
        """
        with closing(_open(path)) as file:
            self.notes += [file.stack.note] if file.stack.note else []
            yield from file.stack.members(file.prefix)

    def open(self, path: Path) -> OpenNumpy:
        """Open a file."""
        return OpenNumpy(path)


class OpenNumpy:
    """A NumPy file open for reading."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file = _open(path)

    def read(self, key: str, options: ReadOptions) -> Cutout:
        """Return an image.

        Raises
        ------
        UnreadableImage
            If the image does not exist, or the file is damaged.
        """
        stack = self._file.stack
        row = stack.row(key.removeprefix(self._file.prefix), key)
        name = f"{self.path}[{key}]"
        try:
            pixels = self._file.rows.row(row)
        except _BROKEN as error:
            raise UnreadableImage(f"'{name}' is damaged or cut short ({describe_error(error)}).") from error
        return stack.cutout(pixels, row, name, options)

    def close(self) -> None:
        """Close the file."""
        self._file.close()


@dataclass(frozen=True, slots=True)
class _File:
    """The images of a file, and the prefix of their keys."""

    stack: Stack
    prefix: str
    rows: Rows

    def close(self) -> None:
        self.rows.close()


@dataclass(frozen=True, slots=True)
class _Header:
    """Header of an array in an archive; `length` is the number of bytes of the header itself."""

    shape: tuple[int, ...]
    fortran: bool
    dtype: np.dtype
    length: int

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def nbytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize


class _CompressedRows:
    """Rows of a compressed array; going back starts again at its beginning."""

    def __init__(self, path: Path, name: str, header: _Header, axes: Axes) -> None:
        self._archive = zipfile.ZipFile(path)
        self._stream = self._archive.open(name)
        self._header = header
        self._shape = header.shape if axes.single else header.shape[1:]

    def row(self, row: int) -> np.ndarray:
        size = math.prod(self._shape) * self._header.dtype.itemsize
        self._stream.seek(self._header.length + row * size)
        content = self._stream.read(size)
        if len(content) < size:
            raise EOFError("there are fewer bytes than its header promises")
        return np.frombuffer(content, dtype=self._header.dtype).reshape(self._shape)

    def close(self) -> None:
        self._stream.close()
        self._archive.close()


def _open(path: Path) -> _File:
    """Open a file and find the images in it."""
    head = read_head(path)
    try:
        return _open_npy(path) if head.startswith(_MAGIC) else _open_npz(path)
    except _BROKEN as error:
        if not head.startswith((_MAGIC, b"PK")):
            raise wrong_content_error(path, "a NumPy file", error) from error
        objects = "Object arrays" in str(error) or "Python objects" in str(error)
        why = (
            "contains Python objects, which are not loaded"
            if objects
            else f"is damaged or cut short ({describe_error(error)})"
        )
        raise UnreadableImage(f"'{path}' {why}.") from error


def _open_npy(path: Path) -> _File:
    """Open a file with one array."""
    array = np.load(path, mmap_mode="r", allow_pickle=False)
    stack = Stack.of(str(path), array, {}, {})
    rows = ArrayRows(array, stack.axes)
    return _File(stack.with_sample(rows, stack.sample_rows(_SAMPLED)), "", rows)


def _open_npz(path: Path) -> _File:
    """Open an archive of arrays."""
    # NumPy does not close a file that it cannot read
    with path.open("rb") as stream, np.load(stream, allow_pickle=False) as arrays:
        headers = {name: _read_header(arrays.zip, name) for name in arrays.files}
        name = choose_array({n: header for n, header in headers.items() if header.ndim in (3, 4)}, path)
        header = headers[name]
        small = {other: h for other, h in headers.items() if other != name and h.nbytes <= MOST_BYTES}
        columns = {
            other: arrays[other]
            for other, h in small.items()
            if len(h.shape) in (1, 2) and h.shape[1:] in ((), (1,)) and h.dtype.kind in "iufbSU"
        }
        attributes = {
            other.lower(): arrays[other].item() if h.ndim == 0 else arrays[other]
            for other, h in small.items()
            if other.lower() in _ATTRIBUTES and math.prod(h.shape) < _FEW_VALUES
        }
        info = arrays.zip.getinfo(f"{name}.npy")
    stack = Stack.of(f"{path}[{name}]", header, attributes, columns)
    rows = _make_rows(path, info, header, stack)
    # going back in a compressed array is slow
    sample = range(min(_SAMPLED, stack.axes.n)) if isinstance(rows, _CompressedRows) else stack.sample_rows(_SAMPLED)
    return _File(stack.with_sample(rows, sample), f"{name}/", rows)


def _read_header(archive: zipfile.ZipFile, name: str) -> _Header:
    """Read the header of an array, and check that the data have the size that it promises."""
    info = archive.getinfo(f"{name}.npy")
    with archive.open(info) as stream:
        version = np.lib.format.read_magic(stream)
        if version not in _READ_HEADER:
            raise ValueError(f"'{name}' has version {version} of the NumPy format, which is not supported")
        shape, fortran, dtype = _READ_HEADER[version](stream)
        header = _Header(shape, fortran, dtype, stream.tell())
    if dtype.hasobject:
        return header
    if header.length + header.nbytes != info.file_size:
        raise ValueError(f"the header of '{name}' promises {header.nbytes:,} bytes, and it has {info.file_size:,}")
    if info.file_size > max(MOST_BYTES, 2 * MOST_RATIO * info.compress_size):
        raise ValueError(f"'{name}' claims to decompress from {info.compress_size:,} to {info.file_size:,} bytes")
    return header


def _make_rows(path: Path, info: zipfile.ZipInfo, header: _Header, stack: Stack) -> Rows:
    """Return the rows of an array in an archive, memory-mapped if it is not compressed."""
    if info.compress_type == zipfile.ZIP_STORED:
        with path.open("rb") as stream:
            seek_to_data(stream, info.header_offset)
            start = stream.tell() + header.length
        order: Any = "F" if header.fortran else "C"
        return ArrayRows(np.memmap(path, header.dtype, "r", start, header.shape, order), stack.axes)
    if header.fortran or stack.axes.images_last:
        raise UnreadableImage(
            f"'{stack.place}' is compressed, with the images along its last axis or in Fortran order, so single images "
            "cannot be read.",
            hint="Save np.ascontiguousarray(images) with the images along the first axis, or use np.savez.",
        )
    return _CompressedRows(path, info.filename, header, stack.axes)
