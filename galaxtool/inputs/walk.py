"""Find the input files below a folder, in a fixed order."""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from galaxtool.images.reading import list_image_suffixes
from galaxtool.inputs.fits_tables import holds_only_tables, list_fits_suffixes
from galaxtool.tables.column_names import LABELS_FILE
from galaxtool.types import batches
from galaxtool.utils.files.ignored_names import IS_UNFINISHED, UNFINISHED, is_ignored

_OPEN_FILES, _FILES_PER_THREAD = 16, 32
_ENTRIES_AT_ONCE = 4096
_UNFINISHED = os.fsencode(UNFINISHED)

TableFinder = Callable[[Sequence[bytes]], Sequence[bool]]
"""A function that tells for each of the paths of FITS files whether the file has tables but no image."""

_Identity = tuple[int, int]


class _Level(NamedTuple):
    """A folder that is being searched."""

    below: str
    names: Iterator[str]
    parents: tuple[_Identity, ...]
    """The folder itself and those that led to it."""
    is_linked: bool
    """Whether a link led to it, or to one of its parents."""


READ_BEFORE = "folder that another link led to"
"""Reason not to search a folder: in a tree of links that lead to more links, every step would double the work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFilter:
    """Filter of the files in folders that are inputs.

    Parameters
    ----------
    images, fits, containers : tuple of bytes
        Suffixes in lower case: of images, of those among them that are FITS and may hold tables, and of files with
        many images.
    everything : bool
        Take every file, regardless of its suffix.
    find_tables : callable, optional
        Tells for each of the paths of FITS files whether it has tables but no image; by default, the files are
        opened here.
    """

    images: tuple[bytes, ...] = ()
    fits: tuple[bytes, ...] = ()
    containers: tuple[bytes, ...] = ()
    everything: bool = False
    find_tables: TableFinder | None = None

    @classmethod
    def images_only(cls, containers: Iterable[str] = (), find_tables: TableFinder | None = None) -> FileFilter:
        """Return the filter for files of all registered readers, and for containers with these suffixes."""
        return cls(
            images=tuple(map(os.fsencode, list_image_suffixes())),
            fits=tuple(map(os.fsencode, list_fits_suffixes())),
            containers=tuple(map(os.fsencode, containers)),
            find_tables=find_tables,
        )

    def reason_to_skip(self, name: bytes) -> str:
        """Return why a file of this name is not an input; empty where it is one."""
        if self.everything:
            return ""
        if name == os.fsencode(LABELS_FILE):
            return LABELS_FILE
        return "" if name.lower().endswith(self.images + self.containers) else "not an image suffix"


def walk_images(folder: Path, find_tables: TableFinder | None = None) -> tuple[list[Path], Counter[str]]:
    """Return the images below a folder.

    Parameters
    ----------
    folder : Path
        Folder to search. Hidden files and folders in it are ignored, as are those of operating systems such as
        ``@eaDir``. Symbolic links are followed, but never in a circle nor
        to a folder that another link led to.
    find_tables : callable, optional
        Function that finds FITS tables, see `FileFilter`.

    Returns
    -------
    paths : list of Path
        Relative to `folder`, in byte order. A broken link with the name of an image counts as one, so that it
        causes an error later instead of being ignored.
    skipped : Counter
        Number of other files, by reason.
    """
    skipped: Counter[str] = Counter()
    images = FileFilter.images_only(find_tables=find_tables)
    return [Path(below + name) for below, name in walk(folder, images, skipped)], skipped


def walk(folder: Path, file_filter: FileFilter, skipped: Counter[str]) -> Iterator[tuple[str, str]]:
    """Yield the inputs below a folder, in byte order of their relative paths.

    Parameters
    ----------
    folder : Path
        Folder to search, as for `walk_images`.
    file_filter : FileFilter
        Which files are inputs.
    skipped : Counter
        Counts the other files, by reason.

    Yields
    ------
    folder, name : str
        Folder of a file relative to the one searched, with a slash at its end, or empty; and name of the file.

    Notes
    -----
    Only one folder and its parents are in memory at a time. A folder is searched once by its own path, and once more at
    most where links lead to it. Sorting the entries of each folder, with a slash after the names of folders, sorts the
    whole paths.
    """
    return ((below, name) for below, name in _walk(os.fspath(folder), file_filter, skipped) if name)


def walk_folders(folder: Path, skipped: Counter[str]) -> Iterator[str]:
    """Yield a folder and those below it that `walk` searches, each relative to the first and before what it contains.

    Parameters
    ----------
    folder : Path
        Folder to search.
    skipped : Counter
        Counts the folders that links lead to once more.
    """
    others: Counter[str] = Counter()
    yield from (below for below, name in _walk(os.fspath(folder), FileFilter(), others) if not name)
    if others[READ_BEFORE]:
        skipped[READ_BEFORE] += others[READ_BEFORE]


def _walk(root: str, file_filter: FileFilter, skipped: Counter[str]) -> Iterator[tuple[str, str]]:
    """Yield each folder with an empty name, and then the inputs in it, as `walk` does."""
    levels = [_Level("", iter(list_folder(root, file_filter, skipped)), (_identify_folder(root),), False)]
    linked: set[_Identity] = set()  # folders that a link led to
    yield "", ""
    while levels:
        below, names, parents, is_linked = levels[-1]
        for name in names:
            if not name.endswith("/"):
                yield below, name
                continue
            inner = os.path.join(root, below + name)  # noqa: PTH118  a million times
            identity = _identify_folder(inner)
            if identity in parents:
                continue
            through_link = is_linked or os.path.islink(inner[:-1])  # noqa: PTH114
            if through_link and identity in linked:
                skipped[READ_BEFORE] += 1
                continue
            if through_link:
                linked.add(identity)
            content = list_folder(inner, file_filter, skipped)
            levels.append(_Level(below + name, iter(content), (*parents, identity), through_link))
            yield below + name, ""
            break
        else:
            levels.pop()


def list_folder(
    folder: str, file_filter: FileFilter, skipped: Counter[str], is_wanted: Callable[[bytes], bool] | None = None
) -> list[str]:
    """Return the inputs directly in a folder, and its sub-folders with a slash after their names, in byte order.

    Parameters
    ----------
    folder : str
        Folder to list.
    file_filter : FileFilter
        Which files are inputs.
    skipped : Counter
        Counts the other files, by reason, and the folder itself where it cannot be opened.
    is_wanted : callable, optional
        Tells by its name whether an entry counts; by default, hidden entries do not.
    """
    names: list[bytes] = []
    try:
        with os.scandir(os.fsencode(folder)) as scan:
            entries = (e for e in scan if (is_wanted(e.name) if is_wanted else not is_ignored(e.name)))
            while chunk := list(islice(entries, _ENTRIES_AT_ONCE)):
                names += _select_inputs(chunk, file_filter, skipped)
    except OSError as error:
        skipped[f"folder that cannot be opened ({error.strerror})"] += 1
    names.sort()
    return [os.fsdecode(name) for name in names]


def _select_inputs(
    entries: list[os.DirEntry[bytes]], file_filter: FileFilter, skipped: Counter[str]
) -> Iterator[bytes]:
    """Yield the names of the inputs and of the folders among some entries of a folder."""
    fits_files = []
    for entry in entries:
        kind = _file_type(entry)
        if kind == stat.S_IFDIR:
            if entry.name.endswith(_UNFINISHED):
                skipped[IS_UNFINISHED] += 1
            else:
                yield entry.name + b"/"
        elif reason := file_filter.reason_to_skip(entry.name):
            skipped[reason] += 1
        elif kind != stat.S_IFREG:
            skipped["not a file"] += 1  # opening a pipe or a socket would block
        elif file_filter.fits and entry.name.lower().endswith(file_filter.fits):
            fits_files.append(entry)
        else:
            yield entry.name
    paths = [entry.path for entry in fits_files]
    for entry, is_table in zip(fits_files, (file_filter.find_tables or _find_tables)(paths), strict=True):
        if is_table:
            skipped["FITS table"] += 1
        else:
            yield entry.name


def _find_tables(files: Sequence[bytes]) -> list[bool]:
    """Tell of each file whether it `holds_only_tables`, in threads: on a network disk, most of the time is latency."""
    groups = list(batches(files, _FILES_PER_THREAD))
    if len(groups) < 2:
        return [holds_only_tables(file) for file in files]
    with ThreadPoolExecutor(min(_OPEN_FILES, len(groups))) as pool:
        answers = pool.map(lambda group: [holds_only_tables(file) for file in group], groups)
        return [answer for group in answers for answer in group]


def _file_type(entry: os.DirEntry[bytes]) -> int:
    """Return the type of an entry: folder, regular file or other; only links cost a call to the disk."""
    try:
        if entry.is_symlink():
            return stat.S_IFMT(entry.stat().st_mode)
        if entry.is_dir(follow_symlinks=False):
            return stat.S_IFDIR
        return stat.S_IFREG if entry.is_file(follow_symlinks=False) else stat.S_IFIFO
    except OSError:
        return stat.S_IFREG  # a broken or circular link, reported as an error later


def _identify_folder(folder: str) -> tuple[int, int]:
    """Return what identifies a folder under any of its names."""
    try:
        status = os.stat(folder)  # noqa: PTH116  a path of any length
    except OSError:
        return -1, hash(folder)  # removed, or in a folder without permission
    return status.st_dev, status.st_ino
