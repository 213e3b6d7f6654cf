"""CSV, and ECSV, which is CSV with the types, units and descriptions in front."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
from astropy.table import Column, MaskedColumn, Table

_INTEGER = re.compile(r"[+-]?(0|[1-9][0-9]*)")
# An exponent needs its sign or a decimal point, or names such as 12e5 would turn into numbers.
_FLOAT = re.compile(
    r"[+-]?([0-9]+\.[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?|[+-]?(0|[1-9][0-9]*)([eE][+-][0-9]+)?|[+-]?(nan|inf(inity)?)",
    re.IGNORECASE,
)
_INT64 = np.iinfo(np.int64)


def read_csv(path: Path) -> Table:
    """Read a CSV file with a header line.

    A column becomes integers, floats or booleans only where nothing is lost: all its values are written so, and
    integers fit 64 bits and have no leading zero. Everything else stays text. An empty cell is masked.

    Raises
    ------
    ValueError
        If the file is empty, a column's name comes twice, or a line has more or fewer cells than the header.
    """
    # Bytes of a file name that are no UTF-8 survive as the surrogates that os.fsdecode makes of them.
    with path.open(newline="", encoding="utf-8-sig", errors="surrogateescape") as file:
        lines = csv.reader(file)
        header = next(lines, None)
        if header is None:
            raise ValueError("it is empty")
        names = [name.strip() or f"col{i}" for i, name in enumerate(header, 1)]
        twice = [name for i, name in enumerate(names) if name in names[:i]]
        if twice:
            raise ValueError(f"two columns are called '{twice[0]}'")
        cells: list[list[str]] = []
        for line in lines:
            if not line:
                continue
            if len(line) != len(names):
                raise ValueError(f"line {lines.line_num} has {len(line)} cells, the header {len(names)}")
            cells.append(line)
    values: Any = zip(*cells, strict=True) if cells else [()] * len(names)
    return Table([typed(list(column), name) for name, column in zip(names, values, strict=True)])


def typed(values: list[str], name: str) -> Column:
    """Return texts as a column of the narrowest type that loses nothing; empty ones are masked."""
    mask = np.array([not value for value in values], dtype=bool)
    given = [value for value in values if value]
    data: np.ndarray
    if not given:
        data = np.array(values, dtype="U1")
    elif all(_INTEGER.fullmatch(v) for v in given) and all(_INT64.min <= int(v) <= _INT64.max for v in given):
        data = np.array([int(value or 0) for value in values], dtype=np.int64)
    elif all(_FLOAT.fullmatch(v) for v in given) and not all(_INTEGER.fullmatch(v) for v in given):
        data = np.array([float(value or "nan") for value in values])
    elif set(given) <= {"True", "False"}:
        data = np.array([value == "True" for value in values])
    else:
        data = np.array(values)
    return MaskedColumn(data, name=name, mask=mask) if mask.any() else Column(data, name=name)


def write_csv(table: Table, path: Path, meta: dict[str, Any]) -> None:
    """Write a CSV file; masked values are empty, arrays JSON. Units, descriptions and `meta` have no place."""
    with path.open("w", newline="", encoding="utf-8", errors="surrogateescape") as file:
        lines = csv.writer(file, lineterminator="\n")
        lines.writerow(table.colnames)
        lines.writerows(zip(*(_texts(table[name]) for name in table.colnames), strict=True))


def _texts(column: Column) -> list[str]:
    values = np.ma.getdata(column, subok=False)
    if values.ndim > 1:
        return [json.dumps(row) for row in np.ma.asarray(column).tolist()]
    texts = values.astype(str).tolist()
    mask = np.ma.getmaskarray(np.ma.asarray(column))
    return ["" if hidden else text for text, hidden in zip(texts, mask.tolist(), strict=True)]


def read_ecsv(path: Path) -> Table:
    """Read an ECSV file; columns that stand for times or coordinates come as their plain parts."""
    return Table.read(path, format="ascii.ecsv")


def write_ecsv(table: Table, path: Path, meta: dict[str, Any]) -> None:
    """Write an ECSV file with units, descriptions and `meta`."""
    table = table.copy(copy_data=False)
    table.meta = dict(meta)
    table.write(path, format="ascii.ecsv", overwrite=True)
