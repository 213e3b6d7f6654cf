"""VOTable, as TOPCAT and the archives read it."""

from __future__ import annotations

import base64
import io
import json
import re
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from astropy.io.votable import from_table, parse
from astropy.io.votable.tree import Info
from astropy.table import Column, Table

from galaxtool.tables.formats.plain import escaped, rebuilt, values_and_mask, whole, with_texts
from galaxtool.tables.formats.schema import ColumnStats, TableSchema, widened

# XML 1.0 has no way to write these at all.
_NOT_XML = re.compile("[^\t\n -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_STREAM = re.compile(rb'(<STREAM encoding="base64">\s*)[^<\s]*')


def read_votable(path: Path) -> Table:
    """Read the first table of a VOTable file.

    Raises
    ------
    ValueError
        If there is no table in it.
    """
    document = parse(path)
    first = next(document.iter_tables(), None)
    if first is None:
        raise ValueError("there is no table in it")
    table = first.to_table(use_names_over_ids=True)
    table.meta = {info.name: info.value for info in document.infos}
    return table


def prepare_votable(table: Table) -> Table:
    """Return a table that XML can hold: control characters escaped, arrays of texts as JSON."""
    table = with_texts(table, lambda text: escaped(text, _NOT_XML))
    for name in table.colnames:
        data, mask = values_and_mask(table[name])
        if data.dtype.kind == "U" and data.ndim > 1:
            hidden = whole(mask)
            cells = [json.dumps(cell, ensure_ascii=False) for cell in np.where(mask, "", data).tolist()]
            texts = np.array(cells, dtype=str if cells else "U1")
            table[name] = rebuilt(table[name], np.where(hidden, "", texts), hidden)
    return table


def stored_in_votable(facts: ColumnStats) -> np.dtype:
    """Return the type to write a column as: integers with holes in their arrays as floats."""
    dtype = widened(facts)
    if dtype.kind == "U":
        # VOTable counts units of UTF-16, of which a character beyond U+FFFF takes two.
        return np.dtype(f"U{max(facts.utf16, dtype.itemsize // 4)}")
    return np.dtype(float) if facts.holes and dtype.kind in "iu" else dtype


def write_votable(stream: BinaryIO, layout: TableSchema, meta: dict[str, Any]) -> None:
    """Write a VOTable file in BINARY2; `meta` becomes INFO elements.

    TABLEDATA would lose blanks at either end of a text.
    """
    document = _document(layout.empty(stored_in_votable, rows=min(layout.rows, 1)), meta)
    content = _STREAM.search(document)
    stream.write(document[: content.end(1)] if content else document)
    if content:
        carried = b""
        for block in layout.blocks(stored_in_votable):
            raw = carried + _rows(block)
            even = len(raw) // 3 * 3
            stream.write(base64.b64encode(raw[:even]))
            carried = raw[even:]
        stream.write(base64.b64encode(carried) + document[content.end() :])


def _document(table: Table, meta: dict[str, Any]) -> bytes:
    votable = from_table(table)
    for field in votable.get_first_table().fields:
        if field.datatype == "bit":  # astropy's choice for truth values, which few programs read
            field.datatype = "boolean"
    for key, value in meta.items():
        text = value if isinstance(value, str) else json.dumps(value, default=str)
        votable.infos.append(Info(name=str(key), value=escaped(text, _NOT_XML)))
    buffer = io.BytesIO()
    votable.to_xml(buffer, tabledata_format="binary2")
    return buffer.getvalue()


def _rows(table: Table) -> bytes:
    """Return rows in BINARY2: a bit for each column that says whether it is null, and the values, big-endian.

    As astropy does it, a value at a time and some hundred times slower.
    """
    hidden = np.zeros((len(table), len(table.colnames)), dtype=bool)
    fields: list[tuple[Any, ...]] = [("null", "u1", ((len(table.colnames) + 7) // 8,))]
    columns = []
    for number, (dtype, values, mask) in enumerate(map(_field, table.columns.values())):
        fields.append((f"f{number}", dtype, values.shape[1:]))
        columns.append(values)
        hidden[:, number] = whole(mask)
    rows = np.zeros(len(table), dtype=fields)
    rows["null"] = np.packbits(hidden, axis=1)
    for number, values in enumerate(columns):
        rows[f"f{number}"] = values
    return rows.tobytes()


def _field(column: Column) -> tuple[str, np.ndarray, np.ndarray]:
    data, mask = values_and_mask(column)
    if data.dtype.kind == "U":
        size = data.dtype.itemsize // 2
        return f"S{size}", np.array([value.encode("utf-16-be") for value in data.tolist()], dtype=f"S{size}"), mask
    if data.dtype.kind == "b":
        return "S1", np.where(mask, b"?", np.where(data, b"T", b"F")), mask
    return data.dtype.newbyteorder(">").str, data, mask
