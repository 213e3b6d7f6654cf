"""Clusters of the features of all images, matched with their classes, as in Alberghi et al. 2024."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch

from galaxtool.backbones.abilities import extract_cls_tokens
from galaxtool.clustering.grouping import group_by_kmeans
from galaxtool.errors import ConfigError
from galaxtool.evaluation.clusters import (
    count_clusters,
    match_clusters,
    score_majority,
    score_random,
    score_with_intervals,
)
from galaxtool.finetuning.pictures import read_pictures
from galaxtool.finetuning.task import make_task, prepare_training
from galaxtool.reproduction.plan import Training
from galaxtool.training.memory import map_parts, to_device
from galaxtool.training.stage import embed_pictures
from galaxtool.training.task import PictureSet, Task
from galaxtool.types import Progress
from galaxtool.utils.files.atomic_write import write_json

_VARIANCE = 0.95
_LAST_BLOCKS = 4


def cluster_images(training: Training, progress: Progress) -> None:
    """Cluster the features of all images of a data set, and write ``cluster.json`` to the run directory.

    The features are the class tokens of the last four blocks, concatenated; of a backbone without them, its embedding.
    """
    file = training.path / "cluster.json"
    if file.is_file():
        return
    config = training.config
    if training.trains:
        network = config.backbone.partition("@")[0]
        config = replace(config, backbone=f"{network}@{training.path / 'model' / 'weights.safetensors'}")
    config = replace(config, method="supervised", option=(), head=None)
    setup = prepare_training(config)
    task = make_task(config, setup, progress)
    parts = [task.train, task.valid]
    if (setup.labeled.splits == "test").any():
        parts.append(read_pictures(setup.labeled, "test", task.preprocess, progress)[0])
    targets = np.concatenate([part.targets for part in parts])
    features = np.concatenate([_extract_features(task, part) for part in parts])
    scores = score_clusters(features, targets, len(task.taxonomy), seed=config.seed)
    training.path.mkdir(parents=True, exist_ok=True)
    write_json(file, {**scores, "classes": list(task.taxonomy.slugs)})


def score_clusters(features: np.ndarray, targets: np.ndarray, n_classes: int, *, seed: int) -> dict[str, Any]:
    """Reduce features by PCA to 95 % of their variance, cluster them by k-means and match clusters with classes.

    Parameters
    ----------
    features : ndarray, shape (N, D)
    targets : ndarray of int, shape (N,)
        Class of each image.
    n_classes : int
        Number of classes, which is that of the clusters.
    seed : int
        Random seed of k-means, of the bootstrap and of the random clusters.

    Returns
    -------
    dict
        ``accuracy``, ``roc_auc``, ``ari``, ``nmi`` and others of `galaxtool.evaluation.clusters.score_with_intervals`,
        the accuracy of the ``majority`` class and of ``random`` clusters of the same sizes, the number of PCA
        ``components``, and the ``confusion`` matrix.
    """
    groups = group_by_kmeans(features, n_classes, variance=_VARIANCE, seed=seed)
    table = count_clusters(groups.clusters, targets, groups.count, n_classes)
    matches = match_clusters(table)
    confusion = np.zeros((n_classes, n_classes), dtype=int)
    for cluster, matched in enumerate(matches):
        if matched >= 0:
            confusion[:, matched] += table[cluster]
    return {
        "n": len(targets),
        "components": groups.components,
        **score_with_intervals(table, matches, seed=seed),
        "majority": score_majority(table)["accuracy"],
        "random": score_random(table, seed=seed)["accuracy"],
        "confusion": confusion.tolist(),
    }


def _extract_features(task: Task, pictures: PictureSet) -> np.ndarray:
    """Return the features of pictures, (N, D)."""
    task.backbone.eval()

    def extract(part: slice) -> torch.Tensor:
        chunk = task.preprocess.normalize(pictures.take(part, task.preprocess.size))
        return extract_cls_tokens(task.backbone, to_device(chunk, task.device), _LAST_BLOCKS).flatten(1).float().cpu()

    try:
        with torch.inference_mode():
            return torch.cat(map_parts(extract, len(pictures), task.options)).numpy()
    except ConfigError:  # it has no class tokens
        return embed_pictures(task, pictures).cpu().numpy()
