"""Column names as FITS can hold them: ASCII, at most 68 characters, and distinct whatever their case."""

from __future__ import annotations

import re
from collections.abc import Sequence

from galaxtool.errors import ConfigError

MAX_COLUMNS = 999
"""Most columns of a FITS table: the numbers in its keywords have three digits."""

MAX_LENGTH = 68
"""Longest text on one card of a header."""

_ESCAPED = "unicode_escape"
_ASCII = re.compile(r"[ -~]*")
_MAX_LISTED = 3


def name_fits_columns(names: Sequence[str]) -> list[str]:
    r"""Return the names that columns have in a FITS table.

    Parameters
    ----------
    names : sequence of str
        Names of all columns, in order.

    Returns
    -------
    list of str
        Characters that are not printable ASCII are written in Python's ``unicode_escape``. A name of more than 68
        characters is cut, and one that repeats an earlier one, but for case and trailing blanks, gets a number.

    Raises
    ------
    ConfigError
        If there are more than 999 columns.

    Examples
    --------
    >>> name_fits_columns(["R", "r", "r_2", "é"])
    ['R', 'r_3', 'r_2', '\\xe9']
    """
    if len(names) > MAX_COLUMNS:
        raise ConfigError(
            f"A FITS table has at most {MAX_COLUMNS} columns, and this one would have {len(names):,}.",
            hint="Write it as .parquet, .ecsv, .vot or .csv.",
        )
    plain = [_shorten(_escape(name)) for name in names]
    taken = {name.lower() for name in plain}
    found: dict[str, str] = {}
    result = []
    for name in plain:
        new, number = name, 2
        while new.lower() in found or (new != name and new.lower() in taken):
            new = _shorten(name, f"_{number}")
            number += 1
        found[new.lower()] = new
        result.append(new)
    return result


def describe_changed_names(names: Sequence[str]) -> str:
    """Return a sentence on the names that a FITS table cannot hold; empty if it can hold all of them.

    Raises
    ------
    ConfigError
        If there are more than 999 columns.
    """
    # names with other characters come back as they were, if they are short enough
    pairs = list(zip(names, name_fits_columns(names), strict=True))
    changed = [(name, new) for name, new in pairs if new != _escape(name)]
    if not changed:
        return ""
    shown = ", ".join(f"'{name}' is '{new}'" for name, new in changed[:_MAX_LISTED])
    return (
        f"FITS has no place for the names of {len(changed)} column{'s' if len(changed) > 1 else ''}, because they are "
        f"longer than {MAX_LENGTH} characters or differ from another in case only: {shown}"
        f"{', ...' if len(changed) > _MAX_LISTED else ''}. Other formats keep them."
    )


def needs_escape(name: str) -> bool:
    """Tell whether a name has characters other than printable ASCII."""
    return _ASCII.fullmatch(name) is None


def _escape(name: str) -> str:
    return name.encode(_ESCAPED).decode("ascii") if needs_escape(name) else name.rstrip(" ")


def _shorten(name: str, end: str = "") -> str:
    """Return a name that is not too long together with its end, without half an escaped character."""
    if len(name) + len(end) <= MAX_LENGTH and (name or end):
        return name + end
    cut = name[: MAX_LENGTH - len(end)]
    half = re.search(r"(?<!\\)(?:\\\\)*(\\(?:u[0-9a-f]{0,3}|U[0-9a-f]{0,7}|x[0-9a-f]?)?)$", cut)
    return (cut[: half.start(1)] if half else cut) + end or "col"
