"""Reading archives in place, decompressed on the fly, within bounds that protect memory against hostile files."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, cast

from galaxtool.errors import UnreadableImage
from galaxtool.images.reading import cannot_open_error
from galaxtool.utils.optional_imports import import_attribute

MOST_BYTES = 2**30
"""Largest size of a member of an archive."""

MOST_RATIO = 500
"""Largest ratio of decompressed to compressed size of an archive that decompresses to more than `MOST_BYTES`."""

BROKEN = (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError, MemoryError, NotImplementedError, OverflowError)
"""Errors of the decompression libraries for damaged files; MemoryError if a header asks for more than there is."""

_HEAD = 4096
_HEADER_BYTES = 2**26
_STEP = 2**20
_GZIP, _BZIP2, _XZ, _ZSTD = b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd"


def read_head(path: Path) -> bytes:
    """Return the first bytes of a file.

    Raises
    ------
    UnreadableImage
        If the file does not exist, is a folder, is empty, or may not be read.
    """
    try:
        with path.open("rb", buffering=0) as stream:
            head = stream.read(_HEAD)
    except OSError as error:
        raise cannot_open_error(str(path), error, path=path, expected="an archive") from error
    if not head:
        raise UnreadableImage(f"'{path}' is an empty file.")
    return head


def decompress_head(head: bytes) -> bytes:
    """Return the decompressed beginning of a compressed file, at least 512 bytes; empty for any other file."""
    with suppress(*BROKEN):
        if head.startswith(_GZIP):
            return zlib.decompressobj(wbits=31).decompress(head, _HEAD)
        if head.startswith(_BZIP2):
            return bz2.BZ2Decompressor().decompress(head, _HEAD)
        if head.startswith(_XZ):
            return lzma.LZMADecompressor().decompress(head, _HEAD)
    return b""


class DecompressedFile:
    """A file that is decompressed as it is read, at any offset; reading forwards is fast.

    Parameters
    ----------
    path : Path
        Plain file, or one compressed by gzip, bzip2, xz or (Python 3.14) Zstandard. Going back in a compressed file
        starts again at its beginning.

    Attributes
    ----------
    packed : bool
        Whether an offset is reached by decompressing everything before it.
    size : int
        Size of the file on disk, in bytes.
    last : bytes
        Bytes that `read` returned last.

    Raises
    ------
    UnreadableImage
        As for `read_head`; or if this version of Python cannot decompress the file.

    Notes
    -----
    This is a stream for `tarfile`. Its `read` refuses more than 64 MB at once, which only a hostile header asks for.
    Its `seek` refuses to go beyond `MOST_RATIO` times the size of the file. Members are read by `take`.
    """

    def __init__(self, path: Path) -> None:
        head = read_head(path)
        self.size = path.stat().st_size
        self.packed = head.startswith((_GZIP, _BZIP2, _XZ, _ZSTD))
        self._farthest = max(MOST_BYTES, MOST_RATIO * self.size) if self.packed else None
        self._stream: Any = _open(path, head)
        self._at = 0
        self.last = b""

    def tell(self) -> int:
        """Return the offset, in decompressed bytes."""
        return self._at

    def seek(self, place: int) -> int:
        """Set the offset."""
        if self._farthest is not None and place > self._farthest:
            raise OverflowError(f"it claims to decompress to more than {MOST_RATIO} times its size")
        if self.packed and place > self._at:
            while self._at < place:  # faster than the seek of the libraries, which use small steps
                read = self._stream.read(min(_STEP, place - self._at))
                if not read:
                    break
                self._at += len(read)
        else:
            self._at = self._stream.seek(place)
        return self._at

    def read(self, n: int) -> bytes:
        """Return the next `n` bytes, fewer at the end."""
        if n > _HEADER_BYTES:
            raise OverflowError(f"a header claims to have {n:,} bytes")
        self.last = self._read(n)
        return self.last

    def take(self, place: int, n: int) -> bytes:
        """Return `n` bytes from an offset, fewer at the end."""
        self.seek(place)
        return self._read(n)

    def close(self) -> None:
        """Close the file."""
        self._stream.close()

    def __enter__(self) -> DecompressedFile:
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self.close()

    def _read(self, n: int) -> bytes:
        read: bytes = self._stream.read(n)
        self._at += len(read)
        return read


def _open(path: Path, head: bytes) -> BinaryIO:
    """Open a file, decompressed according to its first bytes."""
    if head.startswith(_GZIP):
        return cast(BinaryIO, gzip.open(path))
    if head.startswith(_BZIP2):
        return cast(BinaryIO, bz2.open(path))
    if head.startswith(_XZ):
        return cast(BinaryIO, lzma.open(path))
    if head.startswith(_ZSTD):
        try:
            open_zstd = import_attribute("compression.zstd:open")
        except ImportError as error:
            raise UnreadableImage(
                f"'{path}' is compressed by Zstandard, which only Python 3.14 and newer can decompress.",
                hint=f"Decompress it first: unzstd {path}",
            ) from error
        return cast(BinaryIO, open_zstd(path))
    return path.open("rb")
