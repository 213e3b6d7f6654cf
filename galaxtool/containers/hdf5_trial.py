"""A trial of an HDF5 file in a child process: damaged ones may end the library, or keep it busy for ever."""

from __future__ import annotations

import math
from contextlib import suppress
from pathlib import Path
from typing import Any

from galaxtool.containers.hdf5_links import check_links
from galaxtool.errors import InputError
from galaxtool.utils.guarded_child import ChildFailed, GuardedChild
from galaxtool.utils.optional_imports import require

_SECONDS, _BYTES_PER_S = 20.0, 50e6
_MOST_BYTES = 256 << 20
_child = GuardedChild("galaxtool.containers.hdf5_trial:try_file")


def check_survivable(path: Path, size: int) -> None:
    """Read what galaxtool reads of an HDF5 file in a child process first.

    Parameters
    ----------
    path : Path
        The file.
    size : int
        Its size in bytes.

    Raises
    ------
    InputError
        If the child died or did not end.
    """
    try:
        _child.ask(str(path.absolute()), _SECONDS + size / _BYTES_PER_S)
    except ChildFailed as error:
        raise InputError(
            f"'{path}' is damaged: reading it in a process for trials was {error}.", hint="Download or copy it again."
        ) from error


def try_file(path: str) -> str:
    """Open all objects of a file and read a little of each; return what was wrong."""
    h5py = require("h5py", why="Reading HDF5 files", install="h5py")
    try:
        with h5py.File(path, "r", locking="best-effort") as file:
            check_links(file, Path(path))
            found: list[Any] = [file]
            file.visititems(lambda _, item: found.append(item))
            file.visititems_links(lambda *_: None)
            for item in found:
                _try_item(item, h5py)
    except Exception as error:  # the reader reports it; only a death or a hang matters here
        return type(error).__name__
    return ""


def _try_item(item: Any, h5py: Any) -> None:
    for name in list(_suppressed(lambda: list(item.attrs)) or ()):
        _suppressed(lambda name=name: item.attrs[name])
    if not isinstance(item, h5py.Dataset):
        return
    for read in (
        lambda: [dimension.label for dimension in item.dims],
        lambda: item.fillvalue,
        lambda: item.id.chunk_iter(lambda _: None) if item.chunks else item.id.get_storage_size(),
        lambda: _read_some(item),
    ):
        _suppressed(read)


def _read_some(array: Any) -> None:
    row = math.prod(array.shape[1:]) * array.dtype.itemsize
    if math.prod(array.chunks or ()) * array.dtype.itemsize > _MOST_BYTES:
        return
    if array.ndim < 3 and row * max(1, *array.shape[:1], 1) <= _MOST_BYTES:
        array[()]
    elif array.ndim and row <= _MOST_BYTES:
        for n in sorted({0, array.shape[0] // 2, array.shape[0] - 1}):
            array[n]


def _suppressed(read: Any) -> Any:
    with suppress(Exception):
        return read()
    return None
