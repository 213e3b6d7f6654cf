"""The built-in measures of oddness."""

from __future__ import annotations

from galaxtool.plugins.hookspecs import hookimpl
from galaxtool.plugins.specs import AnomalyMethodSpec


@hookimpl
def register_anomaly_methods() -> list[AnomalyMethodSpec]:
    return [
        AnomalyMethodSpec(
            name="knn",
            summary="Distance to the k-th neighbour (Ramaswamy et al. 2000).",
            factory="galaxtool.outliers.scores:score_by_distance",
            meaning="The distance to the k-th neighbour in the features, with k = {k}.",
            uses=("neighbors",),
        ),
        AnomalyMethodSpec(
            name="isolation-forest",
            summary="How few random cuts isolate an image (Liu et al. 2008).",
            factory="galaxtool.outliers.scores:score_by_forest",
            meaning="How few random cuts of the features isolate an image, between 0 and 1.",
            uses=("seed",),
        ),
        AnomalyMethodSpec(
            name="lof",
            summary="Density around the neighbours in units of that around the image (Breunig et al. 2000).",
            factory="galaxtool.outliers.scores:score_by_density",
            meaning="The mean density around the {k} nearest neighbours in units of that around the image; 1 is "
            "ordinary.",
            uses=("neighbors",),
        ),
    ]
