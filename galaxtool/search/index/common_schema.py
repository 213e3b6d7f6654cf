"""One schema for the objects of several indexes and catalogues, whose columns may be of other types and units."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pyarrow as pa
from astropy.units import Unit

from galaxtool.inputs.cells import list_texts
from galaxtool.tables.common_columns import convert_values, describe_units, find_common_unit
from galaxtool.tables.formats.parquet import to_arrow_field, to_astropy_column
from galaxtool.tables.formats.plain_columns import get_values_and_mask, replace_values
from galaxtool.utils.unit_texts import is_computable_unit

_UNIT = b"unit"


def unify_schemas(
    schemas: Sequence[pa.Schema], loses_digits: Callable[[str], bool], say: Callable[[str], None]
) -> pa.Schema:
    """Return all columns of several tables.

    Parameters
    ----------
    schemas : sequence of pyarrow.Schema
        Columns of each table.
    loses_digits : callable
        Tells of a column whether some integers in it are too large for floats. Such a column becomes text where others
        have floats, as one does that holds numbers in one table and text in another.
    say : callable
        Takes a sentence on a column that is in different units. It gets that of the first table that states one, or
        none if the others cannot be converted to it.
    """
    fields: dict[str, list[pa.Field]] = {}
    for one in schemas:
        for field in one:
            fields.setdefault(field.name, []).append(field)
    return pa.schema([_unify(same, loses_digits, say) for same in fields.values()])


def fit_items(items: pa.Table, schema: pa.Schema) -> pa.Table:
    """Return a table with the columns of a schema, in its types and units, null where it lacks one."""
    columns = [
        _fit(items.schema.field(field.name), items[field.name], field)
        if field.name in items.column_names
        else pa.nulls(len(items), field.type)
        for field in schema
    ]
    return pa.Table.from_arrays(columns, schema=schema)


def _unify(fields: Sequence[pa.Field], loses_digits: Callable[[str], bool], say: Callable[[str], None]) -> pa.Field:
    found = fields[0]
    for other in fields[1:]:
        if other.type != found.type:
            found = found.with_type(_find_common_type(found, other, loses_digits))
    units = [_read_unit(field) for field in fields]
    common = find_common_unit(units)
    if len({str(unit) for unit in units if unit is not None}) > 1:
        if pa.types.is_string(found.type) or pa.types.is_boolean(found.type):
            common = None
        say(describe_units(found.name, units, common))
        if common is not None and pa.types.is_integer(found.type):
            found = found.with_type(pa.float64())
    notes = {key: value for key, value in (found.metadata or {}).items() if key != _UNIT}
    if common is not None:
        notes[_UNIT] = common.to_string().encode()
    return found.with_metadata(notes or None)


def _find_common_type(first: pa.Field, second: pa.Field, loses_digits: Callable[[str], bool]) -> pa.DataType:
    """Return a type that holds the values of both: text if no type of numbers does."""
    try:
        pair = [pa.schema([field.remove_metadata()]) for field in (first, second)]
        unified = pa.unify_schemas(pair, promote_options="permissive").field(0).type
    except pa.ArrowException:
        return pa.string()
    kinds = (first.type, second.type)
    is_mixed = pa.types.is_floating(unified) or any(map(pa.types.is_uint64, kinds))
    if is_mixed and any(map(pa.types.is_integer, kinds)) and loses_digits(first.name):
        return pa.string()
    return pa.string() if pa.types.is_nested(unified) and unified not in kinds else unified


def _fit(own: pa.Field, values: pa.ChunkedArray, wanted: pa.Field) -> pa.ChunkedArray | pa.Array:
    unit, common = _read_unit(own), _read_unit(wanted)
    if pa.types.is_string(wanted.type) and not pa.types.is_string(own.type):
        column = to_astropy_column(own, values)
        return pa.array([text or None for text in list_texts(column)], wanted.type)
    if unit is not None and common is not None and unit != common:
        column = to_astropy_column(own, values)
        numbers, mask = get_values_and_mask(column)
        column.name = own.name
        values = to_arrow_field(replace_values(column, convert_values(numbers, unit, common), mask))[1]
    return values if values.type == wanted.type else values.cast(wanted.type)


def _read_unit(field: pa.Field) -> Any:
    """Return the unit of a column; None if it has none."""
    text = (field.metadata or {}).get(_UNIT, b"").decode()
    return Unit(text, parse_strict="silent") if text and is_computable_unit(text) else None
