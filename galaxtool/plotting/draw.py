"""Draw one figure of a registered kind."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from matplotlib.figure import Figure

from galaxtool.errors import ConfigError, PluginError
from galaxtool.plotting.request import PlotRequest
from galaxtool.plotting.result import PlotResult
from galaxtool.plotting.save import check_figure_path, save_figure
from galaxtool.plotting.style import use_style
from galaxtool.plugins.options import parse_options
from galaxtool.plugins.plot_spec import PlotSpec
from galaxtool.plugins.registry import get_registry
from galaxtool.tables.kept_inputs import refuse_inputs
from galaxtool.utils.counts import format_count

_OPTIONS = {"split": None, "truth": "truth", "by": None, "label": (), "model": None}
"""Option that only some kinds take -> its default."""


def draw_plot(request: PlotRequest, output: Path | None, options: list[str], style: Path | None) -> PlotResult:
    """Draw a figure and save it.

    Parameters
    ----------
    request : PlotRequest
        What to draw, without the kind's own settings.
    output : Path or None
        File to write; by default a PNG file with the name of the kind in the working directory.
    options : list of str
        The kind's own settings as ``NAME=VALUE``.
    style : Path or None
        Style sheet whose settings take precedence over galaxtool's own.

    Raises
    ------
    UnknownName
        If there is no such kind.
    ConfigError
        If the kind does not take an option, or the suffix of the output is not that of a format of figures.
    OutputExists
        If the output is an input.
    """
    registered = get_registry().plots.find(request.kind)
    spec = registered.spec
    output = output or Path(f"{spec.name}.png")
    check_figure_path(output)
    refuse_inputs({"--output": output}, request.inputs)
    _check_options(spec, request)
    values = parse_options(f"the plot '{spec.name}'", spec.options, options, note="See `galaxtool plot --list`.")
    request = replace(request, kind=spec.name, options=values)
    with use_style(style):
        figure = registered.create(request)
        if not isinstance(figure, Figure):
            raise PluginError(
                f"The plot '{spec.name}' of the plugin '{registered.plugin}' returned {type(figure).__name__} instead "
                "of a matplotlib Figure.",
                hint=f"Update or remove {registered.origin}.",
            )
        save_figure(figure, output)
    return PlotResult(kind=spec.name, output=output, inputs=request.inputs)


def _check_options(spec: PlotSpec, request: PlotRequest) -> None:
    """Raise `ConfigError` for an option that the kind does not use, and for labels that are not one for each input."""
    if request.columns not in (1, 2):
        raise ConfigError(f"--columns is {request.columns}; a page has 1 or 2.", hint="Give --columns 1 or 2.")
    for name, default in _OPTIONS.items():
        if getattr(request, name) != default and name not in spec.takes:
            taken = ", ".join(f"--{one}" for one in spec.takes) or "none"
            raise ConfigError(f"'{spec.name}' does not take --{name}.", hint=f"Options that it takes: {taken}.")
    if request.label and len(request.label) != len(request.inputs):
        raise ConfigError(
            f"--label is given {format_count(len(request.label), 'time')}, for "
            f"{format_count(len(request.inputs), 'input')}.",
            hint="Give --label once for each input, in the same order.",
        )
