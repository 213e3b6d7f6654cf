"""The sizes of the sources of a data set, beside what the network can resolve."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from galaxtool import InputError
from galaxtool_detect.geometry import compute_sides
from galaxtool_detect.training.windows import FieldCache

_CONVOLUTIONAL = 8
"""Smallest size in pixels of the network that a pyramid with stride 4 resolves well."""
_MOST_UPSCALE = 4.0


@dataclass(frozen=True, kw_only=True)
class SourceSizes:
    """The sizes of the sources, as roots of the areas of their boxes, and of the fields.

    Parameters
    ----------
    mean, quartile : float
        Mean and lower quartile in pixels of the fields.
    count : int
        Number of sources.
    empty : int
        Number of fields without a source.
    side : int
        Median of the longer sides of the fields in pixels.
    """

    mean: float
    quartile: float
    count: int
    empty: int
    side: int

    def choose_upscale(self, patch: int | None) -> float:
        """Return the factor by which the lower quartile fills a patch, or 8 pixels where there are no patches."""
        factor = (patch or _CONVOLUTIONAL) / self.quartile
        return float(np.clip(np.ceil(2 * factor) / 2, 1.0, _MOST_UPSCALE))

    def describe(self, upscale: float, patch: int | None) -> str:
        """Return a sentence on the ratio of sources to patches."""
        unit, name = (patch, "patch") if patch else (_CONVOLUTIONAL, "finest cell, two steps of the finest map")
        mean, quartile = self.mean * upscale, self.quartile * upscale
        return (
            f"{self.count} sources; enlarged by {upscale:g} they are {mean:.0f} pixels on average, lower quartile "
            f"{quartile:.0f}: {mean / unit:.2g} and {quartile / unit:.2g} times the {name} of {unit} pixels "
            "(Lastufka et al. 2024: RGZ 55 and 24 pixels at 224, MGCLS 16 and 14 at 512)."
        )

    def find_problem(self, upscale: float, patch: int | None) -> str:
        """Return a warning if sources are too small for the network; empty if not."""
        unit = patch or _CONVOLUTIONAL
        ratio = self.quartile * upscale / unit
        if ratio >= 0.8:
            return ""
        better = float(np.ceil(2 * unit / self.quartile) / 2)
        return (
            f"A quarter of the sources is smaller than {ratio:.2f} of what the network resolves ({unit} pixels), and "
            f"may be missed; --upscale {better:g} would enlarge them to it."
        )

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {"mean": self.mean, "quartile": self.quartile, "count": self.count, "side": self.side}


def measure_sources(fields: FieldCache) -> SourceSizes:
    """Measure the sources of the training split.

    Raises
    ------
    InputError
        If no image has a source.
    """
    sizes, sides, empty = [], [], 0
    for index in range(len(fields)):
        field = fields[index]
        sides.append(max(field.shape))
        sizes.append(compute_sides(field.boxes))
        empty += not len(field.boxes)
    everything = np.concatenate(sizes) if sizes else np.zeros(0)
    if not len(everything):
        raise InputError(
            f"None of the {len(fields)} training images of '{fields.fields.name}' has a source, so there is nothing "
            "to learn.",
            hint="Check the boxes and their file names; images without sources may be among others that have some.",
        )
    return SourceSizes(
        mean=float(everything.mean()),
        quartile=float(np.quantile(everything, 0.25)),
        count=len(everything),
        empty=empty,
        side=int(np.median(sides)),
    )
