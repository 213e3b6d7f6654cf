"""Units of brightness and of flux: ``Jy / beam`` and ``Jy`` for the ``JY/BEAM`` of a header."""

from __future__ import annotations

import re

from astropy import units as u

_AREAS = {"beam": "beams?|bm", "pix": "pixels?|pix"}


def is_per_beam(unit: str) -> bool:
    """Tell whether a unit is a brightness per beam."""
    plain = "".join(unit.lower().split())
    return any(word in plain for word in ("/beam", "/bm", "beam-1", "beam^-1", "beam**-1", "perbeam"))


def clean_unit(unit: str) -> str | None:
    """Return a unit as tables write it: ``Jy/beam`` for ``JY/BEAM``; None for an unknown one."""
    rest, area = _split_area(unit)
    if not rest or rest == "display":
        return None
    return f"{rest} / {area}" if area else rest


def find_flux_unit(unit: str) -> str | None:
    """Return the unit of integrated fluxes: ``Jy`` for ``JY/BEAM`` and for ``Jy/pixel``."""
    rest, _ = _split_area(unit)
    return rest if rest and rest != "display" else None


def find_conversion(stated: str, image: str) -> float:
    """Return the factor by which fluxes of a catalogue become those of an image: 0.001 for ``mJy`` and ``Jy/beam``.

    Parameters
    ----------
    stated : str
        Unit of a column, of fluxes or of brightness.
    image : str
        Unit of the pixels.

    Returns
    -------
    float
        1 if a unit is missing or unknown, or they are of different kinds.
    """
    own, wanted = (_split_area(unit)[0] for unit in (stated, image))
    if not own or not wanted:
        return 1.0
    one, other = (u.Unit(text, parse_strict="silent") for text in (own, wanted))
    return float(one.to(other)) if one.is_equivalent(other) else 1.0


def find_factor(unit: str, common: str) -> float:
    """Return the factor by which values in one unit of pixels become those in another; NaN if there is none.

    Examples
    --------
    >>> find_factor("mJy/beam", "JY/BEAM"), find_factor("K", "JY/BEAM")
    (0.001, nan)
    """
    if unit == common:
        return 1.0
    (own, area), (wanted, wanted_area) = _split_area(unit), _split_area(common)
    if not own or not wanted or area != wanted_area:
        return float("nan")
    one, other = (u.Unit(text, parse_strict="silent") for text in (own, wanted))
    return float(one.to(other)) if one.is_equivalent(other) else float("nan")


def _split_area(unit: str) -> tuple[str, str]:
    """Return a unit without the beam or the pixel that it is per, and ``beam``, ``pix`` or an empty text."""
    text = unit.strip()
    for area, names in _AREAS.items():
        inverse = rf"\s*(?:/|\bper\b)\s*(?:{names})\b|[\s.*]*\b(?:{names})\s*(?:\*\*|\^)?\s*\(?-1\)?"
        rest, n = re.subn(rf"(?:{inverse})[\s.]*", " ", text, count=1, flags=re.IGNORECASE)
        if n:
            return _fix_jansky(rest.strip()), area
    return _fix_jansky(text), ""


def _fix_jansky(text: str) -> str:
    return re.sub(r"jy\b", "Jy", text, flags=re.IGNORECASE)
