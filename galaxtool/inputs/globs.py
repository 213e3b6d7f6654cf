"""Patterns such as ``cutouts/*.fits`` and the files that match them."""

from __future__ import annotations

import fnmatch
import glob
import os
import re
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import takewhile
from pathlib import Path

from galaxtool.errors import InputError
from galaxtool.inputs.names import byte_order
from galaxtool.inputs.walk import FileFilter, list_folder, walk, walk_folders


def match_glob(text: str, file_filter: FileFilter, skipped: Counter[str]) -> tuple[Path, Iterator[tuple[str, str]]]:
    """Return the inputs that match a glob.

    Parameters
    ----------
    text : str
        A path with ``* ? [`` in it, ``**`` for folders of any depth. Folders that match a glob without ``**`` are
        walked. Hidden names match only a pattern that begins with a dot.
    file_filter : FileFilter
        Which files are inputs.
    skipped : Counter
        Counts the other files, by reason.

    Returns
    -------
    root : Path
        The folder before the first ``* ? [``.
    files : iterator of (str, str)
        Folder and name of each file, as `galaxtool.inputs.walk.walk` yields them.

    Raises
    ------
    InputError
        If nothing matches.
    """
    root = _find_root(text)
    found: set[str] = set()
    is_empty = True
    for folder, name in _list_matches(text, file_filter, skipped):
        is_empty = False
        parent = "" if folder == root else folder.relative_to(root).as_posix() + "/"
        if not name.endswith("/"):
            found.add(parent + name)
        elif "**" not in text:  # with ** the folders inside a match are matches too
            found.update(parent + name + below + file for below, file in walk(folder / name, file_filter, skipped))
    if is_empty and not skipped:
        raise InputError(f"Nothing matches '{text}'.", hint="Check the pattern, or name the folder.")
    split_paths = (path.rpartition("/") for path in sorted(found, key=os.fsencode))
    return root, ((head + slash, name) for head, slash, name in split_paths)


def find_files(text: str) -> list[Path]:
    """Return the files that match a glob, of any suffix, in byte order; folders that match do not count.

    Parameters
    ----------
    text : str
        As for `match_glob`.
    """
    matches = _list_matches(text, FileFilter(everything=True), Counter())
    return sorted({folder / name for folder, name in matches if (folder / name).is_file()}, key=byte_order)


def _find_root(text: str) -> Path:
    """Return the folder before the first part with wildcards."""
    return Path(*takewhile(lambda part: not glob.has_magic(part), Path(text).parts))


def _list_matches(text: str, file_filter: FileFilter, skipped: Counter[str]) -> Iterator[tuple[Path, str]]:
    """Yield the folder and the name of all that matches: inputs, and folders with a slash; some of them twice."""
    parts = Path(text).parts
    above, last = (parts, "*") if parts[-1] == "**" else (parts[:-1], parts[-1])
    for folder in _find_folders(above, len(_find_root(text).parts), skipped):
        yield from (
            (folder, name) for name in list_folder(os.fspath(folder), file_filter, skipped, _make_matcher(last))
        )


def _find_folders(parts: tuple[str, ...], fixed: int, skipped: Counter[str]) -> list[Path]:
    """Return the folders that match a glob whose first `fixed` parts have no wildcards."""
    folders = [Path(*parts[:fixed])]
    for part in parts[fixed:]:
        if part == "**":
            folders = [folder / below for folder in folders for below in walk_folders(folder, skipped)]
        elif glob.has_magic(part):
            # files do not count here, nor does what cannot be opened
            listed = (
                (one, list_folder(os.fspath(one), FileFilter(), Counter(), _make_matcher(part))) for one in folders
            )
            folders = [folder / name for folder, names in listed for name in names]
        else:
            folders = [folder / part for folder in folders]
    return sorted({folder for folder in folders if os.path.isdir(folder)})  # noqa: PTH112  a path of any length


def _make_matcher(last: str) -> Callable[[bytes], bool]:
    """Return a function that tells whether a name matches the last part of a glob."""
    expression = re.compile(fnmatch.translate(os.path.normcase(last)))
    hidden = last.startswith(".")

    def is_match(name: bytes) -> bool:
        if name.startswith(b".") and not hidden:
            return False
        return expression.match(os.path.normcase(os.fsdecode(name))) is not None

    return is_match
