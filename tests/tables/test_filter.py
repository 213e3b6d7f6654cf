"""Expressions over columns are SQL: they agree with a reference in Python, explain mistakes, and can do no harm."""

from __future__ import annotations

import math
import operator
import sqlite3
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from astropy.table import MaskedColumn, Table
from hypothesis import given, settings
from hypothesis import strategies as st

from galaxtool.errors import TableError
from galaxtool.tables import filter as filter_module
from galaxtool.tables.filter import filter_rows

TABLE = Table()
TABLE["n"] = np.array([1, 2, 3, 587722952767439450])
TABLE["z"] = MaskedColumn([0.1, 0.2, np.nan, 0.4], mask=[False, False, False, True])
TABLE["kind"] = MaskedColumn(["fri", "it's", "bent", ""], mask=[False, False, False, True])
TABLE["good"] = MaskedColumn([True, False, True, True], mask=[False, False, False, True])
TABLE["smooth-or-featured_smooth"] = [0.1, 0.9, 0.5, 0.3]
TABLE["two words"] = ["a", "b", "c", "d"]


@pytest.mark.parametrize(
    ("expression", "rows"),
    [
        ("n = 1", [0]),
        ("n == 587722952767439450", [3]),
        ("n == 587722952767439451", []),
        ("n <> 1 and n != 2", [2, 3]),
        ("2 <= n", [1, 2, 3]),
        ("n>1 AND n<1e6", [1, 2]),
        ("z > 0", [0, 1]),
        ("z != 0.1", [1]),
        ("not z > 0.15", [0]),
        ("not z > 0.15 or z is null", [0, 2, 3]),
        ("z isnull", [2, 3]),
        ("z is null", [2, 3]),
        ("z is not null", [0, 1]),
        ("z = null", []),
        ("kind = 'fri'", [0]),
        ("kind = 'it''s'", [1]),
        ("kind in ('fri', 'bent')", [0, 2]),
        ("kind not in ('fri', 'bent')", [1]),
        ("n in (1, 3.0)", [0, 2]),
        ("good", [0, 2]),
        ("not good", [1]),
        ("good = false", [1]),
        ("good is not true", [1, 3]),
        ('"smooth-or-featured_smooth" >= 0.5', [1, 2]),
        ("`two words` = 'c' or n = 1", [0, 2]),
        ("n = 1 or n = 2 and kind = 'bent'", [0]),
        ("(n = 1 or n = 2) and kind = 'bent'", []),
        ("not (n = 1 or n = 2)", [2, 3]),
        ("not not n = 1", [0]),
        ("n < z", []),
        ("z < `smooth-or-featured_smooth`", [1]),
        ("n > -1", [0, 1, 2, 3]),
        ("1 = 1", [0, 1, 2, 3]),
        ("kind >= 'c' ", [0, 1]),
        ("n", [0, 1, 2, 3]),
        ("N = 1 AND \"KIND\" = 'fri'", [0]),
        ("n + 1 > 2.5 and n - 1 < 2.5", [1, 2]),
        ("n between 2 and 3", [1, 2]),
        ("n not between 2 and 3", [0, 3]),
        ("kind like '%T%'", [1, 2]),
        ("kind glob '*t*'", [1, 2]),
        ("kind = 'FRI' collate nocase", [0]),
        ("lower(kind) = 'fri' or length(kind) = 4", [0, 1, 2]),
        ("coalesce(z, 9) > 1", [2, 3]),
        ("case when n > 2 then good else z > 0.15 end", [1, 2]),
        ("cast(n as text) like '58%'", [3]),
        ("max(n, 3) = 3", [0, 1, 2]),
        ("kind || n = 'fri1'", [0]),
        ("n % 2 = 1 and n / 2 = 0", [0]),
        ("1.0 * n / 2 = 0.5", [0]),
        ("n / 0 is null", [0, 1, 2, 3]),
        ("kind = 'a -- b;' or n = 1", [0]),
        ("n = 1 /* not", None),
        ("\n n\t=\r\n1", [0]),
    ],
)
def test_rows_for_which_it_holds(expression: str, rows: list[int] | None) -> None:
    if rows is None:
        with pytest.raises(TableError):
            filter_rows(TABLE, expression)
        return
    mask = filter_rows(TABLE, expression)
    assert mask.dtype == bool and mask.shape == (4,)
    assert np.flatnonzero(mask).tolist() == rows


@pytest.mark.parametrize(
    ("expression", "at", "says"),
    [
        ("(n = 1", 1, "never closed"),
        ("n = 1)", 6, "closes nothing"),
        ("kind = 'fri", 8, "quote is never closed"),
        ('kind = "fri', 8, "quote is never closed"),
        ("n = 1;", 6, "without ';'"),
        ("n = 12abc", 5, "not part of an expression"),
        ("n = ?", 5, "not part of an expression"),
        ("n = :n", 5, "not part of an expression"),
        ("n = $n", 5, "not part of an expression"),
        ("kind = 'a\0b'", 8, "quote is never closed"),
        ("n = 1 -- all", 7, "comments"),
        ("n = 1 /* all */", 7, "comments"),
    ],
)
def test_mistakes_are_marked(expression: str, at: int, says: str) -> None:
    with pytest.raises(TableError, match=rf"at character {at}: .*{says}") as caught:
        filter_rows(TABLE, expression)
    line, mark = caught.value.hint.split("\n")
    assert line == expression and mark == " " * (at - 1) + "^"


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ("", "empty"),
        ("  ", "empty"),
        ("n >", "ends too early"),
        ("n = 1 and", "ends too early"),
        ("n > > 2", "near '>'"),
        ("n = 1 kind", "near 'kind'"),
        ("n in 1, 2", "near '1'"),
        ("n, kind", "near ','"),
        ("n is in", "ends too early|near 'in'"),
        ("isnull(n)", "near 'isnull'"),
        ("n in ((1, 2))", "row value misused"),
        ("(n, kind)", "row value misused"),
        ("abs()", "wrong number of arguments to function abs"),
        ("max(n) = n", "misuse of aggregate"),
    ],
)
def test_what_is_not_sql(expression: str, says: str) -> None:
    with pytest.raises(TableError, match=says):
        filter_rows(TABLE, expression)


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ("knd = 'fri'", "Did you mean 'kind'"),
        ("kind = fri", "no column 'fri'"),
        ('kind = "fri"', "no column 'fri'"),
        ("kind = `fri`", "no column 'fri'"),
        ("kind in (fri, bent)", "no column 'fri'"),
        ("rowid = 1", "no column 'rowid'"),
        ("oid = 1", "no column 'oid'"),
        ("c0 = 1", "no column 'c0'"),
        ("row_number = 1", "no column 'row_number'"),
        ("catalogue.n = 1", "no column 'catalogue'"),
        ("kind > 3", "the column 'kind' is text"),
        ("kind > - 3", "the column 'kind' is text"),
        ("3 > kind", "the column 'kind' is text"),
        ("kind = n", "the column 'kind' is text and the column 'n' is not"),
        ("kind in ('a', 3)", "the column 'kind' is text and 3 is not"),
        ("kind not in (3)", "the column 'kind' is text and 3 is not"),
        ("n between 1 and '2'", "'2' is text"),
        ("n = '1'", "'1' is text"),
        ("kind", "gives a text"),
        ("'a'", "gives a text"),
        ("nothing is null", "no column 'nothing'"),
        ("sqrl(n) = 1", "no function 'sqrl', did you mean 'sqrt'"),
    ],
)
def test_names_and_kinds_that_do_not_fit(expression: str, says: str) -> None:
    with pytest.raises(TableError, match=says):
        filter_rows(TABLE, expression)


@pytest.mark.parametrize("expression", ["smooth-or-featured_smooth >= 0.5", "n = 1 and smooth-or-featured_smooth > 1"])
def test_unusual_names_without_quotes_are_explained(expression: str) -> None:
    with pytest.raises(TableError, match=r"no column 'smooth'.* Did you mean 'smooth-or-featured_smooth'") as caught:
        filter_rows(TABLE, expression)
    assert '"smooth-or-featured_smooth"' in caught.value.hint


@pytest.mark.parametrize(
    "expression",
    [
        "1); drop table catalogue; --",
        "1; drop table catalogue",
        "1) or (1",
        "1 = 1) --",
        "1 = 1 union select 1",
        "exists (select 1)",
        "n in (select 1)",
        "n in (with recursive r(x) as (select 1 union all select x + 1 from r) select x from r)",
        "(select count(*) from sqlite_master) > 0",
        "n in (values (1))",
        "n in catalogue",
        "n in pragma_table_info('catalogue')",
        "load_extension('libc.so.6')",
        "readfile('/etc/passwd') is null",
        "writefile('x', 'y')",
        "randomblob(1000000000) is null",
        "zeroblob(1000000000) is null",
        "random() > 0",
        "sqlite_version() > 0",
        "fts5(1)",
        "printf('%2000000000d', 1) is null",
        "raise(abort, 'x')",
        "row_number() over () > 1",
        "count(*) > 0",
        "kind match 'a'",
        "kind regexp 'a'",
        "kind -> '$'",
        "x'6162' = kind",
        "[n] = 1",
        "n = 1 limit 1",
        "n = 1 order by n",
        "n = 1 group by n",
        "__import__('os').system('ls')",
        "attach 'x' as y",
        "current_timestamp > 0",
    ],
)
def test_hostile_expressions_are_refused(expression: str) -> None:
    with pytest.raises(TableError) as caught:
        filter_rows(TABLE, expression)
    assert "\n" not in caught.value.message


def test_the_query_may_only_read_its_table() -> None:
    """What the parser lets through by mistake is stopped by SQLite."""
    with filter_module._load([[1, 2]], 2) as connection:
        for query in (
            "DROP TABLE catalogue",
            "DELETE FROM catalogue",
            "INSERT INTO catalogue VALUES (9, 9)",
            "ATTACH 'other.db' AS other",
            "PRAGMA user_version",
            "SELECT * FROM sqlite_master",
            "SELECT load_extension('x')",
            "SELECT randomblob(9)",
            "CREATE TABLE other (x)",
            "WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM r) SELECT x FROM r",
        ):
            with pytest.raises(sqlite3.DatabaseError, match=r"authorized|prohibited"):
                connection.execute(query).fetchall()
        assert connection.execute("SELECT c0 FROM catalogue").fetchall() == [(1,), (2,)]
    connection.close()


@pytest.mark.parametrize(
    "expression",
    [
        "(" * 2000 + "n" + ")" * 2000,
        "not " * 5000 + "good",
        " or ".join(f"n = {k}" for k in range(5000)),
        "kind like '" + "%a" * 2000 + "'",
        "n = 1 or " * 200_000 + "n = 1",
        "abs(-9223372036854775807 - 1) > 0",
        "replace('" + "a" * 5000 + "', 'a', '" + "b" * 5000 + "') = 'a'",
    ],
    ids=range(7),
)
def test_oversized_expressions_are_refused(expression: str) -> None:
    with pytest.raises(TableError):
        filter_rows(TABLE, expression)


def test_long_work_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filter_module, "_STEPS", 0)
    monkeypatch.setattr(filter_module, "_STEPS_PER_ROW", 2)
    with pytest.raises(TableError, match="takes too long"):
        filter_rows(Table({"n": np.arange(50_000)}), " or ".join(f"n = {k}" for k in range(100)))


def test_lists_may_be_long() -> None:
    names = ", ".join(f"'object {k}'" for k in range(30_000))
    table = Table({"name": ["object 29999", "object 30000"]})
    assert filter_rows(table, f"name in ({names})").tolist() == [True, False]


def test_columns_of_arrays_bytes_and_complex_numbers() -> None:
    table = Table({"a": np.zeros((2, 3)), "b": np.array([b"x", b"y"]), "c": [1j, 2j], "o": np.array(["p", None])})
    assert filter_rows(table, "b = 'x'").tolist() == [True, False]
    assert filter_rows(table, "o is null").tolist() == [False, True]
    with pytest.raises(TableError, match="'a' has several values"):
        filter_rows(table, "a > 1")
    with pytest.raises(TableError, match="'c' has complex numbers"):
        filter_rows(table, "c = 1")


@pytest.mark.parametrize("dtype", ["i1", "u1", ">i2", "u4", "i8", "f2", "f4", ">f4", "f8", "longdouble"])
def test_numbers_of_any_type(dtype: str) -> None:
    table = Table({"x": np.array([1, 2, 3], dtype=dtype)})
    assert filter_rows(table, "x >= 2 and x < 3").tolist() == [False, True, False]


def test_single_precision_is_compared_as_printed() -> None:
    table = Table({"p": np.array([0.1, 0.9], dtype=np.float32), "h": np.array([0.1, 0.9], dtype=np.float16)})
    assert filter_rows(table, "p = 0.1 and h = 0.1").tolist() == [True, False]
    assert filter_rows(table, "p >= 0.9").tolist() == [False, True]


def test_unsigned_integers_beyond_63_bits() -> None:
    table = Table({"u": MaskedColumn(np.array([1, 2**63], dtype=np.uint64), mask=[False, True])})
    assert filter_rows(table, "u = 1").tolist() == [True, False]
    with pytest.raises(TableError, match="'u' has integers of more than 63 bits"):
        filter_rows(Table({"u": np.array([1, 2**63], dtype=np.uint64)}), "u = 1")


def test_names_that_differ_in_case_only() -> None:
    table = Table({"F": [1, 2], "f": [3, 4]})
    assert filter_rows(table, "F = 2").tolist() == filter_rows(table, "f = 4").tolist() == [False, True]
    table = Table({"Fr": [1, 2], "fR": [3, 4]})
    with pytest.raises(TableError, match="'FR' may be any of 'Fr', 'fR'"):
        filter_rows(table, "FR = 2")


@pytest.mark.parametrize("name", ['a"b', "a`b", "select", "and", "end", "rowid", "a.b", "1st", "é", "a\udce9", "c1"])
def test_columns_of_any_name(name: str) -> None:
    table = Table({"c0": [5, 6], name: [1, 2]})
    quoted = '"' + name.replace('"', '""') + '"'
    assert filter_rows(table, f"{quoted} = 2 and c0 = 6").tolist() == [False, True]


def test_texts_with_bytes_that_are_not_utf8() -> None:
    table = Table({"path": ["a\udce9.fits", "b.fits"]})
    assert filter_rows(table, "path = 'a\udce9.fits'").tolist() == [True, False]


def test_only_columns_that_are_named_are_converted() -> None:
    table = Table({f"x{k}": np.zeros((2, 3)) for k in range(3000)})
    table["n"] = [1, 2]
    assert filter_rows(table, "n = 1").tolist() == [True, False]


def test_tables_without_rows() -> None:
    assert filter_rows(TABLE[:0], "n > 1 and kind in ('a') and not z is null").shape == (0,)


ROWS: list[dict[str, Any]] = [
    {"x": x, "y": y, "t": t}
    for x, y, t in zip(
        [0, 1, None, 3, 4, None, -7],
        [2.0, None, 1.0, 0.5, 4.0, -1.0, 0.0],
        ["a", "b", None, "", "B", "a", "c"],
        strict=True,
    )
]
RANDOM = Table(
    {
        "x": MaskedColumn([row["x"] or 0 for row in ROWS], mask=[row["x"] is None for row in ROWS]),
        "y": [math.nan if row["y"] is None else row["y"] for row in ROWS],
        "t": MaskedColumn([row["t"] or "" for row in ROWS], mask=[row["t"] is None for row in ROWS]),
    }
)
Evaluate = Callable[[dict[str, Any]], Any]
COMPARE: dict[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq, "==": operator.eq, "!=": operator.ne, "<>": operator.ne,
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {"+": operator.add, "-": operator.sub, "*": operator.mul}


def null_if_any(function: Callable[..., Any], *arguments: Any) -> Any:
    return None if any(argument is None for argument in arguments) else function(*arguments)


def divide(a: float, b: float) -> float | None:
    if b == 0:
        return None
    return (
        (abs(a) // abs(b)) * (1 if (a < 0) == (b < 0) else -1) if isinstance(a, int) and isinstance(b, int) else a / b
    )


def both(a: bool | None, b: bool | None) -> bool | None:
    if a is False or b is False:
        return False
    return None if a is None or b is None else True


def negate(a: bool | None) -> bool | None:
    return None if a is None else not a


def column(name: str) -> tuple[str, Evaluate]:
    return name, lambda row: None if row[name] == "" else row[name]


def literal(value: Any) -> tuple[str, Evaluate]:
    text = "'" + value + "'" if isinstance(value, str) else repr(value)
    return text, lambda row: value


NUMBERS = st.recursive(
    st.sampled_from([column("x"), column("y")])
    | (st.integers(-3, 6) | st.sampled_from([0.5, -1.25, 2.0, 1e-3])).map(literal),
    lambda inner: st.tuples(inner, st.sampled_from([*ARITHMETIC, "/"]), inner).map(
        lambda parts: (
            f"({parts[0][0]} {parts[1]} {parts[2][0]})",
            lambda row: null_if_any(ARITHMETIC.get(parts[1], divide), parts[0][1](row), parts[2][1](row)),
        )
    ),
    max_leaves=4,
)
TEXTS = st.sampled_from([column("t"), *map(literal, ["a", "b", "B", "z"])])


def comparisons(operands: st.SearchStrategy[tuple[str, Evaluate]]) -> st.SearchStrategy[tuple[str, Evaluate]]:
    simple = st.tuples(operands, st.sampled_from(sorted(COMPARE)), operands).map(
        lambda parts: (
            f"{parts[0][0]} {parts[1]} {parts[2][0]}",
            lambda row: null_if_any(COMPARE[parts[1]], parts[0][1](row), parts[2][1](row)),
        )
    )
    between = st.tuples(operands, operands, operands).map(
        lambda parts: (
            f"{parts[0][0]} between {parts[1][0]} and {parts[2][0]}",
            lambda row: both(
                null_if_any(operator.ge, parts[0][1](row), parts[1][1](row)),
                null_if_any(operator.le, parts[0][1](row), parts[2][1](row)),
            ),
        )
    )
    null = st.tuples(operands, st.booleans()).map(
        lambda parts: (
            f"{parts[0][0]} is {'not ' * parts[1]}null",
            lambda row: (parts[0][1](row) is None) != parts[1],
        )
    )
    return simple | between | null


EXPRESSIONS = st.recursive(
    comparisons(NUMBERS) | comparisons(TEXTS),
    lambda inner: (
        st.tuples(inner, inner).map(
            lambda two: (f"({two[0][0]}) and ({two[1][0]})", lambda row: both(two[0][1](row), two[1][1](row)))
        )
        | st.tuples(inner, inner).map(
            lambda two: (
                f"({two[0][0]} OR ({two[1][0]}))",
                lambda row: negate(both(negate(two[0][1](row)), negate(two[1][1](row)))),
            )
        )
        | inner.map(lambda one: (f"not ({one[0]})", lambda row: negate(one[1](row))))
    ),
    max_leaves=8,
)


@settings(max_examples=300, deadline=None)
@given(EXPRESSIONS)
def test_agrees_with_a_reference(pair: tuple[str, Evaluate]) -> None:
    expression, evaluate = pair
    assert filter_rows(RANDOM, expression).tolist() == [evaluate(row) is True for row in ROWS], expression


WORDS = (
    "n", "z", "kind", "good", "'a'", "1", "2.5", "(", ")", ",", "=", "<", "||", "-", "+", "*", "and", "or", "not", "in",
    "is", "null", "between", "like", "case", "when", "then", "else", "end", "cast", "as", "real", "collate", "nocase",
    "abs", "max", "typeof", "true", "select", "from",
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(
    st.text("nz kid()'`\"<>=!,.0123456789andortisulcfbw-+/*|;\0\udce9", max_size=25)
    | st.lists(
        st.sampled_from(WORDS),
        max_size=14,
    ).map(" ".join)
)
def test_never_anything_but_a_mask_or_a_table_error(expression: str) -> None:
    try:
        mask = filter_rows(TABLE, expression)
    except TableError as error:
        assert error.message and "\n" not in error.message
    else:
        assert mask.shape == (4,) and mask.dtype == bool
