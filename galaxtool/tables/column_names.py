"""Usual names of the columns of catalogues, and the search for them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from astropy.table import Table

from galaxtool.errors import TableError, suggest_name

OTHER_TABLES = "other tables"
"""Key in the metadata of a table that was read: which of the tables in its file it is, and what the others are."""

TABLE_NUMBER = "number of the table"
"""Key in the metadata of a table that was read from a file with several: its number, as users know it."""

NOTES = "notes of the reader"
"""Key in the metadata of a table that a format returns: sentences for the user, which `read_table` takes out."""

LABELS_FILE = "labels.csv"
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
MEMBER_COLUMNS = ("member", "hdu", "hdu_index", "hdu_number", "ext_number", "stack_index")


def find_column(table: Table, name: str | None, usual: Sequence[str], source: Path) -> str | None:
    """Find a column by its name, or else by the usual names.

    Parameters
    ----------
    table : Table
        Table to search.
    name : str or None
        Name that the user gave, if any.
    usual : sequence of str
        Usual names in lower case, the most likely first; the case of column names does not matter.
    source : Path
        File of the table, for errors.

    Returns
    -------
    str or None
        Name of the column; None if no name was given and the table has none of the usual ones.

    Raises
    ------
    TableError
        If a name is given and the table has no such column.
    """
    if name is not None:
        if name in table.colnames:
            return name
        near = suggest_name(name, table.colnames)
        raise TableError(
            f"'{source}' has no column '{name}'." + (f" Did you mean '{near}'?" if near else ""),
            hint=f"Its columns are {list_columns(table)}.",
        )
    by_lower = {column.lower(): column for column in reversed(table.colnames)}
    return next((by_lower[candidate] for candidate in usual if candidate in by_lower), None)


def avoid_names(names: Sequence[str], taken: Iterable[str]) -> list[str]:
    """Return column names of which none equals one of those taken; such a name becomes ``in_<name>``.

    FITS does not tell names apart by case, nor by blanks at their ends, and neither do many programs.

    Examples
    --------
    >>> avoid_names(["RA", "in_ra", "z"], ["ra"])
    ['in_in_RA', 'in_ra', 'z']
    """
    reserved = {name.strip().lower() for name in taken}
    used = reserved | {name.strip().lower() for name in names}
    result = []
    for name in names:
        new = name
        if name.strip().lower() in reserved:
            new = f"in_{name.strip()}"
            while new.lower() in used:
                new = f"in_{new}"
            used.add(new.lower())
        result.append(new)
    return result


def list_columns(table: Table) -> str:
    """List the first twenty column names of a table for a message, and the other tables of its file."""
    columns = ", ".join(table.colnames[:20]) + (", ..." if len(table.colnames) > 20 else "")
    others = table.meta.get(OTHER_TABLES)
    return f"{columns} (in {others})" if others else columns
