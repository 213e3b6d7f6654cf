"""The scores of embeddings as a means of retrieval, with intervals over the queries and the level of chance."""

from __future__ import annotations

from typing import Any

import numpy as np

from galaxtool.assessment.gallery import Gallery
from galaxtool.evaluation.intervals import make_entry
from galaxtool.evaluation.resamples import StratifiedResamples, make_resampled_entry
from galaxtool.evaluation.retrieval import RetrievalScores, compute_chance, measure_retrieval
from galaxtool.evaluation.weighted_scores import sum_products
from galaxtool.plugins.registry import get_registry
from galaxtool.types import Progress
from galaxtool.utils.cores import count_cores
from galaxtool.utils.debugging import is_debugging

_BUILT_IN = ("map_at_5", "map")


def measure_embeddings(
    embeddings: np.ndarray,
    norms: np.ndarray | None,
    targets: np.ndarray,
    gallery: Gallery | None = None,
    *,
    seed: int,
    progress: Progress,
) -> dict[str, Any]:
    """Compute every registered metric of embeddings, and the other scores of retrieval.

    Each image is a query, which is looked up in the gallery, or else among all other images.

    Parameters
    ----------
    embeddings : ndarray of float32, shape (N, D)
        Embeddings of unit length.
    norms : ndarray of float32, shape (N,), or None
        Lengths before they were scaled; None where the engine gives none.
    targets : ndarray of int, shape (N,)
        True class of each image.
    gallery : Gallery, optional
        What they are looked up in. A metric of a plugin that takes no gallery compares the images with each other.
    seed : int
        Random seed of the resamples and of the permuted labels.
    progress : Progress
        Receiver of the progress.

    Returns
    -------
    dict
        ``map_at_5`` and ``map`` by the cosine, metrics of plugins, and ``retrieval`` with everything else.
    """
    resamples = StratifiedResamples(targets, seed=seed)
    classes, own_rows = (targets, None) if gallery is None else (gallery.targets, gallery.own_rows)
    permuted = np.random.default_rng(seed).permutation(classes)
    chance = compute_chance(targets, None if gallery is None else classes, own_rows)
    retrieval: dict[str, Any] = {
        "queries": f"the {len(targets)} images with a label and a prediction",
        "gallery": "the same images without the query" if gallery is None else gallery.description,
        "interval": "over the queries; the gallery is fixed",
    }
    if gallery is not None:
        retrieval["gallery_source"] = gallery.as_dict()
    vectors = {"cosine": (embeddings, None if gallery is None else gallery.vectors)}
    if norms is not None and gallery is None:
        vectors["dot_product"] = embeddings * norms[:, None], None
    elif norms is not None and gallery is not None and gallery.norms is not None:
        vectors["dot_product"] = embeddings * norms[:, None], gallery.vectors * gallery.norms[:, None]
    weights = _sum_weights(resamples)
    for similarity, (used, others) in vectors.items():
        progress.start(f"Retrieval by {similarity.replace('_', ' ')}", len(targets))
        scores, shuffled = measure_retrieval(
            used,
            targets,
            others,
            None if gallery is None else classes,
            own_rows=own_rows,
            permuted=permuted,
            workers=count_cores(),
            advance=progress.advance,
        )
        retrieval[similarity] = _describe(scores, shuffled, chance, weights)
    if norms is None:
        retrieval["note"] = (
            "The engine gives embeddings of unit length, whose dot product is the cosine. --engine torch also gives "
            "the dot product of the embeddings before they are scaled."
        )
    elif "dot_product" not in vectors:
        retrieval["note"] = "The vectors of an index are of unit length; give images as the gallery for dot products."
    entries, apart = _measure_registered(embeddings, targets, gallery, retrieval["cosine"], weights)
    if apart:
        retrieval["note"] = " ".join(filter(None, (retrieval.get("note"), _describe_apart(apart))))
        retrieval["without_gallery"] = apart
    return {**entries, "retrieval": retrieval}


def _measure_registered(
    embeddings: np.ndarray,
    targets: np.ndarray,
    gallery: Gallery | None,
    by_cosine: dict[str, Any],
    weights: np.ndarray,
) -> tuple[dict[str, Any], list[str]]:
    """Return the entry of every registered metric of embeddings, and the names of those that take no gallery."""
    entries: dict[str, Any] = {}
    apart = []
    for metric in get_registry().metrics:
        if metric.spec.inputs != "embeddings":
            continue
        name = metric.spec.name
        if metric.origin == "built-in" and name in _BUILT_IN:
            entries[name] = {key: by_cosine[name][key] for key in ("value", "low", "high")}
            continue
        name = metric.qualified if name in entries else name
        others: dict[str, np.ndarray] = {}
        if gallery is not None and metric.spec.takes_gallery:
            others = {"gallery": gallery.vectors, "gallery_targets": gallery.targets, "own_rows": gallery.own_rows}
        elif gallery is not None:
            apart.append(name)
        try:
            values = np.asarray(metric.load()(embeddings, targets, **others), dtype=np.float64)
            entries[name] = _make_mean_entry(values, weights)
        except Exception as error:
            if is_debugging():
                raise
            problem = f"{type(error).__name__}: {error}"
            entries[name] = {**make_entry(np.nan, np.nan, np.nan), "error": problem}
    return entries, apart


def _describe_apart(names: list[str]) -> str:
    verb = "compares" if len(names) == 1 else "compare"
    return f"{', '.join(names)} {verb} the images with each other, not with the gallery."


def _sum_weights(resamples: StratifiedResamples) -> np.ndarray:
    """Return the weights of all resamples, uint8 (count, N), to be multiplied with many scores."""
    return np.stack([np.minimum(weights, 255).astype(np.uint8) for weights in resamples])


def _describe(
    scores: RetrievalScores, shuffled: RetrievalScores, chance: dict[str, np.ndarray], weights: np.ndarray
) -> dict[str, Any]:
    """Return the means over the queries, each with its interval, the level of chance and that of permuted labels."""
    permuted = shuffled.list_scores()
    described = {}
    for name, values in scores.list_scores().items():
        described[name] = {
            **_make_mean_entry(values, weights),
            "chance": _average(chance[name]),
            "permuted": _average(permuted[name]),
        }
    return described


def _make_mean_entry(values: np.ndarray, weights: np.ndarray) -> dict[str, float | None]:
    """Return the mean of the queries that have a score."""
    known = np.flatnonzero(np.isfinite(values))
    if not len(known):
        return make_entry(np.nan, np.nan, np.nan)
    resampled = np.empty(len(weights))
    for number, drawn in enumerate(weights):
        used = drawn[known].astype(np.float64)
        total = used.sum()
        resampled[number] = sum_products(used, values[known]) / float(total) if total else np.nan
    return make_resampled_entry(float(values[known].mean()), resampled, share_of=len(known))


def _average(values: np.ndarray) -> float | None:
    known = values[np.isfinite(values)]
    return round(float(known.mean()), 6) if len(known) else None
