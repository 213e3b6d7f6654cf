"""Samples of data sets, beside histograms of their pixel values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from galaxtool.plotting.charts.picture_grid import Margins, find_side, make_grid, show_picture
from galaxtool.plotting.request import ONE_COLUMN, TWO_COLUMNS
from galaxtool.plotting.style import BLACK, COLORS, LINES, with_style

_BINS = 60
_BANDS = {"R": "#D55E00", "G": "#009E73", "B": "#0072B2"}
_LINE = 0.11  # inches, of text of 6 points
_DISPLAY = "display"
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")  # the style reads no mathematics
_UNITS = {"jy/beam": "Jy/beam", "jy/pixel": "Jy/pixel", "mjy/beam": "mJy/beam", "counts": "counts", "adu": "ADU"}


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sample:
    """Some images of one data set.

    Parameters
    ----------
    name : str
        Name of the data set.
    pictures : tuple of ndarray or None
        Pictures, uint8 (size, size, 3), row 0 on top; None where an image cannot be read.
    captions : tuple of str
        Text below each picture, such as its class; may be empty.
    values : dict
        Band -> pixel values as they are in the files, float (N,), without NaN.
    unit : str
        Unit of the values; ``display`` for pictures.
    """

    name: str
    pictures: tuple[np.ndarray | None, ...]
    values: dict[str, np.ndarray]
    captions: tuple[str, ...] = ()
    unit: str = ""


@with_style
def draw_samples(samples: Sequence[Sample], *, columns: int = 2) -> Figure:
    """Draw a row of pictures for each data set, with a histogram of the values of the pixels at its end.

    Parameters
    ----------
    samples : sequence of Sample
        Data sets with the same number of pictures.
    columns : {1, 2}
        Columns of a journal page that the figure spans.

    Returns
    -------
    Figure
    """
    n = max(len(sample.pictures) for sample in samples)
    width = ONE_COLUMN if columns == 1 else TWO_COLUMNS
    n_lines = max((text.count("\n") + 1 for sample in samples for text in sample.captions if text), default=0)
    below = n_lines * _LINE
    histogram = 1.2 if columns == 1 else 1.65
    margins = Margins(left=0.2, right=histogram, top=0.04, bottom=0.36, gap=0.04, row_gap=max(below + 0.05, 0.36))
    figure, axes = make_grid(len(samples), n, width, margins)
    for cells, sample in zip(axes, samples, strict=True):
        captions = sample.captions or ("",) * len(sample.pictures)
        for cell, picture, caption in zip(cells, sample.pictures, captions, strict=False):
            show_picture(cell, picture)
            cell.text(0.5, -0.05, caption, transform=cell.transAxes, ha="center", va="top", fontsize=6)
        room = 72 * find_side(cells[0]) / (0.6 * max(len(sample.name), 1))  # points, for a text as long as the side
        cells[0].text(
            -0.08, 0.5, sample.name, transform=cells[0].transAxes, ha="right", va="center", rotation=90,
            fontsize=min(7.0, room),
        )  # fmt: skip
        box = cells[-1].get_position()
        left = box.x1 + 0.42 / width
        _draw_histogram(figure.add_axes((left, box.y0, 1 - 0.1 / width - left, box.height)), sample)
    return figure


def _draw_histogram(axes: Axes, sample: Sample) -> None:
    """Draw the shares of the pixels by value, a line for each band."""
    everything = np.concatenate(list(sample.values.values()))
    edges = _choose_edges(everything, is_display=sample.unit == _DISPLAY)
    for number, (band, values) in enumerate(sample.values.items()):
        share = np.histogram(np.clip(values, edges[0], edges[-1]), edges)[0] / max(len(values), 1)
        single = len(sample.values) == 1
        axes.stairs(
            share, edges, color=BLACK if single else _BANDS.get(band, COLORS[number % len(COLORS)]),
            linestyle=LINES[number % len(LINES)], linewidth=0.8, label=band,
        )  # fmt: skip
    written = _UNITS.get(sample.unit.lower(), sample.unit)
    unit = {_DISPLAY: "gray level", "": "pixel value"}.get(sample.unit, f"pixel value ({written})")
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: _write_power(value)))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_xlim(edges[0], edges[-1])
    axes.set_ylabel("share of pixels", fontsize=6, labelpad=1)
    axes.set_xlabel(unit, fontsize=6, labelpad=1)
    axes.tick_params(labelsize=6, pad=1.5)
    if sample.unit != _DISPLAY:
        width = 3 * _noise(everything)
        axes.set_xscale("asinh", linear_width=width)
        axes.xaxis.set_major_locator(FixedLocator(_choose_ticks(edges[-1], width)))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    else:
        axes.set_xticks([0, 128, 255])
    if len(sample.values) > 1 and any(sample.values):
        axes.legend(fontsize=5.5, handlelength=1.2, borderaxespad=0.2, labelspacing=0.15, loc="upper right")


def _choose_edges(values: np.ndarray, *, is_display: bool) -> np.ndarray:
    """Return edges of bins: of equal width for pictures, else growing with the value beyond the noise."""
    if is_display:
        return np.linspace(-0.5, 255.5, _BINS + 5)  # 64 bins of four levels
    width = 3 * _noise(values)
    low, high = np.arcsinh(np.percentile(values, [0, 100]) / width)
    pad = 0.02 * (high - low) + 1e-9
    return width * np.sinh(np.linspace(low - pad, high + pad, _BINS + 1))


def _noise(values: np.ndarray) -> float:
    """Return the scatter of values, going by the median, and not 0."""
    middle = np.median(values)
    scatter = 1.4826 * float(np.median(np.abs(values - middle)))
    return scatter or float(values.std()) or 1.0


def _choose_ticks(highest: float, width: float) -> list[float]:
    """Return 0 and one or two powers of ten beyond the noise."""
    low, high = np.ceil(np.log10(2 * width)), np.floor(np.log10(highest)) if highest > 0 else -np.inf
    if high < low:
        return [0.0, float(f"{highest:.0e}")] if highest > width else [0.0]
    middle = np.floor((low + high) / 2)
    return [0.0, *sorted({float(10**high), float(10**middle)} if high - middle >= 2 else {float(10**high)})]


def _write_power(value: float) -> str:
    """Return a power of ten as 10⁻³."""
    return "10" + str(round(np.log10(value))).translate(_SUPERSCRIPTS)
