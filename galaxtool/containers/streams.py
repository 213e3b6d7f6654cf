"""Reading archives in place, unpacked as they are read, within bounds that keep hostile ones from taking all memory."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, cast

from galaxtool.errors import UnreadableImage

MOST_BYTES = 2**30
"""No member of an archive may be larger than this."""

MOST_RATIO = 500
"""A whole archive that unpacks to more than `MOST_BYTES` may unpack to no more times its size than this."""

BROKEN = (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError, MemoryError, NotImplementedError, OverflowError)
"""What the unpacking libraries raise of damage; MemoryError where a header asks for more than there is."""

_HEAD = 4096
_HEADER_BYTES = 2**26
_STEP = 2**20
_GZIP, _BZIP2, _XZ, _ZSTD = b"\x1f\x8b", b"BZh", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd"


def head_of(path: Path) -> bytes:
    """Return how a file begins.

    Raises
    ------
    UnreadableImage
        If it is absent, a folder, empty, or may not be read.
    """
    try:
        with path.open("rb", buffering=0) as stream:
            head = stream.read(_HEAD)
    except FileNotFoundError as error:
        raise UnreadableImage(f"There is no file '{path}'.") from error
    except IsADirectoryError as error:
        raise UnreadableImage(f"'{path}' is a folder, not an archive.") from error
    except PermissionError as error:
        raise UnreadableImage(f"'{path}' may not be read: permission denied.") from error
    except OSError as error:
        raise UnreadableImage(f"'{path}' cannot be opened: {error.strerror or error}.") from error
    if not head:
        raise UnreadableImage(f"'{path}' is an empty file.")
    return head


def unpacked_head(head: bytes) -> bytes:
    """Return what the beginning of a compressed file unpacks to, at least its first 512 bytes; else nothing."""
    with suppress(*BROKEN):
        if head.startswith(_GZIP):
            return zlib.decompressobj(wbits=31).decompress(head, _HEAD)
        if head.startswith(_BZIP2):
            return bz2.BZ2Decompressor().decompress(head, _HEAD)
        if head.startswith(_XZ):
            return lzma.LZMADecompressor().decompress(head, _HEAD)
    return b""


class Unpacked:
    """A file as it is when unpacked: to be read at any place, forwards with little effort.

    Parameters
    ----------
    path : Path
        Plain, or packed by gzip, bzip2, xz or (Python 3.14) Zstandard; going back in a packed one begins anew.

    Attributes
    ----------
    packed : bool
        Whether places are reached by unpacking all that lies before them.
    size : int
        Bytes of the file as it is on disk.
    last : bytes
        What `read` returned last.

    Raises
    ------
    UnreadableImage
        As of `head_of`; or if it is packed by what this Python cannot unpack.

    Notes
    -----
    Like a stream, for those who expect one; but `read` refuses to return more than 64 MB at once, which only a header
    made to do harm asks for, and `seek` to go beyond `MOST_RATIO` times the file's size. `take` reads members.
    """

    def __init__(self, path: Path) -> None:
        head = head_of(path)
        self.size = path.stat().st_size
        self.packed = head.startswith((_GZIP, _BZIP2, _XZ, _ZSTD))
        self._farthest = max(MOST_BYTES, MOST_RATIO * self.size) if self.packed else None
        self._stream: Any = _opened(path, head)
        self._at = 0
        self.last = b""

    def tell(self) -> int:
        """Return the place, counted in unpacked bytes."""
        return self._at

    def seek(self, place: int) -> int:
        """Go to a place."""
        if self._farthest is not None and place > self._farthest:
            raise OverflowError(f"it claims to unpack to more than {MOST_RATIO} times its size")
        if self.packed and place > self._at:
            while self._at < place:  # faster than seek of the libraries, which go by small steps
                read = self._stream.read(min(_STEP, place - self._at))
                if not read:
                    break
                self._at += len(read)
        else:
            self._at = self._stream.seek(place)
        return self._at

    def read(self, n: int) -> bytes:
        """Return the next `n` bytes, or what there is."""
        if n > _HEADER_BYTES:
            raise OverflowError(f"a header claims to have {n:,} bytes")
        self.last = self._read(n)
        return self.last

    def take(self, place: int, n: int) -> bytes:
        """Return `n` bytes from a place, or what there is."""
        self.seek(place)
        return self._read(n)

    def close(self) -> None:
        """Close the file."""
        self._stream.close()

    def __enter__(self) -> Unpacked:
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self.close()

    def _read(self, n: int) -> bytes:
        read: bytes = self._stream.read(n)
        self._at += len(read)
        return read


def _opened(path: Path, head: bytes) -> BinaryIO:
    """Open a file and unpack it by what it begins with."""
    if head.startswith(_GZIP):
        return cast(BinaryIO, gzip.open(path))
    if head.startswith(_BZIP2):
        return cast(BinaryIO, bz2.open(path))
    if head.startswith(_XZ):
        return cast(BinaryIO, lzma.open(path))
    if head.startswith(_ZSTD):
        try:
            from compression import zstd
        except ImportError as error:
            raise UnreadableImage(
                f"'{path}' is packed by Zstandard, which only Python 3.14 and newer can unpack.",
                hint=f"Unpack it first: unzstd {path}",
            ) from error
        return cast(BinaryIO, zstd.open(path))
    return path.open("rb")
