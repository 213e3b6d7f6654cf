"""Tables in and out: CSV, ECSV, FITS, VOTable and Parquet, told apart by suffix.

What `read_table` gives is the same whatever the format: plain columns of numbers, truth values or `str`, a masked value
where there is none, and an empty text counted as none (most formats cannot tell the two apart).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

from astropy.table import Table

from galaxtool.errors import TableError
from galaxtool.tables.formats import csv as text
from galaxtool.tables.formats import fits as fitstable
from galaxtool.tables.formats import parquet, votable
from galaxtool.tables.formats.plain import plain_table
from galaxtool.tables.formats.suffixes import TABLE_SUFFIXES, check_table_path, other_format, table_suffix
from galaxtool.tables.streaming import write_stream

__all__ = ["TABLE_SUFFIXES", "check_table_path", "read_table", "table_suffix", "write_table"]

_READERS: dict[str, Callable[[Path], Table]] = {
    ".csv": text.read_csv,
    ".ecsv": text.read_ecsv,
    ".fits": fitstable.read_fits,
    ".vot": votable.read_votable,
    ".parquet": parquet.read_parquet,
}


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
        written = " that galaxtool reads, though it writes such" if other_format(path) else ""
        raise TableError(f"'{path}' is not a table{written}.", hint=f"Tables end in {', '.join(TABLE_SUFFIXES)}.")
    if not path.is_file():
        raise TableError(f"There is no table at '{path}'.")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter(
                "ignore"
            )  # units off the standard and the like, of which a user of the table learns nothing
            table = plain_table(_READERS[suffix](path))
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
        Its suffix decides the format: .csv .ecsv .fits .vot (and these with .gz) .parquet, or one that is written
        and not read, see `galaxtool.tables.formats.suffixes.ONLY_WRITTEN`. Folders above it are made. Where it is a
        symbolic link, the file it points to is replaced.
    meta : dict, optional
        What to say of the table as a whole, where the format has a place for it (all but CSV).

    Raises
    ------
    ConfigError
        If the suffix is of no format.
    GalaxtoolError
        If the file cannot be written: no space, no permission.

    Notes
    -----
    Masked values are empty in CSV, NaN or null elsewhere. FITS and VOTable have no unsigned integers of 16 bits or
    more: these become wider signed ones, or texts where none is wide enough.
    """
    write_stream(lambda: [table], path, meta=meta)


def _one_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return (lines[0].strip().rstrip(".") if lines else "") or type(error).__name__
