"""Repairs of what WCS cards say together: matrices, frames, distortions and the place of the reference pixel."""

from __future__ import annotations

import math
import re

from galaxtool.images.fits.angle_units import find_degrees
from galaxtool.images.fits.numbers import split_number
from galaxtool.images.fits.wcs_values import AXES, MATRIX, UnusableWCS, WcsValues

LONGITUDE = re.compile(r"RA--|[GESH]?LON")
SIP = re.compile(r"(?:A|B|AP|BP)_(?:\d+_\d+|ORDER|DMAX)")
PV = re.compile(r"PV([12])_(\d+)")
_PERIODIC = {"CAR": 0.0, "CEA": 0.0, "MER": 0.0, "HPX": 90.0}  # degrees after which the map repeats itself; 0: any
_FRAMES = {"J2000": ("FK5", 2000.0), "J2000.0": ("FK5", 2000.0), "B1950": ("FK4", 1950.0), "B1950.0": ("FK4", 1950.0)}
_FARTHEST = 720.0  # degrees; a larger longitude is not an angle on the sky
_EQUINOXES = (1800.0, 2200.0)


def repair_matrix(values: WcsValues) -> None:
    """Leave one description of the size and rotation of pixels."""
    cd, pc = ([values.number(f"{name}{i}_{j}") for i, j in MATRIX] for name in ("CD", "PC"))
    steps = [values.number(f"CDELT{axis}") for axis in AXES]
    rotations = [values.number(f"CROTA{axis}") or 0.0 for axis in AXES]
    has_cd, has_pc = any(v is not None for v in cd), any(v is not None for v in pc)
    if has_cd and not any(cd):  # WCSLIB would take pixels of zeros for some of one degree
        _drop(values, "CD")
        has_cd = False
    default = (1.0, 0.0, 0.0, 1.0)
    full_pc = [d if v is None else v for v, d in zip(pc, default, strict=True)]
    is_identity = full_pc == list(default)
    if has_cd and has_pc:
        full_cd = [v or 0.0 for v in cd]
        product = [(steps[(i - 1)] or 1.0) * v for (i, _), v in zip(MATRIX, full_pc, strict=True)]
        if full_cd == list(default) and not (is_identity and None in steps):
            _drop(values, "CD")
        elif is_identity or _are_close(full_cd, product):
            _drop(values, "PC")
        else:
            raise UnusableWCS("its matrices CD and PC contradict each other")
    elif has_pc and is_identity and any(rotations):
        raise UnusableWCS("PC says that it is not rotated, and CROTA says that it is")
    elif has_pc and is_identity and None in steps:
        raise UnusableWCS("it does not state the size of its pixels")
    if not has_cd and not has_pc:
        if None in steps:
            raise UnusableWCS("it does not state the size of its pixels")
        if rotations[0] and values.number("CROTA2") is None:
            raise UnusableWCS("it has CROTA1 and no CROTA2")


def _drop(values: WcsValues, name: str) -> None:
    for i, j in MATRIX:
        values.set(f"{name}{i}_{j}", None)


def _are_close(one: list[float], other: list[float]) -> bool:
    return math.dist(one, other) <= 0.01 * math.hypot(*one)


def repair_frame(values: WcsValues) -> None:
    """Read EQUINOX, EPOCH and RADESYS as people write them."""
    equinox = _read_equinox(values, "EQUINOX")
    epoch = _read_equinox(values, "EPOCH")
    key = "RADESYS" if "RADESYS" in values.cards else "RADECSYS"
    frame = values.text(key).upper()
    if frame in _FRAMES:
        name, default = _FRAMES[frame]
        values.set(key, name)
        if equinox is None:
            values.set("EQUINOX", default)
    elif frame and frame != values.text(key):
        values.set(key, frame)
    if equinox is None and epoch is not None and epoch not in (1950, 2000):
        values.set("EPOCH", None)  # the date of the observation, which WCSLIB would take for an equinox


def _read_equinox(values: WcsValues, key: str) -> float | None:
    text = values.text(key)
    number = split_number(text.upper().lstrip("JB"))[0]
    if number is None or not _EQUINOXES[0] <= number <= _EQUINOXES[1]:
        values.set(key, None)
        return None
    if text and not values.is_plain(key):
        values.set(key, number)
        if text.upper().startswith("B") and not values.text("RADESYS") and not values.text("RADECSYS"):
            values.set("RADESYS", "FK4")
    return number


def repair_distortions(values: WcsValues, types: list[str]) -> bool:
    """Leave out distortions that CTYPE does not name, and name those of SCAMP; tell whether SIP was left out."""
    names = values.cards.names()
    sip = [key for key in names if SIP.fullmatch(key)]
    has_sip = all(name.endswith("-SIP") for name in types)
    if not has_sip:
        for key in sip:
            values.set(key, None)
    terms = {key: values.number(key) or 0.0 for key in names if PV.fullmatch(key)}
    is_plain_tan = all(name[4:8].strip("-") == "TAN" for name in types)
    if is_plain_tan and terms:
        latitude = 2 if LONGITUDE.match(types[0]) else 1
        if has_sip or not any(terms.values()):
            for key in terms:
                values.set(key, None)
        elif any(key.startswith(f"PV{latitude}") for key in terms):  # which TAN does not have: older versions of SCAMP
            for axis, name in zip(AXES, types, strict=True):
                values.set(f"CTYPE{axis}", f"{name[:5]}TPV")
    return bool(sip) and not has_sip


def check_range(values: WcsValues, types: list[str]) -> None:
    """Reject a reference position that is not on the sky."""
    for axis, name in zip(AXES, types, strict=True):
        limit = _FARTHEST if LONGITUDE.match(name) else 90.0
        degrees = find_degrees(values.text(f"CUNIT{axis}")) or 1.0
        value = values.number(f"CRVAL{axis}") or 0.0
        if abs(value * degrees) > limit * (1 + 1e-9):
            raise UnusableWCS(f"CRVAL{axis} is {value:g}, not an angle on the sky")


def recenter(values: WcsValues, types: list[str], shape: tuple[int, int]) -> None:
    """Move the reference pixel of a cylindrical or HEALPix map to its middle.

    WCSLIB knows only the longitudes up to 180 degrees from the reference, and a map of the whole sky may have it at an
    edge. Where the reference is on the equator, a pixel further along it describes the same map.
    """
    period = _PERIODIC.get(types[0][5:])
    if period is None or types[1][5:] != types[0][5:]:
        return
    axis = 1 if LONGITUDE.match(types[0]) else 2
    other = 3 - axis
    poles = (values.number("LONPOLE") or 0.0, min(values.number("LATPOLE") or 0.0, 0.0))
    matrix = [values.number(f"{name}{i}_{j}") for name in ("CD", "PC") for i, j in ((1, 2), (2, 1))]
    turned = any(matrix) or any(values.number(f"CROTA{one}") for one in AXES)
    if values.number(f"CRVAL{other}") or any(poles) or turned or any(map(PV.fullmatch, values.cards.names())):
        return
    middle = (shape[2 - axis] + 1) / 2
    step = values.number(f"CD{axis}_{axis}")
    if step is None:
        scale = values.number(f"PC{axis}_{axis}")
        step = (values.number(f"CDELT{axis}") or 0.0) * (1.0 if scale is None else scale)
    degrees = find_degrees(values.text(f"CUNIT{axis}")) or 1.0
    pixel, value = values.number(f"CRPIX{axis}") or 0.0, values.number(f"CRVAL{axis}") or 0.0
    farthest = abs(step * degrees) * (abs(middle - pixel) + middle - 0.5)
    if farthest > 180 * (1 + 1e-9):
        shift = step * (middle - pixel)
        if period:
            shift = round(shift * degrees / period) * period / degrees
        values.set(f"CRVAL{axis}", value + shift)
        values.set(f"CRPIX{axis}", pixel + shift / step)
