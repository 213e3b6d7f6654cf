"""Facts about files that a training needs before it reads pixels; each file is opened once."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from hashlib import blake2b
from io import FileIO
from pathlib import Path

from galaxtool.containers.reading import get_image_file
from galaxtool.errors import UnreadableImage
from galaxtool.images.fits.reader import FitsReader
from galaxtool.images.image_file import ImageFile
from galaxtool.images.read_options import ReadOptions
from galaxtool.inputs.fits_tables import FIRST_HEADERS, is_fits_table, list_fits_suffixes, may_be_fits_table
from galaxtool.types import ImageRef

END_BYTES = 16384
"""Number of bytes at either end of a file from which its digest is computed."""

Position = tuple[float, float]
Hdu = int | str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FileProbe:
    """Facts about a file.

    Parameters
    ----------
    size : int or None
        Size in bytes; None if the file does not exist or is not a regular file.
    digest : bytes or None
        Digest of the first and the last 16 KB, and so of the whole content of a file of up to 32 KB; None if the file
        cannot be read.
    is_table : bool
        Whether the file is FITS and has tables but no image; False if that cannot be determined.
    positions : mapping of (int, str or None) to (float, float), or None
        Right ascension and declination of the image's centre in degrees, ICRS, by the HDU whose header gives them;
        None stands for the first HDU with an image. An HDU without a position has no entry. None if the
        headers were not read.
    """

    size: int | None = None
    digest: bytes | None = None
    is_table: bool = False
    positions: Mapping[Hdu, Position] | None = field(default_factory=dict)


class FileProber:
    """Opens each file once, many at the same time, and remembers what it found.

    Parameters
    ----------
    hdu : int or str, optional
        HDU of FITS files whose header gives a position, besides the first HDU with an image.

    Notes
    -----
    Files must not change while a prober is in use. A FITS file of more than 8 MB whose image is not its only HDU is
    opened a second time for its position, so that it need not be held in memory.
    """

    def __init__(self, hdu: Hdu = None) -> None:
        self._hdus: tuple[Hdu, ...] = (None,) if hdu is None else (None, hdu)
        self._fits = tuple(list_fits_suffixes())
        self._probes: dict[ImageRef, FileProbe] = {}

    def probe(self, refs: Sequence[ImageRef], *, positions: bool = True) -> list[FileProbe]:
        """Return the facts about files.

        Parameters
        ----------
        refs : sequence of ImageRef
            Images in single files or in archives; of an image with one file per band, the first file counts.
        positions : bool
            Whether to look for positions in the headers of FITS files.
        """
        files = [replace(ref, bands=()) for ref in refs]
        missing = [file for file in dict.fromkeys(files) if not self._is_probed(file, positions)]
        with ThreadPoolExecutor(min(16, 4 + (os.cpu_count() or 1))) as pool:
            found = pool.map(partial(self._probe, positions=positions), missing)
            self._probes.update(zip(missing, found, strict=True))
        return [self._probes[file] for file in files]

    def sizes(self, refs: Sequence[ImageRef]) -> list[int | None]:
        """Return sizes in bytes without opening any file on disk; None for what is not a file."""
        return [self._probes[ref].size if ref in self._probes else find_size(ref) for ref in refs]

    def find_tables(self, paths: Sequence[bytes]) -> list[bool]:
        """Tell for each path whether it is a FITS file with tables but no image."""
        return [probe.is_table for probe in self.probe([ImageRef(Path(os.fsdecode(path))) for path in paths])]

    def _is_probed(self, ref: ImageRef, positions: bool) -> bool:
        probe = self._probes.get(ref)
        return probe is not None and not (positions and probe.positions is None)

    def _probe(self, ref: ImageRef, *, positions: bool) -> FileProbe:
        """Open a file on disk or in an archive, and return the facts about it."""
        if ref.container:
            return self._probe_member(ref, positions=positions)
        path = ref.path
        try:
            if not stat.S_ISREG(path.stat().st_mode):
                return FileProbe()
            with path.open("rb", buffering=0) as stream:
                file = _OpenFile(path, stream)
                is_fits = path.name.lower().endswith(self._fits)
                return FileProbe(
                    size=file.size,
                    digest=file.digest(),
                    is_table=is_fits and _is_table(file),
                    positions=_find_positions(file, self._hdus if is_fits else ()) if positions else None,
                )
        except OSError:  # the reader reports the problem later
            return FileProbe()

    def _probe_member(self, ref: ImageRef, *, positions: bool) -> FileProbe:
        if (member := find_member(ref)) is None:
            return FileProbe()
        content = member.content()
        return FileProbe(
            size=len(content),
            digest=_digest(content[:END_BYTES], content[max(END_BYTES, len(content) - END_BYTES) :]),
            positions=_find_positions(member, self._hdus) if positions else None,
        )


class _OpenFile(ImageFile):
    """A file on disk that stays open, so that reading its beginning does not open it again."""

    __slots__ = ("_stream",)

    def __init__(self, path: Path, stream: FileIO) -> None:
        super().__init__(str(path), path)
        self._stream = stream

    def _open_regular(self) -> FileIO:
        self._stream.seek(0)
        return open(os.dup(self._stream.fileno()), "rb", buffering=0)  # noqa: PTH123  a descriptor

    def digest(self) -> bytes:
        """Return the digest of both ends."""
        self._stream.seek(0)
        head = self._stream.read(END_BYTES)
        self._stream.seek(max(len(head), self._stream.seek(0, os.SEEK_END) - END_BYTES))
        return _digest(head, self._stream.read())


def find_size(ref: ImageRef) -> int | None:
    """Return the size of a file on disk or in an archive, in bytes; None for what is neither."""
    if ref.container:
        return None if (member := find_member(ref)) is None else member.size
    try:
        status = ref.path.stat()
    except OSError:
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None


def find_member(ref: ImageRef) -> ImageFile | None:
    """Return a file in an archive; None for a row of a stack, and for a file that cannot be read."""
    try:
        return get_image_file(ref)
    except UnreadableImage:
        return None


def _digest(head: bytes, tail: bytes) -> bytes:
    return blake2b(head + tail).digest()


def _is_table(file: ImageFile) -> bool:
    try:
        return may_be_fits_table(file.peek(FIRST_HEADERS)) and is_fits_table(file, file.peek(FIRST_HEADERS))
    except Exception:  # the reader reports the problem later
        return False


def _find_positions(file: ImageFile, hdus: Sequence[Hdu]) -> dict[Hdu, Position]:
    """Return the positions that the headers of some HDUs give."""
    positions: dict[Hdu, Position] = {}
    for hdu in hdus:
        try:
            cutout = FitsReader().read(file, ReadOptions(hdu=hdu, header_only=True))
        except Exception:  # the image is read later, and its error is reported then
            continue
        if cutout.ra is not None and cutout.dec is not None:
            positions[hdu] = (cutout.ra, cutout.dec)
    return positions
