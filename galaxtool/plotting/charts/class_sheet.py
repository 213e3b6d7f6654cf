"""The classes of a taxonomy: symbol, prompt and examples of each."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.figure import Figure

from galaxtool.plotting.charts.picture_grid import Margins, make_grid, outline, show_picture
from galaxtool.plotting.request import ONE_COLUMN, TWO_COLUMNS
from galaxtool.plotting.style import with_style

_POINT = 1 / 72  # inches
_GAP = 0.04
_WIDEST, _HIGHEST = 1.1, 8.5  # inches, of a picture and of all rows


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClassEntry:
    """One class.

    Parameters
    ----------
    name : str
        Name of the class.
    prompt : str
        Its sentence for the text encoder.
    symbol : ndarray of uint8, shape (size, size, 3), or None
        Its schematic symbol; None if it has none.
    examples : tuple of ndarray or None
        Pictures of images of the class, uint8 (size, size, 3), row 0 on top; None where an image cannot be read.
    """

    name: str
    prompt: str
    symbol: np.ndarray | None
    examples: tuple[np.ndarray | None, ...] = ()


@with_style
def draw_class_sheet(entries: Sequence[ClassEntry], *, columns: int = 2) -> Figure:
    """Draw a row for each class: its symbol, its name and prompt, and examples.

    Parameters
    ----------
    entries : sequence of ClassEntry
        The classes, in order.
    columns : {1, 2}
        Columns of a journal page that the figure spans.

    Returns
    -------
    Figure
    """
    width = ONE_COLUMN if columns == 1 else TWO_COLUMNS
    n = max(len(entry.examples) for entry in entries)
    gaps = _GAP * n + 0.02
    text = max(1.25 if columns == 1 else 1.6, width - gaps - (n + 1) * min(_WIDEST, _HIGHEST / len(entries)))
    # symbol and examples are the cells of a grid, and the text stands between the first column and the others
    margins = Margins(right=text, top=0.02, bottom=0.02, gap=_GAP, row_gap=0.06)
    figure, axes = make_grid(len(entries), n + 1, width, margins)
    side = axes[0, 0].get_position().width
    for cells, entry in zip(axes, entries, strict=True):
        for cell in cells[1:]:
            box = cell.get_position()
            cell.set_position((box.x0 + text / width, box.y0, box.width, box.height))
        if entry.symbol is None:
            cells[0].text(0.5, 0.5, "no symbol", transform=cells[0].transAxes, ha="center", va="center", fontsize=6)
            outline(cells[0], "0.8", width=0.5)
        else:
            show_picture(cells[0], entry.symbol)
        for cell, picture in zip(cells[1:], entry.examples, strict=False):
            show_picture(cell, picture)
        _write_text(figure, entry, side + 0.07 / width, cells[0].get_position(), text - 0.1)
    return figure


def _write_text(figure: Figure, entry: ClassEntry, left: float, box: object, width: float) -> None:
    """Write name and prompt beside the symbol, wrapped to a width in inches."""
    name = textwrap.wrap(entry.name, max(8, int(width / (0.62 * 7.5 * _POINT))))
    prompt = textwrap.wrap(entry.prompt, max(8, int(width / (0.56 * 6.5 * _POINT))))
    middle = (box.y0 + box.y1) / 2  # type: ignore[attr-defined]
    height = figure.get_figheight()
    line_name, line_prompt = 9.0 * _POINT / height, 8.2 * _POINT / height
    top = middle + (len(name) * line_name + len(prompt) * line_prompt) / 2
    figure.text(left, top, "\n".join(name), va="top", fontsize=7.5, fontweight="bold", linespacing=1.15)
    figure.text(
        left, top - len(name) * line_name - 1.5 * _POINT / height, "\n".join(prompt), va="top", fontsize=6.5,
        linespacing=1.15, color="0.25",
    )  # fmt: skip
