"""Zip archives, read in place."""

from __future__ import annotations

import stat
import struct
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from galaxtool.containers.member_index import IndexBuilder, get_index, scan_archive, store_index
from galaxtool.containers.member_names import HIDDEN, NameDeduplicator, reason_to_skip, strip_dot_slash
from galaxtool.containers.protocols import Member
from galaxtool.containers.streams import BROKEN, MOST_BYTES, read_head, wrong_content_error
from galaxtool.containers.zip_recovery import recover_members
from galaxtool.errors import UnreadableImage
from galaxtool.images.image_file import ImageFile
from galaxtool.images.read_options import ReadOptions
from galaxtool.images.reading import list_image_suffixes
from galaxtool.tables.column_names import LABELS_FILE
from galaxtool.utils.error_text import describe_error

_BROKEN = (zipfile.BadZipFile, struct.error, RuntimeError, *BROKEN)
_ENCRYPTED = 1
_LOCAL = struct.Struct("<4s22xHH")  # signature, lengths of name and extra field
_SIGNATURE = b"PK\x03\x04"
_LARGE = 2**26
_MOST_RATIO = 300
_STEP = 4096
_NUMBERS = 5  # offset, compressed size, size, CRC and method of a member


class ZipContainer:
    """Zip archives, whose members are stored or compressed by deflate, bzip2 or LZMA.

    Attributes
    ----------
    skipped : Counter
        Number of files that `members` skipped, by reason.
    problem : str
        Problem with the archive, in one sentence, after the last member; empty if there is none.
    """

    def __init__(self) -> None:
        self.skipped: Counter[str] = Counter()
        self.problem = ""

    def members(self, path: Path) -> Iterator[Member]:
        """Yield the files with the suffix of an image, in the order of the directory of the archive.

        Parameters
        ----------
        path : Path
            Path of the archive.

        Yields
        ------
        Member
            As for `galaxtool.containers.tar.TarContainer.members`. The directory of a zip archive is at its end; in
            an archive that is cut short, the members are found by the headers before them.

        Raises
        ------
        UnreadableImage
            If the file is not a zip archive; or after the last readable member of a damaged one.
        """
        builder = IndexBuilder(_NUMBERS)
        suffixes = list_image_suffixes()
        distinct = NameDeduplicator(suffixes)
        entries, self.problem = _read_directory(path)
        for info in entries:
            reason = _reason_to_skip_member(info, suffixes)
            if reason and reason != LABELS_FILE:
                if reason != HIDDEN:
                    self.skipped[reason] += 1
                continue
            key = distinct(info.filename)
            method = info.compress_type << 16 | info.flag_bits
            builder.add(key, info.header_offset, info.compress_size, info.file_size, info.CRC, method)
            if reason:
                self.skipped[reason] += 1
            else:
                yield Member(key=key, name=strip_dot_slash(info.filename))
        store_index(path, builder.build(self.problem))
        if self.problem:
            raise UnreadableImage(self.problem)

    def open(self, path: Path) -> OpenZip:
        """Open an archive for reading; it is indexed first if necessary."""
        return OpenZip(path)


class OpenZip:
    """A zip archive open for reading.

    Parameters
    ----------
    path : Path
        Path of the archive.

    Raises
    ------
    UnreadableImage
        If the file is not a zip archive.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.index = get_index(path, lambda: scan_archive(ZipContainer(), path, _NUMBERS))
        self._stream = path.open("rb")

    def read(self, key: str, options: ReadOptions) -> ImageFile:
        """Return the content of a member, and check its checksum.

        Raises
        ------
        UnreadableImage
            If there is no such member, or it is encrypted, damaged, larger than 1 GB, or compressed so well (more than
            300 times, above 64 MB) that it could exhaust memory.
        """
        found = self.index.find(key)
        if found is None:
            raise UnreadableImage(
                self.index.problem or f"There is no {repr(key) if key else 'image'} in '{self.path}'."
            )
        name = f"{self.path}[{key}]"
        place, packed, size, crc, method = found
        if method & _ENCRYPTED:
            raise UnreadableImage(f"'{name}' is encrypted.", hint="Extract it with its password, and read the file.")
        if size > MOST_BYTES or (size > _LARGE and size > _MOST_RATIO * packed):
            raise UnreadableImage(
                f"'{name}' claims to decompress from {packed:,} to {size:,} bytes, which could exhaust memory.",
                hint="If you trust it, extract it and read the file by itself.",
            )
        try:
            return ImageFile(name, content=self._content(place, packed, size, crc, method))
        except _BROKEN as error:
            raise UnreadableImage(f"'{name}' is damaged or cut short ({describe_error(error)}).") from error

    def close(self) -> None:
        """Close the file."""
        self._stream.close()

    def _content(self, place: int, packed: int, size: int, crc: int, method: int) -> bytes:
        """Return the bytes of a member, decompressed by `zipfile` without reading the directory again."""
        info = zipfile.ZipInfo("member")
        info.compress_size, info.file_size, info.CRC, info.compress_type = packed, size, crc, method >> 16
        seek_to_data(self._stream, place)
        with zipfile.ZipExtFile(self._stream, "r", info) as member:
            # zlib bounds its output, the other methods only their input
            step = size if info.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) else _STEP
            content = b"".join(iter(lambda: member.read(step), b"")) if step else b""
        if len(content) != size:
            raise EOFError(f"it has {len(content):,} of {size:,} bytes")
        return content


def seek_to_data(stream: BinaryIO, place: int) -> None:
    """Set a stream to the data of the member whose header is at `place`; raise `BadZipFile` or `struct.error`."""
    stream.seek(place)
    signature, name, extra = _LOCAL.unpack(stream.read(_LOCAL.size))
    if signature != _SIGNATURE:
        raise zipfile.BadZipFile("there is no member where the directory says")
    stream.seek(name + extra, 1)


def _read_directory(path: Path) -> tuple[list[zipfile.ZipInfo], str]:
    """Return the entries of an archive, and a problem with it."""
    head = read_head(path)
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.infolist(), ""
    except _BROKEN as error:
        if not head.startswith(_SIGNATURE):
            raise wrong_content_error(path, "a zip archive", error) from error
        try:
            recovered = recover_members(path)
        except OSError as other:
            raise UnreadableImage(f"'{path}' cannot be read ({describe_error(other)}).") from other
        after = f" after '{recovered[-1].filename}'" if recovered else ""
        return recovered, f"'{path}' is damaged or cut short{after} ({describe_error(error)}); the rest is lost."


def _reason_to_skip_member(info: zipfile.ZipInfo, suffixes: tuple[str, ...]) -> str:
    """Return why a member is not an input; empty if it is one."""
    kind = stat.S_IFMT(info.external_attr >> 16)  # as Unix writes it; zero elsewhere
    if info.is_dir():
        return HIDDEN
    if kind == stat.S_IFLNK:
        return "link"
    reason = reason_to_skip(info.filename, suffixes)
    return reason or ("" if kind in (0, stat.S_IFREG) else "not a file")
