"""Lists of paths, ``@list.txt`` and ``cutouts/*.fits``, and how the relative paths in a file are resolved."""

from __future__ import annotations

import fnmatch
import glob
import os
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO

from galaxtool.errors import InputError
from galaxtool.inputs.walk import FileFilter, list_folder, walk
from galaxtool.utils.files.path_texts import clean_path_text, is_remote

STANDARD_INPUT = "-"
_COMMENT = b"#"
_UTF8_MARK = b"\xef\xbb\xbf"
_LONGEST = 1 << 16


class RelativePathResolver:
    """Resolves paths written in a file: relative ones start at the folder of the file, else at the working folder.

    Parameters
    ----------
    folder : Path
        Folder of the file.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._same = os.path.realpath(folder) == os.path.realpath(os.curdir)
        self._first_is_here: dict[str, bool] = {}

    def is_here(self, text: str) -> bool:
        """Tell whether a path starts at the working folder: it exists there, and not in the folder of the file.

        Few of the paths cost a call to the disk, as long as their first folder is not in the working folder.
        """
        if self._same or not text or os.path.isabs(text):  # noqa: PTH117
            return False
        first, separator, _ = text.partition("/")
        if separator:
            if first not in self._first_is_here:
                self._first_is_here[first] = os.path.exists(first)  # noqa: PTH110
            if not self._first_is_here[first]:
                return False
        return os.path.exists(text) and not os.path.exists(self._folder / text)  # noqa: PTH110

    def exists(self, text: str) -> bool:
        """Tell whether a path exists in the folder of the file or in the working folder."""
        return os.path.lexists(os.path.join(self._folder, text)) or os.path.lexists(text)  # noqa: PTH118

    def clean(self, text: str) -> str:
        """Return the path that a text means, see `galaxtool.utils.files.path_texts.clean_path_text`."""
        return clean_path_text(text, self.exists)

    def path(self, text: str) -> str:
        """Return the resolved path."""
        text = self.clean(text)
        if is_remote(text):
            return text
        return text if self.is_here(text) else os.path.join(self._folder, text)  # noqa: PTH118


def read_list(name: str) -> Iterator[str]:
    """Yield the paths that a list names.

    Parameters
    ----------
    name : str
        Path of a text file with one path per line, in the encoding of file names; ``-`` for standard input. White
        space at either end of a line is ignored, as are empty lines and lines that begin with ``#``.

    Raises
    ------
    InputError
        If the list cannot be read, or is not text.
    """
    if name == STANDARD_INPUT:
        yield from _read_lines(sys.stdin.buffer, "standard input")
        return
    try:
        with Path(name).open("rb") as stream:
            yield from _read_lines(stream, f"'{name}'")
    except OSError as error:
        raise InputError(f"The list '{name}' cannot be read: {error.strerror}.") from error


def _read_lines(stream: BinaryIO, what: str) -> Iterator[str]:
    """Yield the paths in a stream; `what` names it in messages."""
    for number, raw in enumerate(iter(partial(stream.readline, _LONGEST), b""), 1):
        if b"\0" in raw or len(raw) == _LONGEST:
            raise InputError(
                f"{what[0].upper()}{what[1:]} is not a list of paths: line {number} is not UTF-8 text.",
                hint="A list has one path per line. Name an image, archive or catalogue without the @.",
            )
        line = (raw.removeprefix(_UTF8_MARK) if number == 1 else raw).strip()
        if line and not line.startswith(_COMMENT):
            yield os.fsdecode(line)


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
    parts = Path(text).parts
    fixed = next(i for i, part in enumerate(parts) if glob.has_magic(part))
    root = Path(*parts[:fixed])
    above, last = (parts, "*") if parts[-1] == "**" else (parts[:-1], parts[-1])
    found: set[str] = set()
    is_empty = True
    for folder in _find_folders(above, fixed):
        parent = "" if folder == root else folder.relative_to(root).as_posix() + "/"
        for name in list_folder(os.fspath(folder), file_filter, skipped, _make_matcher(last)):
            is_empty = False
            if not name.endswith("/"):
                found.add(parent + name)
            elif "**" not in text:  # with ** the folders inside a match are matches too
                found.update(parent + name + below + file for below, file in walk(folder / name, file_filter, skipped))
    if is_empty and not skipped:
        raise InputError(f"Nothing matches '{text}'.", hint="Check the pattern, or name the folder.")
    split_paths = (path.rpartition("/") for path in sorted(found, key=os.fsencode))
    return root, ((head + slash, name) for head, slash, name in split_paths)


def _find_folders(parts: tuple[str, ...], fixed: int) -> list[Path]:
    """Return the folders that match a glob whose first `fixed` parts have no wildcards."""
    if len(parts) <= fixed:
        folder = Path(*parts)
        return [folder] if folder.is_dir() else []
    found = glob.iglob(os.path.join(*parts, ""), recursive=True)  # noqa: PTH118, PTH207  Path.glob gives hidden ones too
    return sorted({Path(match) for match in found if os.path.isdir(match)})  # noqa: PTH112


def _make_matcher(last: str) -> Callable[[bytes], bool]:
    """Return a function that tells whether a name matches the last part of a glob."""
    expression = re.compile(fnmatch.translate(os.path.normcase(last)))
    hidden = last.startswith(".")

    def is_match(name: bytes) -> bool:
        if name.startswith(b".") and not hidden:
            return False
        return expression.match(os.path.normcase(os.fsdecode(name))) is not None

    return is_match
