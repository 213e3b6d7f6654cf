"""Which files below a folder are images, in an order that does not change, and what they are called."""

from __future__ import annotations

import os
import stat
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePath

from astropy.io import fits

from galaxtool.images.fits.bounded_stream import open_bounded
from galaxtool.images.image_file import ImageFile
from galaxtool.images.reading import image_suffixes
from galaxtool.inputs.items import repeated
from galaxtool.inputs.listing import Sorter
from galaxtool.plugins.registry import get_registry
from galaxtool.tables.column_names import LABELS_FILE
from galaxtool.tables.formats.fits import is_image
from galaxtool.types import batches
from galaxtool.utils.warning_filter import ignore_warnings

_SIMPLE = b"SIMPLE  ="
_GZIP = b"\x1f\x8b"
_FITS_BLOCK = 2880
_CARD = 80
_HEADERS = 1 << 16  # bytes that hold the headers of most files whose primary is empty
_AT_ONCE, _TOGETHER = 16, 32  # files that are opened at the same time, and by the same thread
_CHUNK = 4096

FIRST_HEADERS = _FITS_BLOCK + _HEADERS
"""Bytes from the beginning of a file that `is_fits_table` is given."""

TableFinder = Callable[[Sequence[bytes]], Sequence[bool]]

_Level = tuple[bytes, Iterator[bytes], tuple[tuple[int, int], ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class FileFilter:
    """Which files in folders are inputs.

    Parameters
    ----------
    images, fits, containers : tuple of bytes
        Suffixes in lower case: of images, of those among them that are FITS and may hold tables, of files with many
        images.
    everything : bool
        Take every file, whatever its suffix.
    find_tables : callable, optional
        Tells of the paths of FITS files which have tables but no image, in place of a look at each of them here.
    """

    images: tuple[bytes, ...] = ()
    fits: tuple[bytes, ...] = ()
    containers: tuple[bytes, ...] = ()
    everything: bool = False
    find_tables: TableFinder | None = None

    @classmethod
    def images_only(cls, containers: Iterable[str] = (), find_tables: TableFinder | None = None) -> FileFilter:
        """Return what all registered readers take, and perhaps containers."""
        return cls(
            images=tuple(map(os.fsencode, image_suffixes())),
            fits=tuple(map(os.fsencode, fits_suffixes())),
            containers=tuple(map(os.fsencode, containers)),
            find_tables=find_tables,
        )

    def why_not(self, name: bytes) -> str:
        """Return why a file of this name is none, or nothing where it is one."""
        if self.everything:
            return ""
        if name == os.fsencode(LABELS_FILE):
            return LABELS_FILE
        return "" if name.lower().endswith(self.images + self.containers) else "not an image suffix"


def walk_images(folder: Path, find_tables: TableFinder | None = None) -> tuple[list[Path], Counter[str]]:
    """Return the images below a folder.

    Parameters
    ----------
    folder : Path
        Hidden files and folders in it are not looked at. Symbolic links are followed, but never round in a circle.
    find_tables : callable, optional
        See `FileFilter`.

    Returns
    -------
    paths : list of Path
        Relative to `folder`, in byte order.
    skipped : Counter
        How many other files there are, by reason. Links that lead nowhere count as images where their name is
        an image's, so that they show as errors later rather than vanish.
    """
    skipped: Counter[str] = Counter()
    taken = FileFilter.images_only(find_tables=find_tables)
    found = [Path(os.fsdecode(below + name)) for below, name in walk(folder, taken, skipped)]
    return found, skipped


def walk(folder: Path, taken: FileFilter, skipped: Counter[str]) -> Iterator[tuple[bytes, bytes]]:
    """Yield the inputs below a folder, in byte order of their relative paths.

    Parameters
    ----------
    folder : Path
        As of `walk_images`.
    taken : Taken
    skipped : Counter
        Other files are counted here, by reason.

    Yields
    ------
    folder, name : bytes
        Of a file: the folder relative to the one that is walked, with a slash at its end, or empty; and its name.

    Notes
    -----
    Only one folder at a time, and those that it lies in, are in memory. Sorting each folder's entries, with a slash
    behind the names of folders, sorts the whole paths.
    """
    root = os.fsencode(folder)
    levels: list[_Level] = [(b"", iter(list_folder(root, taken, skipped)), (_identity(root),))]
    while levels:
        below, names, above = levels[-1]
        for name in names:
            if not name.endswith(b"/"):
                yield below, name
                continue
            inner = os.path.join(root, below + name)  # noqa: PTH118  bytes
            here = _identity(inner)
            if here not in above:
                levels.append((below + name, iter(list_folder(inner, taken, skipped)), (*above, here)))
                break
        else:
            levels.pop()


def list_folder(
    folder: bytes, taken: FileFilter, skipped: Counter[str], is_meant: Callable[[bytes], bool] | None = None
) -> Sorter:
    """Return the inputs right in a folder, and its sub-folders with a slash behind their names.

    Parameters
    ----------
    folder : bytes
    taken : Taken
    skipped : Counter
        Other files are counted here, and the folder itself where it cannot be opened.
    is_meant : callable, optional
        Tells by its name whether an entry is looked at; by default, if it is not hidden.
    """
    kept = Sorter()
    try:
        with os.scandir(folder) as scan:
            entries = (e for e in scan if (is_meant(e.name) if is_meant else not e.name.startswith(b".")))
            while chunk := list(islice(entries, _CHUNK)):
                _sift(chunk, taken, kept, skipped)
    except OSError as error:
        skipped[f"folder that cannot be opened ({error.strerror})"] += 1
    return kept


def _sift(chunk: list[os.DirEntry[bytes]], taken: FileFilter, kept: Sorter, skipped: Counter[str]) -> None:
    """Keep what is an input among some entries of a folder."""
    doubtful = []
    for entry in chunk:
        kind = _kind(entry)
        if kind == stat.S_IFDIR:
            kept.add(entry.name + b"/")
        elif reason := taken.why_not(entry.name):
            skipped[reason] += 1
        elif kind != stat.S_IFREG:
            skipped["not a file"] += 1  # a pipe or a socket, which would block whoever opens it
        elif taken.fits and entry.name.lower().endswith(taken.fits):
            doubtful.append(entry)
        else:
            kept.add(entry.name)
    tables = taken.find_tables([entry.path for entry in doubtful]) if taken.find_tables else _are_tables(doubtful)
    for entry, table in zip(doubtful, tables, strict=True):
        if table:
            skipped["FITS table"] += 1
        else:
            kept.add(entry.name)


def _are_tables(files: list[os.DirEntry[bytes]]) -> list[bool]:
    """Tell of each file whether it `holds_only_tables`, many at once: on a network disk most of it is waiting."""
    groups = list(batches(files, _TOGETHER))
    if len(groups) < 2:
        return [_is_table(file) for file in files]
    with ThreadPoolExecutor(min(_AT_ONCE, len(groups))) as pool:
        return [told for group in pool.map(lambda group: [_is_table(file) for file in group], groups) for told in group]


def _kind(entry: os.DirEntry[bytes]) -> int:
    """Return whether an entry is a folder, a regular file or neither; the disk is asked about links only."""
    try:
        if entry.is_symlink():
            return stat.S_IFMT(entry.stat().st_mode)
        if entry.is_dir(follow_symlinks=False):
            return stat.S_IFDIR
        return stat.S_IFREG if entry.is_file(follow_symlinks=False) else stat.S_IFIFO
    except OSError:
        return stat.S_IFREG  # a link to nowhere or to itself: an error to be shown


def _identity(folder: bytes) -> tuple[int, int]:
    try:
        status = os.stat(folder)  # noqa: PTH116  bytes
    except OSError:
        return -1, hash(folder)  # gone, or behind a folder that may not be entered
    return status.st_dev, status.st_ino


def byte_order(path: PurePath) -> bytes:
    """Return the key that sorts paths the same on every machine."""
    return os.fsencode(path.as_posix())


def fits_suffixes() -> tuple[str, ...]:
    """Return the suffixes of FITS files."""
    return tuple(suffix for spec in get_registry().readers.specs() if _SIMPLE in spec.magic for suffix in spec.suffixes)


def holds_only_tables(path: Path) -> bool:
    """Return whether a file is FITS and has tables but no image; False where that cannot be told."""
    return _is_table(os.fsencode(path))


def _is_table(file: bytes | os.DirEntry[bytes]) -> bool:
    """Tell whether a file is FITS and has tables but no image, and read no more of it than needed."""
    try:
        descriptor = os.open(file, os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0))
        try:
            head = os.read(descriptor, _FITS_BLOCK)
            if not may_be_fits_table(head):
                return False
            head += os.read(descriptor, _HEADERS)
        finally:
            os.close(descriptor)
        return is_fits_table(ImageFile.on_disk(Path(os.fsdecode(file))), head)
    except Exception:  # whatever is wrong with a file, its reader says so, as the error of this one input
        return False


def may_be_fits_table(head: bytes) -> bool:
    """Tell from the first block whether a file may have tables and no image: it is gzipped, or its primary is empty."""
    return head.startswith(_GZIP) or _primary_is_empty(head)


def is_fits_table(file: ImageFile, head: bytes) -> bool:
    """Tell whether a file is FITS and has tables but no image; raises what astropy raises for a damaged file.

    Parameters
    ----------
    file : ImageFile
        The file, opened only if its beginning leaves it open: astropy takes a hundred times as long.
    head : bytes
        Its first `FIRST_HEADERS` bytes.
    """
    if head.startswith(_GZIP):
        head = zlib.decompressobj(wbits=31).decompress(head, _HEADERS)
    if not _primary_is_empty(head) or _image_is_first(head):
        return False
    with ignore_warnings(), open_bounded(file) as stream, fits.open(stream, memmap=False) as units:
        kinds = [(is_image(unit), "TABLE" in unit.header.get("XTENSION", "")) for unit in units]
    return any(table for _, table in kinds) and not any(image for image, _ in kinds)


def _primary_is_empty(head: bytes) -> bool:
    """Tell whether a file begins as FITS without data in front; the standard fixes the third card as NAXIS."""
    return head.startswith(_SIMPLE) and _value(head[2 * _CARD : 3 * _CARD]) == b"0"


def _image_is_first(head: bytes) -> bool:
    """Tell whether the first extension, behind an empty primary, is for certain an image."""
    primary = list(_cards(head, 0))
    start = -(-_CARD * (len(primary) + 1) // _FITS_BLOCK) * _FITS_BLOCK
    cards = {card[:8].rstrip(): _value(card) for card in _cards(head, start)}
    kind = cards.get(b"XTENSION", b"").strip(b"' ")
    return (kind == b"IMAGE" and cards.get(b"NAXIS") != b"0") or (kind == b"BINTABLE" and cards.get(b"ZIMAGE") == b"T")


def _cards(head: bytes, start: int) -> Iterator[bytes]:
    """Yield the cards of a header up to END, or those that there are."""
    for at in range(start, len(head) - _CARD + 1, _CARD):
        card = head[at : at + _CARD]
        if card.startswith(b"END     "):
            return
        yield card


def _value(card: bytes) -> bytes:
    """Return what stands between the equals sign and the comment."""
    return card.partition(b"=")[2].partition(b"/")[0].strip()


def without_suffix(path: PurePath | str, suffixes: tuple[str, ...]) -> str:
    """Return a path without the longest of these suffixes, else without its last one, with forward slashes.

    Examples
    --------
    >>> without_suffix(PurePath("field/a.1.fits.gz"), (".fits", ".fits.gz"))
    'field/a.1'
    """
    text = path if isinstance(path, str) else path.as_posix()
    start = text.rfind("/") + 1
    name = text[start:]
    lower = name.lower()
    dot = name.find(".", 1)
    while dot >= 0 and lower[dot:] not in suffixes:
        dot = name.find(".", dot + 1)
    if dot < 0:
        dot = -1 if name.endswith(".") else name.rfind(".")
    return text[: start + dot] if dot > 0 else text


def unique(names: Iterable[str]) -> list[str]:
    """Return names that are all different: a second ``a`` becomes ``a-2``, or the next number that is free.

    Examples
    --------
    >>> unique(["a", "b", "a", "a-2", "a"])
    ['a', 'b', 'a-3', 'a-2', 'a-4']
    """
    names = list(names)
    for row, number in zip(*repeated(names.__getitem__, len(names)), strict=True):
        names[row] = f"{names[row]}-{number}"
    return names
