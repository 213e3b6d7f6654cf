"""Check a kind of figure."""

from __future__ import annotations

import io
from collections.abc import Sequence

from matplotlib import pyplot
from matplotlib.figure import Figure

from galaxtool.plotting.request import PlotRequest
from galaxtool.plotting.style import use_style
from galaxtool.plugins.options import parse_options
from galaxtool.plugins.registry import get_registry


def check_plot(name: str, *inputs: str, option: Sequence[str] = (), model: str | None = None) -> None:
    """Check a registered kind of figure on inputs of the user's.

    The checks are:

    - It returns a `matplotlib.figure.Figure` that can be saved as SVG and PNG and has something in it.
    - The figure has the width that was asked for, one column and two.
    - It is not one of `matplotlib.pyplot`, which would stay in memory.

    Parameters
    ----------
    name : str
        Name of the kind, plain or as ``plugin:name``.
    *inputs : str
        What to draw.
    option : sequence of str
        Settings, as ``NAME=VALUE``.
    model : str, optional
        Name or path of a model.

    Raises
    ------
    AssertionError
        If a check fails.
    """
    found = get_registry().plots.find(name)
    options = parse_options(f"the figure '{name}'", found.spec.options, option)
    before = len(pyplot.get_fignums())
    for columns in (1, 2):
        request = PlotRequest(kind=name, inputs=tuple(map(str, inputs)), columns=columns, options=options, model=model)
        with use_style():
            figure = found.create(request)
            assert isinstance(figure, Figure), (
                f"The factory of '{name}' returns {type(figure).__name__}, not a matplotlib.figure.Figure."
            )
            for kind in ("svg", "png"):
                figure.savefig(io.BytesIO(), format=kind)
        width = float(figure.get_figwidth())
        assert abs(width - request.width) < 0.05 * request.width, (
            f"The figure '{name}' is {width:.1f} inches wide, not {request.width}; use figsize=(request.width, ...)."
        )
        assert figure.axes or figure.subfigs, f"The figure '{name}' is empty."
    assert len(pyplot.get_fignums()) == before, (
        f"The figure '{name}' is made by matplotlib.pyplot, which keeps it in memory; use matplotlib.figure.Figure."
    )
