"""Tables in and out: CSV, ECSV, FITS, VOTable and Parquet, told apart by suffix.

What `read_table` gives is the same whatever the format: plain columns of numbers, truth values or `str`, a masked value
where there is none, and an empty text counted as none (most formats cannot tell the two apart).
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from astropy.table import Column, MaskedColumn, Table
from astropy.table.serialize import represent_mixins_as_columns

from galaxtool.errors import ConfigError, TableError
from galaxtool.files import replacing
from galaxtool.io.formats import fitstable, parquet, text, votable

_Read = Callable[[Path], Table]
_Write = Callable[[Table, Path, dict[str, Any]], None]

_FORMATS: dict[str, tuple[_Read, _Write]] = {
    ".csv": (text.read_csv, text.write_csv),
    ".ecsv": (text.read_ecsv, text.write_ecsv),
    ".fits": (fitstable.read_fits, fitstable.write_fits),
    ".vot": (votable.read_votable, votable.write_votable),
    ".parquet": (parquet.read_parquet, parquet.write_parquet),
}
_ALSO_READ = {
    ".fit": ".fits",
    ".fts": ".fits",
    ".fits.gz": ".fits",
    ".fit.gz": ".fits",
    ".fts.gz": ".fits",
    ".votable": ".vot",
    ".pq": ".parquet",
}

TABLE_SUFFIXES = tuple(_FORMATS)
"""Suffixes of the tables that can be written."""


def table_suffix(path: str | os.PathLike[str]) -> str | None:
    """Return which of `TABLE_SUFFIXES` a name stands for, or None.

    Examples
    --------
    >>> table_suffix("Objects.FITS.gz"), table_suffix("image.png")
    ('.fits', None)
    """
    name = os.fspath(path).lower()
    known = {**{suffix: suffix for suffix in _FORMATS}, **_ALSO_READ}
    return next((known[suffix] for suffix in sorted(known, key=len, reverse=True) if name.endswith(suffix)), None)


def check_table_path(path: Path) -> None:
    """Raise `ConfigError` unless a table can be written under this name; to be called before long work begins."""
    if path.suffix.lower() not in _FORMATS:
        raise ConfigError(
            f"'{path}' does not say which format of table to write.",
            hint=f"End the name with one of {', '.join(TABLE_SUFFIXES)}.",
        )


def read_table(path: Path) -> Table:
    """Read a table.

    Parameters
    ----------
    path : Path
        A CSV, ECSV, FITS, VOTable or Parquet file. Of several tables in a FITS or VOTable file, the first is read.

    Returns
    -------
    Table
        Plain columns, masked where there is no value; 64-bit integers whole, texts with leading zeros as they were.

    Raises
    ------
    TableError
        If the file is absent, damaged, not a table, or has no column.
    """
    path = Path(path)
    suffix = table_suffix(path)
    if suffix is None:
        raise TableError(f"'{path}' is not a table.", hint=f"Tables end in {', '.join(TABLE_SUFFIXES)}.")
    if not path.is_file():
        raise TableError(f"There is no table at '{path}'.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore"
            )  # units off the standard and the like, of which a user of the table learns nothing
            table = _plain(_FORMATS[suffix][0](path))
    except Exception as error:  # the parsers raise whatever they trip over, from OSError to struct.error
        raise TableError(f"The table '{path}' cannot be read: {_one_line(error)}.") from error
    if not table.colnames:
        raise TableError(f"The table '{path}' has no columns.")
    return table


def write_table(table: Table, path: Path, *, meta: dict[str, Any] | None = None) -> None:
    """Write a table so that there is either the whole new file or what was there before.

    Parameters
    ----------
    table : Table
        Columns of numbers, truth values or texts, of one dimension or more; masked where there is no value.
    path : Path
        Its suffix decides the format: .csv .ecsv .fits .vot .parquet. Folders above it are made. Where it is a
        symbolic link, the file it points to is replaced.
    meta : dict, optional
        What to say of the table as a whole, where the format has a place for it (all but CSV).

    Raises
    ------
    ConfigError
        If the suffix is none of the five.
    GalaxtoolError
        If the file cannot be written: no space, no permission.

    Notes
    -----
    Masked values are empty in CSV, NaN or null elsewhere. FITS and VOTable have no unsigned integers of 16 bits or
    more: these become wider signed ones, or texts where none is wide enough.
    """
    path = Path(path)
    check_table_path(path)
    suffix = path.suffix.lower()
    plain = _plain(table)
    if suffix != ".csv":
        _escape_surrogates(plain)
    if suffix in (".fits", ".vot"):
        _widen(plain)
    with replacing(Path(os.path.realpath(path))) as temporary, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # names off the FITS recommendation, IDs made up by VOTable
        _FORMATS[suffix][1](plain, temporary, meta or {})


def _plain(table: Table) -> Table:
    """Return a table of plain columns: mixins in parts, bytes and objects as `str`, empty texts masked."""
    parts = represent_mixins_as_columns(table)
    plain = Table()
    for name in parts.colnames:
        plain[name] = _plain_column(parts[name])
    plain.meta = {key: value for key, value in table.meta.items() if not key.startswith("__")}
    return plain


def _plain_column(column: Column) -> Column:
    data, mask = np.ma.getdata(column, subok=False), np.ma.getmaskarray(np.ma.asarray(column))
    if data.dtype.kind == "O":
        mask = mask | np.array([value is None for value in data.ravel()], dtype=bool).reshape(data.shape)
        data = np.where(mask, "", data).astype(str)
    elif data.dtype.kind == "S":
        texts = [value.decode("utf-8", "backslashreplace") for value in data.ravel().tolist()]
        data = np.array(texts, dtype=str if texts else "U1").reshape(data.shape)
    elif data.dtype.kind == "f" and data.dtype.itemsize not in (4, 8):
        data = data.astype(np.float32 if data.dtype.itemsize < 4 else np.float64)
    if data.dtype.kind == "U":
        mask = mask | (data == "")
    about = {"unit": column.unit, "description": column.description}
    return MaskedColumn(data, mask=mask, **about) if mask.any() else Column(data, **about)


def _escape_surrogates(table: Table) -> None:
    """Escape the bytes of file names that are no UTF-8: only CSV can hold them as they are."""
    for name in table.colnames:
        column = table[name]
        if column.dtype.kind == "U" and len(column):
            data = np.ma.getdata(column, subok=False)
            clean = [value.encode("utf-8", "backslashreplace").decode() for value in data.ravel().tolist()]
            if clean != data.ravel().tolist():
                values = np.array(clean).reshape(data.shape)
                hidden = np.ma.getmaskarray(np.ma.asarray(column))
                table.replace_column(
                    name, MaskedColumn(values, mask=hidden, unit=column.unit, description=column.description)
                )


def _widen(table: Table) -> None:
    """Turn integers that FITS or VOTable lack into the narrowest that they have."""
    wider = {"i1": np.int16, "u2": np.int32, "u4": np.int64, "u8": np.int64}
    for name in table.colnames:
        column = table[name]
        kind = f"{column.dtype.kind}{column.dtype.itemsize}"
        if kind in wider:
            fits = (
                kind != "u8"
                or not len(column)
                or int(np.ma.getdata(column, subok=False).max()) <= np.iinfo(np.int64).max
            )
            table[name] = column.astype(wider[kind] if fits else str)


def _one_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return (lines[0].strip().rstrip(".") if lines else "") or type(error).__name__
