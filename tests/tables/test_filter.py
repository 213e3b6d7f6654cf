"""Expressions over columns agree with numpy, and say where they are wrong."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.table import MaskedColumn, Table
from hypothesis import given, settings
from hypothesis import strategies as st

from galaxtool.errors import TableError
from galaxtool.tables.filter import parse_where

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
        ("not z > 0.15", [0, 2, 3]),
        ("isnull(z)", [2, 3]),
        ("z is null", [2, 3]),
        ("z is not null", [0, 1]),
        ("kind = 'fri'", [0]),
        ('kind = "it\'s"', [1]),
        ("kind = 'it''s'", [1]),
        ("kind in ('fri', 'bent')", [0, 2]),
        ("kind not in ('fri', 'bent')", [1]),
        ("n in (1, 3.0)", [0, 2]),
        ("good", [0, 2]),
        ("not good", [1, 3]),
        ("good = false", [1]),
        ("smooth-or-featured_smooth >= 0.5", [1, 2]),
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
    ],
)
def test_rows_for_which_it_holds(expression: str, rows: list[int]) -> None:
    mask = parse_where(expression).mask(TABLE)
    assert mask.dtype == bool and mask.shape == (4,)
    assert np.flatnonzero(mask).tolist() == rows


@pytest.mark.parametrize(
    ("expression", "at"),
    [
        ("", 1),
        ("n >", 4),
        ("n > > 2", 5),
        ("n = 1 kind", 7),
        ("(n = 1", 7),
        ("kind = 'fri", 8),
        ("n in 1, 2", 6),
        ("kind in (fri, bent)", 13),
        ("n = 1;", 6),
        ("__import__('os').system('ls')", 11),
        ("n = 1 and", 10),
        ("5", 2),
        ("n is 5", 6),
        ("isnull(5)", 9),
        ("n = 12abc", 5),
    ],
)
def test_mistakes_are_pointed_at(expression: str, at: int) -> None:
    with pytest.raises(TableError, match=f"at character {at}:") as caught:
        parse_where(expression)
    line, mark = caught.value.hint.split("\n")
    assert line == expression and mark == " " * (at - 1) + "^"


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        ("knd = 'fri'", "Did you mean 'kind'"),
        ("kind = fri", "no column 'fri'"),
        ("kind > 3", "the column 'kind' is text"),
        ("n = '1'", "'1' is text"),
        ("n", "holds no truth values"),
        ("isnull(nothing)", "no column 'nothing'"),
    ],
)
def test_columns_that_do_not_fit(expression: str, says: str) -> None:
    with pytest.raises(TableError, match=says):
        parse_where(expression).mask(TABLE)


def test_columns_of_arrays_and_of_bytes() -> None:
    table = Table({"a": np.zeros((2, 3)), "b": np.array([b"x", b"y"])})
    assert parse_where("b = 'x'").mask(table).tolist() == [True, False]
    with pytest.raises(TableError, match="several values"):
        parse_where("a > 1").mask(table)


def test_tables_without_rows() -> None:
    assert parse_where("n > 1 and kind in ('a') and not z is null").mask(TABLE[:0]).shape == (0,)


X = MaskedColumn([0, 1, 2, 3, 4, 5], mask=[False, False, True, False, False, True])
Y = np.array([2.0, np.nan, 1.0, 0.5, 4.0, -1.0])
RANDOM = Table({"x": X, "y": Y})
NUMPY = {"=": np.equal, "!=": np.not_equal, "<": np.less, "<=": np.less_equal, ">": np.greater, ">=": np.greater_equal}
KNOWN = {"x": ~np.ma.getmaskarray(X), "y": ~np.isnan(Y)}
DATA = {"x": np.asarray(X.data), "y": Y}


@st.composite
def comparison(draw: st.DrawFn) -> tuple[str, np.ndarray]:
    name, sign = draw(st.sampled_from(["x", "y"])), draw(st.sampled_from(sorted(NUMPY)))
    number = draw(st.integers(-2, 6) | st.floats(-2, 6, allow_subnormal=False))
    return f"{name} {sign} {number!r}", NUMPY[sign](DATA[name], number) & KNOWN[name]


@st.composite
def null(draw: st.DrawFn) -> tuple[str, np.ndarray]:
    name = draw(st.sampled_from(["x", "y"]))
    return draw(st.sampled_from([f"isnull({name})", f"{name} is null"])), ~KNOWN[name]


EXPRESSIONS = st.recursive(
    comparison() | null(),
    lambda inner: (
        st.tuples(inner, inner).map(lambda two: (f"({two[0][0]}) and ({two[1][0]})", two[0][1] & two[1][1]))
        | st.tuples(inner, inner).map(lambda two: (f"({two[0][0]} OR ({two[1][0]}))", two[0][1] | two[1][1]))
        | inner.map(lambda one: (f"not ({one[0]})", ~one[1]))
    ),
    max_leaves=8,
)


@settings(max_examples=150, deadline=None)
@given(EXPRESSIONS)
def test_agrees_with_numpy(pair: tuple[str, np.ndarray]) -> None:
    expression, wanted = pair
    assert parse_where(expression).mask(RANDOM).tolist() == wanted.tolist(), expression


@settings(max_examples=150, deadline=None)
@given(st.text("nz kid()'`<>=!,.0123456789andortisul-", max_size=20))
def test_never_anything_but_a_mask_or_a_table_error(expression: str) -> None:
    try:
        mask = parse_where(expression).mask(TABLE)
    except TableError as error:
        assert error.message
    else:
        assert mask.shape == (4,) and mask.dtype == bool
