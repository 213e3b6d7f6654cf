"""A colour for each class, the same in regions, figures and pages; distinct for colour-blind readers."""

from __future__ import annotations

from astropy.table import Table

PALETTE = ("#56B4E9", "#E69F00", "#009E73", "#CC79A7", "#F0E442", "#D55E00", "#0072B2")
_FIXED = {"compact": "#009E73", "double": "#56B4E9", "bent": "#E69F00", "extended": "#CC79A7", "source": "#009E73"}


def color_of(label: str, sources: Table) -> str:
    """Return the colour of a class, as #RRGGBB."""
    if label in _FIXED:
        return _FIXED[label]
    others = sorted(set(map(str, sources["label"])) - set(_FIXED))
    return PALETTE[others.index(label) % len(PALETTE)]
