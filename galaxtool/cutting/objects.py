"""The objects to cut out: the rows of a catalogue with identifiers, positions and sizes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy import units as u
from astropy.table import Column, Table

from galaxtool.errors import ConfigError, InputError, TableError
from galaxtool.inputs.names import make_unique
from galaxtool.inputs.positions.find import Positions, read_positions
from galaxtool.tables.column_names import find_column, list_columns
from galaxtool.tables.id_columns import find_id_column
from galaxtool.tables.read import read_table
from galaxtool.tables.selection import WantedColumns
from galaxtool.tables.whole_numbers import format_integer_valued

MAX_SIDE = 16_384
"""Largest side of a cutout in pixels."""

_DEFAULT_SIDE = 96


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeOptions:
    """The size of the cutouts, from the options with these names.

    Parameters
    ----------
    size : int, optional
        Side in pixels.
    size_arcsec : float, optional
        Side in arcsec.
    size_column : str, optional
        Column of the catalogue with the side of each cutout.
    size_unit : str, optional
        Unit of a column that has none: pix or arcsec.
    size_factor : float
        Factor that the column is multiplied by.

    Raises
    ------
    ConfigError
        If more than one of the first three is given, a value cannot be a size, or there is a unit or a factor and no
        column.
    """

    size: int | None = None
    size_arcsec: float | None = None
    size_column: str | None = None
    size_unit: str | None = None
    size_factor: float = 1.0

    def __post_init__(self) -> None:
        options = {"--size": self.size, "--size-arcsec": self.size_arcsec, "--size-column": self.size_column}
        given = [name for name, value in options.items() if value is not None]
        if len(given) > 1:
            raise ConfigError(f"{' and '.join(given)} cannot be used together.", hint="Give one of them.")
        if self.size is not None and not 1 <= self.size <= MAX_SIDE:
            raise ConfigError(
                f"--size is {self.size}; it must be from 1 to {MAX_SIDE} pixels.", hint="Leave it out for 96."
            )
        for name, value in (("--size-arcsec", self.size_arcsec), ("--size-factor", self.size_factor)):
            if value is not None and not (np.isfinite(value) and value > 0):
                raise ConfigError(f"{name} is {value}; it must be above 0.", hint="Give a number such as 1.5.")
        if self.size_unit not in (None, "pix", "arcsec"):
            raise ConfigError(
                f"--size-unit is '{self.size_unit}'; it must be pix or arcsec.",
                hint="Convert other units with --size-factor.",
            )
        if self.size_column is None and (self.size_unit is not None or self.size_factor != 1):
            name = "--size-unit" if self.size_unit is not None else "--size-factor"
            raise ConfigError(f"{name} is about a column of sizes, and none is given.", hint="Add --size-column.")


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueObjects:
    """The N rows of a catalogue.

    Parameters
    ----------
    path : Path
        Path of the catalogue.
    table : Table
        The catalogue with all columns.
    ids : list of str
        Distinct identifiers: a second ``a`` becomes ``a-2``. Rows are numbered if the table has no identifiers.
    ra, dec : ndarray, shape (N,)
        Positions in degrees, ICRS; NaN where unknown.
    sizes : ndarray, shape (N,)
        Sides of the cutouts, in arcsec or pixels.
    in_arcsec : bool
        Whether `sizes` are in arcsec.
    notes : sequence of str
        Sentences on how the catalogue was read, for the user.
    """

    path: Path
    table: Table
    ids: list[str]
    ra: np.ndarray
    dec: np.ndarray
    sizes: np.ndarray
    in_arcsec: bool
    notes: Sequence[str] = ()


def read_objects(
    path: Path,
    sizes: SizeOptions,
    *,
    ra_column: str | None = None,
    dec_column: str | None = None,
    id_column: str | None = None,
    table_name: str | None = None,
) -> CatalogueObjects:
    """Read a catalogue of positions.

    Parameters
    ----------
    path : Path
        Table in any format that galaxtool reads.
    sizes : SizeOptions
        Sizes of the cutouts.
    ra_column, dec_column, id_column : str, optional
        Names of the columns, if they are not among the usual ones (`galaxtool.tables.column_names`).
    table_name : str, optional
        Name or number of the table in a file with several; by default the first that has the wanted columns.

    Raises
    ------
    TableError
        If the table cannot be read, has no rows, or has no columns with positions.
    InputError
        If no row has a position.
    ConfigError
        If the column of sizes has no unit and none is given.
    """
    notes: list[str] = []
    named = [[name.lower().partition("[")[0]] for name in (ra_column, dec_column, id_column, sizes.size_column) if name]
    try:
        table = read_table(path, table=table_name, wanted=WantedColumns(named, positions=True), notes=notes)
    except TableError as error:
        raise TableError(error.message, hint=error.hint or "The last argument is the catalogue.") from error
    if not len(table):
        raise TableError(f"The catalogue '{path}' has no rows.", hint="Give a table with at least one object.")
    positions = _read_positions(table, path, ra_column, dec_column)
    column = find_id_column(table, id_column, path, notes)
    if column is None:
        notes.append(
            f"No column of '{path}' is known to have identifiers, so its rows are numbered: row1, row2 and so on. Name "
            "the column with --id-column."
        )
    width = len(str(len(table)))
    numbers = [f"row{row:0{width}d}" for row in range(1, len(table) + 1)]
    names = [
        text or number
        for text, number in zip(format_integer_valued(table[column]) if column else numbers, numbers, strict=True)
    ]
    values, in_arcsec = _read_sizes(table, path, sizes)
    return CatalogueObjects(
        path=path,
        table=table,
        ids=make_unique(names),
        ra=positions.ra,
        dec=positions.dec,
        sizes=values,
        in_arcsec=in_arcsec,
        notes=(*notes, *positions.notes),
    )


def _read_positions(table: Table, path: Path, ra: str | None, dec: str | None) -> Positions:
    positions = read_positions(table, path, ra_column=ra, dec_column=dec)
    if not positions.columns:
        raise TableError(
            f"The catalogue '{path}' has no columns with right ascension and declination; its columns are "
            f"{list_columns(table)}.",
            hint="Name them with --ra-column and --dec-column.",
        )
    if positions.problem:
        raise TableError(positions.problem, hint=positions.hint)
    if not np.isfinite(positions.ra).any():
        names = " and ".join(f"'{name}'" for name in positions.columns)
        raise InputError(
            f"No row of the catalogue '{path}' has a position: its columns {names} contain no valid angles.",
            hint="Name other columns with --ra-column and --dec-column.",
        )
    return positions


def _read_sizes(table: Table, path: Path, options: SizeOptions) -> tuple[np.ndarray, bool]:
    """Return the size of each row's cutout, and whether it is in arcsec."""
    if options.size_column is None:
        value = options.size_arcsec if options.size_arcsec is not None else options.size or _DEFAULT_SIDE
        return np.full(len(table), float(value)), options.size_arcsec is not None
    column = table[find_column(table, options.size_column, (), path)]
    if column.dtype.kind not in "iuf":
        raise TableError(f"The column '{options.size_column}' of '{path}' cannot give sizes: it is not numeric.")
    values = np.where(np.ma.getmaskarray(np.ma.asarray(column)), np.nan, np.ma.getdata(column, subok=False))
    scale, in_arcsec = _find_unit(column, options, path)
    return values.astype(float) * (scale * options.size_factor), in_arcsec


def _find_unit(column: Column, options: SizeOptions, path: Path) -> tuple[float, bool]:
    """Return the factor that converts a column to arcsec or pixels, and whether to arcsec."""
    unit = column.unit
    is_angle = unit is not None and unit.is_equivalent(u.deg)
    if is_angle or unit == u.pix:
        if options.size_unit not in (None, str(unit)):
            raise ConfigError(
                f"The column '{options.size_column}' of '{path}' has the unit '{unit}', not {options.size_unit}.",
                hint="Leave out --size-unit, or correct the unit in the table.",
            )
        return (float(unit.to(u.arcsec)), True) if is_angle else (1.0, False)
    if options.size_unit is None:
        has = f"the unit '{unit}', which is not an angle" if unit is not None else "no unit"
        raise ConfigError(
            f"The column '{options.size_column}' of '{path}' has {has}.", hint="Add --size-unit pix or arcsec."
        )
    return 1.0, options.size_unit == "arcsec"
