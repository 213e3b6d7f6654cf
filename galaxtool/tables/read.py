"""Reading of tables in any registered format.

`read_table` returns the same for every format: plain columns of numbers, truth values or `str`, masked where there
is no value. An empty text counts as no value, because most formats cannot tell the two apart.
"""

from __future__ import annotations

import warnings
from pathlib import Path

from astropy.table import Table

from galaxtool.errors import TableError
from galaxtool.tables.formats.find import CONVERT_HINT, create_table_format, list_table_suffixes
from galaxtool.tables.formats.plain_columns import simplify_table
from galaxtool.utils.suggestions import suggest_path


def read_table(path: Path) -> Table:
    """Read a table.

    Parameters
    ----------
    path : Path
        CSV, ECSV, FITS, VOTable or Parquet file, or one of a format that a plugin adds. Of several tables in a FITS or
        VOTable file, the first is read.

    Returns
    -------
    Table
        Plain columns, masked where there is no value. Integers of 64 bits are exact, and texts keep leading zeros.

    Raises
    ------
    TableError
        If the file is missing, damaged, not a table, or has no columns.
    """
    path = Path(path)
    form = create_table_format(path)
    if form is None:
        raise TableError(
            f"'{path}' is not a table that galaxtool reads.",
            hint=f"Tables end in {', '.join(list_table_suffixes())}. {CONVERT_HINT}",
        )
    if not path.is_file():
        raise TableError(f"There is no table at '{path}'.", hint=suggest_path(path))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # nonstandard units and the like, which do not concern users of the table
            table = simplify_table(form.read(path))
    except Exception as error:  # parsers raise anything from OSError to struct.error
        raise TableError(f"The table '{path}' cannot be read: {_first_line(error)}.") from error
    if not table.colnames:
        raise TableError(f"The table '{path}' has no columns.")
    return table


def _first_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    return (lines[0].strip().rstrip(".") if lines else "") or type(error).__name__
