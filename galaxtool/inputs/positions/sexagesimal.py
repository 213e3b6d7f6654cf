"""Positions in columns of hours, minutes and seconds, as in the catalogues of the CDS: RAh RAm RAs DE- DEd DEm DEs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from astropy.table import Column, Table

from galaxtool.inputs.cells import TextColumn

_ENDS = {
    "h": "h|hh|hr|hrs|hour|hours",
    "d": "d|dd|deg|degs|degree|degrees",
    "m": "m|mm|min|mins|minute|minutes|arcmin",
    "s": "s|ss|sec|secs|second|seconds|arcsec",
    "sign": "-|sign|sgn|_sign",
}
_NAME = re.compile(
    rf"_?(?P<axis>ra|de|dec)[_ .]?(?P<part>{'|'.join(f'(?:{ends})' for ends in _ENDS.values())})"
    r"_?(?P<frame>j?2000|b?1950)?",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class SexagesimalColumns:
    """The columns that together give a position.

    Parameters
    ----------
    hours : tuple of str
        Columns of hours and minutes, and of seconds if there is one.
    degrees : tuple of str
        The same for the declination.
    sign : str or None
        Column of the sign of the declination.
    frame : str
        Equinox that the names state, if any.
    """

    hours: tuple[str, ...]
    degrees: tuple[str, ...]
    sign: str | None
    frame: str

    @property
    def columns(self) -> tuple[str, ...]:
        """All the columns."""
        return (*self.hours, *([self.sign] if self.sign else []), *self.degrees)

    def read(self, table: Table, source: Path) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
        """Return right ascension and declination in degrees, and notes for the user.

        A declination of 0 degrees without a column of signs is unknown if others in the table are negative.
        """
        ra, dec = (_add_up(table, names) for names in (self.hours, self.degrees))
        whole = _numbers(table[self.degrees[0]])
        notes: tuple[str, ...] = ()
        negative = np.signbit(whole)
        if self.sign:
            negative = negative | np.array([text.startswith(("-", "\u2212")) for text in TextColumn(table[self.sign])])
        elif table[self.degrees[0]].dtype.kind in "iu" and negative.any():
            doubtful = (whole == 0) & np.isfinite(dec)
            dec[doubtful] = np.nan
            if doubtful.any():
                notes = (
                    f"{doubtful.sum()} rows of '{source}' have a declination of 0 degrees whose sign is lost in the "
                    f"column '{self.degrees[0]}', so their position counts as unknown.",
                )
        return ra * 15, np.where(negative, -dec, dec), notes


def find_sexagesimal_columns(table: Table) -> SexagesimalColumns | None:
    """Return the columns of hours, degrees, minutes and seconds; None if there are not at least hours and minutes."""
    found: dict[tuple[str, str, str], str] = {}
    for name in table.colnames:
        match = _NAME.fullmatch(name)
        if match is None:
            continue
        axis = "ra" if match["axis"].lower() == "ra" else "dec"
        part = next(part for part, ends in _ENDS.items() if re.fullmatch(ends, match["part"], re.IGNORECASE))
        found.setdefault(((match["frame"] or "").lower(), axis, part), name)
    frames = sorted({frame for frame, _, _ in found}, key=lambda frame: ("1950" in frame, frame))
    for frame in frames:
        parts = {(axis, part): name for (where, axis, part), name in found.items() if where == frame}
        needed = [("ra", "h"), ("ra", "m"), ("dec", "d"), ("dec", "m")]
        if all(key in parts for key in needed):
            hours, degrees = (
                tuple(parts[axis, part] for part in order if (axis, part) in parts)
                for axis, order in (("ra", "hms"), ("dec", "dms"))
            )
            return SexagesimalColumns(hours, degrees, parts.get(("dec", "sign")), frame)
    return None


def _add_up(table: Table, names: Sequence[str]) -> np.ndarray:
    """Return the sum of whole units, minutes and seconds without sign; a missing minute or second counts as none."""
    total: np.ndarray = np.abs(_numbers(table[names[0]]))
    for name, share in zip(names[1:], (60, 3600), strict=False):
        values = _numbers(table[name])
        total = total + np.where(np.isnan(values), 0, values) / share
        total[(values < 0) | (values > 60)] = np.inf  # not an angle
    return total


def _numbers(column: Column) -> np.ndarray:
    """Return a column as floats with the sign of -0; NaN where there is no number."""
    if column.dtype.kind in "iuf":
        return np.asarray(np.ma.filled(np.ma.asarray(column).astype(float), np.nan), dtype=float)
    return np.array([_number(text) for text in TextColumn(column)], dtype=float)


def _number(text: str) -> float:
    try:
        return float(text.replace("\u2212", "-").replace(" ", ""))
    except ValueError:
        return float("nan")
