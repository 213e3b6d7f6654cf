"""Open FITS files within bounds, so that neither an endless header nor a packed bomb exhausts memory or time.

A small file, such as a cutout, is decompressed into memory once. Any other is read through a `BoundedStream`.
"""

from __future__ import annotations

import contextlib
import re
from typing import Any, BinaryIO

from galaxtool.images.image_file import ImageFile
from galaxtool.images.packing import (
    BROKEN,
    LARGEST_IN_MEMORY,
    Packing,
    find_packing,
    is_cut_short,
    open_unpacked,
    unpack_small,
)
from galaxtool.images.planes import MAX_PIXELS
from galaxtool.utils.error_text import describe_error

_BLOCK = 2880
_MOST_UNPACKED = MAX_PIXELS * 8 + LARGEST_IN_MEMORY
_LONGEST_HEADER = 1 << 24
_CHECKED, _STEP = 1 << 23, 1 << 16  # unpacked bytes behind an image
_MANY = re.compile(rb"(?:TFIELDS |Z?NAXIS +)= +(\d+)")
_SIZE = re.compile(rb"(BITPIX|NAXIS[1-9]\d{0,2}|PCOUNT|GCOUNT) *= *([-+.\dDE]+)")
_LARGEST = 1 << 60
_MOST = 999  # axes, or columns of a table, by the FITS standard

ANY_SIZE = 1 << 40
"""A limit for `open_bounded` that no file reaches, for files that need not fit into memory."""


def read_small(file: ImageFile) -> bytes | None:
    """Return the content of a small file, unpacked if it is packed; None if it is large or cut short.

    Raises
    ------
    OSError
        If it is packed and corrupt.
    """
    packed = is_packed(file)
    if not file.in_memory:
        return None
    return unpack_small(file) if packed else file.content()


def is_packed(file: ImageFile) -> bool:
    """Tell whether a file begins like one that galaxtool unpacks."""
    packing = find_packing(file.head(8))
    return packing is not None and packing.open is not None


def open_bounded(file: ImageFile, most_unpacked: int = _MOST_UNPACKED) -> BoundedStream:
    """Open a file, unpacked up to `most_unpacked` bytes if it is packed."""
    if is_packed(file):
        return BoundedStream(file.open(), most_unpacked, find_packing(file.head(8)))
    return BoundedStream(file.open(), file.size)


class BoundedStream:
    """A readable file for astropy, with a limit on its length and on the length of its headers.

    Parameters
    ----------
    stream : file object
        The file, opened for reading.
    most : int
        Number of unpacked bytes from the beginning that may be read.
    packing : Packing, optional
        How the file is packed.

    Notes
    -----
    astropy reads a header in blocks until it finds END. If nothing but blocks is read for 16 MB, the header has no END.
    A header that claims more axes or columns than the standard allows is rejected, because astropy spends time and
    memory on each of them; so is one with a size below zero or beyond any file, after which it would read the same
    headers for ever.
    """

    mode = "rb"

    def __init__(self, stream: BinaryIO, most: int, packing: Packing | None = None) -> None:
        self._file, self._packed, self._most = stream, packing is not None, most
        self._stream = open_unpacked(stream, packing)
        self._at = self._in_header = 0
        self._damage: Exception | None = None

    def read(self, n: int = -1) -> bytes:
        """Return the next `n` bytes, fewer at the end; raise OSError beyond a limit."""
        n = self._most - self._at if n < 0 else n
        if n <= 0:
            return b""
        self._in_header = self._in_header + n if n <= _BLOCK else 0
        if self._in_header > _LONGEST_HEADER:
            raise OSError(f"a header has no end in {_LONGEST_HEADER >> 20} MB")
        if self._at + n > self._most and self._packed:
            raise OSError(f"it unpacks to more than {self._most / 1e9:.1f} GB")
        content = self._unpack(min(n, self._most), self._at)
        self._at += len(content)
        if n <= _BLOCK:
            _check_header(content)
        return content

    def check_rest(self) -> None:
        """Raise OSError if a packed file is corrupt, as far as its end is near: that is where its checksum is.

        astropy takes an error behind the image for the end of the file, but the pixels may be what is wrong.
        """
        if not self._packed or self._stream.closed:
            return
        if self._damage is None:
            with contextlib.suppress(*BROKEN):
                for _ in range(_CHECKED // _STEP):
                    if not self._unpack(_STEP, self._stream.tell()):
                        break
        if self._damage is not None and not is_cut_short(self._damage):
            raise OSError(describe_error(self._damage)) from self._damage

    def _unpack(self, n: int, place: int) -> bytes:
        """Return the bytes at a place, and remember the first error."""
        try:
            if self._stream.tell() != place:
                self._stream.seek(place)
            return self._stream.read(n)
        except BROKEN as error:
            self._damage = self._damage or error
            raise

    def seek(self, offset: int, whence: int = 0) -> int:
        """Set the position; nothing is decompressed before the next read."""
        self._at = max(0, offset + (0, self._at, self._most)[whence])
        self._in_header = 0
        return self._at

    def tell(self) -> int:
        """Return the position."""
        return self._at

    @property
    def closed(self) -> bool:
        """Whether the file is closed."""
        return self._stream.closed

    def close(self) -> None:
        """Close the file."""
        self._stream.close()
        self._file.close()

    def __enter__(self) -> BoundedStream:
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()


def _check_header(content: bytes) -> None:
    """Raise OSError if a block of a header claims a size that no file has."""
    if claim := next((c for c in _MANY.finditer(content) if int(c[1]) > _MOST), None):
        what = "columns" if claim[0][:1] == b"T" else "axes"
        raise OSError(f"a header claims to have {claim[1].decode()} {what}")
    for size in _SIZE.finditer(content):
        keyword, value = size[1].decode(), size[2].decode()
        with contextlib.suppress(ValueError):
            number = float(value.replace("D", "E"))
            if not 0 <= (abs(number) if keyword == "BITPIX" else number) < _LARGEST:
                raise OSError(f"a header has {keyword} = {value}")
