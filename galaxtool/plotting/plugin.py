"""The built-in kinds of figure, in the order of the listing."""

from __future__ import annotations

from galaxtool.plotting.image_kinds import list_image_kinds
from galaxtool.plugins.hookspecs import hookimpl
from galaxtool.plugins.specs import MethodOption, PlotSpec

_SCORED = "an evaluation directory, a run trained with --readouts, or a table of predictions"
_SEVERAL = "one or more evaluation directories, runs trained with --readouts, or tables of predictions"


@hookimpl
def register_plots() -> list[PlotSpec]:
    return [*_list_data_plots(), *_list_training_plots(), *_list_score_plots()]


def _list_data_plots() -> list[PlotSpec]:
    return [
        PlotSpec(
            name="class-counts",
            summary="Number of images of each class, by split where there are splits.",
            factory="galaxtool.plotting.kinds.class_counts:plot_class_counts",
            inputs="a data set, a run, an evaluation directory, or a table",
            takes=("truth",),
            options=(
                MethodOption(
                    name="order",
                    default="taxonomy",
                    choices=("taxonomy", "count"),
                    summary="Order of the classes: taxonomy or count.",
                ),
            ),
        ),
    ]


def _list_training_plots() -> list[PlotSpec]:
    return [
        PlotSpec(
            name="training-curves",
            summary="Losses and scores by epoch: one run by stage, or several runs compared.",
            factory="galaxtool.plotting.kinds.trainings:plot_training_curves",
            inputs="one or more runs",
            takes=("label",),
            options=(
                MethodOption(
                    name="score",
                    default="accuracy",
                    choices=("accuracy", "f1_macro", "mean_error"),
                    summary="Score of several runs: accuracy, f1_macro or mean_error.",
                ),
                MethodOption(name="training", default=False, summary="Also draw the training losses of several runs."),
            ),
        ),
        PlotSpec(
            name="data-fraction",
            summary="Best accuracy and lowest loss by --fraction, with the line of a training from scratch.",
            factory="galaxtool.plotting.kinds.trainings:plot_data_fraction",
            inputs="several runs with different --fraction",
            options=(
                MethodOption(
                    name="scratch",
                    default="",
                    summary="Run drawn as the line; by default those with a backbone @none, if others have weights.",
                ),
            ),
        ),
        PlotSpec(
            name="training-size",
            summary="Score against the number of training images, with error bars over repeated runs.",
            factory="galaxtool.plotting.kinds.trainings:plot_training_size",
            inputs="several runs; --label joins those with the same label into a line",
            takes=("split", "label"),
            options=(
                MethodOption(name="score", default="f1_macro", summary="Score of metrics.json."),
                MethodOption(
                    name="bars",
                    default="range",
                    choices=("range", "std"),
                    summary="Error bars: range, lowest to highest, or std.",
                ),
            ),
        ),
    ]


def _list_score_plots() -> list[PlotSpec]:
    return [
        *list_image_kinds(),
        PlotSpec(
            name="confusion",
            summary="Confusion matrix: numbers of images by true and predicted class, coloured by share.",
            factory="galaxtool.plotting.kinds.classification:plot_confusion",
            inputs=_SCORED,
            takes=("truth",),
            options=(
                MethodOption(
                    name="numbers",
                    default="count",
                    choices=("count", "percent", "none"),
                    summary="Numbers in the cells: count, percent or none.",
                ),
            ),
        ),
        PlotSpec(
            name="class-f1",
            summary="F1 of each class with its interval, also relabelled to coarser classes.",
            factory="galaxtool.plotting.kinds.class_scores:plot_class_f1",
            inputs=_SEVERAL,
            takes=("truth", "label"),
            options=(
                MethodOption(
                    name="relabel", default="", summary="Coarser taxonomies, such as rgz-peaks,rgz-components."
                ),
            ),
        ),
        PlotSpec(
            name="reliability",
            summary="Share of right predictions by confidence, with the calibration error.",
            factory="galaxtool.plotting.kinds.classification:plot_reliability",
            inputs=_SEVERAL,
            takes=("truth", "label"),
            options=(MethodOption(name="bins", default=15, summary="Most bins, of equal numbers of images."),),
        ),
        PlotSpec(
            name="roc",
            summary="ROC curves: each class against the rest, or the means of several models.",
            factory="galaxtool.plotting.kinds.classification:plot_roc",
            inputs=_SEVERAL,
            takes=("truth", "label"),
        ),
        PlotSpec(
            name="precision-recall",
            summary="Precision-recall curves: each class against the rest, or the means of several models.",
            factory="galaxtool.plotting.kinds.classification:plot_precision_recall",
            inputs=_SEVERAL,
            takes=("truth", "label"),
        ),
        PlotSpec(
            name="accuracy-by",
            summary="Accuracy in bins of a column such as a magnitude, with intervals and counts.",
            factory="galaxtool.plotting.kinds.classification:plot_accuracy_by",
            inputs=_SEVERAL,
            takes=("by", "truth", "label"),
            options=(
                MethodOption(name="bins", default=8, summary="Most bins."),
                MethodOption(
                    name="spacing",
                    default="number",
                    choices=("number", "width"),
                    summary="What is equal in all bins: number or width.",
                ),
                MethodOption(name="range", default="", summary="Values to draw, such as 14:18."),
                MethodOption(name="axis", default="", summary="Text of the axis; by default the name of the column."),
            ),
        ),
        PlotSpec(
            name="robustness",
            summary="Accuracy on perturbed images: noise, blur, rotation, crop, brightness.",
            factory="galaxtool.plotting.kinds.robustness:plot_robustness",
            inputs="evaluation directories made with --perturb",
            takes=("label",),
        ),
        PlotSpec(
            name="differences",
            summary="Differences of the scores of evaluations with their intervals; filled where they are significant.",
            factory="galaxtool.plotting.kinds.differences:plot_differences",
            inputs="a folder written by galaxtool compare -o",
            options=(MethodOption(name="metrics", default="", summary="Scores to draw, as a,b,c; by default all."),),
        ),
    ]
