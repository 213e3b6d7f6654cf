"""Columns that tell where an image is: its path, and its member or HDU. Names are a hint only, values decide."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from astropy.table import Column, Table

from galaxtool.containers.find import HDUS, list_container_suffixes, make_container
from galaxtool.errors import TableError
from galaxtool.images.read_options import PLAIN
from galaxtool.images.reading import list_image_suffixes
from galaxtool.inputs.cells import MemberColumn, TextColumn
from galaxtool.tables.column_names import ID_COLUMNS, MEMBER_COLUMNS, PATH_COLUMNS, find_column, list_columns
from galaxtool.utils.files.ignored_names import is_ignored

_HDU_NAMES = ("hdu", "hdu_index", "hdu_number")
_NAMES = ("image_id", "id_code", "galaxyid", "asset_id", "img_id", "image_name", "img", "filename", "file_id")
_SAMPLE = 50
_FILES = 3
_LIST = re.compile(r"\[[-+\d.\s\[]+[,\s]")
_INTEGER = re.compile(r"\d{1,5}")
_FLAGS = frozenset(("0", "1", "true", "false", "yes", "no", "y", "n", "t", "f"))


@dataclass(frozen=True, slots=True)
class ControlColumn:
    """A column that was taken.

    Parameters
    ----------
    name : str
        Name of the column.
    notes : tuple of str
        What to tell the user about it.
    template : str
        What a path is made of: ``{}`` stands for the value.
    """

    name: str
    notes: tuple[str, ...] = ()
    template: str = "{}"


def find_path_column(table: Table, given: str | None, source: Path) -> ControlColumn:
    """Return the column with the paths of the images.

    Parameters
    ----------
    table : Table
        The catalogue.
    given : str or None
        Name from the user, if any; else the first column with a usual name whose values look like paths.
    source : Path
        Path of the catalogue, for messages.

    Raises
    ------
    TableError
        If there is no such column.
    """
    if given is not None:
        name = find_column(table, given, PATH_COLUMNS, source)
        assert name is not None
        if _holds_lists(table[name]):
            raise TableError(
                f"The column '{name}' of '{source}' has a list of numbers in each cell, not the path of an image.",
                hint="Cells can be images if they are files, or lists of rows in a column called 'image'.",
            )
        return ControlColumn(name)
    by_lower = {name.lower(): name for name in reversed(table.colnames)}
    named = [by_lower[usual] for usual in PATH_COLUMNS if usual in by_lower]
    texts = [
        name
        for name in named
        if table[name].dtype.kind == "U" and table[name].ndim == 1 and not _holds_lists(table[name])
    ]
    fitting = [name for name in texts if _looks_like_paths(table[name], source.parent)]
    if not fitting and (found := _find_named_images(table, texts, source)) is not None:
        return found
    if not texts:
        values = f": the column '{named[0]}' does not hold any" if named else f"; its columns are {list_columns(table)}"
        raise TableError(
            f"The catalogue '{source}' has no column with the paths of its images{values}.",
            hint="Name the column with --image-column.",
        )
    name = (fitting or texts)[0]
    if name == named[0]:
        return ControlColumn(name)
    return ControlColumn(name, (f"Paths of images in '{source}' are those of the column '{name}', not '{named[0]}'.",))


def find_member_column(
    table: Table, images: Sequence[Path], find_container: Callable[[Path], str], source: Path
) -> ControlColumn | None:
    """Return the column with the member or the HDU of each row in its file; None if no values are such.

    Parameters
    ----------
    table : Table
        The catalogue of N rows.
    images : sequence of Path
        The file of each row.
    find_container : callable
        Returns the name of the container that opens the members of a file; that of HDUs for FITS.
    source : Path
        Path of the catalogue, for messages.
    """
    by_lower = {name.lower(): name for name in reversed(table.colnames)}
    for usual in MEMBER_COLUMNS:
        name = by_lower.get(usual)
        if name is None or table[name].ndim > 1:
            continue
        values = MemberColumn(table[name])
        rows = [row for row in range(len(values)) if values[row]]
        if usual in _HDU_NAMES:
            fits = bool(rows) and table[name].dtype.kind in "iufU" and _have_hdus(images, rows, find_container)
        else:
            fits = _names_members(values, rows, images, find_container)
        if fits:
            what = "HDU" if usual in _HDU_NAMES else "member"
            return ControlColumn(name, (f"The column '{name}' of '{source}' names the {what} of each file to read.",))
    return None


def _find_named_images(table: Table, texts: Sequence[str], source: Path) -> ControlColumn | None:
    """Return a column whose values are names of images without suffix, in a folder beside the catalogue or in its own.

    That is how Kaggle's data sets are laid out: ``train.csv`` with a column ``id_code`` and ``train_images/``.
    """
    by_lower = {name.lower().replace("_", ""): name for name in reversed(table.colnames)}
    usual = [by_lower[name] for each in (*_NAMES, *ID_COLUMNS) if (name := each.replace("_", "")) in by_lower]
    folders = _list_folders(source)
    for name in dict.fromkeys((*texts, *usual)):
        if table[name].ndim > 1 or table[name].dtype.kind not in "iufU":
            continue
        values = TextColumn(table[name])
        value = next((text for text in values if text), "")
        if not value or "/" in value:
            continue
        for folder in folders:
            for suffix in list_image_suffixes():
                for end in (suffix, suffix.upper()):
                    if (source.parent / folder / f"{value}{end}").is_file():
                        where = f"{folder}/" if folder else ""
                        note = f"Images of '{source}' are '{where}{value}{end}' and so on, by its column '{name}'."
                        return ControlColumn(name, (note,), f"{where}{{}}{end}")
    return None


def _list_folders(source: Path) -> list[str]:
    """Return the folders beside a catalogue in which to look for images, those with a similar name first."""
    words = set(re.split(r"[^a-z0-9]+", source.name.lower())) | {"images"}
    names = []
    for entry in islice(sorted(source.parent.iterdir()), 1000):
        if entry.is_dir() and not is_ignored(entry.name):
            names.append(entry.name)
    alike = {name: len(words & set(re.split(r"[^a-z0-9]+", name.lower()))) for name in names}
    inner = [f"{name}/{name}" for name in names]  # archives are often unpacked into a folder of their own name
    return [*sorted(names, key=lambda name: -alike[name])[:20], "", *inner[:20]]


def _looks_like_paths(column: Column, folder: Path) -> bool:
    """Tell whether any of the first values has the suffix of an image, or is the path of a file."""
    suffixes = (*list_image_suffixes(), *list_container_suffixes())
    texts = TextColumn(column)
    some = [text for text in texts[:_SAMPLE] if text]
    return any(
        text.lower().endswith((*suffixes, "]")) or "/" in text or "\\" in text or (folder / text).is_file()
        for text in some
    )


def _holds_lists(column: Column) -> bool:
    """Tell whether the first value is a list of numbers, as that of a Parquet file is written."""
    if column.dtype.kind != "U" or column.ndim > 1:
        return False
    return _LIST.match(next((text for text in TextColumn(column)[:_SAMPLE] if text), "")) is not None


def _have_hdus(images: Sequence[Path], rows: Sequence[int], find_container: Callable[[Path], str]) -> bool:
    """Tell whether any of the first files has HDUs, or none of them exists."""
    files = [path for path in dict.fromkeys(images[row] for row in rows[:_SAMPLE]) if path.is_file()][:_FILES]
    return not files or any(find_container(path) == HDUS for path in files)


def _names_members(
    values: Sequence[str], rows: Sequence[int], images: Sequence[Path], find_container: Callable[[Path], str]
) -> bool:
    """Tell whether the values are members of the files, so that a flag such as 0 and 1 is not taken for one."""
    if not rows:
        return False
    first: dict[Path, str] = {}
    for row in rows:
        first.setdefault(images[row], values[row])
        if len(first) == _FILES:
            break
    containers = {find_container(path) for path in first if path.is_file()} - {""}
    if not containers:
        return False
    if HDUS in containers:
        # an HDU is a number; a file that occurs once needs none, so that 0 and 1 are more likely a flag
        is_number = all(_INTEGER.fullmatch(values[row]) for row in rows)
        repeats = len({images[row] for row in rows}) < len(rows)
        if not is_number or not (repeats or {values[row].lower() for row in rows} - _FLAGS):
            return False
    return all(_has_member(path, find_container(path), value) for path, value in first.items() if path.is_file())


def _has_member(path: Path, container: str, member: str) -> bool:
    """Tell whether a file has a member that can be read."""
    if not container:
        return False
    try:
        if container == HDUS:  # any HDU can be read, also a table
            return any(each.key == member for each in make_container(container).members(path))
        opened = make_container(container).open(path)
    except Exception:  # a damaged file is reported when it is read
        return False
    try:
        opened.read(member, PLAIN)
    except Exception:
        return False
    finally:
        opened.close()
    return True
