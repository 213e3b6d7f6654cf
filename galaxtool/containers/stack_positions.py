"""Positions of the images of a stack, from arrays beside the images."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from astropy import units as u

from galaxtool.tables.angles import parse_angle_unit
from galaxtool.tables.position_names import ICRS, PositionPair, find_position_pairs

_FARTHEST = 361.0
_LOOKED_AT = 1000


@dataclass(frozen=True, slots=True)
class SkyArrays:
    """The arrays with right ascension and declination, and the factors that convert them to degrees."""

    ra: str
    dec: str
    scales: tuple[float, float]

    def read(self, columns: Mapping[str, Any], part: slice) -> tuple[np.ndarray, np.ndarray]:
        """Return positions in degrees, ICRS, NaN where unknown or out of range."""
        ra, dec = (
            np.asarray(columns[name][part], dtype=np.float64).reshape(-1) * scale
            for name, scale in zip((self.ra, self.dec), self.scales, strict=True)
        )
        known = np.isfinite(ra) & (np.abs(ra) <= _FARTHEST) & (np.abs(dec) <= 90)
        return np.where(known, ra, np.nan) % 360, np.where(known, dec, np.nan)


def find_sky_arrays(columns: Mapping[str, Any]) -> SkyArrays | None:
    """Return the arrays of positions, by their names as in catalogues.

    Parameters
    ----------
    columns : mapping
        Arrays of N values by name. Their unit is an attribute ``unit`` or ``units`` (of HDF5), else part of the name,
        else degrees.

    Returns
    -------
    SkyArrays or None
        None if there are none, or only such in another frame or in a unit that is not one of angles.
    """
    numbers = [name for name, column in columns.items() if column.dtype.kind in "iuf"]
    for pair in find_position_pairs(numbers):
        if pair.kind or pair.frame not in (None, ICRS) or pair.is_bare:
            continue
        scales = _find_scales(pair, columns)
        return None if scales is None else SkyArrays(pair.lon, pair.lat, scales)
    return None


def _find_scales(pair: PositionPair, columns: Mapping[str, Any]) -> tuple[float, float] | None:
    scales = []
    for axis, text in enumerate(_read_units(pair, columns)):
        unit = parse_angle_unit(text) if text else u.deg
        if unit is None or (axis and unit == u.hourangle):
            return None
        scales.append({u.deg: 1.0, u.hourangle: 15.0}.get(unit) or float(unit.to(u.deg)))
    return scales[0], scales[1]


def _read_units(pair: PositionPair, columns: Mapping[str, Any]) -> list[str]:
    """Return the texts of the units of two arrays; empty where none is stated."""
    texts = []
    for name, meaning in zip((pair.lon, pair.lat), pair.names, strict=True):
        attributes = getattr(columns[name], "attrs", {})
        given = next((attributes[key] for key in ("unit", "units", "UNIT") if key in attributes), "")
        text = given.decode("utf-8", "replace") if isinstance(given, bytes) else str(given)
        texts.append(text.strip() or meaning.unit)
    return texts


def describe_sky_arrays(columns: Mapping[str, Any], found: SkyArrays | None, source: str) -> tuple[str, ...]:
    """Return a note on arrays of positions that are not read, or that may be in radians; none if all is clear.

    Parameters
    ----------
    columns : mapping
        Arrays of N values by name.
    found : SkyArrays or None
        Those that are read.
    source : str
        Name of the file.
    """
    pair = next((pair for pair in find_position_pairs(list(columns)) if not pair.is_bare), None)
    if pair is None:
        return ()
    arrays = f"the arrays '{pair.lon}' and '{pair.lat}'"
    units = _read_units(pair, columns)
    if found is None:
        stated = " and ".join(f"'{unit}'" for unit in dict.fromkeys(units) if unit)
        is_numeric = all(columns[name].dtype.kind in "iuf" for name in (pair.lon, pair.lat))
        why = f"their unit is {stated}" if stated else "their frame is not ICRS"
        why = why if is_numeric else "they are not numbers"
        return (f"'{source}': no position is read from {arrays}, because {why}.",)
    if (found.ra, found.dec) == (pair.lon, pair.lat) and "coord" in pair.names[0].group and not any(units):
        ra, dec = found.read(columns, slice(0, _LOOKED_AT))
        known = np.isfinite(ra)
        if known.any() and ra[known].max() <= 2 * np.pi and np.abs(dec[known]).max() <= np.pi / 2:
            return (
                f"'{source}': {arrays} state no unit and are taken as degrees, but all values would fit "
                "radians: if they are that, give both an attribute unit = 'rad'.",
            )
    return ()
