"""Clusters of the features of all images, matched with their classes, as in Alberghi et al. 2024."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from sklearn.cluster import KMeans
from sklearn.decomposition import PCA
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score, roc_auc_score

from galaxtool.backbones.abilities import extract_cls_tokens
from galaxtool.errors import ConfigError
from galaxtool.evaluation.intervals import make_bootstrap_entry, make_wilson_entry
from galaxtool.finetuning.pictures import read_pictures
from galaxtool.finetuning.task import make_task, prepare_training
from galaxtool.reproduction.plan import Training
from galaxtool.training.memory import map_parts, to_device
from galaxtool.training.stage import embed_pictures
from galaxtool.training.task import PictureSet, Task
from galaxtool.types import Progress
from galaxtool.utils.atomic_write import write_json

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
        ``accuracy`` and ``roc_auc`` (of the matched classes as one-hot probabilities) with their intervals over images,
        the clusters being fixed; ``ari``, ``nmi``, ``majority`` (share of the largest class), ``random`` (accuracy of
        random clusters of the same sizes, matched), the number of PCA ``components``, and the ``confusion`` matrix.
    """
    reduced = PCA(_VARIANCE, svd_solver="full").fit_transform(features)
    clusters = KMeans(n_classes, n_init=10, random_state=seed).fit_predict(reduced)
    predicted = _match(clusters, targets, n_classes)
    shuffled = np.random.default_rng(seed).permutation(clusters)
    one_hot = np.eye(n_classes)[predicted]
    confusion = np.zeros((n_classes, n_classes), dtype=int)
    np.add.at(confusion, (targets, predicted), 1)
    right = predicted == targets
    return {
        "n": len(targets),
        "components": int(reduced.shape[1]),
        "accuracy": make_wilson_entry(float(right.mean()), len(right)),
        "roc_auc": make_bootstrap_entry(lambda rows: _compute_auc(one_hot[rows], targets[rows]), len(targets), seed),
        "ari": float(adjusted_rand_score(targets, clusters)),
        "nmi": float(normalized_mutual_info_score(targets, clusters)),
        "majority": float(np.bincount(targets).max() / len(targets)),
        "random": float((_match(shuffled, targets, n_classes) == targets).mean()),
        "confusion": confusion.tolist(),
    }


def _match(clusters: np.ndarray, targets: np.ndarray, n_classes: int) -> np.ndarray:
    """Return the class of each image by its cluster, the clusters being assigned so that most images are right."""
    counts = np.zeros((n_classes, n_classes), dtype=int)
    np.add.at(counts, (clusters, targets), 1)
    return np.asarray(linear_sum_assignment(-counts)[1][clusters])


def _compute_auc(one_hot: np.ndarray, targets: np.ndarray) -> float:
    """Return the area under the ROC curve, one class against the rest, mean over the classes that occur."""
    there = [c for c in range(one_hot.shape[1]) if 0 < (targets == c).sum() < len(targets)]
    return float(np.mean([roc_auc_score(targets == c, one_hot[:, c]) for c in there])) if there else float("nan")


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
