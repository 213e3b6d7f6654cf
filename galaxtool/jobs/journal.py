"""The batches of a part that is not finished yet, kept as they come, so that a killed job loses seconds, not a part."""

from __future__ import annotations

import hashlib
import os
import struct
from contextlib import suppress
from io import FileIO
from pathlib import Path

from galaxtool.utils.files.regular_files import open_regular, open_to_append

_HEAD = struct.Struct("<4sQQ")  # mark, number of the first image, bytes of the content
_MARK, _DIGEST = b"GTB1", 16


class BatchJournal:
    """A file of finished batches, each with a digest; it is emptied whenever a part is finished.

    The disk may lose its end in a power cut, as nothing waits for the disk: a batch that is not whole, and what follows
    it, is computed again.

    Parameters
    ----------
    path : Path
        The file, in the folder of the job.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stream: FileIO | None = None

    def load(self) -> dict[int, bytes]:
        """Return the content of each whole batch, by the number of its first image; what follows them is cut off."""
        found, whole = self._read()
        # what is appended behind a torn batch would not be found again
        if not found:
            self.clear()
        else:
            with suppress(OSError):
                os.truncate(self._path, whole)
        return found

    def _read(self) -> tuple[dict[int, bytes], int]:
        """Return the content of each whole batch, and the number of bytes of all."""
        found: dict[int, bytes] = {}
        whole = 0
        with suppress(OSError), open_regular(self._path) as stream:
            size = self._path.stat().st_size
            while len(head := stream.read(_HEAD.size)) == _HEAD.size:
                mark, start, length = _HEAD.unpack(head)
                if mark != _MARK or length > size:
                    break
                body = stream.read(length + _DIGEST)
                if body[length:] != _digest(head, body[:length]):
                    break
                found[start] = body[:length]
                whole += _HEAD.size + len(body)
        return found, whole

    def add(self, start: int, content: bytes) -> None:
        """Append a batch; a disk that is full only costs the batches that would be kept."""
        head = _HEAD.pack(_MARK, start, len(content))
        with suppress(OSError):
            if self._stream is None:
                self._stream = open_to_append(self._path)
            self._stream.write(head + content + _digest(head, content))

    def clear(self) -> None:
        """Forget all batches, as their part is finished."""
        with suppress(OSError):
            if self._stream is not None:
                self._stream.truncate(0)
            else:
                self._path.unlink(missing_ok=True)

    def close(self) -> None:
        """Close the file and keep it."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    @property
    def has_batches(self) -> bool:
        """Whether a batch is kept."""
        with suppress(OSError):
            return self._path.stat().st_size > 0
        return False


def _digest(head: bytes, content: bytes) -> bytes:
    return hashlib.blake2b(head + content, digest_size=_DIGEST).digest()
