"""Read HDF5 files in a child process, because damaged ones can crash or hang the library.

A file is tried first: the child opens all of its objects as galaxtool does. Values that are not laid out plainly, such
as those in compressed chunks, are read there too (`galaxtool.containers.hdf5.values`).
"""

from __future__ import annotations

import math
import os
import time
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from galaxtool.containers.hdf5.checks import find_missing_rows
from galaxtool.containers.hdf5.links import check_links
from galaxtool.containers.member_index import identify_file
from galaxtool.errors import InputError
from galaxtool.utils.error_text import describe_error
from galaxtool.utils.guarded_child import ChildFailed, GuardedChild
from galaxtool.utils.optional_imports import require

_SECONDS, _BYTES_PER_S = 30.0, 20e6
_MOST_LOST_S = 120.0
_MOST_BYTES = 256 << 20
_MOST_OPEN = 8
_child = GuardedChild("galaxtool.containers.hdf5.child:answer")
_lost_s: dict[tuple[str, int, int, int], float] = {}
_open: OrderedDict[tuple[str, int, int, int], Any] = OrderedDict()


class _ReadTask(NamedTuple):
    """What the child does: read part of an array, or try the file if no array is named."""

    path: Path
    folder: str
    name: str = ""
    part: Any = ()


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
        _child.ask(_make_request(path), _SECONDS + size / _BYTES_PER_S)
    except ChildFailed as error:
        raise InputError(
            f"'{path}' is damaged: a test read in a child process was {error}.", hint="Download or copy it again."
        ) from error


def read_in_child(path: Path, name: str, part: Any, size: int) -> np.ndarray:
    """Read part of an array in a child process.

    Parameters
    ----------
    path : Path
        The file.
    name : str
        Name of the array.
    part : object
        What `h5py.Dataset` takes in brackets.
    size : int
        About how many bytes that is, with the chunks around it.

    Raises
    ------
    OSError
        If the part is damaged, ends the child, or takes too long; also if that took two minutes of this file already.
    """
    key = identify_file(path)
    if _lost_s.get(key, 0.0) > _MOST_LOST_S:
        raise OSError("too many parts of the file ended or delayed the process that read them")
    started = time.monotonic()
    try:
        values, why = _child.ask(_make_request(path, name, part), _SECONDS + size / _BYTES_PER_S)
    except ChildFailed as error:
        _lost_s[key] = _lost_s.get(key, 0.0) + time.monotonic() - started
        raise OSError(f"reading it in a child process was {error}") from error
    if why:
        raise OSError(why)
    array: np.ndarray = values
    return array


def _make_request(path: Path, name: str = "", part: Any = ()) -> _ReadTask:
    folder = Path.cwd()
    return _ReadTask(folder / path, str(folder), name, part)


def answer(request: _ReadTask) -> Any:
    """Do what a request says: the work of the child."""
    os.chdir(request.folder)  # HDF5 looks for external files there
    _close_replaced()
    if not request.name:
        return _try_file(request.path)
    try:
        return np.asarray(_open_once(request.path)[request.name][request.part]), ""
    except InputError as error:
        return None, error.message.rstrip(".")
    except Exception as error:  # h5py raises many kinds for damaged files
        return None, describe_error(error)


def _open_once(path: Path) -> Any:
    key = identify_file(path)
    if key not in _open:
        h5py = require("h5py", why="Reading HDF5 files", install="h5py")
        file = h5py.File(path, "r", locking=False)  # it stays open, and others may want to write it
        check_links(file, path)
        _open[key] = file
        if len(_open) > _MOST_OPEN:
            _open.popitem(last=False)[1].close()
    _open.move_to_end(key)
    return _open[key]


def _close_replaced() -> None:
    """Close the files that were written again since they were opened; HDF5 would go on showing what they were."""
    for key in list(_open):
        try:
            is_same = identify_file(Path(key[0])) == key
        except OSError:
            is_same = False
        if not is_same:
            _open.pop(key).close()


def _try_file(path: Path) -> str:
    """Open all objects of a file and read a little of each; return what was wrong."""
    h5py = require("h5py", why="Reading HDF5 files", install="h5py")
    try:
        with h5py.File(path, "r", locking=False) as file:
            check_links(file, path)
            file.visititems(lambda *_: None)
            file.visititems_links(lambda *_: None)
            for item in _list_objects(file, h5py):
                _try_item(item, h5py)
    except Exception as error:  # the reader reports it; only a death or a hang matters here
        return type(error).__name__
    return ""


def _list_objects(file: Any, h5py: Any) -> Iterator[Any]:
    """Yield the objects of a file and of those that it links to, each once."""
    groups, known = [file["/"]], set()
    yield file
    while groups:
        group = groups.pop()
        for name in _try_to_read(lambda group=group: list(group)) or ():
            item = _try_to_read(lambda group=group, name=name: group.get(name))
            place = _try_to_read(lambda item=item: h5py.h5o.get_info(item.id))
            if place is None or (key := (place.fileno, place.addr)) in known:
                continue
            known.add(key)
            yield item
            if isinstance(item, h5py.Group):
                groups.append(item)


def _try_item(item: Any, h5py: Any) -> None:
    for name in list(_try_to_read(lambda: list(item.attrs)) or ()):
        _try_to_read(lambda name=name: item.attrs[name])
    if not isinstance(item, h5py.Dataset):
        return
    for read in (
        lambda: [dimension.label for dimension in item.dims],
        lambda: item.fillvalue,
        lambda: item.id.chunk_iter(lambda _: None) if item.chunks else item.id.get_storage_size(),
        lambda: [find_missing_rows(item, axis) for axis in (0, -1)],
        lambda: _read_some(item),
    ):
        _try_to_read(read)


def _read_some(array: Any) -> None:
    row = math.prod(array.shape[1:]) * array.dtype.itemsize
    if math.prod(array.chunks or ()) * array.dtype.itemsize > _MOST_BYTES:
        return
    if array.ndim < 3 and row * max(1, *array.shape[:1], 1) <= _MOST_BYTES:
        array[()]
    elif array.ndim and row <= _MOST_BYTES:
        for n in sorted({0, array.shape[0] // 2, array.shape[0] - 1}):
            array[n]


def _try_to_read(read: Any) -> Any:
    with suppress(Exception):
        return read()
    return None
