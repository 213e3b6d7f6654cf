"""Read archives in place, decompressed on the fly, within bounds that protect memory against hostile files."""

from __future__ import annotations

import lzma
import zlib
from contextlib import suppress
from pathlib import Path
from typing import Any

from galaxtool.errors import UnreadableImage
from galaxtool.images.content import describe_content
from galaxtool.images.image_file import ImageFile
from galaxtool.images.packing import find_packing, open_unpacked, read_unpacked_head
from galaxtool.images.reading import cannot_open_error
from galaxtool.utils.error_text import describe_error

MOST_BYTES = 2**30
"""Largest size of a member of an archive."""

MOST_RATIO = 500
"""Largest ratio of decompressed to compressed size of an archive that decompresses to more than `MOST_BYTES`."""

BROKEN = (OSError, EOFError, ValueError, zlib.error, lzma.LZMAError, MemoryError, NotImplementedError, OverflowError)
"""Errors of the decompression libraries for damaged files; MemoryError if a header asks for more than there is."""

_HEAD = 4096
_HEADER_BYTES = 2**26
_STEP = 2**20


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


def read_packed_head(path: Path, head: bytes) -> bytes:
    """Return the unpacked beginning of a packed file that begins with `head`; empty for any other file."""
    if find_packing(head) is not None:
        with suppress(*BROKEN):
            return read_unpacked_head(ImageFile.on_disk(path), _HEAD)
    return b""


def wrong_content_error(path: Path, expected: str, error: BaseException) -> UnreadableImage:
    """Return the error for a file that is not the expected container, or is a damaged one."""
    with suppress(*BROKEN, UnreadableImage):
        head = read_head(path)
        what, hint = describe_content(read_packed_head(path, head) or head)
        if what and not what.endswith(expected.split()[-1]):
            return UnreadableImage(f"'{path}' is {what}, not {expected}.", hint=hint)
    return UnreadableImage(f"'{path}' is not {expected}, or is damaged ({describe_error(error)}).")


class DecompressedFile:
    """A file that is decompressed as it is read, at any offset; reading forwards is fast.

    Parameters
    ----------
    path : Path
        Plain file, or one packed by gzip, bzip2, xz or Zstandard. Going back in a packed file starts again at its
        beginning.

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
        As for `read_head`; or if the file is packed in another way.

    Notes
    -----
    This is a stream for `tarfile`. Its `read` refuses more than 64 MB at once, which only a hostile header asks for.
    Its `seek` refuses to go beyond `MOST_RATIO` times the size of the file. Members are read by `take`.
    """

    def __init__(self, path: Path) -> None:
        head = read_head(path)
        self.size = path.stat().st_size
        packing = find_packing(head)
        if packing is not None and packing.open is None:
            raise UnreadableImage(f"'{path}' is packed by {packing.name} (unpack it first with {packing.command}).")
        self.packed = packing is not None
        self._farthest = max(MOST_BYTES, MOST_RATIO * self.size) if self.packed else None
        self._file = path.open("rb")
        self._stream: Any = open_unpacked(self._file, packing)
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
        self._file.close()

    def __enter__(self) -> DecompressedFile:
        return self

    def __exit__(self, *_: object) -> None:
        """Close the file."""
        self.close()

    def _read(self, n: int) -> bytes:
        read: bytes = self._stream.read(n)
        self._at += len(read)
        return read
