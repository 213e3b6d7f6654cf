"""The one style of all figures, whatever the user's own settings of Matplotlib are."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Any, TypeVar, cast

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from galaxtool.errors import ConfigError, InputError
from galaxtool.plotting.request import ONE_COLUMN, TWO_COLUMNS
from galaxtool.utils.error_text import describe_error
from galaxtool.utils.suggestions import suggest_path

F = TypeVar("F", bound=Callable[..., Any])

BLACK, BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, YELLOW = (
    "#000000", "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#F0E442",
)  # fmt: skip
"""The colours of Okabe & Ito, which people with any kind of colour blindness can tell apart."""

COLORS = (BLUE, VERMILION, GREEN, PURPLE, ORANGE, SKY, BLACK)
"""Colours of classes or inputs, in order; yellow is too faint for lines on white."""

MARKERS = "osD^vPX*<>"
"""Markers of classes or inputs, in order, so that a figure can be read without its colours."""

LINES = ("-", "--", "-.", ":")
"""Styles of lines, in order."""


_NOT_STYLE = (
    "backend", "interactive", "toolbar", "webagg", "tk.", "timezone", "savefig.directory", "date.epoch", "datapath",
)  # fmt: skip
"""Settings of Matplotlib that are not about how a figure looks."""


@contextmanager
def use_style(extra: Path | None = None) -> Iterator[None]:
    """Draw with the style of galaxtool's figures within the block.

    Parameters
    ----------
    extra : Path, optional
        Style sheet of Matplotlib whose settings take precedence.

    Raises
    ------
    InputError
        If the style sheet does not exist.
    ConfigError
        If it sets something that Matplotlib does not know.
    """
    with mpl.rc_context({**_read_style(), **(_read_sheet(extra) if extra else {})}):
        yield


def with_style(draw: F) -> F:
    """Draw with the style of galaxtool's figures, unless that is in use already."""

    @functools.wraps(draw)
    def call(*args: Any, **kwargs: Any) -> Any:
        if mpl.rcParams["svg.hashsalt"] == _read_style()["svg.hashsalt"]:
            return draw(*args, **kwargs)
        with use_style():
            return draw(*args, **kwargs)

    return cast(F, call)


HATCHES = ("", "/////", "....", "xxxxx", "-----")
"""Hatches of bars, in order."""


def make_figure(columns: int = 1, aspect: float = 0.76, *, inches: float | None = None) -> Figure:
    """Return an empty figure as wide as one or two columns of a journal page.

    Parameters
    ----------
    columns : {1, 2}
        Columns that it spans: 3.4 or 7 inches.
    aspect : float
        Its height divided by its width.
    inches : float, optional
        Its height, in place of `aspect`.
    """
    width = ONE_COLUMN if columns == 1 else TWO_COLUMNS
    return Figure(figsize=(width, inches or width * aspect))


def place_legend_above(axes: Axes, *, handles: Sequence[Any] | None = None, share: float = 1.0) -> None:
    """Place a legend above the whole figure, with as many entries in a row as fit, and add its height to the figure.

    Parameters
    ----------
    axes : Axes
        Axes with the labels.
    handles : sequence, optional
        What to list; by default everything with a label.
    share : float
        If below 1, the legend is above the axes alone, which take this share of the width.
    """
    figure = axes.get_figure(root=True)
    assert isinstance(figure, Figure)
    handles = axes.get_legend_handles_labels()[0] if handles is None else handles
    per_row = _count_entries([str(handle.get_label()) for handle in handles], share * figure.get_figwidth(), 7)
    if share < 1:
        axes.legend(
            handles=handles, loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=per_row, borderaxespad=0.2,
            columnspacing=1,
        )  # fmt: skip
    else:
        figure.set_figheight(figure.get_figheight() + 0.13 * -(-len(handles) // per_row))
        figure.legend(handles=handles, loc="outside upper center", ncols=per_row, columnspacing=1.2)


def place_legend_below(figure: Figure, axes: Axes, **options: Any) -> None:
    """Place a legend below the whole figure, with as many entries in a row as fit, and add its height to the figure."""
    handles, labels = axes.get_legend_handles_labels()
    per_row = _count_entries(labels, figure.get_figwidth(), 6)
    rows = -(-len(labels) // per_row) + ("title" in options)
    figure.set_figheight(figure.get_figheight() + 0.125 * rows + 0.08)
    figure.legend(
        handles, labels, loc="outside lower center", ncols=per_row, fontsize=6, columnspacing=1, handletextpad=0.5,
        borderpad=0.9, borderaxespad=0,
        **options,
    )  # fmt: skip


def _count_entries(labels: Sequence[str], width: float, size: float) -> int:
    """Return how many entries with text of a size in points fit beside each other in a legend of a width in inches."""
    longest = max((len(label) for label in labels), default=1)
    return max(1, min(len(labels), int(width / (0.29 + 0.0077 * size * longest))))


def fit_height(figure: Figure) -> None:
    """Cut off the empty space above and below axes of a fixed aspect; the width stays as it is."""
    figure.draw_without_rendering()
    box = figure.get_tightbbox()
    figure.set_figheight(box.height + 0.06)


@functools.cache
def _read_style() -> dict[Any, Any]:
    """Return all settings: those of Matplotlib's own defaults that the style sheet leaves as they are too."""
    sheet = resources.files("galaxtool.plotting").joinpath("galaxtool.mplstyle")
    with resources.as_file(sheet) as path:
        own: Any = mpl.rc_params_from_file(path, use_default_template=False)
    defaults: dict[Any, Any] = {k: v for k, v in mpl.rcParamsDefault.items() if not k.startswith(_NOT_STYLE)}
    return {**defaults, **own}


def _read_sheet(path: Path) -> dict[Any, Any]:
    if not path.is_file():
        raise InputError(f"There is no style sheet at '{path}'.", hint=suggest_path(path))
    try:
        sheet: Any = mpl.rc_params_from_file(path, use_default_template=False)
    except Exception as error:
        raise ConfigError(
            f"The style sheet '{path}' cannot be used: {describe_error(error)}.",
            hint="It has lines such as `font.size: 9`; see matplotlib.org on style sheets.",
        ) from error
    if not sheet:
        raise ConfigError(f"'{path}' is not a style sheet.", hint="It has lines such as `font.size: 9`.")
    return dict(sheet)
