"""The map of the objects: their vectors on a plane, and clusters of them with names."""

from __future__ import annotations

from collections.abc import Callable

import faiss
import numpy as np

from galaxtool.backbones.layers import JOINT
from galaxtool.clustering.grouping import group_by_kmeans
from galaxtool.clustering.naming import name_clusters
from galaxtool.explorer.object_map import ObjectMap
from galaxtool.explorer.objects import Objects
from galaxtool.inference.compute_options import ComputeOptions
from galaxtool.plotting.projections import project_pca, project_umap
from galaxtool.search.features import Features

_SAMPLE = 20_000  # objects that axes and clusters are found with
_UMAP_SAMPLE = 30_000
_BLOCK = 50_000
_MOST_CLUSTERS = 12
_FEWEST_OF_CLUSTER = 8
_FEWEST = 4
_NEAREST = 3


def make_map(objects: Objects, kind: str, say: Callable[[str], None]) -> ObjectMap:
    """Project the vectors of all objects onto a plane, and group them.

    Parameters
    ----------
    objects : Objects
        N objects.
    kind : {"pca", "umap"}
        Projection. The axes and the clusters are those of a random sample of 20,000 objects (UMAP: the layout is of
        30,000, and each other object lies between the three of them that are nearest).
    say : callable
        Function that takes a sentence about what is being done.

    Raises
    ------
    DependencyMissing
        If umap-learn is not installed.
    """
    random = np.random.default_rng(0)
    count = len(objects)
    if count < _FEWEST:
        angles = np.arange(count) * 2 * np.pi / max(count, 1)
        points = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32) / 2
        return ObjectMap(points, np.zeros(count, np.uint8), [""], np.zeros((1, 2), np.float32), np.array([count]))
    sample = np.sort(random.choice(count, min(count, _SAMPLE), replace=False))
    vectors = objects.vectors(sample)
    say("Finding the axes")
    points = _project_by_pca(objects, vectors) if kind == "pca" else _project_by_umap(objects, random, say)
    say("Grouping")
    clusters, names = _group(objects, sample, vectors)
    points = _scale(points)
    known = range(int(clusters.max()) + 1)
    centers = np.array([np.median(points[clusters == k], axis=0) for k in known], np.float32)
    return ObjectMap(points, clusters, names, centers, np.bincount(clusters, minlength=len(known)))


def _project_by_pca(objects: Objects, vectors: np.ndarray) -> np.ndarray:
    """Return the first two principal components of all objects; the axes are those of a sample."""
    components, _ = project_pca(vectors, 2)
    mean = vectors.mean(axis=0)
    # the axes that turn the sample into its components
    axes, *_ = np.linalg.lstsq((vectors - mean).astype(np.float64), components.astype(np.float64), rcond=1e-6)
    if axes.shape[1] < 2:
        axes = np.pad(axes, ((0, 0), (0, 2 - axes.shape[1])))
    found = [(objects.vectors(rows) - mean) @ axes.astype(np.float32) for rows in _blocks(len(objects))]
    return np.concatenate(found)


def _project_by_umap(objects: Objects, random: np.random.Generator, say: Callable[[str], None]) -> np.ndarray:
    """Return the layout of a sample by UMAP, and each other object between those of the sample nearest to it."""
    count = len(objects)
    sample = np.sort(random.choice(count, min(count, _UMAP_SAMPLE), replace=False))
    vectors = objects.vectors(sample)
    say(f"Laying out {len(sample):,} objects")
    layout = project_umap(vectors)
    if len(sample) == count:
        return layout
    say("Placing the others")
    points = np.empty((count, 2), np.float32)
    for rows in _blocks(count):
        similarities, near = _find_nearest(objects.vectors(rows), vectors)
        weights = np.maximum(similarities, 1e-3) ** 8
        points[rows] = (layout[near] * weights[..., None]).sum(axis=1) / weights.sum(axis=1, keepdims=True)
    points[sample] = layout
    return points


def _find_nearest(vectors: np.ndarray, among: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the similarities and numbers of the three nearest vectors."""
    flat = faiss.IndexFlatIP(among.shape[1])
    flat.add(among)
    similarities, rows = flat.search(vectors, min(_NEAREST, len(among)))
    return similarities, rows


def _group(objects: Objects, sample: np.ndarray, vectors: np.ndarray) -> tuple[np.ndarray, list[str]]:
    """Return the cluster of each object by k-means on a sample, and the name of each cluster."""
    wanted = int(np.clip(len(sample) // _FEWEST_OF_CLUSTER, 1, _MOST_CLUSTERS))
    if wanted < 2 or np.ptp(vectors, axis=0).max() == 0:
        return np.zeros(len(objects), np.uint8), [""]
    groups = group_by_kmeans(vectors, wanted)
    means = np.stack([vectors[groups.clusters == k].mean(axis=0) for k in range(groups.count)])
    offsets = 0.5 * (means**2).sum(axis=1)
    clusters = np.concatenate(
        [(objects.vectors(rows) @ means.T - offsets).argmax(axis=1) for rows in _blocks(len(objects))]
    )
    is_known = objects.source is None or objects.source.record.dim == objects.dim
    named = name_clusters(_make_features(objects, vectors), groups, (), None, ComputeOptions()) if is_known else []
    known, clusters = np.unique(clusters, return_inverse=True)  # a cluster of the sample may be left with none
    return clusters.astype(np.uint8), [named[k].text if named else "" for k in known]


def _make_features(objects: Objects, vectors: np.ndarray) -> Features:
    """Return a sample as the features that clusters are named by."""
    if objects.features is not None:
        known = objects.features
        return Features(
            known.name, objects.first.slice(0, 0), vectors, known.model, known.digest, known.preprocess, known.reading,
            layer=known.layer,
        )  # fmt: skip
    source = objects.source
    record = source.index.record if source is not None else None
    return Features(
        objects.name, objects.first.slice(0, 0), vectors, objects.model, record.model_digest if record else "",
        objects.preprocess, objects.reading, source=source, layer=record.layer if record else JOINT,
    )  # fmt: skip


def _scale(points: np.ndarray) -> np.ndarray:
    """Return places moved and scaled so that nearly all are within -1 and 1, by the same factor on both axes."""
    low, high = np.percentile(points, [0.5, 99.5], axis=0)
    half = float((high - low).max()) / 2 or 1.0
    scaled: np.ndarray = ((points - (low + high) / 2) / half).astype(np.float32)
    return np.ascontiguousarray(scaled)


def _blocks(count: int) -> list[np.ndarray]:
    return [np.arange(start, min(start + _BLOCK, count)) for start in range(0, count, _BLOCK)]
