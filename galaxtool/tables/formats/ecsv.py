"""ECSV tables: CSV with types, units and descriptions in a YAML header."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from astropy.io.ascii import get_reader
from astropy.io.ascii.ecsv import Ecsv, EcsvHeader, EcsvOutputter
from astropy.table import Table

from galaxtool.tables.formats.column_stats import ColumnStats
from galaxtool.tables.formats.plain_columns import escape, map_texts
from galaxtool.tables.formats.schema import TableSchema, own_type
from galaxtool.tables.formats.text_cells import format_cells, open_text_stream
from galaxtool.tables.formats.yaml_header import check_yaml_header
from galaxtool.utils.files.local_path import to_local_path

# includes all that str.splitlines, and so astropy's reader, takes for the end of a line, except the line feed
_NOT_ECSV = re.compile("[\x00-\x08\x0b-\x1f\x7f\x85\u2028\u2029\ud800-\udfff]")
_TO_QUOTE = re.compile(r"""[",\n]|^\s*#""")


class EcsvFormat:
    """ECSV of astropy, with commas."""

    def read(self, path: Path) -> Table:
        """Read a file; times stay as they are written, other columns of objects come in plain parts.

        Raises
        ------
        ValueError
            If its header asks for objects that are not those of a table.
        """
        try:
            return _read(path)
        except ValueError:
            # the catalogues of Gaia have null where there is no value
            nulls = [("", "0"), ("null", "0")]
            return _read(path, fill_values=nulls)

    def prepare(self, table: Table) -> Table:
        """Escape what ECSV has no place for: control characters, and bytes that are not UTF-8."""
        return map_texts(table, lambda text: text if text.isascii() and text.isprintable() else escape(text, _NOT_ECSV))

    def write(self, stream: BinaryIO, schema: TableSchema, meta: dict[str, Any]) -> None:
        """Write a table with units, descriptions and `meta`: astropy's header, then lines of CSV."""
        header = schema.empty(_stored_type)
        header.meta = dict(meta)
        with open_text_stream(stream) as file:
            header.write(file, format="ascii.ecsv", delimiter=",")
            for block in schema.blocks(_stored_type):
                rows = zip(*(_quote(format_cells(column)) for column in block.columns.values()), strict=True)
                file.writelines(",".join(row) + "\n" for row in rows)


def _read(path: Path, **options: Any) -> Table:
    return get_reader(_CheckedEcsv, outputter_cls=_KeepTimesAsWritten, **options).read(to_local_path(path))


class _CheckedHeader(EcsvHeader):  # type: ignore[misc]
    """Checks what the header asks for before astropy makes objects of it."""

    def get_cols(self, lines: list[str]) -> None:
        check_yaml_header(list(self.process_lines(lines)))
        super().get_cols(lines)


class _CheckedEcsv(Ecsv):  # type: ignore[misc]
    """ECSV from anybody."""

    header_class = _CheckedHeader


class _KeepTimesAsWritten(EcsvOutputter):  # type: ignore[misc]
    """Leaves alone the columns that astropy would convert to times, because they would lose digits."""

    def __call__(self, cols: Any, meta: Any) -> Table:
        serialized = meta["table"].get("__serialized_columns__", {})
        for name in [name for name, description in serialized.items() if _is_time(description)]:
            del serialized[name]
        return super().__call__(cols, meta)


def _is_time(description: Mapping[str, Any]) -> bool:
    return str(description.get("__class__", "")).endswith("Time") and "value" in description


def _stored_type(column: ColumnStats) -> np.dtype:
    """Return the type to write a column as: ECSV has no complex numbers."""
    return np.dtype("U64") if column.dtype.kind == "c" else own_type(column)


def _quote(texts: list[str]) -> list[str]:
    """Quote as CSV requires, and where a line would look like a comment, or a single empty cell like an empty line."""
    return ['"' + text.replace('"', '""') + '"' if not text or _TO_QUOTE.search(text) else text for text in texts]
