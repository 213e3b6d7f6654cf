"""Numbers of FITS headers as programs write them, not only as the standard allows."""

from __future__ import annotations

import math
import re
from typing import Any

_NUMBER = re.compile(r"([+-]?(?:\d+\.?\d*|\.\d+))(?:[EeDdQq]([+-]?\d+))?(.*)", re.DOTALL)
_DECIMAL_COMMA = re.compile(r"([+-]?\d*),(\d+)")
_UNIT = re.compile(r"\s+[A-Za-z][\w/*^. -]*|\s*[A-Za-z\[(][\w/*^.() \[\]-]*")


def parse_number(value: Any) -> float | None:
    """Return the number that the value of a card stands for.

    Parameters
    ----------
    value : object
        Value of a card: a number, or a text with one.

    Returns
    -------
    float or None
        The finite number; None if there is none, or several readings are possible.

    Examples
    --------
    >>> parse_number("1.50D+02"), parse_number(" 150.0 "), parse_number("150,25")
    (150.0, 150.0, 150.25)
    >>> parse_number("10:00:00") is None, parse_number("1,024") is None, parse_number(True) is None
    (True, True, True)
    """
    number, unit = split_number(value)
    return None if unit else number


def split_number(value: Any) -> tuple[float | None, str]:
    """Return the number of a card as `parse_number` does, and the unit that a text has behind it.

    Examples
    --------
    >>> split_number("150.0 deg")
    (150.0, 'deg')
    """
    if isinstance(value, bool) or value is None:
        return None, ""
    if isinstance(value, int | float):
        return (float(value), "") if math.isfinite(value) else (None, "")
    text = str(value).strip()
    comma = _DECIMAL_COMMA.match(text)
    if comma and "." not in text and len(comma[2]) != 3:  # three digits could also be thousands
        text = text.replace(",", ".", 1)
    match = _NUMBER.fullmatch(text)
    if match is None or (match[3] and not _UNIT.fullmatch(match[3])):
        return None, ""
    number = float(f"{match[1]}e{match[2] or 0}")
    return (number if math.isfinite(number) else None), match[3].strip(" []()")
