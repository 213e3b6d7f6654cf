"""Select the rows of a table by an SQL expression: ``label in ('fri', 'frii') and g - r > 0.7``.

The expression is what follows WHERE in a query of SQLite: comparisons, ``and``, ``or``, ``not``, arithmetic,
``between``, ``in``, ``like``, ``is null``, ``case``, ``cast`` and the functions in
`galaxtool.tables.where_expression.FUNCTIONS`.

* Texts go in single quotes. Names of columns may be written in upper or lower case; a name with unusual characters goes
  in double quotes: ``"smooth-or-featured_smooth" > 0.5``.
* A masked value, NaN and the empty text are NULL, and NULL follows SQL: a comparison with it is unknown, and so is
  its negation, so that neither ``z > 0.1`` nor ``not z > 0.1`` holds. Write ``z is null`` to select such rows.
* The quotient of two integers is an integer, as in SQL: write ``1.0 * a / b`` for the ratio of two counts.
* Single-precision numbers are compared as the decimals that they print as: ``p = 0.1`` holds for float32 0.1.

The query runs on a table in memory that holds nothing but the columns named. It can read these and call the functions
listed, nothing else, and it is stopped when it takes too long.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from typing import Any

import numpy as np
from astropy.table import Table

from galaxtool.errors import TableError
from galaxtool.tables.formats.plain_columns import escape_surrogates, get_values_and_mask, simplify_column
from galaxtool.tables.where_expression import FUNCTIONS, WhereExpression, parse_where, shorten

_LIMITS = {
    sqlite3.SQLITE_LIMIT_EXPR_DEPTH: 1000,
    sqlite3.SQLITE_LIMIT_SQL_LENGTH: 10_000_000,
    sqlite3.SQLITE_LIMIT_LIKE_PATTERN_LENGTH: 1000,
    sqlite3.SQLITE_LIMIT_LENGTH: 10_000_000,
    sqlite3.SQLITE_LIMIT_ATTACHED: 0,
}
_STEPS, _STEPS_PER_ROW = 20_000_000, 5000
_STEPS_PER_CHECK = 10_000


def filter_rows(table: Table, expression: str) -> np.ndarray:
    """Tell for each row of a table whether an SQL expression is true.

    Parameters
    ----------
    table : Table
        N rows.
    expression : str
        Condition on the columns, see the module.

    Returns
    -------
    ndarray of bool, shape (N,)
        False where the condition is false or unknown (NULL).

    Raises
    ------
    TableError
        If the expression is not valid, names an unknown column or one that holds arrays or complex numbers, compares a
        number with a text, gives a text, or takes too long.

    Examples
    --------
    >>> filter_rows(Table({"g": [17.2, 16.0], "r": [16.4, 15.8]}), "g - r > 0.7").tolist()
    [True, False]
    """
    where = parse_where(escape_surrogates(expression), [escape_surrogates(name) for name in table.colnames])
    originals = {escape_surrogates(name): name for name in table.colnames}
    columns, kinds = [], {}
    for name in where.columns:
        values, kinds[name] = _to_sql_values(table[originals[name]], name)
        columns.append(values)
    where.check_kinds(kinds)
    mask = np.zeros(len(table), dtype=bool)
    try:
        with closing(_load(columns, len(table))) as connection:
            mask[_find_matching_rows(connection, where)] = True
    except sqlite3.Error as error:
        raise _explain(error, where) from error
    return mask


def find_columns(expression: str, names: Sequence[str]) -> list[str]:
    """Return which columns of a table an SQL expression names; at least one, so that a table of them has its rows.

    Raises
    ------
    TableError
        If the expression is not valid or names an unknown column.
    """
    originals = {escape_surrogates(name): name for name in names}
    where = parse_where(escape_surrogates(expression), list(originals))
    return [originals[name] for name in where.columns] or list(names[:1])


def _to_sql_values(column: Any, name: str) -> tuple[list[Any], str]:
    """Return a column as values of SQL, None for NULL, and whether it is ``"number"`` or ``"text"``."""
    if column.dtype.kind == "c" or len(column.shape) > 1:
        what = "several values in each row" if len(column.shape) > 1 else "complex numbers"
        raise TableError(
            f"The column '{name}' has {what} and cannot be used in an expression.",
            hint="Name a column of single values.",
        )
    half = column.dtype.kind == "f" and column.dtype.itemsize < 4
    data, mask = get_values_and_mask(column if half else simplify_column(column))
    kind = data.dtype.kind
    values: list[Any]
    if kind == "U":
        values = [escape_surrogates(text) for text in data.tolist()]
    elif kind == "f":
        mask = mask | np.isnan(data)
        values = (data.astype(str).astype(float) if data.dtype.itemsize < 8 else data).tolist()
    else:
        if kind == "u" and data.size and int(np.where(mask, 0, data).max()) > np.iinfo(np.int64).max:
            raise TableError(
                f"The column '{name}' has integers of more than 63 bits, which SQL does not have.",
                hint="Use another column, or write this one as text.",
            )
        values = data.tolist()
    if mask.any():
        values = [None if hidden else value for value, hidden in zip(values, mask.tolist(), strict=True)]
    return values, "text" if kind == "U" else "number"


def _load(columns: list[list[Any]], n_rows: int) -> sqlite3.Connection:
    """Return a database in memory whose only table holds these columns, locked for anything but reading them."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    for limit, value in _LIMITS.items():
        connection.setlimit(limit, value)
    # columns without a type: SQLite then converts no text to a number, nor the other way round
    names = ["row_number INTEGER PRIMARY KEY", *(f"c{k}" for k in range(len(columns)))]
    connection.execute(f"CREATE TABLE catalogue ({', '.join(names)})")
    marks = ", ".join("?" * len(names))
    connection.execute("BEGIN")
    connection.executemany(f"INSERT INTO catalogue VALUES ({marks})", zip(range(n_rows), *columns, strict=True))
    connection.execute("COMMIT")
    connection.set_authorizer(_authorize)
    checks_left = (_STEPS + _STEPS_PER_ROW * n_rows) // _STEPS_PER_CHECK

    def count_steps() -> int:
        nonlocal checks_left
        checks_left -= 1
        return int(checks_left < 0)

    connection.set_progress_handler(count_steps, _STEPS_PER_CHECK)
    return connection


def _authorize(action: int, first: str | None, second: str | None, database: str | None, trigger: str | None) -> int:
    """Allow a query to read the table and to call the functions listed, and nothing else."""
    allowed = (
        action == sqlite3.SQLITE_SELECT
        or (action == sqlite3.SQLITE_READ and first == "catalogue")
        or (action == sqlite3.SQLITE_FUNCTION and second in FUNCTIONS)
    )
    return sqlite3.SQLITE_OK if allowed else sqlite3.SQLITE_DENY


def _find_matching_rows(connection: sqlite3.Connection, where: WhereExpression) -> list[int]:
    # parse_where rejects every token that could end the condition or begin another query
    rows = [row for (row,) in connection.execute(f"SELECT row_number FROM catalogue WHERE {where.sql}")]
    texts = f"SELECT 1 FROM catalogue WHERE typeof({where.sql}) = 'text' LIMIT 1"
    if connection.execute(texts).fetchone():
        raise TableError(
            f"'{shorten(where.source)}' gives a text, not a truth value.",
            hint="Compare it with something, e.g. label = 'spiral'.",
        )
    return rows


def _explain(error: sqlite3.Error, where: WhereExpression) -> TableError:
    """Translate an error of SQLite into the terms of the expression."""
    names = {f"c{k}": name for k, name in enumerate(where.columns)}
    problem = re.sub(r"\bc\d+\b", lambda match: names.get(match[0], match[0]), str(error))
    if "interrupted" in problem:
        return TableError(
            f"The expression '{shorten(where.source)}' takes too long on this table.", hint="Make it simpler."
        )
    if "incomplete input" in problem:
        problem = "it ends too early"
    elif near := re.match(r'near "(.+)": syntax error', problem):
        problem = f"syntax error near '{near[1]}'"
    return TableError(
        f"'{shorten(where.source)}' is not a valid SQL condition: {shorten(problem)}.",
        hint="Conditions look like: label in ('spiral', 'merger') and redshift < 0.1",
    )
