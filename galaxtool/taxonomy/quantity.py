"""A number that a model predicts with error bars; this file imports only the standard library."""

from __future__ import annotations

from dataclasses import dataclass

COVERAGE = 0.6827
"""Share of the objects whose true value should be within the error bars: one standard deviation of a Gaussian."""

QUANTILES = (0.5 - COVERAGE / 2, 0.5, 0.5 + COVERAGE / 2)
"""The quantiles of each quantity, in the order of the outputs."""

ENDINGS = ("_low", "", "_high")
"""What follows the name of the quantity in the names of its outputs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quantity:
    """A number that a model predicts.

    Parameters
    ----------
    column : str
        Column of the catalogue with the true values.
    slug : str
        Name of the column with the predictions.
    unit : str
        Unit, as astropy writes it; may be empty.
    center, scale : float
        Median of the training values, and half of the range that contains 68 % of them.
    """

    column: str
    slug: str
    unit: str = ""
    center: float = 0.0
    scale: float = 1.0

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the three outputs."""
        return tuple(f"{self.slug}{ending}" for ending in ENDINGS)
