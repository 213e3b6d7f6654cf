"""Convert the cells of a text file to columns of numbers, truth values and texts."""

from __future__ import annotations

import re
from decimal import Decimal

import numpy as np
from astropy.table import Column, MaskedColumn

from galaxtool.tables.column_names import ID_COLUMNS
from galaxtool.tables.text_arrays import make_text_array
from galaxtool.tables.whole_numbers import NULL_WORDS

_INTEGER = re.compile(r"[+-]?(0|[1-9][0-9]*)")
# An exponent needs its sign or a decimal point, or names such as 12e5 would turn into numbers.
_FLOAT = re.compile(
    r"[+-]?([0-9]+\.[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?|[+-]?(0|[1-9][0-9]*)([eE][+-][0-9]+)?|[+-]?(nan|inf(inity)?)",
    re.IGNORECASE,
)
_FORTRAN = re.compile(r"([+-]?(?:[0-9]+\.[0-9]*|\.[0-9]+))[dD]([+-]?[0-9]+)")
_GROUPS = r"[1-9][0-9]{0,2}(?:[. \u00a0\u202f'][0-9]{3})+"  # thousands, as written where commas are decimal
_DECIMAL_COMMA = re.compile(rf"[+\-\u2212]?(?:(?:[0-9]*|{_GROUPS}),[0-9]+(?:[eE][+-]?[0-9]+)?|0|[1-9][0-9]*|{_GROUPS})")
_THOUSANDS = re.compile(r"[+-]?[1-9][0-9]{0,2}(,[0-9]{3})+|[+-]?[0-9]{1,3}")
_NULLS = NULL_WORDS | {"\\n", "-nan", "+nan", "masked", "-"}
_INT64 = np.iinfo(np.int64)
_EXACT = 2.0**53
_MAX_LISTED = 3


class DialectError(ValueError):
    """A text table cannot be read, and `hint` says what would help."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


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
        such as ``null`` and ``N/A`` are masked. Identifiers such as 12.1 and 12.10 stay texts, because they are
        different.
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
    if data is not None and data.dtype.kind == "f" and name.lower() in ID_COLUMNS:
        cleaned = [_clean(value) for value in values]
        if not _print_alike(cleaned, data):
            data, mask = make_text_array(cleaned), np.array([not value for value in cleaned], dtype=bool)
    if data is None:
        data = make_text_array(values)
    return MaskedColumn(data, name=name, mask=mask) if mask.any() else Column(data, name=name)


def convert_commas(columns: list[list[str]], names: list[str], delimiter: str) -> list[str]:
    """Convert numbers with commas, in place, and return sentences on what was done.

    Parameters
    ----------
    columns : list of list of str
        Cells of each column; decimal commas become points, and commas between thousands vanish.
    names : list of str
        Names of the columns.
    delimiter : str
        Separator of the cells.

    Raises
    ------
    ValueError
        If it cannot be told whether commas are decimal or separate thousands, and they do not separate cells.
    """
    commas = {name: values for name, values in zip(names, columns, strict=True) if _may_have_commas(values)}
    if not commas:
        return []
    decimal = [name for name, values in commas.items() if not _all_match(values, _THOUSANDS)]
    others = [values for name, values in zip(names, columns, strict=True) if name not in commas]
    has_points = any(_has_points(values) for values in others)
    example = next(value for values in commas.values() for value in values if "," in value).strip()
    shown = ", ".join(f"'{name}'" for name in list(commas)[:_MAX_LISTED]) + (
        ", ..." if len(commas) > _MAX_LISTED else ""
    )
    if decimal and not has_points:
        for values in commas.values():
            values[:] = [_to_point(value) for value in values]
        return [f"the commas in {shown} are decimal commas"]
    if decimal or delimiter == ",":
        return [f"the numbers with commas in {shown}, such as '{example}', are read as text"]
    if not has_points:
        raise DialectError(
            f"the comma in '{example}', in the column '{next(iter(commas))}', may be a decimal comma or separate "
            "thousands",
            hint="Write numbers with a decimal point, and without separators between thousands.",
        )
    for values in commas.values():
        values[:] = [value.replace(",", "") for value in values]
    return [f"the commas in {shown}, such as '{example}', separate thousands"]


def _may_have_commas(values: list[str]) -> bool:
    """Tell whether all cells are numbers, some of them with commas, which are decimal or separate thousands."""
    if not any("," in value for value in values):
        return False
    return all(
        is_null(value) or _DECIMAL_COMMA.fullmatch(value.strip()) or _THOUSANDS.fullmatch(value.strip())
        for value in values
    )


def _all_match(values: list[str], pattern: re.Pattern[str]) -> bool:
    return all(is_null(value) or pattern.fullmatch(value.strip()) for value in values)


def _has_points(values: list[str]) -> bool:
    filled = [value for value in values if not is_null(value)]
    return any("." in value for value in filled) and all(map(is_number, filled))


def _to_point(value: str) -> str:
    text = value.strip()
    return re.sub(r"[. \u00a0\u202f']", "", text).replace(",", ".")


def is_null(text: str) -> bool:
    """Tell whether a cell is empty or a word that stands for no value."""
    return text.strip().lower() in _NULLS


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


def _print_alike(values: list[str], floats: np.ndarray) -> bool:
    """Tell whether all numbers among texts print as they are written, or all are whole, as pandas writes integers."""
    known = [(text, float(number)) for text, number in zip(values, floats, strict=True) if text]
    return all(number.is_integer() for _, number in known) or all(text == str(number) for text, number in known)


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
    if text.startswith("\u2212"):  # the minus sign of typesetting
        text = f"-{text[1:]}"
    return _FORTRAN.sub(r"\1e\2", text) if "d" in text.lower() else text
