"""The wavelength that a FITS header states."""

from __future__ import annotations

import re

from galaxtool.images.fits.header import Keywords
from galaxtool.images.fits.numbers import parse_number, split_number

_KEYWORDS = (
    "WAVELEN", "WAVELNTH", "WAVELENG", "WAVEL", "LAMBDA", "LAMBDA0", "LAMEFF", "EFFWAVE", "WAVEEFF", "CENTWAVE",
    "CENWAVE", "CWL", "FILTWAVE",
)  # fmt: skip
_MICROMETERS = {
    **dict.fromkeys(("m", "meter", "metre"), 1e6),
    **dict.fromkeys(("um", "micron", "microns", "micrometer", "micrometers", "µm"), 1.0),
    **dict.fromkeys(("nm", "nanometer", "nanometers"), 1e-3),
    **dict.fromkeys(("angstrom", "angstroms", "a", "aa", "ang"), 1e-4),
    "mm": 1e3,
    "cm": 1e4,
}
_HERTZ = {"hz": 1.0, "khz": 1e3, "mhz": 1e6, "ghz": 1e9}
_LIGHT = 2.997_924_58e14  # micrometers per second
_NANOMETERS = (100.0, 2500.0)
_UNIT = re.compile(r"[\[(]\s*([A-Za-zµ]+)\s*[\])]|\b(angstroms?|nm|microns?|um)\b", re.IGNORECASE)


def find_header_wavelength(header: Keywords, primary: Keywords) -> float | None:
    """Return the central wavelength of an image in micrometers; None if the headers do not state it.

    Parameters
    ----------
    header, primary : Cards or Header
        Headers of the HDU with the image, and of the primary HDU.

    Notes
    -----
    It is PHOTPLAM (HST, in Angstrom), a card like WAVELEN, or the only plane of a spectral axis. A number without a
    unit is in micrometers up to 100, in nanometers up to 2500, else in Angstrom.
    """
    for source in (header, primary):
        pivot = parse_number(source.get("PHOTPLAM"))
        if pivot and pivot > 0:
            return pivot * 1e-4
        for key in _KEYWORDS:
            if (value := source.get(key)) is not None and (found := _read(source, key, value)):
                return found
    return _find_spectral(header)


def _read(source: Keywords, key: str, value: object) -> float | None:
    number, unit = split_number(value)
    if not number or number <= 0:
        return None
    comments = getattr(getattr(source, "header", source), "comments", None)
    if not unit and comments is not None and (match := _UNIT.search(str(comments[key]))):
        unit = match[1] or match[2]
    if unit.casefold() in _MICROMETERS:
        return number * _MICROMETERS[unit.casefold()]
    low, high = _NANOMETERS
    return number if number < low else number * (1e-3 if number <= high else 1e-4)


def _find_spectral(header: Keywords) -> float | None:
    """Return the wavelength of the only plane of the third axis."""
    kind = str(header.get("CTYPE3") or "").strip().upper()[:4]
    number = parse_number(header.get("CRVAL3"))
    if kind not in ("FREQ", "WAVE", "AWAV") or header.get("NAXIS3", 1) != 1 or not number or number <= 0:
        return None
    unit = str(header.get("CUNIT3") or "").strip().casefold()
    if kind == "FREQ":
        return _LIGHT / (number * _HERTZ.get(unit, 1.0))
    return number * _MICROMETERS.get(unit, 1e6)
