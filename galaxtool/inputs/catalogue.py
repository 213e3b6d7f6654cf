"""Catalogues of images: tables with a path, and perhaps an identifier and a position, in each row."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import numpy as np
from astropy.table import Table

from galaxtool.containers.find import HDUS, find_container_name, locate_image
from galaxtool.errors import TableError
from galaxtool.inputs.band_files import by_wavelength
from galaxtool.inputs.cells import IdColumn, MemberColumn, TextColumn
from galaxtool.inputs.control_columns import find_member_column, find_path_column
from galaxtool.inputs.fits_tables import list_fits_suffixes
from galaxtool.inputs.items import InputItem
from galaxtool.inputs.lists import RelativePathResolver
from galaxtool.inputs.path_column import FilledNames, NameColumn, PathColumn
from galaxtool.inputs.pixel_cells import CellKeys, PixelCells, SamePath, find_pixel_cells
from galaxtool.inputs.positions.find import read_positions
from galaxtool.tables.column_names import PATH_COLUMNS, list_columns
from galaxtool.tables.id_columns import find_id_column
from galaxtool.tables.read import read_table
from galaxtool.tables.selection import WantedColumns
from galaxtool.types import ImageRef

_BAND = "{band}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """A table with an image in each row; a `galaxtool.inputs.items.InputPart`.

    Parameters
    ----------
    path : Path
        Path of the table.
    table : Table
        All its columns but one with images in its cells, N rows.
    images : sequence of Path
        Path of the image in each row; with one file per band, that of the first band.
    names : sequence of str
        Identifiers as the table has them, else the paths of the images as written there without suffix; they may
        repeat.
    ra, dec : ndarray, shape (N,)
        Degrees; NaN where unknown.
    members : sequence of str
        Member or HDU in the file of each row, where the table has such a column; else empty.
    bands : dict of str to sequence of Path
        Paths of the images in each band, where the table has a column for each; else empty.
    notes : tuple of str
        Messages for the user about the columns.
    """

    path: Path
    table: Table
    images: Sequence[Path]
    names: Sequence[str]
    ra: np.ndarray
    dec: np.ndarray
    members: Sequence[str] = ()
    bands: dict[str, Sequence[Path]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    _containers: dict[Path, str] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return len(self.images)  # the table has no columns if the only one had images in its cells

    def name(self, row: int) -> str:
        """Return the identifier of a row, which may repeat."""
        return self.names[row]

    def item(self, row: int, name: str) -> InputItem:
        """Return a row as an item; ``archive.tar[member]`` and ``stack.h5[12]`` are split."""
        ra, dec = (float(self.ra[row]), float(self.dec[row])) if np.isfinite(self.ra[row]) else (None, None)
        return InputItem(name, self._ref(row), ra, dec)

    def _ref(self, row: int) -> ImageRef:
        path = self.images[row]
        if self.bands:
            return ImageRef(path, bands=tuple((band, images[row]) for band, images in self.bands.items()))
        if path.name.endswith("]"):
            return self._locate(str(path))
        member = self.members[row] if self.members else ""
        container = _find_container(self._containers, path) if member else ""
        return ImageRef(path, container, member if container else "")

    def _locate(self, text: str) -> ImageRef:
        """Return a member of a container, opening each container once to see what it is."""
        for ref in ImageRef.splits(text):
            if container := self._containers.get(ref.path):
                return replace(ref, container=container)
        found = locate_image(text)
        if found.container:
            self._containers[found.path] = found.container
        return found


def _find_container(known: dict[Path, str], path: Path) -> str:
    """Return the container that opens the members of a file, opening each file once."""
    if path not in known:
        is_fits = path.name.lower().endswith(list_fits_suffixes())
        known[path] = find_container_name(path) or (HDUS if is_fits else "")
    return known[path]


def read_catalogue(
    path: Path,
    *,
    image_column: str | None = None,
    id_column: str | None = None,
    bands: Sequence[str] = (),
    ra_column: str | None = None,
    dec_column: str | None = None,
    table_name: str | None = None,
    also_wanted: Sequence[Sequence[str]] = (),
    names_id_column: bool = True,
) -> Catalogue:
    """Read a table that names images.

    Parameters
    ----------
    path : Path
        CSV, ECSV, FITS, VOTable or Parquet. Relative paths of images start at its folder, else at the working folder.
    image_column, id_column : str, optional
        Names of the columns; by default the first of `PATH_COLUMNS` that exists, in upper or lower case, and the column
        that `galaxtool.tables.id_columns.find_id_column` finds. An `image_column` with ``{band}`` in it stands for one
        column per band: ``{band}_path``.
    bands : sequence of str
        Bands to take; by default all that have such a column, the shortest wavelength first.
    ra_column, dec_column : str, optional
        Names of the columns of positions, see `galaxtool.inputs.positions.find.read_positions`.
    table_name : str, optional
        Name or number of the table in a file with several; by default the first that has the wanted columns.
    also_wanted : sequence of sequence of str
        Usual names, in lower case, of further columns that decide between the tables of a file, a group for each.
    names_id_column : bool
        Whether the notes name the column of identifiers that was found.

    Raises
    ------
    TableError
        If the table cannot be read or has no rows, a named column is missing, or no column names the images.
    """
    notes: list[str] = []
    named = [[name.lower()] for name in (image_column, id_column) if name and _BAND not in name]
    wanted = WantedColumns([*named, *[PATH_COLUMNS] * 3, *also_wanted], positions=True)  # paths count most
    table = read_table(path, table=table_name, wanted=wanted, notes=notes)
    if not len(table):
        raise TableError(f"The catalogue '{path}' has no rows.")
    ids = find_id_column(table, id_column, path, notes, names_column=names_id_column)
    identifiers = IdColumn(table[ids]) if ids else None
    cells = None if image_column and _BAND in image_column else _find_cells(table, image_column, path)
    images = (
        _take_cells(path, cells, identifiers)
        if cells is not None
        else _take_paths(path, table, image_column, bands, identifiers)
    )
    positions = read_positions(table, path, ra_column=ra_column, dec_column=dec_column)
    return Catalogue(
        path=path,
        table=table if cells is None else cells.table,
        images=images.first,
        names=images.names,
        ra=positions.ra,
        dec=positions.dec,
        members=images.members,
        bands=images.bands,
        notes=(*notes, *images.notes, *positions.messages),
        _containers=images.containers,
    )


@dataclass(frozen=True, slots=True)
class _Images:
    """What a catalogue says about its images, see `Catalogue`."""

    first: Sequence[Path]
    names: Sequence[str]
    members: Sequence[str]
    bands: dict[str, Sequence[Path]]
    notes: tuple[str, ...]
    containers: dict[Path, str]


def _find_cells(table: Table, image_column: str | None, path: Path) -> PixelCells | None:
    has_paths = any(name.lower() in PATH_COLUMNS and table[name].dtype.kind == "U" for name in table.colnames)
    return find_pixel_cells(table, path, image_column, has_paths=has_paths and image_column is None)


def _take_cells(path: Path, cells: PixelCells, ids: IdColumn | None) -> _Images:
    """Return the images in the cells of a column."""
    count = len(cells.names)
    names = cells.names if ids is None else FilledNames(ids, cells.names)
    keys = CellKeys(cells.prefix, count)
    return _Images(SamePath(path, count), names, keys, {}, cells.notes, {path: cells.container})


def _take_paths(
    path: Path, table: Table, image_column: str | None, bands: Sequence[str], ids: IdColumn | None
) -> _Images:
    """Return the images whose paths, and perhaps members, are in columns."""
    template = "{}"
    notes: tuple[str, ...] = ()
    if image_column and _BAND in image_column:
        columns = _find_band_columns(table, image_column, bands, path)
    else:
        chosen = find_path_column(table, image_column, path)
        columns, template, notes = {"": chosen.name}, chosen.template, chosen.notes
    resolver = RelativePathResolver(path.parent)
    images = {
        band: PathColumn(TextColumn(table[name]), resolver, path.parent, template) for band, name in columns.items()
    }
    first = next(iter(images.values()))
    containers: dict[Path, str] = {}
    member = None if "" not in images else find_member_column(table, first, partial(_find_container, containers), path)
    members = MemberColumn(table[member.name]) if member else ()
    return _Images(
        first=first,
        names=NameColumn(ids, first, members),
        members=members,
        bands={} if "" in images else dict(images),
        notes=(*notes, *(member.notes if member else ())),
        containers=containers,
    )


def _find_band_columns(table: Table, template: str, bands: Sequence[str], path: Path) -> dict[str, str]:
    """Return the column of each band."""
    expression = re.compile("(.+)".join(map(re.escape, template.split(_BAND, 1))))
    found = {match[1]: name for name in table.colnames if (match := expression.fullmatch(name))}
    if not found:
        raise TableError(
            f"The catalogue '{path}' has no column like '{template}'; its columns are {list_columns(table)}.",
            hint="{band} stands for the name of a band: {band}_path for g_path, r_path, z_path.",
        )
    missing = [band for band in bands if band not in found]
    if missing:
        raise TableError(
            f"The catalogue '{path}' has no column '{template.replace(_BAND, missing[0])}'.",
            hint=f"It has columns for {', '.join(by_wavelength(found))}.",
        )
    return {band: found[band] for band in bands or by_wavelength(found)}
