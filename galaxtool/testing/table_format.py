"""Check that a table format follows `galaxtool.tables.protocols.TableFormat`."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from astropy.table import MaskedColumn, Table

from galaxtool.errors import GalaxtoolError
from galaxtool.plugins.registry import get_registry
from galaxtool.tables.write import write_table
from galaxtool.testing.suffixes import check_suffixes

_ROWS = 5


def check_table_format(name: str) -> None:
    """Check that a registered table format reads what it writes, for each of its suffixes without ``.gz``.

    The table has texts beyond ASCII, an empty and a missing text, positions in double precision, float32 with NaN,
    integers and truth values; another one has no rows.

    Parameters
    ----------
    name : str
        Name of the format, plain or as ``plugin:name``.

    Raises
    ------
    AssertionError
        If a file cannot be written or read, or a value is another afterwards.
    """
    found = get_registry().table_formats.find(name)
    check_suffixes(f"The table format '{name}'", found.spec.suffixes)
    table = _make_table()
    with tempfile.TemporaryDirectory() as folder:
        for suffix in found.spec.suffixes:
            if not suffix.endswith(".gz"):
                for rows in (_ROWS, 0):
                    path = Path(folder) / f"table-{rows}{suffix}"
                    try:
                        write_table(table[:rows], path)
                        read = found.create().read(path)
                    except GalaxtoolError as error:
                        raise AssertionError(f"'{path.name}' of the table format '{name}': {error.message}") from error
                    _compare(table[:rows], read, name)
                    if rows:
                        first = path.read_bytes()
                        write_table(table, path)
                        assert path.read_bytes() == first, f"The table format '{name}' writes other bytes again."


def _make_table() -> Table:
    table = Table()
    table["id"] = ["m51", "naïve ☉", 'a "quoted", one', "", "ngc 1"]
    table["ra"] = np.array([0.0, 359.99999999, 180.123456789, 12.5, 1e-9])
    table["p_spiral"] = np.array([0.25, 1.0, 0.0, np.nan, 1 / 3], dtype=np.float32)
    table["rank"] = np.arange(_ROWS)
    table["chosen"] = np.arange(_ROWS) % 2 == 0
    table["error"] = MaskedColumn(["", "x", "y", "z", "w"], mask=[True, False, False, False, False])
    return table


def _compare(wanted: Table, found: Table, name: str) -> None:
    assert found.colnames == wanted.colnames, (
        f"The table format '{name}' reads the columns {found.colnames}, not {wanted.colnames}."
    )
    assert len(found) == len(wanted), f"The table format '{name}' reads {len(found)} rows of {len(wanted)}."
    for column in wanted.colnames:
        if not len(wanted):
            continue
        if wanted[column].dtype.kind == "U":
            one, other = _to_texts(wanted[column]), _to_texts(found[column])
        else:
            one = [repr(float(value)) for value in wanted[column]]
            other = [repr(float(value)) for value in np.ma.filled(found[column].astype(float), np.nan)]
            if wanted[column].dtype == np.float32:
                one, other = ([repr(np.float32(value)) for value in map(float, values)] for values in (one, other))
        assert one == other, f"The table format '{name}' changes the column '{column}' from {one} to {other}."


def _to_texts(column: Table.Column) -> list[str]:
    """Return the values as texts; a missing one is empty."""
    missing = np.ma.getmaskarray(column)
    texts = [value.decode() if isinstance(value, bytes) else str(value) for value in column]
    return ["" if hidden else text for text, hidden in zip(texts, missing, strict=True)]
