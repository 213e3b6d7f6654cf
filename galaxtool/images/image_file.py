"""A file to read an image from: on disk, or in memory where it came out of an archive."""

from __future__ import annotations

import io
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import BinaryIO

_SMALL = 1 << 23


class ImageFile:
    """The content of a file, and what to call it.

    Parameters
    ----------
    name : str
        For messages, and for its suffix: a path, or ``archive.tar[inner/name.fits]``.
    path : Path or None
        Where it lies on disk; None where it is only in memory.
    content : bytes or None
        All of it, where it is in memory already.

    Notes
    -----
    A file of up to 8 MB is read once, by `head` or `content`, whichever comes first, and then stays in memory: to open
    a small file costs more than to read it.
    """

    __slots__ = ("_content", "name", "path")

    def __init__(self, name: str, path: Path | None = None, content: bytes | None = None) -> None:
        self.name, self.path, self._content = name, path, content

    @classmethod
    def on_disk(cls, path: Path) -> ImageFile:
        """Return the file at a path."""
        return cls(str(path), path)

    @property
    def suffix_name(self) -> str:
        """The name in lower case to look for suffixes at the end of; a member's own, without its archive."""
        name = self.name[self.name.index("[") + 1 : -1] if self.path is None and self.name.endswith("]") else self.name
        return os.path.basename(name).lower()  # noqa: PTH119  a member's name is no path of this system

    def head(self, n: int) -> bytes:
        """Return the first `n` bytes; raises OSError as opening a file does, and for what is no file on disk."""
        if self._content is None:
            with self._opened() as stream:
                if os.fstat(stream.fileno()).st_size > _SMALL:
                    return stream.read(n)
                self._content = stream.read()
        return self._content[:n]

    def peek(self, n: int) -> bytes:
        """Return the first `n` bytes as `head` does, without reading the rest of a small file."""
        if self._content is not None:
            return self._content[:n]
        with self._opened() as stream:
            return stream.read(n)

    def _opened(self) -> FileIO:
        assert self.path is not None
        mode = self.path.stat().st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            raise OSError("it is a pipe, a socket or a device, not a file")  # and to open it might take for ever
        return self.path.open("rb", buffering=0)

    @property
    def in_memory(self) -> bool:
        """Whether `content` costs nothing any more."""
        return self._content is not None

    @property
    def size(self) -> int:
        """Bytes."""
        if self._content is not None:
            return len(self._content)
        assert self.path is not None
        return self.path.stat().st_size

    def content(self) -> bytes:
        """Return all of it."""
        if self._content is None:
            assert self.path is not None
            self._content = self.path.read_bytes()
        return self._content

    def open(self) -> BinaryIO:
        """Open it for reading, from memory where it is there."""
        if self._content is not None:
            return io.BytesIO(self._content)
        assert self.path is not None
        return self.path.open("rb")

    @contextmanager
    def as_path(self) -> Iterator[Path]:
        """Give a path, of a temporary copy where there is none on disk; for libraries that take nothing else."""
        if self.path is not None:
            yield self.path
            return
        with tempfile.TemporaryDirectory(prefix="galaxtool-") as folder:
            copy = Path(folder) / (self.suffix_name or "image")
            copy.write_bytes(self.content())
            yield copy
