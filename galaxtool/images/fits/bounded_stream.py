"""Opening a FITS file so that neither a header without an end nor a gzip bomb takes the memory or the day.

A file that is small, as cutouts are, is unpacked into memory once. Any other is read through `Bounded`.
"""

from __future__ import annotations

import gzip
import re
import zlib
from typing import Any, BinaryIO

from galaxtool.images.image_file import ImageFile
from galaxtool.images.planes import MAX_PIXELS

_GZIP = b"\x1f\x8b"
_BLOCK = 2880
_SMALL = 1 << 25  # bytes that are unpacked into memory
_MOST_UNPACKED = MAX_PIXELS * 8 + _SMALL
_LONGEST_HEADER = 1 << 24
_MANY = re.compile(rb"(?:TFIELDS |Z?NAXIS +)= +(\d+)")
_MOST = 999  # axes, or columns of a table, as the FITS standard has it


ANY_SIZE = 1 << 40
"""For `open_bounded`: bytes that nothing is meant to reach, where a file need not fit into memory."""


def small_content(file: ImageFile) -> bytes | None:
    """Return the content of a small file, unpacked where it is gzipped; None where it is not small, or damaged."""
    packed = is_gzipped(file)
    if not file.in_memory:
        return None
    return _unpacked(file.content()) if packed else file.content()


def _unpacked(packed: bytes) -> bytes | None:
    """Return what gzip packed, as gunzip does: of all members, and without what else stands behind them."""
    chunks, room = [], _SMALL
    while packed.startswith(_GZIP):
        member = zlib.decompressobj(wbits=31)
        try:
            chunks.append(member.decompress(packed, room + 1))
        except zlib.error:
            return None  # what comes before the damage may be all that is needed
        room -= len(chunks[-1])
        if room < 0 or not member.eof:
            return None
        packed = member.unused_data
    return b"".join(chunks)


def is_gzipped(file: ImageFile) -> bool:
    """Tell whether a file begins like gzip."""
    return file.head(2) == _GZIP


def open_bounded(file: ImageFile, most_unpacked: int = _MOST_UNPACKED) -> Bounded:
    """Open a file, unpacked where it is gzipped, up to that many bytes."""
    if is_gzipped(file):
        return Bounded(gzip.open(file.open()), most_unpacked)
    return Bounded(file.open(), file.size)


class Bounded:
    """What astropy needs of a file: bytes up to a limit, and headers up to a limit.

    Parameters
    ----------
    stream : file object
    most : int
        Bytes from the beginning that may be asked for.

    Notes
    -----
    astropy reads a header in blocks until one says END. Where nothing but such blocks is read for 16 MB, it has none.
    A header that claims more axes or columns than there may be, for each of which astropy takes time and memory, is not
    handed on.
    """

    mode = "rb"

    def __init__(self, stream: BinaryIO | gzip.GzipFile, most: int) -> None:
        self._stream, self._most = stream, most
        self._at = self._in_header = 0

    def read(self, n: int = -1) -> bytes:
        """Return the next `n` bytes, fewer at the end; raises OSError beyond a limit."""
        n = self._most - self._at if n < 0 else n
        if n <= 0:
            return b""
        self._in_header = self._in_header + n if n <= _BLOCK else 0
        if self._in_header > _LONGEST_HEADER:
            raise OSError(f"a header has no end in {_LONGEST_HEADER >> 20} MB")
        if self._at + n > self._most and isinstance(self._stream, gzip.GzipFile):
            raise OSError(f"it unpacks to more than {self._most / 1e9:.1f} GB")
        if self._stream.tell() != self._at:
            self._stream.seek(self._at)
        content = self._stream.read(min(n, self._most))
        self._at += len(content)
        if n <= _BLOCK and (claim := next((c for c in _MANY.finditer(content) if int(c[1]) > _MOST), None)):
            raise OSError(
                f"a header claims to have {claim[1].decode()} {'columns' if claim[0][:1] == b'T' else 'axes'}"
            )
        return content

    def seek(self, offset: int, whence: int = 0) -> int:
        """Go to a place; nothing is unpacked before something is read there."""
        self._at = max(0, offset + (0, self._at, self._most)[whence])
        self._in_header = 0
        return self._at

    def tell(self) -> int:
        """Return the place."""
        return self._at

    @property
    def closed(self) -> bool:
        """Whether it is."""
        return self._stream.closed

    def close(self) -> None:
        """Let go of the file."""
        self._stream.close()

    def __enter__(self) -> Bounded:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()
