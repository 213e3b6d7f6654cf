"""Notes for the user on the position columns that were used."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from galaxtool.tables.angles import UNITS_SHOWN
from galaxtool.tables.position_names import ICRS, PositionPair

_AXES = ("right ascension", "declination")
_FRAME_NAMES = {"fk4 B1950": "FK4 of B1950"}


def explain_unit(source: Path, column: str, text: str, axis: int) -> dict[str, str]:
    """Return the problem and the hint for a unit that is not one of angles."""
    flag = ("--ra-column", "--dec-column")[axis]
    return {
        "problem": f"The column '{column}' of '{source}' has the unit '{text}', which is not a unit of "
        f"{_AXES[axis]}, so no position is read from it.",
        "hint": f"Name the unit with {flag} '{column}[deg]': {UNITS_SHOWN}.",
    }


def describe_choice(source: Path, pair: PositionPair, pairs: list[PositionPair], frame: str) -> tuple[str, ...]:
    """Say which columns were taken, unless they have the usual names and are ICRS."""
    if frame == ICRS and (pair.is_usual or not pair.names[0].group):
        return ()
    others = [f"'{other.lon}', '{other.lat}'" for other in pairs if other.kind == pair.kind and other != pair]
    more = f" It also has {'; '.join(others[:3])}: --ra-column and --dec-column choose." if others else ""
    how = "" if frame == ICRS else f", converted from {_FRAME_NAMES.get(frame, frame)} to ICRS"
    return (f"Positions of '{source}' are those of the columns '{pair.lon}' and '{pair.lat}'{how}.{more}",)


def suspect_unit(source: Path, pair: PositionPair, lon: np.ndarray, lat: np.ndarray) -> tuple[str, ...]:
    """Warn of numbers without a unit that look like hours or radians."""
    known = np.isfinite(lon) & np.isfinite(lat)
    x, y = lon[known], lat[known]
    if not len(x) or pair.kind:
        return ()
    widths = np.ptp(x), np.ptp(y)
    suspected = ""
    if np.abs(x).max() <= 2 * np.pi and np.abs(y).max() <= np.pi / 2:
        if "coord" in pair.names[0].group or (len(x) >= 10 and widths[0] > np.pi and widths[1] > np.pi / 4):
            suspected = "rad"
    elif len(x) >= 10 and x.min() >= 0 and x.max() <= 24 and widths[0] > 12 and widths[1] > 30:
        suspected = "hours"
    if not suspected:
        return ()
    how = f"--ra-column '{pair.lon}[{suspected}]'"
    how += f" --dec-column '{pair.lat}[rad]'" if suspected == "rad" else ""
    return (
        f"The columns '{pair.lon}' and '{pair.lat}' of '{source}' state no unit and are taken as degrees, but all "
        f"values would fit {'radians' if suspected == 'rad' else 'hours'}: if they are that, say so with {how}.",
    )
