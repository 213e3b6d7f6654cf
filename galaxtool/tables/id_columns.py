"""The column of a catalogue that identifies its objects."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from astropy.table import Column, Table

from galaxtool.tables.column_names import ID_COLUMNS, find_column
from galaxtool.tables.formats.plain_columns import get_values_and_mask
from galaxtool.tables.whole_numbers import format_integer_valued, is_integer_valued

# names without anything but letters and digits, the most telling first
_SURE = (
    "objid", "objectid", "sourceid", "galaxyid", "coaddobjectid", "sourcename", "componentname", "objname",
    "objectname", "galaxyname", "designation", "iauname", "jname", "uuid", "guid", "objidstr", "specobjid", "mainid",
    "targetid", "targetname", "subjectid", "assetid", "zooniverseid", "surveyid", "dr7id", "dr8id", "dr12objid",
    "photoobjid", "bestobjid", "psobjid", "matchid", "cataid", "nsaid", "mangaid", "plateifu", "detid", "srcid",
    "srcname", "diaobjectid", "oid", "gaiaid", "sdssid", "sdssname", "cosmosid", "gzid", "catid", "catalogid", "pgc",
    "imageid", "cutoutid", "uid", "phid",
)  # fmt: skip
# taken only if they have a different value in every row
_UNSURE = (
    "number", "num", "no", "nr", "seq", "recno", "rowid", "row", "index", "idx", "cntr", "object", "source", "galaxy",
    "objno", "objnum", "objectnumber", "unnamed0", "indexlevel0",
)  # fmt: skip
_ENDING = re.compile(r"(\w*[_\W])?ids?", re.IGNORECASE)
_NOT_NAMES = re.compile(r"[^a-z0-9]")


def find_id_column(
    table: Table, name: str | None, source: Path, notes: list[str] | None = None, *, names_column: bool = True
) -> str | None:
    """Find the column of identifiers.

    Parameters
    ----------
    table : Table
        Catalogue with at least one row.
    name : str or None
        Name that the user gave, if any.
    source : Path
        File of the table, for messages.
    notes : list of str, optional
        Receives sentences on which column was taken, on identifiers that repeat, and on lost digits.
    names_column : bool
        Whether the sentence on which column was taken is wanted: not by a command that has no ``--id-column``.

    Returns
    -------
    str or None
        One of `ID_COLUMNS`, else a column with a similar name, such as ``SOURCE_ID``; else a column such as ``NUMBER``
        or ``field_id`` if its values are all different. None if there is none.

    Raises
    ------
    TableError
        If a name is given and the table has no such column.
    """
    column = find_column(table, name, ID_COLUMNS, source) or _find_similar(table)
    if column is not None and notes is not None:
        if names_column and name is None and column.lower() != "id":
            notes.append(f"Identifiers are from the column '{column}' of '{source}'; --id-column chooses another.")
        notes += _describe_problems(table[column], source)
    return column


def _find_similar(table: Table) -> str | None:
    names: list[str] = list(table.colnames)
    plain = {_NOT_NAMES.sub("", name.lower()): name for name in reversed(names)}
    for name in (plain[key] for key in _SURE if key in plain):
        if _can_identify(table[name]):
            return name
    unsure = [plain[key] for key in _UNSURE if key in plain]
    unsure += [name for name in names if _ENDING.fullmatch(name)]
    return next((name for name in unsure if _can_identify(table[name]) and _is_unique(table[name])), None)


def _can_identify(column: Column) -> bool:
    return len(column.shape) == 1 and column.dtype.kind in "iufU"


def _is_unique(column: Column) -> bool:
    whole = column.dtype.kind != "f" or is_integer_valued(column)
    return whole and _count(column) == (len(column), len(column))


def _count(column: Column) -> tuple[int, int]:
    """Return how many identifiers there are, and how many different ones."""
    values, mask = get_values_and_mask(column)
    if values.dtype.kind in "iuf":
        hidden = mask | ~np.isfinite(values)
        return int((~hidden).sum()), len(np.unique(values[~hidden]))
    texts = [text for text in format_integer_valued(column) if text]
    return len(texts), len(set(texts))


def _describe_problems(column: Column, source: Path) -> list[str]:
    """Return sentences on digits that were lost before the table was read, and on identifiers that repeat."""
    values, mask = get_values_and_mask(column)
    if values.ndim > 1 or not len(values):
        return []
    notes = []
    if values.dtype.kind == "f":
        most = 2.0 ** (np.finfo(values.dtype).nmant + 1)
        known = np.where(mask | ~np.isfinite(values), 0, values)
        if lost := int((np.abs(known) > most).sum()):
            notes.append(
                f"The identifiers in the column '{column.name}' of '{source}' are floating-point numbers, which cannot "
                f"hold the last digits of {lost:,} of them: they may differ from those of the survey. Save the column "
                "as integers or text."
            )
    total, different = _count(column)
    if repeats := total - different:
        notes.append(
            f"{repeats:,} of the {total:,} identifiers in the column '{column.name}' of '{source}' repeat an "
            "earlier one: a second 'a' becomes 'a-2'. Choose another column with --id-column."
        )
    return notes
