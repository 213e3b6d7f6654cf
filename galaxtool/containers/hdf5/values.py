"""Read values of an array in an HDF5 file where a damaged file can do no harm."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import numpy as np

from galaxtool.containers.hdf5.child import read_in_child
from galaxtool.utils.optional_imports import require

_UNITS = ("unit", "units", "UNIT")


class Hdf5Values:
    """An array of an HDF5 file; use it like an `h5py.Dataset` that is only read.

    Parameters
    ----------
    path : Path
        The file.
    name : str
        Name of the array in it.
    array : h5py.Dataset
        The array. It is kept only if its values are laid out plainly: in one piece of this file, as numbers that NumPy
        has too. Others are read in a child process.

    Attributes
    ----------
    shape, dtype, ndim
        As those of the array.
    attrs : dict
        The attributes ``unit`` and ``units``.
    is_plain : bool
        Whether the values are laid out plainly.
    """

    def __init__(self, path: Path, name: str, array: Any) -> None:
        self._path, self._name = path, name
        self.shape: tuple[int, ...] = array.shape
        self.dtype: np.dtype = array.dtype
        self.ndim = len(self.shape)
        self.attrs = {key: array.attrs[key] for key in _UNITS if key in array.attrs}
        self.is_plain = has_plain_layout(array)
        self._array = array if self.is_plain else None
        self._chunk_bytes = math.prod(array.chunks or ()) * self.dtype.itemsize

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, part: Any) -> Any:
        if self._array is not None:
            return self._array[part]
        return read_in_child(self._path, self._name, part, self._count_bytes() + self._chunk_bytes)

    def _count_bytes(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize


def has_plain_layout(array: Any) -> bool:
    """Tell whether the values of an array are in one piece of its own file, as numbers that NumPy has too."""
    h5py = require("h5py", why="Reading HDF5 files", install="h5py")
    settings = array.id.get_create_plist()
    return (
        settings.get_layout() in (h5py.h5d.COMPACT, h5py.h5d.CONTIGUOUS)
        and not settings.get_external_count()
        and array.dtype.kind in "iufb"
        and array.id.get_type().equal(h5py.h5t.py_create(array.dtype))
    )


def read_hdf5_array(array: Any) -> np.ndarray:
    """Return all values of an `h5py.Dataset`, read as `Hdf5Values` reads them."""
    return np.asarray(Hdf5Values(Path(os.fsdecode(array.file.filename)), array.name, array)[()])
