"""Tar archives, plain or packed, read in place."""

from __future__ import annotations

import tarfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from galaxtool.containers.member_index import IndexBuilder, MemberIndex, index_of, remember
from galaxtool.containers.member_names import HIDDEN, Distinct, plain, reason_to_skip
from galaxtool.containers.protocols import Member
from galaxtool.containers.streams import BROKEN, MOST_BYTES, Unpacked
from galaxtool.errors import UnreadableImage
from galaxtool.images.image_file import ImageFile
from galaxtool.images.read_options import ReadOptions
from galaxtool.images.reading import image_suffixes, say
from galaxtool.tables.column_names import LABELS_FILE

_BROKEN = (tarfile.TarError, *BROKEN)
_ZEROS = bytes(tarfile.BLOCKSIZE)


class TarContainer:
    """Tar archives: plain, or packed by gzip, bzip2, xz or (Python 3.14) Zstandard.

    A plain one is read at any place at once. A packed one has to be unpacked up to the member, which in the order of
    the archive costs nothing more, but is done by every worker anew.

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
        """Yield the regular files with the suffix of an image, in the archive's order.

        Parameters
        ----------
        path : Path

        Yields
        ------
        Member
            Its key is the name in the archive, whatever it is (``../a.png`` leads nowhere, as nothing is written); a
            second one of a name has a number in front of its suffix. Hidden files and ``__MACOSX`` are not looked at;
            links, devices, ``labels.csv`` and what is no image are counted in `skipped`.

        Raises
        ------
        UnreadableImage
            If the file is no tar archive; or behind the last member that is left of a damaged one, unless that member
            is itself cut short, which is said when it is read.
        """
        builder = IndexBuilder(2)
        suffixes = image_suffixes()
        distinct = Distinct(suffixes)
        with _open(path) as (stream, tar):
            walk = _Walk(path, stream, tar)
            for info in walk:
                reason = _reason(info, suffixes)
                if reason and reason != LABELS_FILE:
                    if reason != HIDDEN:
                        self.skipped[reason] += 1
                    continue
                key = distinct(info.name)
                # of a file with holes the place of its header is kept, as only that tells where its pieces are
                whole = info.sparse is None
                builder.add(key, info.offset_data if whole else info.offset, info.size if whole else -1)
                if reason:
                    self.skipped[reason] += 1
                else:
                    yield Member(key=key, name=plain(info.name))
            self.problem = walk.problem
            shown = walk.cut_member is not None and not _reason(walk.cut_member, suffixes)
        remember(path, builder.built(self.problem))
        if self.problem and not shown:
            raise UnreadableImage(self.problem)

    def open(self, path: Path) -> OpenTar:
        """Open an archive for reading; it is listed first, where this was not done before."""
        return OpenTar(path)


class OpenTar:
    """A tar archive that is open.

    Parameters
    ----------
    path : Path

    Raises
    ------
    UnreadableImage
        If it is no tar archive.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.index = index_of(path, lambda: _listed(path))
        self._stream = Unpacked(path)

    def read(self, key: str, options: ReadOptions) -> ImageFile:
        """Return a member's content.

        Raises
        ------
        UnreadableImage
            If there is none of that name, it is damaged, cut short or larger than 1 GB.
        """
        found = self.index.find(key)
        if found is None:
            raise UnreadableImage(
                self.index.problem or f"There is no {repr(key) if key else 'image'} in '{self.path}'."
            )
        place, size = found
        name = f"{self.path}[{key}]"
        if size > MOST_BYTES:
            raise UnreadableImage(
                f"'{name}' is of {size:,} bytes; a member of an archive may have {MOST_BYTES:,}.",
                hint="Unpack it, and read the file by itself.",
            )
        try:
            content = self._stream.take(place, size) if size >= 0 else self._with_holes(place)
        except _BROKEN as error:
            raise UnreadableImage(f"'{name}' is damaged or cut short ({say(error)}).") from error
        if size >= 0 and len(content) < size:
            raise UnreadableImage(f"'{name}' is cut short: it has {len(content):,} of {size:,} bytes.")
        return ImageFile(name, content=content)

    def close(self) -> None:
        """Close the file."""
        self._stream.close()

    def _with_holes(self, place: int) -> bytes:
        self._stream.seek(place)
        with tarfile.TarFile(fileobj=cast(Any, self._stream)) as tar:
            info = tar.next()
            if info is None or info.size > MOST_BYTES:
                raise tarfile.ReadError("a file with holes is too large")
            pieces = tar.extractfile(info)
            assert pieces is not None  # only links and folders have none
            return b"".join(iter(lambda: pieces.read(2**20), b""))


class _Walk:
    """Goes through the headers of an archive, and notices where it breaks off.

    Attributes
    ----------
    problem : str
        What is wrong, in one sentence.
    cut_member : TarInfo or None
        The last member where its content is not all there.
    """

    def __init__(self, path: Path, stream: Unpacked, tar: tarfile.TarFile) -> None:
        self.path, self.stream, self.tar = path, stream, tar
        self.problem = ""
        self.cut_member: tarfile.TarInfo | None = None

    def __iter__(self) -> Iterator[tarfile.TarInfo]:
        last = None
        while True:
            try:
                info = self.tar.next()
            except _BROKEN as error:
                self.cut_member = last if last is not None and not self._whole(last) else None
                self._broken(last, say(error))
                return
            if info is None:
                break
            self.tar.members.clear()  # type: ignore[attr-defined]  # they would fill the memory
            last = info
            yield info
        if self.stream.last != _ZEROS:  # with which every tar archive ends; tarfile also stops at what is no header
            self._broken(last, "it does not end like a tar archive")

    def _whole(self, info: tarfile.TarInfo) -> bool:
        """Tell whether a member can be read, which must be tried where the archive is packed."""
        if info.size > MOST_BYTES:
            return False
        try:
            with Unpacked(self.path) as stream:
                return len(stream.take(info.offset_data, info.size)) == info.size
        except _BROKEN:
            return False

    def _broken(self, last: tarfile.TarInfo | None, why: str) -> None:
        behind = f" behind '{last.name}'" if last is not None else ""
        self.problem = f"'{self.path}' is damaged or cut short{behind} ({why}); what was there is lost."


class _open:
    """Opens an archive, to be used in a ``with`` statement."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> tuple[Unpacked, tarfile.TarFile]:
        self.stream = Unpacked(self.path)
        try:
            return self.stream, tarfile.TarFile(fileobj=cast(Any, self.stream))
        except _BROKEN as error:
            self.stream.close()
            raise UnreadableImage(f"'{self.path}' is not a tar archive, or is damaged ({say(error)}).") from error
        except BaseException:
            self.stream.close()
            raise

    def __exit__(self, *_: object) -> None:
        self.stream.close()


def _reason(info: tarfile.TarInfo, suffixes: tuple[str, ...]) -> str:
    """Return why a member is not an input, or nothing where it is one."""
    if info.isdir():
        return HIDDEN
    if info.issym() or info.islnk():
        return "link"
    reason = reason_to_skip(info.name, suffixes)
    return reason or ("" if info.isreg() else "not a file")


def _listed(path: Path) -> MemberIndex:
    """Return the index of an archive, made by going through all of it."""
    container = TarContainer()
    try:
        for _ in container.members(path):
            pass
    except UnreadableImage:
        if not container.problem:
            raise  # else what there is left of it is listed
    return index_of(path, lambda: IndexBuilder(2).built())
