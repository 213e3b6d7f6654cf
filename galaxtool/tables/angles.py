"""Units of angles by any of their names, and angles written as text."""

from __future__ import annotations

import re
from contextlib import suppress

from astropy import units as u
from astropy.coordinates import Angle

from galaxtool.errors import ConfigError
from galaxtool.utils.unit_texts import is_computable_unit

UNITS_SHOWN = "deg, hours, rad, arcmin, arcsec or mas"
"""The units that messages offer."""

_NAMES = {
    u.deg: "deg degs ddeg degree degrees dms d:m:s dd:mm:ss deg:min:sec deg:arcmin:arcsec ° º",
    u.hourangle: "h hr hrs hour hours hourangle hourangles hms h:m:s hh:mm:ss hour:min:sec ʰ",
    u.rad: "rad rads radian radians",
    u.arcmin: "arcmin arcmins arcminute arcminutes amin ' ′",
    u.arcsec: "arcsec arcsecs arcsecond arcseconds asec '' ″",
    u.mas: "mas marcsec milliarcsec milliarcsecond milliarcseconds",
    u.uas: "uas muas µas microarcsec microarcsecond microarcseconds",
}
_BY_NAME = {name: unit for unit, names in _NAMES.items() for name in names.split()}
_QUOTES = "\"'[]() "


def parse_angle_unit(text: str) -> u.UnitBase | None:
    """Return the unit of angles that a text names; None if it names none.

    Hours, minutes and seconds count as hours of 15 degrees, ``d:m:s`` as degrees.

    Examples
    --------
    >>> parse_angle_unit("HOURS"), parse_angle_unit('"d:m:s"'), parse_angle_unit("Jy")
    (Unit("hourangle"), Unit("deg"), None)
    """
    plain = text.strip()
    if plain in ('"', "'"):
        return u.arcsec if plain == '"' else u.arcmin
    plain = re.sub(r"[\s_-]+|\bdecimal\b", "", re.sub(r"(?<=\w)\s*\(.*\)$", "", plain).strip(_QUOTES).lower())
    if plain.removesuffix(".") in _BY_NAME:
        return _BY_NAME[plain.removesuffix(".")]
    unit = parse_unit(text.strip(_QUOTES))
    return unit if unit is not None and unit.is_equivalent(u.deg) else None


def parse_unit(text: str) -> u.UnitBase | None:
    """Return the unit that a text names; None if astropy does not know it, or would take hours over it."""
    if is_computable_unit(text):
        with suppress(ValueError, TypeError):
            return u.Unit(text)
    return None


def parse_angle(text: str, scale: float, sexagesimal: u.UnitBase) -> float:
    """Return an angle in degrees; NaN if the text is not one.

    Parameters
    ----------
    text : str
        A number, or a sexagesimal angle such as ``12:30:49.4``, ``12h30m49s`` or ``+12 23 28``.
    scale : float
        Factor that converts a number to degrees.
    sexagesimal : Unit
        Unit of a sexagesimal angle that has no letters.
    """
    with suppress(ValueError):
        return float(text) * scale
    with suppress(ValueError, TypeError, AttributeError):
        return float(Angle(text, unit=sexagesimal).deg)
    return float("nan")


def parse_ra(value: float | str, option: str = "--ra") -> float:
    """Return a right ascension in degrees: a number of degrees, or a sexagesimal text in hours.

    Raises
    ------
    ConfigError
        If the value is not an angle from -360 to 360 degrees.

    Examples
    --------
    >>> parse_ra("12:30:00"), parse_ra("187d30m"), parse_ra(187.5)
    (187.5, 187.5, 187.5)
    """
    degrees = _parse_option(value, u.hourangle)
    if not -360 <= degrees <= 360:
        raise ConfigError(
            f"{option} {value} is not a right ascension.",
            hint="Give degrees from 0 to 360, such as 187.7, or hours such as 12:30:49.4 or 12h30m49.4s.",
        )
    return degrees


def parse_dec(value: float | str, option: str = "--dec") -> float:
    """Return a declination in degrees: a number, or a sexagesimal text.

    Raises
    ------
    ConfigError
        If the value is not an angle from -90 to 90 degrees.

    Examples
    --------
    >>> parse_dec("-10:30:00"), parse_dec("+12d30m"), parse_dec(-10.5)
    (-10.5, 12.5, -10.5)
    """
    degrees = _parse_option(value, u.deg)
    if not -90 <= degrees <= 90:
        raise ConfigError(
            f"{option} {value} is not a declination.",
            hint="Give degrees from -90 to 90, such as 12.4 or +12:23:28.",
        )
    return degrees


def _parse_option(value: float | str, sexagesimal: u.UnitBase) -> float:
    """Return an angle in degrees, without the rounding errors of a conversion; NaN if it is not one."""
    text = str(value).strip()
    with suppress(ValueError):
        return float(text)
    return round(parse_angle(text, 1.0, sexagesimal), 12)
