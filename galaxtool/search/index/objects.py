"""The objects of an index: their identity, and the columns that came with them (``items.parquet``)."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
from astropy.table import Table

from galaxtool.containers.find import locate_image
from galaxtool.tables.column_names import avoid_names
from galaxtool.tables.formats.parquet import to_arrow_field
from galaxtool.tables.formats.plain_columns import escape_surrogates, map_texts, simplify_table
from galaxtool.types import ImageRef

BANDS = "bands"
"""Column with the file of each band as JSON, only where some object has one file per band."""

OWN_COLUMNS = ("id", "path", "ra", "dec")
"""Columns that every index has."""

_SCHEMA = pa.schema([("id", pa.string()), ("path", pa.string()), ("ra", pa.float64()), ("dec", pa.float64())])


@dataclass(frozen=True, slots=True)
class IndexedObject:
    """One object of an index.

    Parameters
    ----------
    id : str
        Identifier, unique in the index.
    path : str
        Absolute path of its image, which may no longer exist.
    ra, dec : float or None
        Position in degrees, ICRS; None if unknown.
    bands : dict of str
        Absolute path of the file of each band; empty unless every band has its own file.
    """

    id: str
    path: str
    ra: float | None = None
    dec: float | None = None
    bands: dict[str, str] = field(default_factory=dict)

    @property
    def ref(self) -> ImageRef:
        """Where its image is stored on this disk."""
        if self.bands:
            return ImageRef(Path(self.path), bands=tuple((band, Path(path)) for band, path in self.bands.items()))
        return locate_image(self.path)


def restore_object(values: dict[str, Any]) -> IndexedObject:
    """Return the object of a row of ``items.parquet``."""
    own = {name: values[name] for name in OWN_COLUMNS}
    return IndexedObject(**own, bands=json.loads(values.get(BANDS) or "{}"))


def make_items(objects: Sequence[IndexedObject], columns: Table | None = None, *, with_bands: bool = False) -> pa.Table:
    """Return objects as a table of ``items.parquet``.

    Parameters
    ----------
    objects : sequence of IndexedObject
        N objects.
    columns : Table, optional
        N rows of catalogue columns, which follow ours; one that bears the name of ours becomes ``in_<name>``. Units and
        descriptions become metadata of the fields.
    with_bands : bool
        Whether there is a column `BANDS`.
    """
    values = {name: [getattr(item, name) for item in objects] for name in OWN_COLUMNS}
    for name in ("id", "path"):  # Parquet cannot store a file name that is not UTF-8
        values[name] = [escape_surrogates(text) for text in values[name]]
    table = pa.table(values, schema=_SCHEMA)
    if with_bands:
        table = table.append_column(BANDS, pa.array([json.dumps(item.bands) for item in objects], pa.string()))
    if columns is None:
        return table
    plain = map_texts(simplify_table(columns), escape_surrogates)
    for name, new in zip(plain.colnames, name_columns(plain), strict=True):
        arrow_field, array = to_arrow_field(plain[name])
        table = table.append_column(arrow_field.with_name(new), array)
    return table


def name_columns(columns: Table) -> list[str]:
    """Return the names that columns of a catalogue have beside ours."""
    return avoid_names([escape_surrogates(name) for name in columns.colnames], (*OWN_COLUMNS, BANDS))


def check_items(table: pa.Table) -> pa.Table:
    """Return a table with our columns first, each of the type that it must have.

    Raises
    ------
    KeyError, ValueError, pyarrow.ArrowException
        If one of them is missing, or has values of another type.
    """
    ours = _SCHEMA.append(pa.field(BANDS, pa.string())) if BANDS in table.column_names else _SCHEMA
    checked = table.select(ours.names)
    if checked.schema != ours:
        checked = checked.cast(ours)
    for name in table.column_names:
        if name not in ours.names:
            checked = checked.append_column(table.schema.field(name), table[name])
    for name in ("id", "path"):
        if checked[name].null_count:
            raise ValueError(f"the column '{name}' has rows without a value")
    for text in checked[BANDS].drop_null().to_pylist() if BANDS in checked.column_names else ():
        files = json.loads(text)
        if not isinstance(files, dict) or not all(isinstance(path, str) for path in files.values()):
            raise ValueError(f"the column '{BANDS}' has a row that does not name a file for each band")
    return checked
