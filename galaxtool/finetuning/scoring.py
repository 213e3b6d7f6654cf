"""The scores of a finished training: on the validation split, and once on the test split if there is one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from galaxtool.finetuning.data import LabeledImages
from galaxtool.finetuning.pictures import read_pictures, report_problems
from galaxtool.training.dataset_scores import score_datasets
from galaxtool.training.objective import scale_logits
from galaxtool.training.stage import embed_pictures
from galaxtool.training.state import Outcome
from galaxtool.training.task import PictureSet, Task
from galaxtool.types import Progress, Temperature
from galaxtool.vision.preprocess import Preprocess


@dataclass(frozen=True, eq=False)
class ScoredPictures:
    """Pictures and the outputs of the trained model for them.

    Parameters
    ----------
    pictures : PictureSet
        The N pictures.
    logits : Tensor of float32, shape (N, K)
        Outputs of the head, on the CPU.
    embeddings : ndarray of float32, shape (N, dim)
        Embeddings of unit length.
    """

    pictures: PictureSet
    logits: torch.Tensor
    embeddings: np.ndarray

    def select_classes(self, n_classes: int) -> ScoredPictures:
        """Return the pictures whose label is one of the K classes; all of them if the targets are votes."""
        targets = self.pictures.targets
        chosen = np.full(len(targets), True) if targets.ndim > 1 else (targets >= 0) & (targets < n_classes)
        logits = self.logits[torch.from_numpy(chosen)]
        return ScoredPictures(self.pictures.select(chosen), logits, self.embeddings[chosen])


def run_head(task: Task, head: nn.Module, pictures: PictureSet) -> ScoredPictures:
    """Return the outputs of the trained model, computed in float32."""
    features = embed_pictures(task, pictures)
    with torch.inference_mode():
        logits = head(features).float().cpu()
        unit = torch.nn.functional.normalize(features, dim=1).cpu().numpy()
    return ScoredPictures(pictures, logits, unit)


def score_validation(
    task: Task, scored: ScoredPictures, outcome: Outcome, *, calibrate: bool, seed: int
) -> tuple[dict[str, Any], Temperature]:
    """Calibrate the model and score it on the validation split.

    Returns
    -------
    metrics : dict
        The content of ``metrics.json``.
    temperature : float or list of float
        Temperature of the model, or the factors for its error bars.
    """
    objective, own = task.objective, scored.select_classes(len(task.taxonomy))
    targets = own.pictures.targets
    temperature = objective.calibrate(own.logits, targets) if calibrate else 1.0
    metrics = {
        "split": "valid",
        "best_epoch": outcome.best["epoch"],
        "epochs_compared": 1 if task.options.select == "last" else _count_epochs(outcome),
        **objective.metrics(own.logits, targets, own.embeddings, temperature=temperature, seed=seed),
    }
    measure = getattr(objective, "measure_calibration", None)  # those of votes and of plugins have none
    if calibrate and measure is not None and len(targets):
        metrics |= measure(own.logits, targets, seed=seed)
    return _add_datasets(metrics, task, scored, temperature=temperature, seed=seed), temperature


def _count_epochs(outcome: Outcome) -> int:
    """Return the number of epochs of the stage of the epoch that is kept."""
    return sum(row["stage"] == outcome.best["stage"] for row in outcome.history)


def score_test(task: Task, scored: ScoredPictures, *, temperature: Temperature, seed: int) -> dict[str, Any]:
    """Score the model on the test split, which chose nothing; the entry ``test`` of ``metrics.json``."""
    own = scored.select_classes(len(task.taxonomy))
    targets = own.pictures.targets
    metrics = task.objective.metrics(own.logits, targets, own.embeddings, temperature=temperature, seed=seed)
    return _add_datasets(metrics, task, scored, temperature=temperature, seed=seed)


def _add_datasets(
    metrics: dict[str, Any], task: Task, scored: ScoredPictures, *, temperature: Temperature, seed: int
) -> dict[str, Any]:
    """Return metrics with the entry ``datasets``: the scores of each data set in its own terms, if they differ.

    Where no image has a class, the scores of the only data set are those of the model.
    """
    targets, sources = scored.pictures.targets, scored.pictures.sources
    if not task.terms or sources is None:
        return metrics
    probabilities = torch.softmax(scale_logits(task.objective, scored.logits, temperature), dim=1).numpy()
    entries = score_datasets(task.terms, probabilities, targets, sources, seed=seed)
    only = next(iter(entries.values())) if len(entries) == 1 and not metrics["n"] else {}
    return {**metrics, **only, "datasets": entries}


def read_test(labeled: LabeledImages, preprocess: Preprocess, log: Progress) -> PictureSet | None:
    """Read the test split, before the training, so that an image that cannot be used does not cost one.

    Returns
    -------
    PictureSet or None
        The pictures with something to be scored against; None if there are none.
    """
    targets = labeled.targets()[labeled.splits == "test"]
    what = "class to be learned" if targets.ndim == 1 else "vote" if labeled.values is None else "value"
    are_votes = labeled.votes is not None
    known = find_known(targets, are_votes=are_votes)
    if not known.any():
        if len(targets):
            log.say(f"None of the {len(targets)} test images has a {what}, so none is scored.")
        return None
    pictures, problems = read_pictures(labeled, "test", preprocess, log)
    report_problems(problems, log)
    if not known.all():
        log.say(f"{int((~known).sum())} of the {len(known)} test images have no {what} and are left out.")
    return pictures.select(find_known(pictures.targets, are_votes=are_votes))


def find_known(targets: np.ndarray, *, are_votes: bool) -> np.ndarray:
    """Tell which items have something to be scored against: a class, a vote, or a number, which may be 0; bool (N,)."""
    if targets.ndim == 1:
        return np.asarray(targets >= 0)
    return np.asarray((targets > 0 if are_votes else np.isfinite(targets)).any(axis=1))
