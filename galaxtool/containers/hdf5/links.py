"""Other files that an HDF5 file points to: followed only to regular files below its own folder.

HDF5 opens what external links, external storage and the sources of virtual arrays name without asking: private files,
pipes that never end, devices. Surveys write such sets side by side, and these are read.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from galaxtool.errors import InputError
from galaxtool.utils.optional_imports import require

_BROKEN = (OSError, RuntimeError, ValueError, KeyError, TypeError, SystemError)
_DEEPEST = 8
_MOST_FILES = 10_000
_MOST_OBJECTS = 20_000
_MOST_LEVELS = 100


def check_links(file: Any, path: Path) -> None:
    """Refuse an HDF5 file that points outside its folder, before anything in it is read.

    Parameters
    ----------
    file : h5py.File
        The open file.
    path : Path
        Its path.

    Raises
    ------
    InputError
        If it points to a file that is not below its folder, or is a pipe or device.
    """
    _Checker().check(file, path, 0)


class _Checker:
    """Follows all pointers from a file, each file once."""

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self._objects = 0
        self._h5py = require("h5py", why="Reading HDF5 files", install="h5py")

    def check(self, file: Any, path: Path, depth: int) -> None:
        """Check an open file, and those that it points to."""
        self._seen.add(os.path.realpath(path))
        if len(self._seen) > _MOST_FILES or depth > _DEEPEST:
            raise InputError(f"'{path}' is one of too many HDF5 files that point to each other.")
        for what, name, places in self._list_pointers(file, path):
            for target in _find_targets(name, places):
                if why := _find_objection(target, path):
                    raise InputError(
                        f"{what} of '{path}' points to '{name}', {why}.",
                        hint="galaxtool follows such pointers only to regular files below the folder of the file.",
                    )
                if os.path.realpath(target) not in self._seen and _is_hdf5(target):
                    with self._h5py.File(target, "r", locking="best-effort") as other:
                        self.check(other, target, depth + 1)

    def _list_pointers(self, file: Any, path: Path) -> Iterator[tuple[str, str, list[Path]]]:
        """Yield what points elsewhere, the name that it gives, and the folders in which HDF5 looks for it."""
        h5py, beside = self._h5py, [path.parent, Path()]
        groups, known = [(file["/"], 1)], {h5py.h5o.get_info(file["/"].id).addr}
        while groups:
            group, level = groups.pop()
            self._count_objects(group, level, path)
            for name in _list_names(group):
                where = f"The array '{group.name.rstrip('/')}/{name}'"
                with suppress(*_BROKEN):  # what is damaged is not read later either
                    link = group.get(name, getlink=True)
                    if isinstance(link, h5py.ExternalLink):
                        yield where, str(link.filename), [*_list_prefixes("HDF5_EXT_PREFIX"), *beside]
                    if not isinstance(link, h5py.HardLink):
                        continue  # a soft link leads to one of the others
                    item = group[name]
                    if isinstance(item, h5py.Group) and (address := h5py.h5o.get_info(item.id).addr) not in known:
                        known.add(address)
                        groups.append((item, level + 1))
                    elif isinstance(item, h5py.Dataset):
                        for source, places in self._list_sources(item, path):
                            yield where, source, places

    def _count_objects(self, group: Any, level: int, path: Path) -> None:
        """Refuse a file with more objects or levels than a file of images has."""
        with suppress(*_BROKEN):
            self._objects += len(group)
        for count, most, what in (
            (level, _MOST_LEVELS, "groups inside each other"),
            (self._objects, _MOST_OBJECTS, "arrays and groups"),
        ):
            if count > most:
                raise InputError(
                    f"'{path}' has more than {most:,} {what}.",
                    hint="galaxtool reads the images of an HDF5 file from a single array; stack them in one.",
                )

    def _list_sources(self, array: Any, path: Path) -> Iterator[tuple[str, list[Path]]]:
        """Yield the other files that hold values of an array, and the folders in which HDF5 looks for them."""
        settings = array.id.get_create_plist()  # asking for the shape would open the sources
        for n in range(settings.get_external_count()):
            yield os.fsdecode(settings.get_external(n)[0]), _list_prefixes("HDF5_EXTFILE_PREFIX", path) or [Path()]
        if settings.get_layout() == self._h5py.h5d.VIRTUAL:
            names = {settings.get_virtual_filename(n) for n in range(settings.get_virtual_count())}
            for name in names - {"."}:
                yield name, [*_list_prefixes("HDF5_VDS_PREFIX"), path.parent, Path()]


def _list_names(group: Any) -> list[str]:
    try:
        return list(group)
    except _BROKEN:
        return []


def _list_prefixes(variable: str, path: Path | None = None) -> list[Path]:
    """Return the folders that an environment variable of HDF5 names."""
    text = os.environ.get(variable, "").replace("${ORIGIN}", str(path.parent) if path else ".")
    return [Path(part) for part in text.split(":") if part]


def _find_targets(name: str, places: list[Path]) -> list[Path]:
    """Return the files that HDF5 would open for a name; none if there is none."""
    if "%" in name:  # %b stands for the numbers of blocks
        return [target for place in places for target in _find_blocks(place / name)]
    candidates = [place / name for place in places]
    if Path(name).is_absolute():
        candidates += [place / Path(name).name for place in places]  # HDF5 tries this where there is no such file
    found = []
    for target in candidates:
        if os.path.lexists(target):
            found.append(target)
            if _is_hdf5(target):
                break  # else HDF5 goes on to the next place
    return found


def _is_hdf5(target: Path) -> bool:
    h5py = require("h5py", why="Reading HDF5 files", install="h5py")
    return target.is_file() and bool(h5py.is_hdf5(target))


def _find_blocks(pattern: Path) -> list[Path]:
    """Return the files whose names fit a pattern; the folder itself if that is a pattern too."""
    if "%" in str(pattern.parent):
        return [Path(str(pattern.parent).partition("%")[0] or "/")]
    text = re.escape(pattern.name).replace("%b", r"\d+").replace("%%", "%")
    try:
        return [entry for entry in pattern.parent.iterdir() if re.fullmatch(text, entry.name)]
    except OSError:
        return []


def _find_objection(target: Path, path: Path) -> str:
    """Return why a file must not be opened; empty if it may be."""
    real = os.path.realpath(target)
    folders = {os.path.realpath(path.parent), os.path.dirname(os.path.realpath(path))}  # noqa: PTH120  both are texts
    if not any(real.startswith(folder.rstrip(os.sep) + os.sep) for folder in folders):
        return "which is outside its folder"
    try:
        kind = Path(real).stat().st_mode
    except OSError:
        return ""  # HDF5 says that it is missing
    return "" if stat.S_ISREG(kind) else "which is not a regular file"
