"""Read tables in any registered format.

`read_table` returns the same for every format: plain columns of numbers, truth values or `str`, masked where there
is no value. An empty text counts as no value, because most formats cannot tell the two apart.
"""

from __future__ import annotations

import warnings
from pathlib import Path

from astropy.table import Table

from galaxtool.errors import GalaxtoolError, TableError
from galaxtool.tables.column_names import NOTES, OTHER_TABLES, TABLE_NUMBER
from galaxtool.tables.formats.content import TEXT_SUFFIXES, find_format
from galaxtool.tables.formats.find import CONVERT_HINT, list_table_suffixes
from galaxtool.tables.formats.plain_columns import simplify_table
from galaxtool.tables.protocols import MultiTableFormat, TableFormat
from galaxtool.tables.selection import NOTHING_WANTED, WantedColumns, list_tables, select_table
from galaxtool.tables.unpacked_size import check_unpacked_size
from galaxtool.utils.suggestions import suggest_path


def read_table(
    path: Path,
    *,
    table: str | None = None,
    wanted: WantedColumns = NOTHING_WANTED,
    notes: list[str] | None = None,
) -> Table:
    """Read a table.

    Parameters
    ----------
    path : Path
        CSV, ECSV, FITS, VOTable or Parquet file, a text table (``.txt``, ``.dat``, ``.cat`` and others), or a file of a
        format that a plugin adds. The content decides which of these it is.
    table : str, optional
        Name or number of the table to read from a file with several; see `galaxtool.tables.selection.select_table`.
    wanted : WantedColumns
        Columns that the caller looks for. Without `table`, the first of the tables with the most of them is read.
    notes : list of str, optional
        Receives a sentence for each thing about the file that the user should know.

    Returns
    -------
    Table
        Plain columns, masked where there is no value. Integers of 64 bits are exact, and texts keep leading zeros.

    Raises
    ------
    TableError
        If the file is missing, damaged, not a table, or has no columns, or there is no such table in it.
    """
    path = Path(path)
    form = find_format(path)
    if form is None:
        raise TableError(
            f"'{path}' is not a table that galaxtool reads.",
            hint=f"Tables end in {', '.join((*list_table_suffixes(), *TEXT_SUFFIXES))}. {CONVERT_HINT}",
        )
    if not path.is_file():
        raise TableError(f"There is no table at '{path}'.", hint=suggest_path(path))
    try:
        check_unpacked_size(path)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # nonstandard units and the like, which do not concern users of the table
            raw = _read(form, path, table, wanted, notes)
            said = raw.meta.pop(NOTES, [])
            found = simplify_table(raw)
            if notes is not None:
                notes += said
    except GalaxtoolError:
        raise
    except Exception as error:  # parsers raise anything from OSError to struct.error
        hint = getattr(error, "hint", "") or "Check that it is a table, and that the whole file is there."
        raise TableError(f"The table '{path}' cannot be read: {_first_line(error)}.", hint=hint) from error
    if not found.colnames:
        raise TableError(f"The table '{path}' has no columns.")
    return found


def _read(form: TableFormat, path: Path, table: str | None, wanted: WantedColumns, notes: list[str] | None) -> Table:
    """Read the table that is asked for."""
    if not isinstance(form, MultiTableFormat):
        if table is not None:
            raise TableError(f"'{path}' has a single table, without a name.", hint="Leave out --table.")
        return form.read(path)
    with form.open_tables(path) as file:
        entry = select_table(file.entries, path, table=table, wanted=wanted, notes=notes)
        found = file.read(entry)
    others = [other for other in file.entries if other is not entry]
    if others:
        found.meta[OTHER_TABLES] = f"table {entry.label}; --table chooses another: {list_tables(others)}"
        found.meta[TABLE_NUMBER] = entry.number
    return found


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return (lines[0].strip().rstrip(".") if lines else "") or type(error).__name__
