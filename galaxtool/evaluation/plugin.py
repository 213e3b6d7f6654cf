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
            weighted="galaxtool.evaluation.weighted_scores:weigh_accuracy",
            interval="wilson",
        ),
        MetricSpec(
            name="f1_macro",
            summary="Mean F1 of the classes that occur or are predicted.",
            factory="galaxtool.evaluation.scores:f1_macro",
            weighted="galaxtool.evaluation.weighted_scores:weigh_f1",
            of_classes="f1",
        ),
        MetricSpec(
            name="roc_auc",
            summary="Area under the ROC curve, one class against the rest, mean over the classes.",
            factory="galaxtool.evaluation.scores:roc_auc",
            weighted="galaxtool.evaluation.weighted_scores:weigh_roc_auc",
            of_classes="roc_auc",
        ),
        MetricSpec(
            name="ece",
            summary="Expected calibration error, debiased, in bins of equal numbers (Kumar et al. 2019).",
            factory="galaxtool.evaluation.calibration_error:measure_calibration_error",
            interval="own",
            higher_is_better=False,
            weighted="galaxtool.evaluation.calibration_error:weigh_calibration_error",
        ),
        *_list_evaluation_metrics(),
        MetricSpec(
            name="map_at_5",
            summary="Mean average precision of the 5 nearest images, of each image among the others or in a gallery.",
            factory="galaxtool.evaluation.retrieval:average_precision_at_5",
            inputs="embeddings",
            takes_gallery=True,
        ),
        MetricSpec(
            name="map",
            summary="Mean average precision of all images, of each image among the others or in a gallery.",
            factory="galaxtool.evaluation.retrieval:average_precision",
            inputs="embeddings",
            takes_gallery=True,
        ),
    ]


def _list_evaluation_metrics() -> list[MetricSpec]:
    """Return the scores of ``galaxtool evaluate`` alone."""
    rows = [
        ("balanced_accuracy", "recall", "Mean recall of the classes that occur."),
        ("precision_macro", "precision", "Mean precision of the classes that occur or are predicted."),
        ("average_precision", "average_precision", "Mean average precision, one class against the rest."),
        ("top_2", "", "Share of images whose true class is among the 2 most probable ones."),
        ("top_3", "", "Share of images whose true class is among the 3 most probable ones."),
        ("top_5", "", "Share of images whose true class is among the 5 most probable ones."),
        ("brier", "", "Brier score: squared differences summed over the classes, 0 to 2."),
        ("cross_entropy", "", "Mean negative logarithm of the probability of the true class."),
    ]
    return [
        MetricSpec(
            name=name,
            summary=summary,
            factory=f"galaxtool.evaluation.scores:{name}",
            weighted=f"galaxtool.evaluation.weighted_scores:weigh_{of_classes or name}",
            scope="evaluation",
            of_classes=of_classes,
            higher_is_better=name not in ("brier", "cross_entropy"),
        )
        for name, of_classes, summary in rows
    ]
