"""The built-in scores of a classifier, in the order of ``metrics.json``."""

from __future__ import annotations

from galaxtool.plugins.hookspecs import hookimpl
from galaxtool.plugins.specs import MetricSpec


@hookimpl
def register_metrics() -> list[MetricSpec]:
    return [
        MetricSpec(
            name="accuracy",
            summary="Share of images whose most probable class is the true one, with the Wilson interval.",
            factory="galaxtool.evaluation.scores:accuracy",
            interval="wilson",
        ),
        MetricSpec(
            name="f1_macro",
            summary="Mean F1 of the classes that occur or are predicted.",
            factory="galaxtool.evaluation.scores:f1_macro",
        ),
        MetricSpec(
            name="roc_auc",
            summary="Area under the ROC curve, one class against the rest, mean over the classes.",
            factory="galaxtool.evaluation.scores:roc_auc",
        ),
        MetricSpec(
            name="ece",
            summary="Expected calibration error, debiased, in bins of equal numbers (Kumar et al. 2019).",
            factory="galaxtool.evaluation.calibration_error:measure_calibration_error",
            interval="own",
            higher_is_better=False,
            estimate="galaxtool.evaluation.calibration_error:expected_calibration_error",
        ),
        MetricSpec(
            name="map_at_5",
            summary="Mean average precision of the 5 nearest images, each image a query among the others.",
            factory="galaxtool.evaluation.retrieval:average_precision_at_5",
            inputs="embeddings",
        ),
        MetricSpec(
            name="map",
            summary="Mean average precision of all images, each image a query among the others.",
            factory="galaxtool.evaluation.retrieval:average_precision",
            inputs="embeddings",
        ),
    ]
