"""The spec of a kind of figure."""

from __future__ import annotations

from dataclasses import dataclass

from galaxtool.plugins.base_spec import Spec
from galaxtool.plugins.options import MethodOption


@dataclass(frozen=True, slots=True, kw_only=True)
class PlotSpec(Spec):
    """A kind of figure of ``galaxtool plot``; ``factory(request)`` returns a `matplotlib.figure.Figure`.

    The request is a `galaxtool.plotting.request.PlotRequest`. The factory runs within the style of galaxtool's figures,
    and does not save the figure.

    Parameters
    ----------
    inputs : str
        What it draws, as the listing says it: ``"evaluation directories"``.
    takes : tuple of str
        Options of ``galaxtool plot`` that it uses: any of ``"split"``, ``"truth"``, ``"by"``, ``"label"`` and
        ``"model"``. Any other is refused.
    options : tuple of MethodOption
        Its own settings, in ``request.options``.
    """

    inputs: str = ""
    takes: tuple[str, ...] = ()
    options: tuple[MethodOption, ...] = ()
