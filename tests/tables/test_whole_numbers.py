"""Integers that became floats are integers again."""

from __future__ import annotations

import numpy as np
import pytest
from astropy.table import Column, MaskedColumn
from hypothesis import given
from hypothesis import strategies as st

from galaxtool.inputs.cells import IdColumn, list_texts
from galaxtool.tables.whole_numbers import format_integer_valued

NAN = float("nan")


@pytest.mark.parametrize(
    ("column", "texts"),
    [
        (Column([0.0, 1.0, NAN]), ["0", "1", ""]),
        (Column([-5.0, 5.0]), ["-5", "5"]),
        (MaskedColumn([3.0, 9.0], mask=[False, True]), ["3", ""]),
        (Column([0.5, 1.0, NAN]), ["0.5", "1.0", ""]),
        (Column(np.array([0.1, 2.0], dtype=np.float32)), ["0.1", "2.0"]),
        (Column([2.0**62]), ["4611686018427387904"]),
        (Column([12376e14]), ["1237600000000000000"]),
        (Column(["1234.0", "7.", "nan", " 8.00 "]), ["1234", "7", "nan", "8"]),
        (Column(["1.0", "1.5"]), ["1.0", "1.5"]),
        (Column(["007", "1.0"]), ["007", "1.0"]),
        (Column(["nan", "None"]), ["nan", "None"]),
        (Column(np.array([2**64 - 1], dtype=np.uint64)), ["18446744073709551615"]),
        (Column([True, False]), ["True", "False"]),
        (Column([NAN, float("inf")]), ["", ""]),
    ],
)
def test_whole_numbers_lose_their_point(column: Column, texts: list[str]) -> None:
    assert format_integer_valued(column) == texts
    assert list(IdColumn(column)) == texts


def test_texts_that_are_not_identifiers_stay_as_written() -> None:
    assert list_texts(Column(["12.0", "13.0"])) == ["12.0", "13.0"]
    assert list_texts(Column([12.0, NAN])) == ["12", ""]


@given(st.lists(st.integers(-(2**53), 2**53), min_size=1))
def test_integers_come_back_from_floats(values: list[int]) -> None:
    assert format_integer_valued(Column([*map(float, values), NAN])) == [*map(str, values), ""]
