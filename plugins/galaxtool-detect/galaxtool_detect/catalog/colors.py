"""A colour for each class, the same in regions, figures and pages; distinct for colour-blind readers."""

from __future__ import annotations

from astropy.table import Table

PALETTE = ("#56B4E9", "#E69F00", "#009E73", "#CC79A7", "#F0E442", "#D55E00", "#0072B2")
_FIXED = {"compact": "#009E73", "double": "#56B4E9", "bent": "#E69F00", "extended": "#CC79A7", "source": "#009E73"}


def choose_colors(sources: Table) -> dict[str, str]:
    """Return the colour of each class of some sources, as #RRGGBB."""
    labels = sorted(set(map(str, sources["label"])))
    others = [label for label in labels if label not in _FIXED]
    return _FIXED | {label: PALETTE[i % len(PALETTE)] for i, label in enumerate(others)}
