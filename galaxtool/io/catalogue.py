"""Catalogues of images: which column is the path, the identifier, the position, the label."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from astropy import units as u
from astropy.coordinates import Angle
from astropy.table import Column, Table

from galaxtool.errors import TableError, nearest
from galaxtool.io.readers import image_suffixes
from galaxtool.io.tables import read_table
from galaxtool.io.walk import without_suffix

PATH_COLUMNS = (
    "file_loc", "path", "filepath", "file_path", "filename", "file_name", "file", "image_path", "image", "png_loc",
    "fits_loc", "jpg_loc",
)  # fmt: skip
ID_COLUMNS = (
    "id_str", "id", "objid", "obj_id", "object_id", "galaxy_id", "source_id", "iauname", "dr7objid", "dr8objid",
    "specobjid", "targetid", "name",
)  # fmt: skip
RA_COLUMNS = ("ra", "ra_deg", "radeg", "raj2000", "_raj2000", "ra_icrs", "alpha_j2000", "right_ascension")
DEC_COLUMNS = ("dec", "dec_deg", "decdeg", "decj2000", "dej2000", "_dej2000", "de_icrs", "delta_j2000", "declination")
LABEL_COLUMNS = ("label", "class", "class_name", "label_name", "morphology", "target")
SPLIT_COLUMNS = ("split", "subset", "set")


@dataclass(frozen=True, slots=True, kw_only=True)
class Catalogue:
    """A table of which each row is an image.

    Parameters
    ----------
    path : Path
        The file.
    table : Table
        All its columns, N rows.
    images : list of Path
        One for each row.
    names : list of str
        Identifiers as the table has them, else the images' paths as written there without suffix; not made unique.
    ra, dec : ndarray, shape (N,)
        Degrees; NaN where unknown.
    """

    path: Path
    table: Table
    images: list[Path]
    names: list[str]
    ra: np.ndarray
    dec: np.ndarray


def read_catalogue(path: Path, *, image_column: str | None = None, id_column: str | None = None) -> Catalogue:
    """Read a table that names images.

    Parameters
    ----------
    path : Path
        CSV, ECSV, FITS, VOTable or Parquet. Relative paths of images start at its folder, else at the working folder.
    image_column, id_column : str, optional
        Which columns to take; otherwise they are known by name, whatever the case: `PATH_COLUMNS`, `ID_COLUMNS`.

    Raises
    ------
    TableError
        If it cannot be read or has no rows, a named column is missing, or no column names the images.
    """
    table = read_table(path)
    if not len(table):
        raise TableError(f"The catalogue '{path}' has no rows.")
    wanted = column_named(table, image_column, PATH_COLUMNS, path)
    if wanted is None:
        raise TableError(
            f"The catalogue '{path}' has no column with the paths of its images; its columns are {listed(table)}.",
            hint="Name the column with --image-column.",
        )
    written = texts(table[wanted])
    images = [_located(path.parent, text, row) for row, text in enumerate(written, 1)]
    named = column_named(table, id_column, ID_COLUMNS, path)
    given = texts(table[named]) if named else [""] * len(table)
    suffixes = image_suffixes()
    names = [g or without_suffix(Path(w) if w else i, suffixes) for g, w, i in zip(given, written, images, strict=True)]
    ra, dec = positions(table, path)
    return Catalogue(path=path, table=table, images=images, names=names, ra=ra, dec=dec)


def column_named(table: Table, name: str | None, usual: Sequence[str], source: Path) -> str | None:
    """Return the column that was asked for, else the first of the usual names that the table has, else None.

    Raises
    ------
    TableError
        If the column asked for is not there.
    """
    if name is not None:
        if name in table.colnames:
            return name
        near = nearest(name, table.colnames)
        raise TableError(
            f"'{source}' has no column '{name}'." + (f" Did you mean '{near}'?" if near else ""),
            hint=f"Its columns are {listed(table)}.",
        )
    by_lower = {column.lower(): column for column in reversed(table.colnames)}
    return next((by_lower[candidate] for candidate in usual if candidate in by_lower), None)


def listed(table: Table) -> str:
    """Return the names of a table's columns, the first twenty of them, for a message."""
    return ", ".join(table.colnames[:20]) + (", ..." if len(table.colnames) > 20 else "")


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
    ra = column_named(table, None, RA_COLUMNS, source)
    dec = column_named(table, None, DEC_COLUMNS, source)
    if ra is None or dec is None:
        return np.full(len(table), np.nan), np.full(len(table), np.nan)
    alpha, delta = _degrees(table[ra], u.hourangle), _degrees(table[dec], u.deg)
    known = np.isfinite(alpha) & (np.abs(delta) <= 90)
    return np.where(known, alpha, np.nan) % 360, np.where(known, delta, np.nan)


def _degrees(column: Column, sexagesimal: u.Unit) -> np.ndarray:
    """Return a column of angles in degrees; NaN where masked or no angle."""
    data = np.ma.getdata(column, subok=False)
    if data.dtype.kind == "U":
        return np.array([_angle(text, sexagesimal) for text in texts(column)], dtype=float)
    angular = column.unit is not None and column.unit.is_equivalent(u.deg)
    scale = column.unit.to(u.deg) if angular else 1.0
    return np.where(np.ma.getmaskarray(np.ma.asarray(column)), np.nan, data.astype(float) * scale)


def _angle(text: str, sexagesimal: u.Unit) -> float:
    with suppress(ValueError):
        return float(text)
    with suppress(ValueError):
        return float(Angle(text, unit=sexagesimal).deg)
    return float("nan")


def _located(folder: Path, text: str, row: int) -> Path:
    """Return where an image is that a catalogue in `folder` calls `text`."""
    if not text:
        return folder / f"(no path in row {row})"  # leads nowhere, so that the row becomes an error that says why
    beside = folder / text
    return Path(text) if not beside.exists() and Path(text).exists() else beside


def value(cell: Any) -> Any:
    """Return a cell of a table as a plain Python value; None where it is masked."""
    if cell is np.ma.masked:
        return None
    return cell.tolist() if hasattr(cell, "tolist") else cell
