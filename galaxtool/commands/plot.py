"""The command ``plot``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from galaxtool.commands.shared_options import describe_shared_options
from galaxtool.diagnostics.listing import ComponentListing, list_collection
from galaxtool.plotting.request import PlotRequest
from galaxtool.plotting.result import PlotResult
from galaxtool.plugins.registry import get_registry
from galaxtool.types import Progress, Silent
from galaxtool.utils.optional_imports import import_attribute
from galaxtool.utils.path_arguments import accept_paths


@accept_paths
@describe_shared_options
def plot(
    kind: str = "",
    inputs: Sequence[str | Path] = (),
    *,
    output: Path | None = None,
    list: bool = False,
    option: Sequence[str] = (),
    by: str | None = None,
    truth: str = "truth",
    split: str | None = None,
    label: Sequence[str] = (),
    model: str | Path | None = None,
    columns: int = 1,
    style: Path | None = None,
    progress: Progress | None = None,
) -> PlotResult | ComponentListing:
    """Draw a figure for a paper.

    The figure is as wide as one column of a journal page, its colours can be told apart by people who are colour-blind,
    and its text stays text in PDF and SVG files.

    Parameters
    ----------
    kind : str
        Kind of figure; `galaxtool plot --list` shows all.
    inputs : sequence of str or Path
        What to draw, such as evaluation or run directories; the list says what each kind takes.
    output : Path, optional
        File of the figure, whose suffix chooses the format: .pdf, .svg or .eps for vectors, .png, .jpg, .tif or .webp
        for pixels. By default KIND.png.
    list : bool
        List the kinds of figure, or only the one that is named, with what they take and their settings.
    option : sequence of str
        Setting of the kind as NAME=VALUE; repeat it for several.
    by : str, optional
        Column of the table to divide or colour by, such as a magnitude.
    truth : str
        Column of the table with the true class.
    split : str, optional
        Split of a run to draw: valid or test.
    label : sequence of str
        Name of an input in the legend; give one for each input, in the same order. By default the names of the files.
    model : str or Path, optional
        Name of a registered model, model or run directory, or .onnx file, for kinds that compute with one.
    columns : int
        Columns of the page that the figure spans: 1 (3.4 inches) or 2 (7 inches).
    style : Path, optional
        Style sheet of Matplotlib (.mplstyle) whose settings take precedence over galaxtool's.
    {progress}

    Returns
    -------
    PlotResult or ComponentListing
        Path of the figure; with `list`, or without a kind, the kinds.

    Raises
    ------
    UnknownName
        If there is no such kind.
    ConfigError
        If the kind does not take an option, or the suffix of the output is not that of a format of figures.
    InputError
        If an input cannot be drawn.
    """
    if list or not kind:
        return _list_kinds(kind)
    request = PlotRequest(
        kind=kind, inputs=tuple(str(one) for one in inputs), columns=columns, split=split, truth=truth, by=by,
        label=tuple(label), model=None if model is None else str(model), log=progress or Silent(),
    )  # fmt: skip
    result: PlotResult = import_attribute("galaxtool.plotting.draw:draw_plot")(request, output, option, style)
    return result


def _list_kinds(kind: str) -> ComponentListing:
    """Return the kinds of figure, or only one."""
    plots = get_registry().plots
    listing = list_collection(plots)
    if not kind:
        return listing
    name = plots.find(kind).spec.name
    return ComponentListing(listing.kind, [row for row in listing.rows if row["name"] == name])
