"""What the INPUTs of a command stand for: folders, files, patterns and catalogues become one list of images."""

from __future__ import annotations

import glob
import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PurePath

import numpy as np
from astropy.table import Column, MaskedColumn, Table, vstack

from galaxtool.errors import InputError, nearest
from galaxtool.io.catalogue import read_catalogue, texts
from galaxtool.io.items import InputItem
from galaxtool.io.readers import image_suffixes
from galaxtool.io.tables import table_suffix
from galaxtool.io.walk import byte_order, holds_only_tables, reason_to_skip, unique, walk_images, without_suffix


@dataclass(frozen=True, slots=True)
class Inputs:
    """All images to work on.

    Parameters
    ----------
    items : list of InputItem
        In the order of the INPUTs; within a folder in byte order of the relative path.
    columns : Table or None
        The columns of the catalogues among the INPUTs, a row for each item, masked where an item came from elsewhere;
        None without a catalogue.
    skipped : Counter
        How many members of folders were passed over, by reason.
    """

    items: list[InputItem]
    columns: Table | None
    skipped: Counter[str]


@dataclass(slots=True)
class _Part:
    """What one INPUT stands for."""

    names: list[str]
    items: list[InputItem]
    table: Table | None = None


def gather(
    inputs: Sequence[str | os.PathLike[str]], *, image_column: str | None = None, id_column: str | None = None
) -> Inputs:
    """Find the images that inputs stand for; none is opened beyond its header.

    Parameters
    ----------
    inputs : sequence of str or Path
        Folders, files, patterns (``"cutouts/*.fits"``, ``**`` for any depth) and catalogues with a column of paths.
        Members of folders and of patterns count by their suffix; a file named by itself counts whatever it is.
    image_column, id_column : str, optional
        Columns of the catalogues, where they do not have one of the usual names.

    Returns
    -------
    Inputs

    Raises
    ------
    InputError
        If an input does not exist or holds no image.
    TableError
        If a catalogue cannot be read or names no images.
    """
    if isinstance(inputs, (str, os.PathLike)):
        inputs = [os.fspath(inputs)]
    if not inputs:
        raise InputError("No input was given.", hint="Name a folder, files, or a catalogue.")
    skipped: Counter[str] = Counter()
    parts = [_part(os.fspath(text), skipped, image_column, id_column) for text in inputs]
    ids = unique(name for part in parts for name in part.names)
    found = [item for part in parts for item in part.items]
    items = [InputItem(name, item.path, item.ra, item.dec) for name, item in zip(ids, found, strict=True)]
    return Inputs(items, _stacked(parts), skipped)


def _part(text: str, skipped: Counter[str], image_column: str | None, id_column: str | None) -> _Part:
    """Return what one input stands for, and count what it passes over."""
    path = Path(text)
    if path.is_dir():
        members, passed = walk_images(path)
        return _members(text, path, members, passed, skipped)
    if not os.path.lexists(path):
        if glob.has_magic(text):
            return _pattern(text, skipped)
        raise _nothing_at(path)
    suffix = table_suffix(path)
    if suffix and (suffix != ".fits" or holds_only_tables(path)):
        return _rows(path, image_column, id_column)
    return _Part([without_suffix(PurePath(path.name), image_suffixes())], [InputItem("", path)])


def _members(text: str, folder: Path, members: list[Path], passed: Counter[str], skipped: Counter[str]) -> _Part:
    """Return the images of a folder or pattern, which must have some."""
    if not members:
        why = "; ".join(f"{number} {reason}" for reason, number in passed.most_common())
        found = f"{passed.total()} files were skipped ({why})" if passed else "it is empty"
        raise InputError(
            f"There is no image in '{text}': {found}.",
            hint=f"Looked for {', '.join(image_suffixes())}. Anything else is taken when named by itself.",
        )
    skipped.update(passed)
    suffixes = image_suffixes()
    return _Part(
        [without_suffix(member, suffixes) for member in members], [InputItem("", folder / member) for member in members]
    )


def _pattern(text: str, skipped: Counter[str]) -> _Part:
    """Return the images that match a pattern, folders that match it walked."""
    parts = Path(text).parts
    fixed = next(i for i, part in enumerate(parts) if glob.has_magic(part))
    root = Path(*parts[:fixed])
    matches = sorted((Path(match) for match in glob.iglob(text, recursive=True)), key=byte_order)  # noqa: PTH207  Path.glob gives hidden files too
    if not matches:
        raise InputError(f"Nothing matches '{text}'.", hint="Check the pattern, or name the folder.")
    found: dict[Path, None] = {}
    passed: Counter[str] = Counter()
    suffixes = image_suffixes()
    for match in matches:
        if match.is_dir():
            # With ** the folders of a match are matches too, so only a pattern without it walks them.
            below, reasons = ([], Counter()) if "**" in text else walk_images(match)
            found.update(dict.fromkeys(match.relative_to(root) / member for member in below))
            passed.update(reasons)
        elif reason := reason_to_skip(match, suffixes):
            passed[reason] += 1
        else:
            found[match.relative_to(root)] = None
    return _members(text, root, list(found), passed, skipped)


def _rows(path: Path, image_column: str | None, id_column: str | None) -> _Part:
    """Return the images of a catalogue."""
    catalogue = read_catalogue(path, image_column=image_column, id_column=id_column)
    items = [
        InputItem("", image, float(ra), float(dec)) if np.isfinite(ra) else InputItem("", image)
        for image, ra, dec in zip(catalogue.images, catalogue.ra, catalogue.dec, strict=True)
    ]
    return _Part(catalogue.names, items, catalogue.table)


def _nothing_at(path: Path) -> InputError:
    """Return the error for a path that is not there, with the name beside it that is most like it."""
    parent = path.parent
    readable = parent.is_dir() and os.access(parent, os.R_OK)
    near = nearest(path.name, [entry.name for entry in islice(parent.iterdir(), 5000)]) if readable else None
    return InputError(
        f"There is nothing at '{path}'.", hint=f"Did you mean '{parent / near}'?" if near else "Check the path."
    )


def _stacked(parts: list[_Part]) -> Table | None:
    """Return the catalogues' columns with a row for every item of every part."""
    tables = [part.table for part in parts if part.table is not None]
    if not tables:
        return None
    if len(parts) == 1:
        return tables[0]
    names = list(dict.fromkeys(name for table in tables for name in table.colnames))
    row = _free("row", names)
    filled = []
    for part in parts:
        table = Table() if part.table is None else part.table.copy(copy_data=False)
        table.meta = {}
        table[row] = np.arange(len(part.items))  # gives a part without a catalogue its rows
        filled.append(table)
    for name in names:
        _agree(filled, name)
    stacked = vstack(filled, metadata_conflicts="silent")
    return stacked[names]


def _free(name: str, taken: Sequence[str]) -> str:
    while name in taken:
        name = f"_{name}"
    return name


def _agree(tables: list[Table], name: str) -> None:
    """Turn a column into texts everywhere where it holds numbers in one table and texts in another."""
    columns = [table[name] for table in tables if name in table.colnames]
    if len({(column.dtype.kind == "U", column.dtype.kind == "b", column.shape[1:]) for column in columns}) == 1:
        return
    for table in tables:
        if name in table.colnames:
            plain = texts(table[name])
            hidden = [not value for value in plain]
            table[name] = MaskedColumn(plain, mask=hidden) if any(hidden) else Column(plain)
