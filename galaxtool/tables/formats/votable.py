"""VOTables that TOPCAT and the archives can read."""

from __future__ import annotations

import base64
import io
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from astropy.io.votable import from_table
from astropy.io.votable.tree import Info
from astropy.io.votable.tree import VOTableFile as VOTableDocument
from astropy.table import Column, Table

from galaxtool.tables.formats.column_notes import note_votable_frames
from galaxtool.tables.formats.column_stats import ColumnStats
from galaxtool.tables.formats.plain_columns import (
    escape,
    find_masked_cells,
    get_values_and_mask,
    map_texts,
    replace_values,
)
from galaxtool.tables.formats.schema import TableSchema, signed_type
from galaxtool.tables.formats.votable_document import parse_votable_file
from galaxtool.tables.protocols import TableEntry, TableFile
from galaxtool.tables.text_arrays import make_text_array

# characters that XML 1.0 cannot represent in any way
_NOT_XML = re.compile("[^\t\n -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_STREAM = re.compile(rb'(<STREAM encoding="base64">\s*)[^<\s]*')


class VOTableFormat:
    """VOTable in BINARY2."""

    def read(self, path: Path) -> Table:
        """Read the first table of a file.

        Raises
        ------
        ValueError
            If the file contains no table.
        """
        with self.open_tables(path) as file:
            return file.read(file.entries[0])

    @contextmanager
    def open_tables(self, path: Path) -> Iterator[TableFile]:
        """Open a file; raises `ValueError` if it contains no table."""
        yield _VOTableFile(parse_votable_file(path))

    def prepare(self, table: Table) -> Table:
        """Escape what XML cannot hold, and convert arrays of texts to JSON."""
        table = map_texts(table, lambda text: escape(text, _NOT_XML))
        for name in table.colnames:
            data, mask = get_values_and_mask(table[name])
            if data.dtype.kind == "U" and data.ndim > 1:
                hidden = find_masked_cells(mask)
                cells = [json.dumps(cell, ensure_ascii=False) for cell in np.where(mask, "", data).tolist()]
                texts = make_text_array(cells)
                table[name] = replace_values(table[name], np.where(hidden, "", texts), hidden)
        return table

    def write(self, stream: BinaryIO, schema: TableSchema, meta: dict[str, Any]) -> None:
        """Write a table in BINARY2; `meta` becomes INFO elements.

        TABLEDATA would lose blanks at the ends of texts.
        """
        document = _document(schema.empty(_stored_type, rows=min(schema.rows, 1)), meta)
        content = _STREAM.search(document)
        stream.write(document[: content.end(1)] if content else document)
        if content:
            remainder = b""
            for block in schema.blocks(_stored_type):
                raw = remainder + _row_bytes(block)
                complete = len(raw) // 3 * 3
                stream.write(base64.b64encode(raw[:complete]))
                remainder = raw[complete:]
            stream.write(base64.b64encode(remainder) + document[content.end() :])


class _VOTableFile:
    """The tables of a document."""

    def __init__(self, document: VOTableDocument) -> None:
        self._document = document
        self._meta = {info.name: info.value for info in document.infos}
        self._tables = list(document.iter_tables())
        if not self._tables:
            raise ValueError(_find_error(document) or "it contains no table")
        self.entries = [
            TableEntry(
                number=number,
                name=table.name or table.ID or "",
                columns=tuple(field.name or field.ID or "" for field in table.fields),
                rows=len(table.array),
            )
            for number, table in enumerate(self._tables, 1)
        ]

    def read(self, entry: TableEntry) -> Table:
        """Read a table."""
        element = self._tables[entry.number - 1]
        table = element.to_table(use_names_over_ids=True)
        note_votable_frames(table, element, self._document)
        table.meta = dict(self._meta)
        return table


def _find_error(document: VOTableDocument) -> str:
    """Return the message of a service that answered with an error instead of a table."""
    infos = [*document.infos, *(info for resource in document.resources for info in resource.infos)]
    messages = [info.content or info.value for info in infos if info.name == "QUERY_STATUS" and info.value == "ERROR"]
    return f"the archive answered with an error: {' '.join(messages[0].split())}" if messages else ""


def _stored_type(column: ColumnStats) -> np.dtype:
    """Return the type to write a column as: integers become floats if some elements of an array are masked."""
    dtype = signed_type(column)
    if dtype.kind == "U":
        # VOTable counts units of UTF-16; a character beyond U+FFFF takes two
        return np.dtype(f"U{max(column.utf16_width, dtype.itemsize // 4)}")
    return np.dtype(float) if column.has_holes and dtype.kind in "iu" else dtype


def _document(table: Table, meta: dict[str, Any]) -> bytes:
    votable = from_table(table)
    for field in votable.get_first_table().fields:
        if field.datatype == "bit":  # astropy writes truth values as bits, which few programs read
            field.datatype = "boolean"
    for key, value in meta.items():
        text = value if isinstance(value, str) else json.dumps(value, default=str)
        votable.infos.append(Info(name=str(key), value=escape(text, _NOT_XML)))
    buffer = io.BytesIO()
    votable.to_xml(buffer, tabledata_format="binary2")
    return buffer.getvalue()


def _row_bytes(table: Table) -> bytes:
    """Return rows in BINARY2: one bit per column that says whether it is null, then the values, big-endian.

    astropy converts one value at a time, which is about a hundred times slower.
    """
    hidden = np.zeros((len(table), len(table.colnames)), dtype=bool)
    fields: list[tuple[Any, ...]] = [("null", "u1", ((len(table.colnames) + 7) // 8,))]
    columns = []
    for number, (dtype, values, mask) in enumerate(map(_field, table.columns.values())):
        fields.append((f"f{number}", dtype, values.shape[1:]))
        columns.append(values)
        hidden[:, number] = find_masked_cells(mask)
    rows = np.zeros(len(table), dtype=fields)
    rows["null"] = np.packbits(hidden, axis=1)
    for number, values in enumerate(columns):
        rows[f"f{number}"] = values
    return rows.tobytes()


def _field(column: Column) -> tuple[str, np.ndarray, np.ndarray]:
    data, mask = get_values_and_mask(column)
    if data.dtype.kind == "U":
        size = data.dtype.itemsize // 2
        return f"S{size}", np.array([value.encode("utf-16-be") for value in data.tolist()], dtype=f"S{size}"), mask
    if data.dtype.kind == "b":
        return "S1", np.where(mask, b"?", np.where(data, b"T", b"F")), mask
    return data.dtype.newbyteorder(">").str, data, mask
