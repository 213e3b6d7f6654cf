"""Recognize radio maps by their headers."""

from __future__ import annotations

import re

from galaxtool.images.fits.header import Keywords

_PER_BEAM = re.compile(r"(?:/|per)(?:beam|bm)|beam\^?\(?-1")
_AXES = 4


def is_per_beam(unit: str) -> bool:
    """Tell whether a unit is a brightness per beam.

    Examples
    --------
    >>> [is_per_beam(unit) for unit in ("JY/BEAM", "mJy beam-1", "uJy/bm", "uJy", "nanomaggy")]
    [True, True, True, False, False]
    """
    return _PER_BEAM.search("".join(unit.lower().split())) is not None


def is_radio_map(header: Keywords, unit: str) -> bool:
    """Tell whether a header describes a radio map: its unit is per beam, or it has a beam or a frequency axis."""
    if unit and is_per_beam(unit):
        return True
    if any(header.get(key) is not None for key in ("BMAJ", "RESTFRQ", "RESTFREQ")):
        return True
    axes = int(header.get("NAXIS", 0)) if isinstance(header.get("NAXIS"), int) else 0
    return any(str(header.get(f"CTYPE{i}", "")).startswith("FREQ") for i in range(3, min(axes, _AXES) + 1))
