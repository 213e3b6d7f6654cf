"""The scores of a finished training: on the validation split, and once on the test split if there is one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from galaxtool.finetuning.data import LabeledImages
from galaxtool.finetuning.pictures import read_pictures, report_problems
from galaxtool.training.stage import embed_pictures
from galaxtool.training.state import Outcome
from galaxtool.training.task import PictureSet, Task
from galaxtool.types import Progress
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


def run_head(task: Task, head: nn.Module, pictures: PictureSet) -> ScoredPictures:
    """Return the outputs of the trained model, computed in float32."""
    features = embed_pictures(task, pictures)
    with torch.inference_mode():
        logits = head(features).float().cpu()
        unit = torch.nn.functional.normalize(features, dim=1).cpu().numpy()
    return ScoredPictures(pictures, logits, unit)


def score_validation(
    task: Task, scored: ScoredPictures, outcome: Outcome, *, calibrate: bool, seed: int
) -> tuple[dict[str, Any], float]:
    """Calibrate the model and score it on the validation split.

    Returns
    -------
    metrics : dict
        The content of ``metrics.json``.
    temperature : float
        Temperature of the model.
    """
    objective, targets = task.objective, scored.pictures.targets
    temperature = objective.calibrate(scored.logits, targets) if calibrate else 1.0
    metrics = {
        "split": "valid",
        "best_epoch": outcome.best["epoch"],
        "epochs_compared": 1 if task.options.select == "last" else _count_epochs(outcome),
        **objective.metrics(scored.logits, targets, scored.embeddings, temperature=temperature, seed=seed),
    }
    measure = getattr(objective, "measure_calibration", None)  # only an objective of classes has it
    if calibrate and measure is not None:
        metrics |= measure(scored.logits, targets, seed=seed)
    return metrics, temperature


def _count_epochs(outcome: Outcome) -> int:
    """Return the number of epochs of the stage of the epoch that is kept."""
    return sum(row["stage"] == outcome.best["stage"] for row in outcome.history)


def score_test(task: Task, scored: ScoredPictures, *, temperature: float, seed: int) -> dict[str, Any]:
    """Score the model on the test split, which chose nothing; the entry ``test`` of ``metrics.json``."""
    targets = scored.pictures.targets
    return task.objective.metrics(scored.logits, targets, scored.embeddings, temperature=temperature, seed=seed)


def read_test(labeled: LabeledImages, preprocess: Preprocess, log: Progress) -> PictureSet | None:
    """Read the test split, before the training, so that an image that cannot be used does not cost one.

    Returns
    -------
    PictureSet or None
        The pictures whose class the model learns; None if there are none.
    """
    targets = labeled.targets()[labeled.splits == "test"]
    known = targets >= 0 if targets.ndim == 1 else targets.any(axis=1)
    if not known.any():
        if len(targets):
            log.say(f"None of the {len(targets)} test images has a class to be learned, so none is scored.")
        return None
    pictures, problems = read_pictures(labeled, "test", preprocess, log)
    report_problems(problems, log)
    if not known.all():
        log.say(f"{int((~known).sum())} of the {len(known)} test images have no class to be learned and are left out.")
    return pictures.select_labeled()
