"""Files that were packed as a whole, such as ``frame.fits.bz2``: recognized by content and unpacked within bounds."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, BinaryIO, cast

from galaxtool.images.image_file import ImageFile
from galaxtool.utils.error_text import describe_error
from galaxtool.utils.optional_imports import import_attribute

LARGEST_IN_MEMORY = 1 << 25
"""Size in bytes up to which a file is unpacked into memory."""

BROKEN = (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError)
"""Errors of the libraries that unpack, for damaged files."""

_GZIP = b"\x1f\x8b"
_MOST_LAYERS = 3
_STEP = 1 << 16


@dataclass(frozen=True, slots=True)
class Packing:
    """A way to pack one file.

    Parameters
    ----------
    name : str
        Name for messages.
    magic : bytes
        First bytes of a packed file.
    command : str
        Program that unpacks it.
    open : callable or None
        Returns the unpacked stream of a packed one; None if galaxtool cannot unpack it.
    """

    name: str
    magic: bytes
    command: str
    open: Callable[[BinaryIO], BinaryIO] | None = None


class _OpenUntilEnd:
    """A stream that pyarrow cannot close, since it is read again from the beginning."""

    closed = False

    def __init__(self, stream: BinaryIO) -> None:
        self.read = stream.read

    def close(self) -> None:
        """Do nothing."""


class _ZstdStream(io.RawIOBase):
    """Unpacked Zstandard stream, read by pyarrow; seeking back starts again at the beginning."""

    def __init__(self, packed: BinaryIO) -> None:
        self._packed = packed
        self._rewind()

    def _rewind(self) -> None:
        self._packed.seek(0)
        whole = import_attribute("pyarrow:PythonFile")(_OpenUntilEnd(self._packed), mode="r")
        self._stream: Any = import_attribute("pyarrow:CompressedInputStream")(whole, "zstd")
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = 0) -> int:
        if whence == 1:
            offset += self._at
        elif whence:
            raise OSError("the end of a packed file is unknown")
        if offset < self._at:
            self._rewind()
        while self._at < offset and self.read(min(_STEP, offset - self._at)):
            pass
        return self._at

    def readinto(self, buffer: Any) -> int:
        content: bytes = self._stream.read(len(buffer))
        buffer[: len(content)] = content
        self._at += len(content)
        return len(content)

    def close(self) -> None:
        self._packed.close()
        super().close()


def _open_zstd(packed: BinaryIO) -> BinaryIO:
    return cast(BinaryIO, io.BufferedReader(_ZstdStream(packed), _STEP))


def _open_lzma(packed: BinaryIO) -> BinaryIO:
    return cast(BinaryIO, lzma.LZMAFile(packed))


PACKINGS = (
    Packing("gzip", _GZIP, "gunzip", lambda packed: cast(BinaryIO, gzip.GzipFile(fileobj=packed, mode="rb"))),
    Packing("bzip2", b"BZh", "bunzip2", lambda packed: cast(BinaryIO, bz2.BZ2File(packed))),
    Packing("xz", b"\xfd7zXZ\x00", "unxz", _open_lzma),
    Packing("lzma", b"\x5d\x00\x00", "unlzma", _open_lzma),
    Packing("Zstandard", b"\x28\xb5\x2f\xfd", "unzstd", _open_zstd),
    Packing("compress", b"\x1f\x9d", "uncompress"),
    Packing("LZ4", b"\x04\x22\x4d\x18", "unlz4"),
    Packing("lzip", b"LZIP", "lzip -d"),
    Packing("7-Zip", b"7z\xbc\xaf\x27\x1c", "7z x"),
    Packing("RAR", b"Rar!\x1a\x07", "unrar x"),
)
_MAGIC = tuple(packing.magic for packing in PACKINGS)


def find_packing(head: bytes) -> Packing | None:
    """Return how a file is packed that begins with `head`; None for one that is not packed."""
    if not head.startswith(_MAGIC):
        return None
    return next(packing for packing in PACKINGS if head.startswith(packing.magic))


def open_unpacked(stream: BinaryIO, packing: Packing | None) -> BinaryIO:
    """Return the unpacked stream of a packed one, even if packed more than once; damage raises when it is read."""
    for _ in range(_MOST_LAYERS):
        if packing is None or packing.open is None:
            break
        stream = packing.open(stream)
        try:
            packing = find_packing(stream.read(8))
        except BROKEN:
            packing = None
        stream.seek(0)
    return stream


def read_unpacked_head(file: ImageFile, n: int) -> bytes:
    """Return up to `n` unpacked bytes of a file, or its first bytes if it is not packed or cannot be unpacked.

    Raises
    ------
    OSError, EOFError, ValueError, zlib.error or lzma.LZMAError
        If the beginning is damaged.
    """
    head = file.head(n)
    packing = find_packing(head)
    if packing is None or packing.open is None:
        return head
    if packing.name == "gzip" and not (inner := zlib.decompressobj(wbits=31).decompress(head, n)).startswith(_MAGIC):
        return inner  # gzip gives its first bytes early, the others a block at a time
    with file.open() as packed, open_unpacked(packed, packing) as stream:
        return stream.read(n)


def unpack_small(file: ImageFile) -> bytes | None:
    """Return the unpacked content of a packed file; None if the file is large, or cut short.

    Raises
    ------
    OSError
        If it is corrupt. Where is not known, as checksums are behind what they are about.
    """
    packing = find_packing(file.head(8))
    if packing is None or packing.open is None or not file.in_memory:
        return None
    content = file.content()
    unpacked = _gunzip(content) if packing.name == "gzip" else _read_bounded(packing.open(io.BytesIO(content)))
    if unpacked is not None and (inner := find_packing(unpacked[:8])) is not None and inner.open is not None:
        return _read_bounded(open_unpacked(io.BytesIO(unpacked), inner))
    return unpacked


def is_cut_short(error: BaseException) -> bool:
    """Tell whether an error of a library that unpacks says that the end is missing, and not that bytes are wrong."""
    return isinstance(error, EOFError) or "truncated" in str(error).casefold()


def _read_bounded(stream: BinaryIO) -> bytes | None:
    try:
        content = stream.read(LARGEST_IN_MEMORY + 1)
    except BROKEN as error:
        if is_cut_short(error):
            return None  # the part that is there may be enough
        raise OSError(describe_error(error)) from error
    return content if len(content) <= LARGEST_IN_MEMORY else None


def _gunzip(packed: bytes) -> bytes | None:
    """Return the unpacked content of all gzip members, ignoring trailing bytes as gunzip does; None if cut short."""
    chunks, room = [], LARGEST_IN_MEMORY
    while packed.startswith(_GZIP):
        member = zlib.decompressobj(wbits=31)
        try:
            chunks.append(member.decompress(packed, room + 1))
        except zlib.error as error:
            raise OSError(describe_error(error).rpartition(": ")[2]) from error  # without the number of the error
        room -= len(chunks[-1])
        if room < 0 or not member.eof:
            return None
        packed = member.unused_data
    return b"".join(chunks)
