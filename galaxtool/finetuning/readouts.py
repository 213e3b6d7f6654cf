"""Several classifiers on the features of one training: prompt, symbol, both, logistic regression, neighbours."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from galaxtool.evaluation.metrics import compute_metric
from galaxtool.finetuning.scoring import ScoredPictures
from galaxtool.heads.knn import KnnHead
from galaxtool.heads.logistic import LogisticHead
from galaxtool.heads.prompt import PromptHead
from galaxtool.training.objective import Objective, scale_logits
from galaxtool.training.stage import embed_pictures
from galaxtool.training.task import PictureSet, Task
from galaxtool.utils.files.atomic_write import atomic_write

SCORES = ("accuracy", "f1_macro")
"""Scores of each readout in ``metrics.json``."""


@dataclass(frozen=True, eq=False)
class Readout:
    """A head on the features of a finished training, and what it is scored with.

    Parameters
    ----------
    head : torch.nn.Module
        Maps features (N, dim) to logits (N, K).
    objective : Objective
        Objective that scores the logits, for the class frequencies that they assume.
    """

    head: nn.Module
    objective: Objective


def make_readouts(task: Task, head: nn.Module, fitted_objective: Objective) -> dict[str, Readout]:
    """Return the ways to read a training out, by name.

    Parameters
    ----------
    task : Task
        Task after the training: its backbone has the weights that are kept.
    head : torch.nn.Module
        Head of the training.
    fitted_objective : Objective
        Objective of heads that are fitted to the training images, which assume the class frequencies of the training.

    Returns
    -------
    dict
        For a head of prompts ``prompt``, and with symbols ``symbol`` and ``both``; for another head, its registered
        name. Then ``logistic``, logistic regression on the features, and ``knn``.
    """
    if isinstance(head, PromptHead):
        readouts = {score: Readout(head.copy_with(score), task.objective) for score in head.list_scores()}
    else:
        readouts = {task.head: Readout(head, task.objective)}
    pictures = task.train.select_classes(len(task.taxonomy))
    if len(pictures):
        features = embed_pictures(task, pictures)
        for name, make in (("logistic", LogisticHead), ("knn", KnnHead)):
            fitted: Any = make(task.backbone.dim, len(task.taxonomy)).to(task.device)
            readouts[name] = Readout(fitted.fit(features, pictures.targets).eval(), fitted_objective)
    return readouts


def run_readouts(task: Task, readouts: dict[str, Readout], pictures: PictureSet) -> dict[str, ScoredPictures]:
    """Return the outputs of each readout for pictures, whose features are computed once."""
    features = embed_pictures(task, pictures)
    unit = torch.nn.functional.normalize(features, dim=1).cpu().numpy()
    with torch.inference_mode():
        return {
            name: ScoredPictures(pictures, readout.head(features).float().cpu(), unit)
            for name, readout in readouts.items()
        }


def score_readouts(task: Task, readouts: dict[str, Readout], pictures: PictureSet, *, seed: int) -> dict[str, Any]:
    """Score each readout on the pictures whose label is a class.

    Returns
    -------
    dict
        For each readout ``accuracy`` and ``f1_macro`` with their intervals: the entry ``readouts`` of ``metrics.json``.
    """
    scores = {}
    chosen = pictures.select_classes(len(task.taxonomy))
    for name, scored in run_readouts(task, readouts, chosen).items():
        probabilities = torch.softmax(scale_logits(readouts[name].objective, scored.logits, 1.0), dim=1).numpy()
        names = SCORES if len(chosen) else ()
        scores[name] = {score: compute_metric(score, probabilities, chosen.targets, seed=seed) for score in names}
    return scores


def save_probabilities(path: Path, task: Task, readouts: dict[str, Readout], pictures: PictureSet) -> None:
    """Write the probabilities of each readout for pictures, as ``.npz``.

    The arrays are ``classes``, (K,), the targets of the pictures, ``targets``, (N,), and one of float32 (N, K) for each
    readout, for the mix of classes of the training.
    """
    arrays: dict[str, Any] = {
        name: torch.softmax(scale_logits(readouts[name].objective, scored.logits, 1.0), dim=1).float().numpy()
        for name, scored in run_readouts(task, readouts, pictures).items()
    }
    with atomic_write(path) as temporary, temporary.open("wb") as stream:
        np.savez(stream, classes=np.array(task.taxonomy.slugs), targets=pictures.targets, **arrays)
