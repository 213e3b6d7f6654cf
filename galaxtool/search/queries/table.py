"""Queries from the rows of a table."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from astropy.table import Table

from galaxtool.errors import TableError
from galaxtool.inputs.cells import list_texts
from galaxtool.inputs.positions.find import read_positions
from galaxtool.search.queries.examples import ANY, ID, IMAGE, POSITION, SYMBOL, TEXT, UNLIKE_WEIGHT, Example, QueryArgs
from galaxtool.tables.column_names import ID_COLUMNS, PATH_COLUMNS, list_columns
from galaxtool.tables.read import read_table

_NAMES = ("query", "name")
_NOT = ("not", "unlike")


def read_queries(path: Path) -> list[QueryArgs]:
    """Return a query for each row of a table.

    Parameters
    ----------
    path : Path
        Table with some of the columns image (or path, file, ...), text, symbol, id, ra and dec, and not; those that are
        filled in a row are combined to its query. ``query`` or ``name`` is its name. Where a row has an image, a text,
        a symbol or a position, its ``id`` is the name too; otherwise it is the identifier of an indexed object.
        Relative paths start at the folder of the table, else at the working folder.

    Raises
    ------
    TableError
        If the table cannot be read, has none of these columns, or a row has nothing to ask for.
    """
    table = read_table(path)
    columns = {name.strip().lower(): name for name in reversed(table.colnames)}
    texts = {
        kind: _read_texts(table, columns, names)
        for kind, names in (
            (IMAGE, PATH_COLUMNS), (TEXT, ("text",)), (SYMBOL, ("symbol",)), (ID, ID_COLUMNS[:-1]), (ANY, _NOT),
            ("", _NAMES),
        )
    }  # fmt: skip
    positions = read_positions(table, path)
    queries = []
    for row in range(len(table)):
        filled = {kind: values[row] for kind, values in texts.items() if values and values[row]}
        if IMAGE in filled:
            filled[IMAGE] = _find_file(filled[IMAGE], path.parent)
        where = (float(positions.ra[row]), float(positions.dec[row]))
        name = filled.pop("", "")
        if np.isfinite(where).all() or filled.keys() & {IMAGE, TEXT, SYMBOL}:
            name = name or filled.pop(ID, "")
        examples = list(_make_examples(filled, where))
        if not any(one.weight > 0 for one in examples):
            raise TableError(
                f"Row {row + 1} of '{path}' has nothing to ask for.",
                hint="Fill one of the columns image, text, symbol, id, or ra and dec; the table has "
                f"{list_columns(table)}.",
            )
        queries.append(QueryArgs(examples=examples, name=name))
    if not queries:
        raise TableError(f"The table of queries '{path}' has no rows.", hint="Write one query on each row.")
    return queries


def _make_examples(filled: dict[str, str], where: tuple[float, float]) -> Iterator[Example]:
    for kind in (IMAGE, TEXT, SYMBOL, ID):
        if kind in filled:
            yield Example(kind=kind, value=filled[kind])
    if np.isfinite(where).all():
        yield Example(kind=POSITION, value=where)
    if ANY in filled:
        yield Example(kind=ANY, value=filled[ANY], weight=UNLIKE_WEIGHT)


def _read_texts(table: Table, columns: dict[str, str], names: tuple[str, ...]) -> list[str]:
    """Return the values of the first of some columns that the table has, as texts; empty where masked."""
    name = next((columns[one] for one in names if one in columns), None)
    if name is None:
        return []
    return list_texts(table[name])


def _find_file(text: str, folder: Path) -> str:
    beside = folder / text
    return str(beside) if not Path(text).is_absolute() and beside.exists() else text
