"""Integers that became floats: identifiers and labels as pandas, spreadsheets and databases write them.

A column of integers with a missing value becomes a column of floats in pandas, and ``1234`` is then written as
``1234.0``. `format_integer_valued` undoes that for a column of which every value is a whole number.
"""

from __future__ import annotations

import re

import numpy as np
from astropy.table import Column

from galaxtool.tables.formats.plain_columns import get_values_and_mask

NULL_WORDS = frozenset(("", "nan", "none", "null", "n/a", "na", "<na>", "--", "nat"))
"""Texts in lower case that programs write where there is no value."""

_WHOLE = re.compile(r"([+-]?[0-9]+)\.0*")
_NULL = re.compile("|".join(map(re.escape, sorted(NULL_WORDS))), re.IGNORECASE)


def format_integer_valued(column: Column) -> list[str]:
    """Return the values of a column as texts, whole numbers without a decimal point.

    Parameters
    ----------
    column : Column
        N values: numbers, truth values or texts, one in each row.

    Returns
    -------
    list of str
        N texts without white space at the ends. Masked values, NaN and infinity are empty. If all values of a float
        column are whole numbers, they are written as integers: ``1234``, not ``1234.0``; so are the texts of a column
        if each is a whole number with a decimal point, or a word for a missing value such as ``nan``, which stays as it
        is. Other floats have as many digits as their type needs.

    Examples
    --------
    >>> format_integer_valued(Column([0.0, 2.0, float("nan")])), format_integer_valued(Column(["1.0", "nan"]))
    (['0', '2', ''], ['1', 'nan'])
    """
    values, mask = get_values_and_mask(column)
    if values.dtype.kind == "f":
        mask = mask | ~np.isfinite(values)
        texts = _format_floats(values, mask)
    else:
        texts = [str(value).strip() for value in values.tolist()]
        if values.dtype.kind == "U" and is_integer_valued(column):
            texts = [_WHOLE.sub(r"\1", text) for text in texts]
    return ["" if hidden else text for text, hidden in zip(texts, mask.tolist(), strict=True)] if mask.any() else texts


def is_integer_valued(column: Column) -> bool:
    """Tell whether a column of floats or texts has whole numbers only, all written as floats, and at least one."""
    values, mask = get_values_and_mask(column)
    if values.dtype.kind == "f":
        known = values[~mask & np.isfinite(values)]
        return bool(known.size) and bool((known == np.trunc(known)).all())
    if values.dtype.kind != "U":
        return False
    some = False
    for text in values[~mask].tolist():
        stripped = text.strip()
        if _WHOLE.fullmatch(stripped):
            some = True
        elif not _NULL.fullmatch(stripped):
            return False
    return some


def _format_floats(values: np.ndarray, mask: np.ndarray) -> list[str]:
    known = np.where(mask, 0, values)
    if (known == np.trunc(known)).all():
        return [str(int(value)) for value in known.tolist()]
    texts: list[str] = known.astype(str).tolist()
    return texts
