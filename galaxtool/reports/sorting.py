"""Sort classified images into one folder per class."""

from __future__ import annotations

import csv
import errno
import os
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple, Self

import numpy as np
from astropy.table import Table

from galaxtool.containers.find import locate_image
from galaxtool.containers.reading import get_image_file
from galaxtool.errors import GalaxtoolError, OutputExists, UnreadableImage
from galaxtool.reports.sorted_before import LISTING, SortedBefore
from galaxtool.utils.config import check_choice

UNREADABLE = "_unreadable"
"""Folder of `UNREADABLE_LIST`."""

UNREADABLE_LIST = "list.csv"
"""Rows without a class: id, path and error."""

MEMBERS = "members.txt"
"""List of a class's images that are not files of their own, such as rows of a stack: one path of the table per line."""

_HEADER = ["file", "label", "id", "path"]
_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|\ud800-\udfff]')
_LONGEST = 200  # bytes of a name; file systems allow 255
_NO_LINKS = (errno.EPERM, errno.ENOSYS, errno.ENOTSUP, errno.EINVAL)
_NO_PRIVILEGE = 1314  # Windows error for a user who may not create links


class _Row(NamedTuple):
    """The columns of the table that decide where an image goes."""

    id: str
    path: str
    label: str
    error: str


def sort_into(folder: Path, rows: Iterable[Table], *, how: str = "link", overwrite: bool = True) -> dict[str, int]:
    """Sort images into a folder with one sub-folder per class.

    Parameters
    ----------
    folder : Path
        Created if it does not exist. Files of an earlier sorting, found by its `LISTING`, are removed first, so that
        sorting again gives the same result. Other files are never touched, nor are copies whose original is missing.
    rows : iterable of Table
        Pieces of a prediction table: columns ``id``, ``path``, ``label``, ``error``.
    how : {"link", "copy"}
        Symbolic links, or copies. A link is relative if the image is below the parent of `folder`, so that both can be
        moved together, else absolute. On a file system without links, copies are made.
    overwrite : bool
        Whether `folder` may contain other files.

    Returns
    -------
    dict
        Number of images sorted into each sub-folder or listed in it, in the order of the names.

    Raises
    ------
    OutputExists
        If `folder` is a file, or contains other files and `overwrite` is false.
    GalaxtoolError
        If a file cannot be written, or the images themselves are results of an earlier sorting into `folder`.

    Notes
    -----
    An image keeps its file name. A second ``a.png`` of a class becomes ``a-2.png``, and characters that some systems
    forbid become ``_``. A member of an archive is always copied; an image that is not a file of its own is listed in
    `MEMBERS`. Rows with an error, or whose file is missing, are listed in ``_unreadable/list.csv``. Of an object with
    one file per band, the first file is used.
    """
    check_choice("sort-by", how, ("link", "copy"))
    folder = Path(folder)
    if folder.is_file():
        raise OutputExists(f"'{folder}' is a file.", hint="Name a folder.")
    try:
        sorted_before = (folder / LISTING).is_file()
        if folder.is_dir() and not (overwrite or sorted_before) and any(folder.iterdir()):
            raise OutputExists(f"'{folder}' already exists.", hint="Name a new folder, or add --overwrite.")
        with _buffer_rows(_read_rows(rows), folder if sorted_before else None) as buffered:
            clear(folder)
            with _SortedFolder(folder, links=how == "link") as result:
                for row in buffered:
                    result.add(row)
    except OSError as error:
        hint = "Links take no space: use --sort-by link." if how == "copy" else "Try a folder on another disk."
        raise GalaxtoolError(
            f"The images cannot be sorted into '{folder}': {error.strerror or error}.", hint=hint
        ) from error
    return dict(sorted(result.counts.items()))


def clear(folder: Path) -> None:
    """Remove the files of an earlier sorting from a folder, and nothing else.

    A copy is removed only if its original still exists.
    """
    listing = folder / LISTING
    if not listing.is_file():
        return
    with listing.open(newline="", encoding="utf-8", errors="surrogateescape") as stream:
        for cells in csv.reader(stream):
            relative = Path(cells[0]) if len(cells) == len(_HEADER) else Path()
            if relative.is_absolute() or ".." in relative.parts or len(relative.parts) != 2:
                continue
            file = folder / relative
            if file.parent.is_symlink():
                continue  # the files there are not of this sorting
            ours = file.is_symlink() or relative.name in (MEMBERS, UNREADABLE_LIST)
            if ours or (file.is_file() and locate_image(cells[3]).path.is_file()):
                file.unlink(missing_ok=True)
    for inside in list(folder.iterdir()):
        if inside.is_dir() and not inside.is_symlink() and not any(inside.iterdir()):
            inside.rmdir()
    listing.unlink()


def make_safe_name(name: str) -> str:
    """Return a name that every file system allows.

    Examples
    --------
    >>> make_safe_name("a:b?.fits"), make_safe_name("..")
    ('a_b_.fits', '_')
    """
    stem, suffix = split_name(_FORBIDDEN.sub("_", name).strip(" ."))
    room = _LONGEST - len(suffix.encode())
    return (stem.encode()[:room].decode(errors="ignore") + suffix) or "_"


def split_name(name: str) -> tuple[str, str]:
    """Return the stem and the suffix of a name; ``.fits.gz`` counts as one suffix.

    Examples
    --------
    >>> split_name("a.b.fits.gz"), split_name("noend")
    (('a.b', '.fits.gz'), ('noend', ''))
    """
    match = re.search(r"(?<=.)(\.\w{1,8}(\.(gz|bz2|xz|fz))?)$", name, flags=re.IGNORECASE | re.ASCII)
    return (name[: match.start()], match[0]) if match else (name, "")


class _SortedFolder:
    """A folder into which images are sorted, with the counts of its sub-folders."""

    def __init__(self, folder: Path, *, links: bool) -> None:
        self.folder, self.links = folder, links
        self.counts: Counter[str] = Counter()
        self._numbers: dict[Path, int] = {}
        self._lists: set[Path] = set()
        folder.mkdir(parents=True, exist_ok=True)
        self._above = os.path.realpath(folder.parent)
        self._stream = (folder / LISTING).open("w", newline="", encoding="utf-8", errors="surrogateescape")
        self._listing = csv.writer(self._stream, lineterminator="\n")
        self._listing.writerow(_HEADER)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()

    def add(self, row: _Row) -> None:
        """Sort one row of the table."""
        try:
            label = self._sort_row(row)
        except UnreadableImage as why:
            label = UNREADABLE
            self._add_to_list(
                UNREADABLE_LIST, row._replace(label=label), [row.id, row.path, str(why)], ["id", "path", "error"]
            )
        self.counts[make_safe_name(label)] += 1

    def _sort_row(self, row: _Row) -> str:
        if row.error or not row.label:
            raise UnreadableImage(row.error or "The image has no class.")
        ref = locate_image(row.path)
        if not ref.path.is_file():
            raise UnreadableImage(f"The file '{ref.path}' no longer exists.")
        if not ref.container:
            self._put_file(ref.path.name, row, ref.path)
        elif (member := get_image_file(ref)) is not None:
            self._put_file(re.split(r"[/\\]", ref.member)[-1], row, member.content())
        else:
            self._add_to_list(MEMBERS, row, [row.path])
        return row.label

    def _put_file(self, name: str, row: _Row, source: Path | bytes) -> None:
        """Put an image under a free name, listing it first so that an interrupted sorting can be cleared."""
        wanted = target = self._class_folder(row.label) / make_safe_name(name)
        while os.path.lexists(target):
            number = self._numbers[wanted] = self._numbers.get(wanted, 1) + 1
            stem, suffix = split_name(wanted.name)
            target = wanted.with_name(f"{stem}-{number}{suffix}")
        self._add_to_listing(target, row)
        if isinstance(source, bytes):
            target.write_bytes(source)
        elif not (self.links and self._link(target, source)):
            shutil.copyfile(source, target)
            with suppress(OSError):  # some disks have no times or modes of files
                shutil.copystat(source, target)

    def _link(self, target: Path, source: Path) -> bool:
        """Create a link; return False if the file system has no links."""
        absolute = os.path.abspath(source)  # noqa: PTH100  Path.resolve would follow links
        together = Path(absolute).is_relative_to(self._above) and self._above != os.path.dirname(self._above)  # noqa: PTH120
        try:
            target.symlink_to(os.path.relpath(absolute, os.path.realpath(target.parent)) if together else absolute)
        except OSError as error:
            if error.errno in _NO_LINKS or getattr(error, "winerror", 0) == _NO_PRIVILEGE:
                self.links = False
                return False
            raise
        return True

    def _add_to_list(self, name: str, row: _Row, cells: list[str], header: list[str] | None = None) -> None:
        """Add a line to the list of a class."""
        path = self._class_folder(row.label) / name
        new = path not in self._lists
        if new:
            self._lists.add(path)
            self._add_to_listing(path, _Row("", "", row.label, ""))
        with path.open("w" if new else "a", newline="", encoding="utf-8", errors="surrogateescape") as stream:
            if header is None:
                stream.write(cells[0] + "\n")
                return
            lines = csv.writer(stream, lineterminator="\n")
            lines.writerows([header, cells] if new else [cells])

    def _class_folder(self, label: str) -> Path:
        folder = self.folder / make_safe_name(label)
        if folder.is_symlink():
            raise GalaxtoolError(
                f"'{folder}' is a link to another folder, so no images are sorted into it.", hint="Remove the link."
            )
        folder.mkdir(exist_ok=True)
        return folder

    def _add_to_listing(self, target: Path, row: _Row) -> None:
        path = os.path.join(os.getcwd(), row.path) if row.path else ""  # noqa: PTH109, PTH118  a member is not a path
        self._listing.writerow([target.relative_to(self.folder).as_posix(), row.label, row.id, path])
        self._stream.flush()


@contextmanager
def _buffer_rows(rows: Iterable[_Row], sorted_before: Path | None) -> Iterator[Iterable[_Row]]:
    """Yield the rows; check them and buffer them on disk first if an earlier sorting is to be removed."""
    if sorted_before is None:
        yield rows
        return
    check = SortedBefore(sorted_before)
    with tempfile.TemporaryFile("w+", newline="", encoding="utf-8", errors="surrogateescape") as stream:
        lines = csv.writer(stream)
        for row in rows:
            check.refuse(row.path)
            lines.writerow(row)
        stream.seek(0)
        yield (_Row(*cells) for cells in csv.reader(stream))


def _read_rows(tables: Iterable[Table]) -> Iterator[_Row]:
    for table in tables:
        columns = []
        for name in _Row._fields:
            column = np.ma.asarray(table[name])
            columns.append(["" if value is None else str(value) for value in column.tolist()])
        yield from map(_Row._make, zip(*columns, strict=True))
