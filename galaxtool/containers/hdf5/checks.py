"""Find arrays in HDF5 files whose values are elsewhere or were never written: HDF5 silently returns zeros.

These are virtual arrays, arrays in external files, and chunks that do not exist. Filters that this installation of HDF5
lacks are named too.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from galaxtool.utils.optional_imports import require

_DEEPEST = 4
_UNLIMITED = 2**62
_ELSEWHERE = "the values are in"
_FILTERS = {
    4: "szip", 305: "LZO", 307: "bzip2", 32001: "blosc", 32004: "LZ4", 32008: "bitshuffle", 32013: "ZFP",
    32015: "Zstandard", 32017: "SZ", 32026: "blosc2",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class MissingRows:
    """The rows of an array that are not in the file.

    Parameters
    ----------
    count : int
        Number of rows of the array.
    parts : tuple of (int, int, str)
        First row, the one after the last, and why these rows cannot be read.
    """

    count: int
    parts: tuple[tuple[int, int, str], ...] = ()

    def reason(self, row: int) -> str:
        """Return why a row cannot be read; empty if it can."""
        return next((why for start, stop, why in self.parts if start <= row < stop), "")

    @property
    def is_elsewhere(self) -> bool:
        """Whether rows are missing because another file is."""
        return any(why.startswith(_ELSEWHERE) for _, _, why in self.parts)

    def reason_for_all(self) -> str:
        """Return why no row can be read; empty if any can, or if there is none."""
        reached = 0
        for start, stop, _ in sorted(self.parts):
            if start > reached:
                return ""
            reached = max(reached, stop)
        return self.parts[0][2] if self.parts and reached >= self.count else ""


def find_missing_rows(array: Any, axis: int = 0, depth: int = 0) -> MissingRows:
    """Return the rows of an array that HDF5 would fill with a constant, or cannot unpack.

    Parameters
    ----------
    array : h5py.Dataset
        The array.
    axis : int
        Axis of the rows, 0 or -1.
    depth : int
        Number of virtual arrays that lead to this one.
    """
    count = array.shape[axis] if array.ndim else 1
    if not math.prod(array.shape) or depth > _DEEPEST:
        return MissingRows(count)
    if array.is_virtual:
        return MissingRows(count, tuple(_find_virtual_gaps(array, axis, count, depth)))
    if why := _find_missing_filter(array) or _find_missing_file(array):
        return MissingRows(count, ((0, count, why),))
    if _says_missing(array):
        return MissingRows(count)
    if array.chunks is None:
        never = not array.external and array.id.get_storage_size() == 0
        return MissingRows(count, ((0, count, "the values were never written"),) if never else ())
    return MissingRows(count, tuple(_find_chunk_gaps(array, axis, count)))


def _says_missing(array: Any) -> bool:
    """Tell whether what was never written is NaN, which is seen."""
    return array.dtype.kind == "f" and bool(np.isnan(array.fillvalue))


def _find_virtual_gaps(array: Any, axis: int, count: int, depth: int) -> Iterator[tuple[int, int, str]]:
    """Yield the rows of a virtual array that have no source."""
    folder = Path(os.fsdecode(array.file.filename)).parent
    covered = np.zeros(count, dtype=bool)
    for source in array.virtual_sources():
        first, last = (corner[axis] for corner in source.vspace.get_select_bounds())
        stop = min(count, int(last) + 1)
        covered[int(first) : stop] = True
        if why := _check_source(array, source, folder, depth):
            yield int(first), stop, why
    if not _says_missing(array):
        yield from _find_runs(~covered, "no source of the virtual array fills it")


def _check_source(array: Any, source: Any, folder: Path, depth: int) -> str:
    """Return why the source of a part of a virtual array cannot be read; empty if it can."""
    h5py = require("h5py", why="Reading HDF5 files", install="h5py")
    name = source.file_name
    if "%b" in name or "%b" in source.dset_name:
        return ""  # one source for each block: HDF5 ends the array where there is none
    what = f"{_ELSEWHERE} '{name}'"
    if name == ".":
        return _check_source_array(array.file, source, what, depth)
    paths = [Path(prefix) / name for prefix in (os.environ.get("HDF5_VDS_PREFIX"), folder, ".") if prefix is not None]
    path = next((path for path in paths if path.is_file()), None)
    if path is None:
        return f"{what}, which does not exist"
    try:
        with h5py.File(path, "r", locking="best-effort") as file:
            return _check_source_array(file, source, what, depth)
    except OSError:
        return f"{what}, which is damaged or cannot be opened"


def _check_source_array(file: Any, source: Any, what: str, depth: int) -> str:
    found = file.get(source.dset_name)
    if found is None or not hasattr(found, "shape"):
        return f"{what}, which has no array '{source.dset_name}'"
    if _is_too_small(found.shape, source):
        return f"{what}, whose array '{source.dset_name}' has only the shape {' x '.join(map(str, found.shape))}"
    missing = find_missing_rows(found, depth=depth + 1)
    return f"{what}, but {missing.parts[0][2]}" if missing.parts else ""


def _is_too_small(shape: tuple[int, ...], source: Any) -> bool:
    """Tell whether the array of a source has fewer values than a virtual array takes from it."""
    h5py = require("h5py", why="Reading HDF5 files", install="h5py")
    if source.src_space.get_select_type() == h5py.h5s.SEL_ALL:
        return bool(source.vspace.get_select_npoints() > math.prod(shape))
    last = source.src_space.get_select_bounds()[1]
    return len(last) != len(shape) or any(s <= n < _UNLIMITED for n, s in zip(last, shape, strict=True))


def _find_missing_filter(array: Any) -> str:
    """Return which filter an array needs that is not installed; empty if all are."""
    h5py = require("h5py", why="Reading HDF5 files", install="h5py")
    settings = array.id.get_create_plist()
    for number in range(settings.get_nfilters()):
        code, _, _, label = settings.get_filter(number)
        if h5py.h5z.filter_avail(code):
            continue
        with suppress(ImportError):
            import_module("hdf5plugin")
        if not h5py.h5z.filter_avail(code):
            name = _FILTERS.get(code) or label.decode("utf-8", "replace").split(";")[0] or f"filter {code}"
            return f"the values are compressed by {name}, which is not installed (pip install hdf5plugin)"
    return ""


def _find_missing_file(array: Any) -> str:
    """Return which external file of an array is missing or too short; empty if none is."""
    for name, offset, size in array.external or ():
        path = Path(os.environ.get("HDF5_EXTFILE_PREFIX", ".")) / os.fsdecode(name)
        if not path.is_file():
            beside = Path(os.fsdecode(array.file.filename)).parent / path.name
            hint = f"; it is in '{beside.parent}': run galaxtool there" if beside.is_file() else ""
            return f"{_ELSEWHERE} '{path}', which does not exist{hint}"
        whole = math.prod(array.shape) * array.dtype.itemsize
        if path.stat().st_size < offset + min(size, whole):
            return f"{_ELSEWHERE} '{path}', which is cut short"
    return ""


def _find_chunk_gaps(array: Any, axis: int, count: int) -> Iterator[tuple[int, int, str]]:
    """Yield the rows with chunks that were never written."""
    grid = [math.ceil(side / step) for side, step in zip(array.shape, array.chunks, strict=True)]
    if array.id.get_num_chunks() == math.prod(grid):
        return
    seen = np.zeros(grid[axis], dtype=np.int64)

    def count_chunk(info: Any) -> None:
        seen[info.chunk_offset[axis] // array.chunks[axis]] += 1

    array.id.chunk_iter(count_chunk)
    lacking = np.repeat(seen < math.prod(grid) // grid[axis], array.chunks[axis])[:count]
    yield from _find_runs(lacking, "the values were never written")


def _find_runs(rows: np.ndarray, why: str) -> Iterator[tuple[int, int, str]]:
    """Yield the runs of rows that are True."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], rows, [False]]).astype(np.int8)))
    for start, stop in edges.reshape(-1, 2).tolist():
        yield start, stop, why


def find_dataset(file: Any, name: str, problems: list[str]) -> Any:
    """Return what a name in a file leads to, following links; None if nothing, with the reason in `problems`."""
    h5py = require("h5py", why="Reading HDF5 files", install="h5py")
    link = file.get(name, getlink=True)
    try:
        return file[name]
    except (KeyError, OSError):
        if isinstance(link, h5py.ExternalLink):
            problems.append(f"'{name}' is a link to '{link.path}' in '{link.filename}', which cannot be opened")
        elif isinstance(link, h5py.SoftLink):
            problems.append(f"'{name}' is a link to '{link.path}', which does not exist")
        return None
