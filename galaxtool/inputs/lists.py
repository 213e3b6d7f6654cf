"""Lists of paths, ``@list.txt`` and ``cutouts/*.fits``, and where the relative paths in a file lead to."""

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
from galaxtool.inputs.listing import Sorter
from galaxtool.inputs.walk import FileFilter, list_folder, walk

STANDARD_INPUT = "-"
_COMMENT = b"#"
_UTF8_MARK = b"\xef\xbb\xbf"
_LONGEST = 1 << 16


class RelativePathResolver:
    """Finds what is named in a file: relative paths start at its folder, else at the working folder.

    Parameters
    ----------
    folder : Path
        Of the file.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._same = os.path.realpath(folder) == os.path.realpath(os.curdir)
        self._first_is_here: dict[str, bool] = {}

    def is_here(self, text: str) -> bool:
        """Tell whether a path is to start at the working folder: it leads somewhere from there, not from the file's.

        The disk is asked about few of the paths, as long as what they begin with is not in the working folder.
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

    def path(self, text: str) -> str:
        """Return where a path leads to."""
        return text if self.is_here(text) else os.path.join(self._folder, text)  # noqa: PTH118


def read_list(name: str) -> Iterator[str]:
    """Yield the paths that a list names.

    Parameters
    ----------
    name : str
        Of a text file with a path a line, in the encoding of file names; ``-`` for standard input. White space at
        either end of a line does not count, nor do empty lines and those that begin with ``#``.

    Raises
    ------
    InputError
        If it cannot be read, or is no text.
    """
    if name == STANDARD_INPUT:
        yield from _lines(sys.stdin.buffer, "standard input")
        return
    try:
        with Path(name).open("rb") as stream:
            yield from _lines(stream, f"'{name}'")
    except OSError as error:
        raise InputError(f"The list '{name}' cannot be read: {error.strerror}.") from error


def _lines(stream: BinaryIO, what: str) -> Iterator[str]:
    for number, raw in enumerate(iter(partial(stream.readline, _LONGEST), b""), 1):
        if b"\0" in raw or len(raw) == _LONGEST:
            raise InputError(
                f"{what[0].upper()}{what[1:]} is no list of paths: line {number} is not text in UTF-8.",
                hint="A list has a path a line. An image, archive or catalogue is named without the @.",
            )
        line = (raw.removeprefix(_UTF8_MARK) if number == 1 else raw).strip()
        if line and not line.startswith(_COMMENT):
            yield os.fsdecode(line)


def matches(text: str, taken: FileFilter, skipped: Counter[str]) -> tuple[Path, Iterator[tuple[bytes, bytes]]]:
    """Return the inputs that match a glob.

    Parameters
    ----------
    text : str
        With ``* ? [`` in it, ``**`` for folders of any depth. Folders that match one without ``**`` are walked; what is
        hidden must be meant, with a dot.
    taken : Taken
    skipped : Counter
        Other files are counted here, by reason.

    Returns
    -------
    root : Path
        The folder in front of the first ``* ? [``.
    files : iterator of (bytes, bytes)
        As of `galaxtool.inputs.walk.walk` of that folder.

    Raises
    ------
    InputError
        If nothing matches.
    """
    parts = Path(text).parts
    fixed = next(i for i, part in enumerate(parts) if glob.has_magic(part))
    root = Path(*parts[:fixed])
    above, last = (parts, "*") if parts[-1] == "**" else (parts[:-1], parts[-1])
    found = Sorter()
    nothing = True
    for folder in _folders(above, fixed):
        before = b"" if folder == root else os.fsencode(folder.relative_to(root).as_posix()) + b"/"
        for name in list_folder(os.fsencode(folder), taken, skipped, _matcher(last)):
            nothing = False
            if not name.endswith(b"/"):
                found.add(before + name)
            elif "**" not in text:  # with which the folders of a match are matches too
                for below, file in walk(folder / os.fsdecode(name), taken, skipped):
                    found.add(before + name + below + file)
    if nothing and not skipped:
        raise InputError(f"Nothing matches '{text}'.", hint="Check the pattern, or name the folder.")
    # cut behind the last slash
    return root, (((head + slash), name) for head, slash, name in (path.rpartition(b"/") for path in found))


def _folders(parts: tuple[str, ...], fixed: int) -> list[Path]:
    """Return the folders that match a glob, of which the first `fixed` parts are none."""
    if len(parts) <= fixed:
        folder = Path(*parts)
        return [folder] if folder.is_dir() else []
    found = glob.iglob(os.path.join(*parts, ""), recursive=True)  # noqa: PTH118, PTH207  Path.glob gives hidden ones too
    return sorted({Path(match) for match in found if os.path.isdir(match)})  # noqa: PTH112


def _matcher(last: str) -> Callable[[bytes], bool]:
    """Return what tells whether a name matches the last part of a glob."""
    expression = re.compile(fnmatch.translate(os.path.normcase(last)))
    hidden = last.startswith(".")

    def is_meant(name: bytes) -> bool:
        if name.startswith(b".") and not hidden:
            return False
        return expression.match(os.path.normcase(os.fsdecode(name))) is not None

    return is_meant
