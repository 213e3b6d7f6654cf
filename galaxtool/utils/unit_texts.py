"""Units in files of others, which astropy may take hours to compute: ``10**1000000000 m``."""

from __future__ import annotations

import re

_LONGEST = 2000
_HUGE_POWER = re.compile(r"\d\s*(?:\*\*|\^|[-+(])[-+(\s]*\d{5,}")


def is_computable_unit(text: str) -> bool:
    """Tell whether astropy can parse a unit at once: it computes powers of numbers exactly, however large they are.

    Examples
    --------
    >>> is_computable_unit("10**-17 erg / (s cm2)"), is_computable_unit("10**1000000000 m")
    (True, False)
    """
    return len(text) <= _LONGEST and _HUGE_POWER.search(text) is None
