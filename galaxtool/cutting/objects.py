"""What to cut out: the rows of a catalogue, with identifiers, positions and sizes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy import units as u
from astropy.table import Column, Table

from galaxtool.errors import ConfigError, InputError, TableError
from galaxtool.inputs.catalogue import positions, texts
from galaxtool.inputs.walk import unique
from galaxtool.tables.column_names import DEC_COLUMNS, ID_COLUMNS, RA_COLUMNS, column_named, listed
from galaxtool.tables.tables import read_table

LARGEST = 16_384
"""Pixels that a side of a cutout may have."""

_DEFAULT = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeOptions:
    """How large cutouts are to be; the options of those names.

    Parameters
    ----------
    size : int, optional
        Pixels.
    size_arcsec : float, optional
    size_column : str, optional
    size_unit : str, optional
        Of a column without a unit of its own: pix or arcsec.
    size_factor : float
        What the column is multiplied by.

    Raises
    ------
    ConfigError
        If more than one of the first three is given, or one cannot be a size.
    """

    size: int | None = None
    size_arcsec: float | None = None
    size_column: str | None = None
    size_unit: str | None = None
    size_factor: float = 1.0

    def __post_init__(self) -> None:
        ways = {"--size": self.size, "--size-arcsec": self.size_arcsec, "--size-column": self.size_column}
        given = [name for name, value in ways.items() if value is not None]
        if len(given) > 1:
            raise ConfigError(f"{' and '.join(given)} say the size twice.", hint="Give one of them.")
        if self.size is not None and not 1 <= self.size <= LARGEST:
            raise ConfigError(f"--size is {self.size}, and must be from 1 to {LARGEST} pixels.")
        for name, value in (("--size-arcsec", self.size_arcsec), ("--size-factor", self.size_factor)):
            if value is not None and not (np.isfinite(value) and value > 0):
                raise ConfigError(f"{name} is {value}, and must be above zero.")
        if self.size_unit not in (None, "pix", "arcsec"):
            raise ConfigError(f"--size-unit is '{self.size_unit}', and must be pix or arcsec.")


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueObjects:
    """The rows of a catalogue, N of them.

    Parameters
    ----------
    path : Path
    table : Table
        All columns.
    ids : list of str
        All different: a second ``a`` becomes ``a-2``. Rows are numbered where the table has no identifiers.
    ra, dec : ndarray, shape (N,)
        Degrees, ICRS; NaN where unknown.
    sizes : ndarray, shape (N,)
        Side of the cutouts, in arcsec or pixels.
    in_arcsec : bool
    """

    path: Path
    table: Table
    ids: list[str]
    ra: np.ndarray
    dec: np.ndarray
    sizes: np.ndarray
    in_arcsec: bool


def read_objects(
    path: Path,
    sizes: SizeOptions,
    *,
    ra_column: str | None = None,
    dec_column: str | None = None,
    id_column: str | None = None,
) -> CatalogueObjects:
    """Read a catalogue of positions.

    Parameters
    ----------
    path : Path
        Any table that galaxtool reads.
    sizes : SizeOptions
    ra_column, dec_column, id_column : str, optional
        Where the columns do not have one of the usual names (`galaxtool.inputs.catalogue`).

    Raises
    ------
    TableError
        If it cannot be read, has no rows, or no columns of positions.
    ConfigError
        If the column of sizes has no unit and none was given.
    """
    try:
        table = read_table(path)
    except TableError as error:
        raise TableError(error.message, hint=error.hint or "The last argument is the catalogue.") from error
    if not len(table):
        raise TableError(f"The catalogue '{path}' has no rows.")
    ra, dec = _positions(table, path, ra_column, dec_column)
    named = column_named(table, id_column, ID_COLUMNS, path)
    width = len(str(len(table)))
    numbers = [f"row{row:0{width}d}" for row in range(1, len(table) + 1)]
    names = [text or number for text, number in zip(texts(table[named]) if named else numbers, numbers, strict=True)]
    values, in_arcsec = _sizes(table, path, sizes)
    return CatalogueObjects(path=path, table=table, ids=unique(names), ra=ra, dec=dec, sizes=values, in_arcsec=in_arcsec)


def _positions(table: Table, path: Path, ra: str | None, dec: str | None) -> tuple[np.ndarray, np.ndarray]:
    alpha, delta = column_named(table, ra, RA_COLUMNS, path), column_named(table, dec, DEC_COLUMNS, path)
    if alpha is None or delta is None:
        raise TableError(
            f"The catalogue '{path}' has no columns with right ascension and declination; its columns are "
            f"{listed(table)}.",
            hint="Name them with --ra-column and --dec-column.",
        )
    degrees = positions(Table([table[alpha], table[delta]], names=["ra", "dec"], copy=False), path)
    if not np.isfinite(degrees[0]).any():
        raise InputError(
            f"No row of the catalogue '{path}' has a position: its columns '{alpha}' and '{delta}' hold no angles.",
            hint="Name others with --ra-column and --dec-column.",
        )
    return degrees


def _sizes(table: Table, path: Path, options: SizeOptions) -> tuple[np.ndarray, bool]:
    """Return the size of each row's cutout, and whether it is in arcsec."""
    if options.size_column is None:
        value = options.size_arcsec if options.size_arcsec is not None else options.size or _DEFAULT
        return np.full(len(table), float(value)), options.size_arcsec is not None
    column = table[column_named(table, options.size_column, (), path)]
    if column.dtype.kind not in "iuf":
        raise TableError(f"The column '{options.size_column}' of '{path}' holds no numbers, and so no sizes.")
    values = np.where(np.ma.getmaskarray(np.ma.asarray(column)), np.nan, np.ma.getdata(column, subok=False))
    scale, in_arcsec = _unit(column, options, path)
    return values.astype(float) * (scale * options.size_factor), in_arcsec


def _unit(column: Column, options: SizeOptions, path: Path) -> tuple[float, bool]:
    """Return what makes arcsec or pixels of a column, and which of the two."""
    unit = column.unit
    if unit is not None and unit.is_equivalent(u.deg):
        return float(unit.to(u.arcsec)), True
    if unit == u.pix:
        return 1.0, False
    if options.size_unit is None:
        has = f"the unit '{unit}', which is no angle" if unit is not None else "no unit"
        raise ConfigError(
            f"The column '{options.size_column}' of '{path}' has {has}.", hint="Say --size-unit pix or arcsec."
        )
    return 1.0, options.size_unit == "arcsec"
