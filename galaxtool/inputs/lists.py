"""Lists of paths, ``@list.txt``, and how the relative paths in a file are resolved."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO

from galaxtool.errors import InputError
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
