"""The file that an image is read from, on disk or, for a member of an archive, in memory."""

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

from galaxtool.types import ImageRef

_SMALL = 1 << 23


class ImageFile:
    """The content of a file, and its name.

    Parameters
    ----------
    name : str
        Name for messages and for the suffix: a path, or ``archive.tar[inner/name.fits]``.
    path : Path or None
        Path on disk; None for a file that is only in memory.
    content : bytes or None
        The whole content, if it is already in memory.

    Notes
    -----
    A file of up to 8 MB is read once, by the first call of `head` or `content`, and then stays in memory: opening a
    small file costs more than reading it.
    """

    __slots__ = ("_content", "name", "path")

    def __init__(self, name: str, path: Path | None = None, content: bytes | None = None) -> None:
        self.name, self.path, self._content = name, path, content

    @classmethod
    def on_disk(cls, path: Path | str) -> ImageFile:
        """Return the file at a path."""
        return cls(str(path), path if isinstance(path, Path) else Path(path))  # parsing a path again takes long

    @property
    def suffix_name(self) -> str:
        """File name in lower case, for tests of its suffix; for a member, its own name without the archive."""
        name = self.name if self.path is not None else (ImageRef.parse(self.name).member or self.name)
        return os.path.basename(name).lower()  # noqa: PTH119  the name of a member is not a path of this system

    def head(self, n: int) -> bytes:
        """Return the first `n` bytes; raise OSError if the file cannot be opened or is not a regular file."""
        if self._content is None:
            with self._open_regular() as stream:
                if os.fstat(stream.fileno()).st_size > _SMALL:
                    return stream.read(n)
                self._content = stream.read()
        return self._content[:n]

    def peek(self, n: int) -> bytes:
        """Return the first `n` bytes as `head` does, without reading the rest of a small file."""
        if self._content is not None:
            return self._content[:n]
        with self._open_regular() as stream:
            return stream.read(n)

    def _open_regular(self) -> FileIO:
        assert self.path is not None
        mode = self.path.stat().st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            raise OSError("it is a pipe, a socket or a device, not a file")  # opening one could block forever
        return self.path.open("rb", buffering=0)

    @property
    def in_memory(self) -> bool:
        """Whether the whole content is in memory."""
        return self._content is not None

    @property
    def size(self) -> int:
        """Size in bytes."""
        if self._content is not None:
            return len(self._content)
        assert self.path is not None
        return self.path.stat().st_size

    def content(self) -> bytes:
        """Return the whole content."""
        if self._content is None:
            assert self.path is not None
            self._content = self.path.read_bytes()
        return self._content

    def open(self) -> BinaryIO:
        """Open the file for reading, from memory if its content is there."""
        if self._content is not None:
            return io.BytesIO(self._content)
        assert self.path is not None
        return self.path.open("rb")

    @contextmanager
    def as_path(self) -> Iterator[Path]:
        """Provide a path for libraries that accept nothing else; a file in memory is copied to a temporary one."""
        if self.path is not None:
            yield self.path
            return
        with tempfile.TemporaryDirectory(prefix="galaxtool-") as folder:
            copy = Path(folder) / (self.suffix_name or "image")
            copy.write_bytes(self.content())
            yield copy
