"""The built-in kinds of figure, in the order of the listing."""

from __future__ import annotations

from galaxtool.plotting.image_kinds import list_image_kinds
from galaxtool.plugins.hookspecs import hookimpl
from galaxtool.plugins.specs import MethodOption, PlotSpec

_SCORED = "an evaluation directory, a run trained with --readouts, or a table of predictions"


@hookimpl
def register_plots() -> list[PlotSpec]:
    return [
        *list_image_kinds(),
        PlotSpec(
            name="confusion",
            summary="Confusion matrix: numbers of images by true and predicted class, coloured by share.",
            factory="galaxtool.plotting.kinds.confusion:plot_confusion",
            inputs=_SCORED,
            takes=("truth",),
            options=(
                MethodOption(
                    name="numbers",
                    default="count",
                    choices=("count", "percent", "none"),
                    summary="Numbers in the cells.",
                ),
            ),
        ),
        PlotSpec(
            name="differences",
            summary="Differences of the scores of evaluations with their intervals; filled where they are significant.",
            factory="galaxtool.plotting.kinds.differences:plot_differences",
            inputs="a folder written by galaxtool compare -o",
            options=(MethodOption(name="metrics", default="", summary="Scores to draw, as a,b,c; by default all."),),
        ),
    ]
