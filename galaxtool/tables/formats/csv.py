"""CSV, and ECSV, which is CSV with the types, units and descriptions in front."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, TextIO

import numpy as np
from astropy.io.ascii.ecsv import EcsvOutputter
from astropy.table import Column, MaskedColumn, Table

from galaxtool.tables.formats.plain import escaped, values_and_mask, whole, with_texts
from galaxtool.tables.formats.schema import ColumnStats, TableSchema, own_type
from galaxtool.tables.formats.suffixes import is_packed

_INTEGER = re.compile(r"[+-]?(0|[1-9][0-9]*)")
# An exponent needs its sign or a decimal point, or names such as 12e5 would turn into numbers.
_FLOAT = re.compile(
    r"[+-]?([0-9]+\.[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?|[+-]?(0|[1-9][0-9]*)([eE][+-][0-9]+)?|[+-]?(nan|inf(inity)?)",
    re.IGNORECASE,
)
# Whatever str.splitlines takes for the end of a line, which astropy's reader does too, but for the usual one.
_NOT_ECSV = re.compile("[\x00-\x08\x0b-\x1f\x7f\x85\u2028\u2029\ud800-\udfff]")
_TO_QUOTE = re.compile(r"""[",\n]|^\s*#""")
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
    opened: Any = gzip.open if is_packed(path) else open
    with opened(path, "rt", newline="", encoding="utf-8-sig", errors="surrogateescape") as file:
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


def read_ecsv(path: Path) -> Table:
    """Read an ECSV file; times are as they are written, other columns that stand for objects come in plain parts."""
    return Table.read(path, format="ascii.ecsv", outputter_cls=_TimesAsWritten)


class _TimesAsWritten(EcsvOutputter):
    """Leaves the columns alone of which astropy would make times, and by them lose digits."""

    def __call__(self, cols: Any, meta: Any) -> Table:
        serialized = meta["table"].get("__serialized_columns__", {})
        for name in [name for name, about in serialized.items() if _is_column_of_times(about)]:
            del serialized[name]
        return super().__call__(cols, meta)


def _is_column_of_times(about: Any) -> bool:
    return about.get("__class__", "").endswith("Time") and "value" in about


def write_csv(stream: BinaryIO, layout: TableSchema, meta: dict[str, Any]) -> None:
    """Write a CSV file; masked values are empty, arrays JSON. Units, descriptions and `meta` have no place."""
    with _text_stream(stream) as file:
        lines = csv.writer(_Lines(file), lineterminator="\r\n")
        lines.writerow([facts.name for facts in layout.columns])
        for block in layout.blocks(own_type):
            lines.writerows(zip(*map(_texts, block.columns.values()), strict=True))


class _Lines:
    """Ends lines by a line feed alone, for a writer that quotes no carriage return but where lines end in one."""

    def __init__(self, file: TextIO) -> None:
        self._file = file

    def write(self, line: str) -> None:
        self._file.write(line[:-2] + "\n")


def prepare_ecsv(table: Table) -> Table:
    """Return a table without what an ECSV file has no place for: bytes that are no UTF-8, control characters."""
    return with_texts(table, lambda text: text if text.isascii() and text.isprintable() else escaped(text, _NOT_ECSV))


def stored_in_ecsv(facts: ColumnStats) -> np.dtype:
    """Return the type to write a column as: ECSV has no complex numbers."""
    return np.dtype("U64") if facts.dtype.kind == "c" else own_type(facts)


def write_ecsv(stream: BinaryIO, layout: TableSchema, meta: dict[str, Any]) -> None:
    """Write an ECSV file with units, descriptions and `meta`: astropy's header, then the lines of a CSV file."""
    header = layout.empty(stored_in_ecsv)
    header.meta = dict(meta)
    with _text_stream(stream) as file:
        header.write(file, format="ascii.ecsv", delimiter=",")
        for block in layout.blocks(stored_in_ecsv):
            rows = zip(*(_quoted(_texts(column)) for column in block.columns.values()), strict=True)
            file.writelines(",".join(row) + "\n" for row in rows)


@contextmanager
def _text_stream(stream: BinaryIO) -> Iterator[TextIO]:
    """Give a file of text on one of bytes, which stays open."""
    file = io.TextIOWrapper(stream, encoding="utf-8", errors="surrogateescape", newline="")
    try:
        yield file
    finally:
        file.detach()


def _texts(column: Column) -> list[str]:
    values, mask = values_and_mask(column)
    if values.ndim > 1:
        hidden = whole(mask).tolist()
        rows = np.ma.asarray(column).tolist()
        return ["" if gone else json.dumps(row, default=str) for row, gone in zip(rows, hidden, strict=True)]
    texts = values.astype(str).tolist()
    return ["" if hidden else text for text, hidden in zip(texts, mask.tolist(), strict=True)] if mask.any() else texts


def _quoted(texts: list[str]) -> list[str]:
    """Quote where a CSV file must, and where a line would look like a comment or a single empty cell like no line."""
    return ['"' + text.replace('"', '""') + '"' if not text or _TO_QUOTE.search(text) else text for text in texts]
