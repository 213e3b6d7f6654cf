"""Tar archives, plain or compressed, read in place."""

from __future__ import annotations

import tarfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

from galaxtool.containers.member_index import IndexBuilder, get_index, scan_archive, store_index
from galaxtool.containers.member_names import HIDDEN, NameDeduplicator, reason_to_skip, strip_dot_slash
from galaxtool.containers.protocols import Member
from galaxtool.containers.streams import BROKEN, MOST_BYTES, DecompressedFile, wrong_content_error
from galaxtool.errors import UnreadableImage
from galaxtool.images.image_file import ImageFile
from galaxtool.images.read_options import ReadOptions
from galaxtool.images.reading import list_image_suffixes
from galaxtool.tables.column_names import LABELS_FILE
from galaxtool.utils.error_text import describe_error

_BROKEN = (tarfile.TarError, *BROKEN)
_ZEROS = bytes(tarfile.BLOCKSIZE)
_NUMBERS = 2  # offset and size of a member


class TarContainer:
    """Tar archives: plain, or packed by gzip, bzip2, xz or Zstandard.

    A plain archive is read at any offset. A compressed one has to be decompressed up to the member: in the order of the
    archive this costs nothing extra, but every worker does it again.

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
        """Yield the regular files with the suffix of an image, in the order of the archive.

        Parameters
        ----------
        path : Path
            Path of the archive.

        Yields
        ------
        Member
            The key is the name in the archive, unchanged (``../a.png`` is harmless, as nothing is written). A
            repeated name gets a number before its suffix. Hidden files and ``__MACOSX`` are ignored; links,
            devices, ``labels.csv`` and files that are not images are counted in `skipped`.

        Raises
        ------
        UnreadableImage
            If the file is not a tar archive; or after the last readable member of a damaged one, unless that member
            is itself cut short, which is reported when it is read.
        """
        builder = IndexBuilder(_NUMBERS)
        suffixes = list_image_suffixes()
        distinct = NameDeduplicator(suffixes)
        with _open(path) as (stream, tar):
            walk = _HeaderIterator(path, stream, tar)
            for info in walk:
                reason = _reason_to_skip_member(info, suffixes)
                if reason and reason != LABELS_FILE:
                    if reason != HIDDEN:
                        self.skipped[reason] += 1
                    continue
                key = distinct(info.name)
                # for a sparse file, the offset of its header is kept, which lists its pieces
                whole = info.sparse is None
                builder.add(key, info.offset_data if whole else info.offset, info.size if whole else -1)
                if reason:
                    self.skipped[reason] += 1
                else:
                    yield Member(key=key, name=strip_dot_slash(info.name))
            self.problem = walk.problem
            shown = walk.cut_member is not None and not _reason_to_skip_member(walk.cut_member, suffixes)
        store_index(path, builder.build(self.problem))
        if self.problem and not shown:
            raise UnreadableImage(self.problem)

    def open(self, path: Path) -> OpenTar:
        """Open an archive for reading; it is indexed first if necessary."""
        return OpenTar(path)


class OpenTar:
    """A tar archive open for reading.

    Parameters
    ----------
    path : Path
        Path of the archive.

    Raises
    ------
    UnreadableImage
        If the file is not a tar archive.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.index = get_index(path, lambda: scan_archive(TarContainer(), path, _NUMBERS))
        self._stream = DecompressedFile(path)

    def read(self, key: str, options: ReadOptions) -> ImageFile:
        """Return the content of a member.

        Raises
        ------
        UnreadableImage
            If there is no such member, or it is damaged, cut short or larger than 1 GB.
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
                f"'{name}' has {size:,} bytes; the limit for a member of an archive is {MOST_BYTES:,}.",
                hint="Unpack it, and read the file by itself.",
            )
        try:
            content = self._stream.take(place, size) if size >= 0 else self._read_sparse(place)
        except _BROKEN as error:
            raise UnreadableImage(f"'{name}' is damaged or cut short ({describe_error(error)}).") from error
        if size >= 0 and len(content) < size:
            raise UnreadableImage(f"'{name}' is cut short: it has {len(content):,} of {size:,} bytes.")
        return ImageFile(name, content=content)

    def close(self) -> None:
        """Close the file."""
        self._stream.close()

    def _read_sparse(self, place: int) -> bytes:
        """Return the content of a sparse file."""
        self._stream.seek(place)
        with tarfile.TarFile(fileobj=cast(Any, self._stream)) as tar:
            info = tar.next()
            if info is None or info.size > MOST_BYTES:
                raise tarfile.ReadError("a sparse file is too large")
            pieces = tar.extractfile(info)
            assert pieces is not None  # only links and folders have none
            return b"".join(iter(lambda: pieces.read(2**20), b""))


class _HeaderIterator:
    """Iterates over the headers of an archive, and detects where it is cut short.

    Attributes
    ----------
    problem : str
        Problem with the archive, in one sentence.
    cut_member : TarInfo or None
        The last member, if its content is incomplete.
    """

    def __init__(self, path: Path, stream: DecompressedFile, tar: tarfile.TarFile) -> None:
        self.path, self.stream, self.tar = path, stream, tar
        self.problem = ""
        self.cut_member: tarfile.TarInfo | None = None

    def __iter__(self) -> Iterator[tarfile.TarInfo]:
        last = None
        while True:
            try:
                info = self.tar.next()
            except _BROKEN as error:
                self.cut_member = last if last is not None and not self._is_complete(last) else None
                self._set_problem(last, describe_error(error))
                return
            if info is None:
                break
            self.tar.members.clear()  # type: ignore[attr-defined]  # they would fill the memory
            last = info
            yield info
        # every tar archive ends with zeros; tarfile also stops at anything that is not a header
        if self.stream.last != _ZEROS:
            self._set_problem(last, "it does not end like a tar archive")

    def _is_complete(self, info: tarfile.TarInfo) -> bool:
        """Tell whether a member can be read; in a compressed archive, only reading it tells."""
        if info.size > MOST_BYTES:
            return False
        try:
            with DecompressedFile(self.path) as stream:
                return len(stream.take(info.offset_data, info.size)) == info.size
        except _BROKEN:
            return False

    def _set_problem(self, last: tarfile.TarInfo | None, why: str) -> None:
        after = f" after '{last.name}'" if last is not None else ""
        self.problem = f"'{self.path}' is damaged or cut short{after} ({why}); the rest is lost."


@contextmanager
def _open(path: Path) -> Iterator[tuple[DecompressedFile, tarfile.TarFile]]:
    """Open an archive, and close it at the end of the block."""
    with DecompressedFile(path) as stream:
        try:
            tar = tarfile.TarFile(fileobj=cast(Any, stream))
        except _BROKEN as error:
            raise wrong_content_error(path, "a tar archive", error) from error
        yield stream, tar


def _reason_to_skip_member(info: tarfile.TarInfo, suffixes: tuple[str, ...]) -> str:
    """Return why a member is not an input; empty if it is one."""
    if info.isdir():
        return HIDDEN
    if info.issym() or info.islnk():
        return "link"
    reason = reason_to_skip(info.name, suffixes)
    return reason or ("" if info.isreg() else "not a file")
