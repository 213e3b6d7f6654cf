"""Lay out the histogram of the labels' probabilities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_STEP, _HEIGHT, _LEFT, _TOP = 20, 120, 48, 14
_TICKS = 5


@dataclass(frozen=True)
class HistogramBar:
    """One bar.

    Parameters
    ----------
    x, height : float
        Left edge and height in the drawing.
    low, high : float
        Edges of the bin.
    n : int
        Number of images.
    """

    x: float
    height: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class Tick:
    """One label of the axis: its place in the drawing, and its value."""

    x: float
    value: float


@dataclass(frozen=True)
class Histogram:
    """A drawing of a histogram, in units of pixels.

    Parameters
    ----------
    left, right, top, bottom : int
        Edges of the axes.
    bar_width : int
        Width of a bar.
    bars : tuple of HistogramBar
    ticks : tuple of Tick
    largest : int
        Largest count.
    share_above_half : str
        Share of the labels with a probability of 0.5 or more.
    """

    left: int
    right: int
    top: int
    bottom: int
    bar_width: int
    bars: tuple[HistogramBar, ...]
    ticks: tuple[Tick, ...]
    largest: int
    share_above_half: str


def lay_out_histogram(counts: np.ndarray) -> Histogram:
    """Lay out a histogram of probabilities from 0 to 1, with bins of equal width, at least one of them filled."""
    bins, largest = len(counts), int(counts.max())
    bars = tuple(
        HistogramBar(_LEFT + k * _STEP + 1, _HEIGHT * n / largest, k / bins, (k + 1) / bins, n)
        for k, n in enumerate(counts.tolist())
    )
    ticks = tuple(Tick(_LEFT + k * _STEP * bins / _TICKS, k / _TICKS) for k in range(_TICKS + 1))
    share = int(counts[bins // 2 :].sum()) / int(counts.sum())
    return Histogram(
        left=_LEFT, right=_LEFT + bins * _STEP, top=_TOP, bottom=_TOP + _HEIGHT, bar_width=_STEP - 2, bars=bars,
        ticks=ticks, largest=largest, share_above_half=f"{share:.0%}",
    )  # fmt: skip
