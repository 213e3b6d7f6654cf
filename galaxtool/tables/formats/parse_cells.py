"""Conversion of the cells of a text file to columns of numbers, truth values and texts."""

from __future__ import annotations

import re
from decimal import Decimal

import numpy as np
from astropy.table import Column, MaskedColumn

from galaxtool.tables.whole_numbers import NULL_WORDS

_INTEGER = re.compile(r"[+-]?(0|[1-9][0-9]*)")
# An exponent needs its sign or a decimal point, or names such as 12e5 would turn into numbers.
_FLOAT = re.compile(
    r"[+-]?([0-9]+\.[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?|[+-]?(0|[1-9][0-9]*)([eE][+-][0-9]+)?|[+-]?(nan|inf(inity)?)",
    re.IGNORECASE,
)
_FORTRAN = re.compile(r"([+-]?(?:[0-9]+\.[0-9]*|\.[0-9]+))[dD]([+-]?[0-9]+)")
_DECIMAL_COMMA = re.compile(r"[+-]?[0-9]*,[0-9]+([eE][+-]?[0-9]+)?|[+-]?(0|[1-9][0-9]*)")
_THOUSANDS = re.compile(r"[+-]?[1-9][0-9]{0,2}(,[0-9]{3})+|[+-]?[0-9]{1,3}")
_NULLS = NULL_WORDS | {"\\n", "-nan", "+nan", "masked", "-"}
_INT64 = np.iinfo(np.int64)
_EXACT = 2.0**53


def parse_column(values: list[str], name: str) -> Column:
    """Return texts as a column of the narrowest type that loses nothing; empty ones are masked.

    Parameters
    ----------
    values : list of str
        Cells of the column.
    name : str
        Name of the column.

    Returns
    -------
    Column
        Integers of 64 bits if all cells are such without leading zeros, or are whole numbers written with a decimal
        point or exponent whose last digits floats would lose; floats, also with Fortran's exponent ``D``; truth values
        if all are ``True`` or ``False``; else texts. Blanks around numbers do not matter. In a column of numbers, words
        such as ``null`` and ``N/A`` are masked.
    """
    mask = np.array([not value for value in values], dtype=bool)
    data = _parse(values)
    if data is None or (data.dtype.kind == "f" and _loses_digits(values, data)):
        cleaned = [_clean(value) for value in values]
        found = _parse(cleaned) if any(cleaned) else None
        if found is not None and found.dtype.kind == "f" and _loses_digits(cleaned, found):
            whole = _parse_whole(cleaned)
            found = found if whole is None and data is None else whole
        if found is not None and found.dtype.kind in "if":
            data, mask = found, np.array([not value for value in cleaned], dtype=bool)
    if data is None:
        data = np.array(values, dtype=str if values else "U1")
    return MaskedColumn(data, name=name, mask=mask) if mask.any() else Column(data, name=name)


def has_decimal_commas(values: list[str]) -> bool:
    """Tell whether all cells are numbers, some of them with a comma that no thousands separator can be."""
    filled = [value for value in map(str.strip, values) if value.lower() not in _NULLS]
    return (
        any("," in value for value in filled)
        and all(map(_DECIMAL_COMMA.fullmatch, filled))
        and not all(map(_THOUSANDS.fullmatch, filled))
    )


def may_have_commas(values: list[str]) -> bool:
    """Tell whether all cells are numbers, some of them with commas, which are decimal or separate thousands."""
    filled = [value for value in map(str.strip, values) if value.lower() not in _NULLS]
    return any("," in value for value in filled) and all(
        _DECIMAL_COMMA.fullmatch(value) or _THOUSANDS.fullmatch(value) for value in filled
    )


def is_number(text: str) -> bool:
    """Tell whether a cell is a number."""
    cleaned = _clean(text)
    return bool(cleaned) and (_FLOAT.fullmatch(cleaned) is not None or _INTEGER.fullmatch(cleaned) is not None)


def _parse(values: list[str]) -> np.ndarray | None:
    """Return cells as numbers or truth values, any value where they are empty; None for texts."""
    filled = [value for value in values if value]
    if not filled:
        return np.array(values, dtype="U1")
    if all(map(_INTEGER.fullmatch, filled)):
        fits = all(_INT64.min <= int(v) <= _INT64.max for v in filled)
        return np.array([int(value or 0) for value in values], dtype=np.int64) if fits else None
    if all(map(_FLOAT.fullmatch, filled)):
        return np.array([float(value or "nan") for value in values])
    if set(filled) <= {"True", "False"}:
        return np.array([value == "True" for value in values])
    return None


def _loses_digits(values: list[str], floats: np.ndarray) -> bool:
    """Tell whether any of the large numbers among texts is not the float that it was read as."""
    large = np.flatnonzero(np.isfinite(floats) & (np.abs(floats) >= _EXACT)).tolist()
    return any(Decimal(values[row]) != Decimal(float(floats[row])) for row in large)


def _parse_whole(values: list[str]) -> np.ndarray | None:
    """Return whole numbers with decimal points or exponents as integers; None if not all cells are such."""
    integers = []
    for value in values:
        number = Decimal(value or 0)
        if not number.is_finite() or abs(number) > _INT64.max or number != number.to_integral_value():
            return None
        integers.append(int(number))
    return np.array(integers, dtype=np.int64)


def _clean(value: str) -> str:
    """Return a cell without blanks at its ends, empty for a word that stands for no value, with a plain exponent."""
    text = value.strip()
    if text.lower() in _NULLS:
        return ""
    return _FORTRAN.sub(r"\1e\2", text) if "d" in text.lower() else text
