"""Sorting classified images into a folder for each class."""

from __future__ import annotations

import csv
import errno
import os
import re
import shutil
import tempfile
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from galaxtool.errors import GalaxtoolError, OutputExists, UnreadableImage
from galaxtool.utils.config import check_choice

if TYPE_CHECKING:
    from astropy.table import Table

LISTING = "sorted.csv"
"""What was put where: the file, relative to the folder, its class, and the id and absolute path of the image."""

UNREADABLE = "_unreadable"
"""Folder of `UNREADABLE_LIST`."""

UNREADABLE_LIST = "list.csv"
"""Rows without a class: id, path and error."""

MEMBERS = "members.txt"
"""Images of a class that are no files of their own, such as rows of a stack: what the table calls them, a line each."""

_HEADER = ["file", "label", "id", "path"]
_ODD = re.compile(r'[\x00-\x1f\x7f/\\:*?"<>|\ud800-\udfff]')
_LONGEST = 200  # bytes of a name, of the 255 that file systems allow
_NO_LINKS = (errno.EPERM, errno.ENOSYS, errno.ENOTSUP, errno.EINVAL)
_NO_PRIVILEGE = 1314  # what Windows says to a user who may not make links


class _Row(NamedTuple):
    """What of a row of the table says where its image goes."""

    id: str
    path: str
    label: str
    error: str


def sort_into(folder: Path, rows: Iterable[Table], *, how: str = "link", overwrite: bool = True) -> dict[str, int]:
    """Make a folder with a sub-folder for each class, and in it the images of that class.

    Parameters
    ----------
    folder : Path
        Made where it is not there. What an earlier sorting put there, by its `LISTING`, is taken away first, so that
        doing it again gives the same; other files are never touched, nor are copies whose original is gone.
    rows : iterable of Table
        Pieces of a prediction table: columns ``id``, ``path``, ``label``, ``error``.
    how : {"link", "copy"}
        Symbolic links, or copies. A link is relative where the image lies below the folder that `folder` is in, so
        that both can be moved together, and absolute elsewhere. Where the file system has no links, copies are made.
    overwrite : bool
        Whether `folder` may have other files in it.

    Returns
    -------
    dict
        Sub-folder -> images sorted into it or listed in it, in the order of their names.

    Raises
    ------
    OutputExists
        If `folder` is a file, or has other files in it and `overwrite` is false.
    GalaxtoolError
        If something cannot be written, or images lie where an earlier sorting put them.

    Notes
    -----
    An image keeps its file name; a second ``a.png`` of a class becomes ``a-2.png``, and characters that some system
    does not allow become ``_``. A member of an archive is copied out of it, whatever `how`; an image that is no file
    by itself is named in `MEMBERS`. A row with an error, and one whose file is gone, is named in
    ``_unreadable/list.csv``. Of an object with a file for each band, the first is taken.
    """
    check_choice("sort-by", how, ("link", "copy"))
    folder = Path(folder)
    if folder.is_file():
        raise OutputExists(f"'{folder}' is a file.", hint="Name a folder.")
    try:
        sorted_before = (folder / LISTING).is_file()
        if folder.is_dir() and not (overwrite or sorted_before) and any(folder.iterdir()):
            raise OutputExists(f"'{folder}' is there already.", hint="Name a new folder, or say --overwrite.")
        with _kept(_rows(rows), folder if sorted_before else None) as kept:
            clear(folder)
            with _Sorted(folder, links=how == "link") as result:
                for row in kept:
                    result.add(row)
    except OSError as error:
        hint = "Links take no space: --sort-by link" if how == "copy" else "Try a folder on another disk."
        raise GalaxtoolError(
            f"The images cannot be sorted into '{folder}': {error.strerror or error}.", hint=hint
        ) from error
    return dict(sorted(result.counts.items()))


def clear(folder: Path) -> None:
    """Take away what an earlier sorting put into a folder, and nothing else.

    Links go; a copy goes only while what it was copied from is still there.
    """
    from galaxtool.containers.find import locate_image

    listing = folder / LISTING
    if not listing.is_file():
        return
    with listing.open(newline="", encoding="utf-8", errors="surrogateescape") as stream:
        for cells in csv.reader(stream):
            relative = Path(cells[0]) if len(cells) == len(_HEADER) else Path()
            if relative.is_absolute() or ".." in relative.parts or len(relative.parts) != 2:
                continue
            file = folder / relative
            ours = file.is_symlink() or relative.name in (MEMBERS, UNREADABLE_LIST)
            if ours or (file.is_file() and locate_image(cells[3]).path.is_file()):
                file.unlink(missing_ok=True)
    for inside in list(folder.iterdir()):
        if inside.is_dir() and not inside.is_symlink() and not any(inside.iterdir()):
            inside.rmdir()
    listing.unlink()


def safe_name(name: str) -> str:
    """Return a name that every file system takes.

    Examples
    --------
    >>> safe_name("a:b?.fits"), safe_name("..")
    ('a_b_.fits', '_')
    """
    stem, suffix = split_name(_ODD.sub("_", name).strip(" ."))
    room = _LONGEST - len(suffix.encode())
    return (stem.encode()[:room].decode(errors="ignore") + suffix) or "_"


def split_name(name: str) -> tuple[str, str]:
    """Return a name without its suffix, and the suffix, of which ``.fits.gz`` is one.

    Examples
    --------
    >>> split_name("a.b.fits.gz"), split_name("noend")
    (('a.b', '.fits.gz'), ('noend', ''))
    """
    match = re.search(r"(?<=.)(\.\w{1,8}(\.(gz|bz2|xz|fz))?)$", name, flags=re.IGNORECASE | re.ASCII)
    return (name[: match.start()], match[0]) if match else (name, "")


class _Sorted:
    """A folder that images are sorted into, and how many went where."""

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

    def __enter__(self) -> _Sorted:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()

    def add(self, row: _Row) -> None:
        """Sort one row of the table."""
        try:
            label = self._place(row)
        except UnreadableImage as why:
            label = UNREADABLE
            self._list(
                UNREADABLE_LIST, row._replace(label=label), [row.id, row.path, str(why)], ["id", "path", "error"]
            )
        self.counts[safe_name(label)] += 1

    def _place(self, row: _Row) -> str:
        from galaxtool.containers.find import locate_image
        from galaxtool.containers.reading import get_image_file

        if row.error or not row.label:
            raise UnreadableImage(row.error or "It has no class.")
        ref = locate_image(row.path)
        if not ref.path.is_file():
            raise UnreadableImage(f"There is no longer a file '{ref.path}'.")
        if not ref.container:
            self._put(ref.path.name, row, ref.path)
        elif (member := get_image_file(ref)) is not None:
            self._put(re.split(r"[/\\]", ref.member)[-1], row, member.content())
        else:
            self._list(MEMBERS, row, [row.path])
        return row.label

    def _put(self, name: str, row: _Row, source: Path | bytes) -> None:
        """Put an image where nothing is yet; into the listing first, so that one that is cut short knows of it."""
        wanted = target = self._folder(row.label) / safe_name(name)
        while os.path.lexists(target):
            number = self._numbers[wanted] = self._numbers.get(wanted, 1) + 1
            stem, suffix = split_name(wanted.name)
            target = wanted.with_name(f"{stem}-{number}{suffix}")
        self._note(target, row)
        if isinstance(source, bytes):
            target.write_bytes(source)
        elif not (self.links and self._link(target, source)):
            shutil.copy2(source, target)

    def _link(self, target: Path, source: Path) -> bool:
        """Make a link; return False where the file system has none."""
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

    def _list(self, name: str, row: _Row, cells: list[str], header: list[str] | None = None) -> None:
        """Add a line to the list of a class."""
        path = self._folder(row.label) / name
        new = path not in self._lists
        if new:
            self._lists.add(path)
            self._note(path, _Row("", "", row.label, ""))
        with path.open("w" if new else "a", newline="", encoding="utf-8", errors="surrogateescape") as stream:
            if header is None:
                stream.write(cells[0] + "\n")
                return
            lines = csv.writer(stream, lineterminator="\n")
            lines.writerows([header, cells] if new else [cells])

    def _folder(self, label: str) -> Path:
        folder = self.folder / safe_name(label)
        folder.mkdir(exist_ok=True)
        return folder

    def _note(self, target: Path, row: _Row) -> None:
        path = os.path.join(os.getcwd(), row.path) if row.path else ""  # noqa: PTH109, PTH118  a member is no path
        self._listing.writerow([target.relative_to(self.folder).as_posix(), row.label, row.id, path])
        self._stream.flush()


@contextmanager
def _kept(rows: Iterable[_Row], sorted_before: Path | None) -> Iterator[Iterable[_Row]]:
    """Give the rows again; where an earlier sorting is to be taken away, on disk meanwhile, and looked through."""
    if sorted_before is None:
        yield rows
        return
    inside = os.path.realpath(sorted_before)
    with tempfile.TemporaryFile("w+", newline="", encoding="utf-8", errors="surrogateescape") as stream:
        lines = csv.writer(stream)
        for row in rows:
            if Path(os.path.realpath(os.path.dirname(row.path))).is_relative_to(inside):  # noqa: PTH120
                raise GalaxtoolError(
                    f"'{row.path}' lies in '{sorted_before}', where an earlier sorting put it.",
                    hint="Sort into another folder.",
                )
            lines.writerow(row)
        stream.seek(0)
        yield (_Row(*cells) for cells in csv.reader(stream))


def _rows(tables: Iterable[Table]) -> Iterator[_Row]:
    import numpy as np

    for table in tables:
        columns = []
        for name in _Row._fields:
            column = np.ma.asarray(table[name])
            columns.append(["" if value is None else str(value) for value in column.tolist()])
        yield from map(_Row._make, zip(*columns, strict=True))
