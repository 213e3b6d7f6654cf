"""Units, frames of positions and meanings of columns that files keep outside the columns.

`column.meta` gets ``frame`` (as in ``FK4 B1950``), ``frame_of_table`` where it is only known for the whole table, and
``ucd``, which `galaxtool.inputs.positions.find` reads.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from astropy.io.votable.tree import FieldRef, TableElement, VOTableFile
from astropy.table import Table
from astropy.table.meta import get_header_from_yaml

from galaxtool.tables.formats.votable_document import parse_votable
from galaxtool.tables.formats.yaml_header import check_yaml_header

FRAME, TABLE_FRAME, UCD = "frame", "frame_of_table", "ucd"


def note_votable_frames(table: Table, element: TableElement, document: VOTableFile) -> None:
    """Store the frames of the COOSYS elements of a VOTable in its columns."""
    systems = {system.ID: _describe_system(system) for system in document.iter_coosys()}
    grouped = {
        entry.ref: group.ref
        for group in element.iter_groups()
        for entry in group.entries
        if isinstance(entry, FieldRef) and group.ref in systems
    }
    only = next(iter(systems.values())) if len(systems) == 1 else None
    for name, field in zip(table.colnames, element.fields, strict=True):
        frame = systems.get(field.ref) or systems.get(grouped.get(field.ID))
        if frame:
            table[name].meta[FRAME] = frame
        elif only:
            table[name].meta[TABLE_FRAME] = only


def note_parquet_columns(table: Table, metadata: Mapping[bytes, bytes]) -> None:
    """Store the units, frames and UCDs that astropy or a VOTable in the metadata of a Parquet file states."""
    # what others wrote there is of no concern if it cannot be parsed
    with suppress(Exception):
        if b"table_meta_yaml" in metadata:
            lines = metadata[b"table_meta_yaml"].decode().split("\n")
            check_yaml_header(lines)
            header = get_header_from_yaml(lines)
            for column in header["datatype"]:
                if "unit" in column and table[column["name"]].unit is None:
                    table[column["name"]].unit = column["unit"]
            note_frames(table, header.get("meta", {}).get("__serialized_columns__", {}))
    with suppress(Exception):
        if b"IVOA.VOTable-Parquet.content" in metadata:
            document = parse_votable(io.BytesIO(metadata[b"IVOA.VOTable-Parquet.content"]))
            element = next(document.iter_tables())
            for name, field in zip(table.colnames, element.fields, strict=True):
                table[name].unit = table[name].unit or field.unit
                if field.ucd:
                    table[name].meta[UCD] = field.ucd
            note_votable_frames(table, element, document)


def note_frames(table: Table, parts: Mapping[str, Any]) -> None:
    """Store the frames of positions that astropy took apart.

    Parameters
    ----------
    table : Table
        Table with a column for each part.
    parts : mapping
        The entry ``__serialized_columns__`` in the metadata of such a table.
    """
    for name, part in parts.items():
        if isinstance(part, Mapping) and str(part.get("__class__", "")).endswith("SkyCoord"):
            frame = f"{part.get('frame', '')} {_equinox(part.get('equinox'))}".strip()
            for column in table.colnames:
                if column.startswith(f"{name}."):
                    table[column].meta[FRAME] = frame


def _equinox(value: Any) -> str:
    if isinstance(value, Mapping):
        return str(next((value[key] for key in ("value", "jyear_str", "byear_str", "jd1") if key in value), ""))
    return str(getattr(value, "value", value or ""))


def _describe_system(system: Any) -> str:
    return f"{system.system or ''} {system.equinox or ''}".strip()
