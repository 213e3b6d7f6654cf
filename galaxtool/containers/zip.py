"""Zip archives, read in place."""

from __future__ import annotations

import stat
import struct
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from galaxtool.containers.member_index import IndexBuilder, MemberIndex, index_of, remember
from galaxtool.containers.member_names import HIDDEN, Distinct, plain, reason_to_skip
from galaxtool.containers.protocols import Member
from galaxtool.containers.streams import BROKEN, MOST_BYTES, head_of
from galaxtool.containers.zip_recovery import recover_members
from galaxtool.errors import UnreadableImage
from galaxtool.images.image_file import ImageFile
from galaxtool.images.read_options import ReadOptions
from galaxtool.images.reading import image_suffixes, say
from galaxtool.tables.column_names import LABELS_FILE

_BROKEN = (zipfile.BadZipFile, struct.error, RuntimeError, *BROKEN)
_ENCRYPTED = 1
_LOCAL = struct.Struct("<4s22xHH")  # signature, lengths of name and extra field
_SIGNATURE = b"PK\x03\x04"
_LARGE = 2**26
_MOST_RATIO = 300
_STEP = 4096


class ZipContainer:
    """Zip archives, their members stored or packed by deflate, bzip2 or LZMA.

    Attributes
    ----------
    skipped : Counter
        How many files were passed over by `members`, by reason.
    problem : str
        What is wrong with the archive, in one sentence, when `members` came to its end; else empty.
    """

    def __init__(self) -> None:
        self.skipped: Counter[str] = Counter()
        self.problem = ""

    def members(self, path: Path) -> Iterator[Member]:
        """Yield the files with the suffix of an image, in the order of the archive's directory.

        Parameters
        ----------
        path : Path

        Yields
        ------
        Member
            As of `galaxtool.containers.tar.TarContainer.members`. The directory of a zip archive is at its end: of
            one that is cut short, what precedes the cut is found by the headers in front of the members.

        Raises
        ------
        UnreadableImage
            If the file is no zip archive; or behind the last member that is left of a damaged one.
        """
        builder = IndexBuilder(5)
        suffixes = image_suffixes()
        distinct = Distinct(suffixes)
        entries, self.problem = _directory(path)
        for info in entries:
            reason = _reason(info, suffixes)
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
                yield Member(key=key, name=plain(info.filename))
        remember(path, builder.built(self.problem))
        if self.problem:
            raise UnreadableImage(self.problem)

    def open(self, path: Path) -> OpenZip:
        """Open an archive for reading; it is listed first, where this was not done before."""
        return OpenZip(path)


class OpenZip:
    """A zip archive that is open.

    Parameters
    ----------
    path : Path

    Raises
    ------
    UnreadableImage
        If it is no zip archive.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.index = index_of(path, lambda: _listed(path))
        self._stream = path.open("rb")

    def read(self, key: str, options: ReadOptions) -> ImageFile:
        """Return a member's content, its checksum compared.

        Raises
        ------
        UnreadableImage
            If there is none of that name, it is encrypted, damaged, larger than 1 GB, or packed so well (more than 300
            times, above 64 MB) that it may be meant to exhaust memory.
        """
        found = self.index.find(key)
        if found is None:
            raise UnreadableImage(
                self.index.problem or f"There is no {repr(key) if key else 'image'} in '{self.path}'."
            )
        name = f"{self.path}[{key}]"
        place, packed, size, crc, method = found
        if method & _ENCRYPTED:
            raise UnreadableImage(f"'{name}' is encrypted.", hint="Unpack it with its password, and read the file.")
        if size > MOST_BYTES or (size > _LARGE and size > _MOST_RATIO * packed):
            raise UnreadableImage(
                f"'{name}' claims to unpack from {packed:,} to {size:,} bytes, which may be meant to exhaust memory.",
                hint="If you trust it, unpack it and read the file by itself.",
            )
        try:
            return ImageFile(name, content=self._content(place, packed, size, crc, method))
        except _BROKEN as error:
            raise UnreadableImage(f"'{name}' is damaged or cut short ({say(error)}).") from error

    def close(self) -> None:
        """Close the file."""
        self._stream.close()

    def _content(self, place: int, packed: int, size: int, crc: int, method: int) -> bytes:
        """Return a member's bytes; `zipfile` unpacks them, without the directory that it would read anew."""
        info = zipfile.ZipInfo("member")
        info.compress_size, info.file_size, info.CRC, info.compress_type = packed, size, crc, method >> 16
        to_data(self._stream, place)
        with zipfile.ZipExtFile(self._stream, "r", info) as member:
            # what zlib unpacks is bounded by what is asked for, of the other methods only what goes in
            step = size if info.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) else _STEP
            content = b"".join(iter(lambda: member.read(step), b"")) if step else b""
        if len(content) != size:
            raise EOFError(f"it has {len(content):,} of {size:,} bytes")
        return content


def to_data(stream: BinaryIO, place: int) -> None:
    """Go to where a member's data begin, behind the header at `place`; raises `BadZipFile` or `struct.error`."""
    stream.seek(place)
    signature, name, extra = _LOCAL.unpack(stream.read(_LOCAL.size))
    if signature != _SIGNATURE:
        raise zipfile.BadZipFile("there is no member where the directory says")
    stream.seek(name + extra, 1)


def _directory(path: Path) -> tuple[list[zipfile.ZipInfo], str]:
    """Return what an archive lists, and what is wrong with it."""
    head = head_of(path)
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.infolist(), ""
    except _BROKEN as error:
        if not head.startswith(_SIGNATURE):
            raise UnreadableImage(f"'{path}' is not a zip archive, or is damaged ({say(error)}).") from error
        try:
            found = recover_members(path)
        except OSError as other:
            raise UnreadableImage(f"'{path}' cannot be read ({say(other)}).") from other
        behind = f" behind '{found[-1].filename}'" if found else ""
        return found, f"'{path}' is damaged or cut short{behind} ({say(error)}); what was there is lost."


def _reason(info: zipfile.ZipInfo, suffixes: tuple[str, ...]) -> str:
    """Return why a member is not an input, or nothing where it is one."""
    kind = stat.S_IFMT(info.external_attr >> 16)  # as Unix writes it; zero elsewhere
    if info.is_dir():
        return HIDDEN
    if kind == stat.S_IFLNK:
        return "link"
    reason = reason_to_skip(info.filename, suffixes)
    return reason or ("" if kind in (0, stat.S_IFREG) else "not a file")


def _listed(path: Path) -> MemberIndex:
    """Return the index of an archive."""
    container = ZipContainer()
    try:
        for _ in container.members(path):
            pass
    except UnreadableImage:
        if not container.problem:
            raise  # else what there is left of it is listed
    return index_of(path, lambda: IndexBuilder(5).built())
