"""The units of columns of positions: from the column, its name, or a column beside it."""

from __future__ import annotations

from pathlib import Path

from astropy import units as u
from astropy.table import Table

from galaxtool.inputs.cells import TextColumn
from galaxtool.tables.angles import parse_angle_unit
from galaxtool.tables.position_names import PositionName, PositionPair


def find_unit(table: Table, column: str, name: PositionName) -> tuple[u.UnitBase | None, str]:
    """Return the unit of a column, degrees by default, and its text; None if it is not a unit of its angles.

    Parameters
    ----------
    table : Table
        The catalogue.
    column : str
        Name of the column.
    name : PositionName
        What the name says; a unit after ``!`` is from the user.
    """
    text = _state_unit(table, column, name)
    unit: u.UnitBase | None = parse_angle_unit(text) if text else u.deg
    return (None if name.axis and unit == u.hourangle else unit), text


def states_unit(table: Table, pair: PositionPair) -> bool:
    """Tell whether a unit is stated for one of two columns."""
    return any(_state_unit(table, column, name) for column, name in zip((pair.lon, pair.lat), pair.names, strict=True))


def suspect_degrees(table: Table, source: Path, pair: PositionPair) -> tuple[str, ...]:
    """Warn of right ascensions such as 10:00:00 in a column whose unit is degrees."""
    column = table[pair.lon]
    text = _state_unit(table, pair.lon, pair.names[0])
    if pair.kind or column.dtype.kind != "U" or not text or parse_angle_unit(text) != u.deg:
        return ()
    first = next((value for value in TextColumn(column) if value), "")
    if not (":" in first or " " in first):
        return ()
    return (
        f"The column '{pair.lon}' of '{source}' has the unit '{text}', so texts such as '{first}' are read as degrees, "
        f"minutes and seconds: if they are hours, say so with --ra-column '{pair.lon}[hours]'.",
    )


def _state_unit(table: Table, column: str, name: PositionName) -> str:
    """Return the unit that is stated for a column; empty if none is."""
    if name.unit.startswith("!"):
        return name.unit[1:]
    beside = next((other for other in table.colnames if other.lower() in _unit_names(column)), None)
    texts = [str(table[column].unit or "").strip(), name.unit]
    if beside is not None and table[beside].dtype.kind == "U" and table[beside].ndim == 1:
        texts += sorted({text for text in TextColumn(table[beside]) if text})[:2]  # one for all rows
    return next((text for text in texts if text), "")


def _unit_names(column: str) -> tuple[str, ...]:
    lower = column.lower()
    return f"{lower}_unit", f"{lower}_units", f"{lower}unit", f"{lower}.unit"
