"""Catalogues of images: which column is the path, the identifier, the position, the label."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from astropy import units as u
from astropy.coordinates import Angle
from astropy.table import Column, Table

from galaxtool.containers.find import HDUS, container_name, locate_image
from galaxtool.errors import TableError
from galaxtool.images.reading import image_suffixes
from galaxtool.inputs.band_files import by_wavelength
from galaxtool.inputs.items import InputItem
from galaxtool.inputs.lists import RelativePathResolver
from galaxtool.inputs.walk import fits_suffixes, without_suffix
from galaxtool.tables.column_names import (
    DEC_COLUMNS,
    ID_COLUMNS,
    MEMBER_COLUMNS,
    PATH_COLUMNS,
    RA_COLUMNS,
    find_column,
    list_columns,
)
from galaxtool.tables.read import read_table
from galaxtool.types import ImageRef

_BAND = "{band}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """A table of which each row is an image; a `galaxtool.inputs.listing.Part`.

    Parameters
    ----------
    path : Path
        The file.
    table : Table
        All its columns, N rows.
    images : sequence of Path
        One for each row; of several, one for each band, the first.
    names : sequence of str
        Identifiers as the table has them, else the images' paths as written there without suffix; not made unique.
    ra, dec : ndarray, shape (N,)
        Degrees; NaN where unknown.
    members : sequence of str
        Which member of the file or which HDU, where the table has a column that says so; else empty.
    bands : dict of str to sequence of Path
        The images of each band, where the table has a column for each; else empty.
    """

    path: Path
    table: Table
    images: Sequence[Path]
    names: Sequence[str]
    ra: np.ndarray
    dec: np.ndarray
    members: Sequence[str] = ()
    bands: dict[str, Sequence[Path]] = field(default_factory=dict)
    _containers: dict[Path, str] = field(default_factory=dict, repr=False)

    def __len__(self) -> int:
        return len(self.table)

    def name(self, row: int) -> str:
        """Return what a row is to be called."""
        return self.names[row]

    def item(self, row: int, name: str) -> InputItem:
        """Return a row; ``archive.tar[member]`` and ``stack.h5[12]`` are taken apart."""
        path = self.images[row]
        ra, dec = (float(self.ra[row]), float(self.dec[row])) if np.isfinite(self.ra[row]) else (None, None)
        if self.bands:
            files = tuple((band, images[row]) for band, images in self.bands.items())
            return InputItem(name, ImageRef(path, bands=files), ra, dec)
        if path.name.endswith("]"):
            return InputItem(name, self._locate(str(path)), ra, dec)
        member = self.members[row] if self.members else ""
        container = self._container(path) if member else ""
        return InputItem(name, ImageRef(path, container, member if container else ""), ra, dec)

    def _locate(self, text: str) -> ImageRef:
        """Return a member of a container, opening each container once to see what it is."""
        for ref in ImageRef.splits(text):
            if container := self._containers.get(ref.path):
                return replace(ref, container=container)
        found = locate_image(text)
        if found.container:
            self._containers[found.path] = found.container
        return found

    def _container(self, path: Path) -> str:
        """Return what opens the members of a file, found out once."""
        if path not in self._containers:
            is_fits = path.name.lower().endswith(fits_suffixes())
            self._containers[path] = container_name(path) or (HDUS if is_fits else "")
        return self._containers[path]


def read_catalogue(
    path: Path, *, image_column: str | None = None, id_column: str | None = None, bands: Sequence[str] = ()
) -> Catalogue:
    """Read a table that names images.

    Parameters
    ----------
    path : Path
        CSV, ECSV, FITS, VOTable or Parquet. Relative paths of images start at its folder, else at the working folder.
    image_column, id_column : str, optional
        Which columns to take; otherwise they are known by name, whatever the case: `PATH_COLUMNS`, `ID_COLUMNS`. With
        ``{band}`` in it, `image_column` stands for a column for each band: ``{band}_path``.
    bands : sequence of str
        Those bands; all for which there is such a column by default, the shortest wavelength first.

    Raises
    ------
    TableError
        If it cannot be read or has no rows, a named column is missing, or no column names the images.
    """
    table = read_table(path)
    if not len(table):
        raise TableError(f"The catalogue '{path}' has no rows.")
    if image_column and _BAND in image_column:
        of_band = _band_columns(table, image_column, bands, path)
    else:
        wanted = find_column(table, image_column, PATH_COLUMNS, path)
        if wanted is None:
            raise TableError(
                f"The catalogue '{path}' has no column with the paths of its images; "
                f"its columns are {list_columns(table)}.",
                hint="Name the column with --image-column.",
            )
        of_band = {"": wanted}
    beside = RelativePathResolver(path.parent)
    images = {band: _Images(Cells(table[column]), beside, path.parent) for band, column in of_band.items()}
    first = next(iter(images.values()))
    named = find_column(table, id_column, ID_COLUMNS, path)
    member = find_column(table, None, MEMBER_COLUMNS, path)
    members = _Members(table[member]) if member else ()
    ra, dec = positions(table, path)
    return Catalogue(
        path=path,
        table=table,
        images=first,
        names=_Names(Cells(table[named]) if named else None, first, members),
        ra=ra,
        dec=dec,
        members=members,
        bands={} if "" in images else dict(images),
    )


class Cells(Sequence[str]):
    """A column's values as texts, made when they are asked for; a masked one is empty."""

    def __init__(self, column: Column) -> None:
        self._values = np.ma.getdata(column, subok=False)
        mask = np.ma.getmaskarray(np.ma.asarray(column))
        hidden = mask.reshape(len(mask), math.prod(mask.shape[1:])).all(axis=1)
        self._hidden = np.asarray(hidden) if hidden.any() else None

    def __len__(self) -> int:
        return len(self._values)

    def __getitem__(self, row: Any) -> Any:
        if isinstance(row, slice):
            return [self[i] for i in range(len(self))[row]]
        if self._hidden is not None and self._hidden[row]:
            return ""
        return str(self._values[row].tolist()).strip()


class _Members(Cells):
    """Keys of members and numbers of HDUs, which some programs write as 2.0."""

    def __getitem__(self, row: Any) -> Any:
        text = super().__getitem__(row)
        return re.sub(r"^(\d+)\.0$|^nan$", r"\1", text) if isinstance(text, str) else text


class _Images(Sequence[Path]):
    """Where the images are that a catalogue names."""

    def __init__(self, written: Cells, beside: RelativePathResolver, folder: Path) -> None:
        self.written, self._folder = written, folder
        here = bytearray(map(beside.is_here, written))
        self._here = here if any(here) else None

    def __len__(self) -> int:
        return len(self.written)

    def __getitem__(self, row: Any) -> Any:
        if isinstance(row, slice):
            return [self[i] for i in range(len(self))[row]]
        text = self.written[row]
        if not text:  # leads nowhere, so that the row becomes an error that says why
            return self._folder / f"(no path in row {range(len(self))[row] + 1})"
        return Path(text) if self._here is not None and self._here[row] else self._folder / text


class _Names(Sequence[str]):
    """What a catalogue calls its rows."""

    def __init__(self, given: Cells | None, images: _Images, members: Sequence[str]) -> None:
        self._given, self._images, self._members, self._suffixes = given, images, members, image_suffixes()

    def __len__(self) -> int:
        return len(self._images)

    def __getitem__(self, row: Any) -> Any:
        if isinstance(row, slice):
            return [self[i] for i in range(len(self))[row]]
        if self._given is not None and (given := self._given[row]):
            return given
        written = self._images.written[row]
        member = self._members[row] if self._members else ""
        if written.endswith("]"):
            return written
        name = without_suffix(Path(written) if written else self._images[row], self._suffixes)
        return f"{name}[{member}]" if member else name


def _band_columns(table: Table, template: str, bands: Sequence[str], path: Path) -> dict[str, str]:
    """Return the column of each band."""
    expression = re.compile("(.+)".join(map(re.escape, template.split(_BAND, 1))))
    there = {match[1]: name for name in table.colnames if (match := expression.fullmatch(name))}
    if not there:
        raise TableError(
            f"The catalogue '{path}' has no column like '{template}'; its columns are {list_columns(table)}.",
            hint="{band} stands for the name of a band: {band}_path for g_path, r_path, z_path.",
        )
    lacking = [band for band in bands if band not in there]
    if lacking:
        raise TableError(
            f"The catalogue '{path}' has no column '{template.replace(_BAND, lacking[0])}'.",
            hint=f"It has columns for {', '.join(by_wavelength(there))}.",
        )
    return {band: there[band] for band in bands or by_wavelength(there)}


def texts(column: Column) -> list[str]:
    """Return a column's values as texts; a masked one is empty."""
    hidden = np.ma.getmaskarray(np.ma.asarray(column))
    values = np.ma.getdata(column, subok=False).tolist()
    return ["" if masked else str(value).strip() for value, masked in zip(values, hidden, strict=True)]


def positions(table: Table, source: Path) -> tuple[np.ndarray, np.ndarray]:
    """Return right ascension and declination in degrees, ICRS, NaN where unknown.

    Numbers, also those in columns of texts, are degrees unless the column has another unit. Other texts are
    sexagesimal, hours for right ascension. What is no angle, or a declination beyond a pole (the -99 of many a
    catalogue), is unknown.
    """
    ra = find_column(table, None, RA_COLUMNS, source)
    dec = find_column(table, None, DEC_COLUMNS, source)
    if ra is None or dec is None:
        return np.full(len(table), np.nan), np.full(len(table), np.nan)
    alpha, delta = _degrees(table[ra], u.hourangle), _degrees(table[dec], u.deg)
    known = np.isfinite(alpha) & (np.abs(delta) <= 90)
    alpha = np.where(known, alpha, np.nan) % 360
    alpha[alpha == 360] = 0.0  # of what is less than nothing by less than a rounding error
    return alpha, np.where(known, delta, np.nan)


def _degrees(column: Column, sexagesimal: u.Unit) -> np.ndarray:
    """Return a column of angles in degrees; NaN where masked or no angle."""
    data = np.ma.getdata(column, subok=False)
    if data.ndim > 1 or data.dtype.kind not in "iufU":
        return np.full(len(data), np.nan)
    unit = u.hourangle if column.unit == u.hour else column.unit  # hours of right ascension are often called so
    angular = unit is not None and unit.is_equivalent(u.deg)
    scale = unit.to(u.deg) if angular else 1.0
    if data.dtype.kind == "U":
        sexagesimal = unit if angular else sexagesimal
        return np.array([_angle(text, scale, sexagesimal) for text in Cells(column)], dtype=float)
    return np.where(np.ma.getmaskarray(np.ma.asarray(column)), np.nan, data.astype(float) * scale)


def _angle(text: str, scale: float, sexagesimal: u.Unit) -> float:
    with suppress(ValueError):
        return float(text) * scale
    with suppress(ValueError):
        return float(Angle(text, unit=sexagesimal).deg)
    return float("nan")


def value(cell: Any) -> Any:
    """Return a cell of a table as a plain Python value; None where it is masked."""
    if cell is np.ma.masked:
        return None
    return cell.tolist() if hasattr(cell, "tolist") else cell
