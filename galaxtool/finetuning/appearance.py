"""What the images of a training look like, so that a model can flag others."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from galaxtool.models.unlike_training import UnlikeDetector, fit_detector
from galaxtool.training.task import PictureSet, Task
from galaxtool.vision.survey import SurveyAugmentation

_EPOCH = 1 << 30  # of no training, so that the random numbers are others
_AT_ONCE = 64


def learn_appearance(task: Task, test: PictureSet | None) -> tuple[UnlikeDetector, dict[str, Any]] | None:
    """Learn what the images of a training look like; None if they are too few.

    If the training showed them as other surveys do (``--augment survey``), half of the training images are taken as
    such an augmentation shows them: what the network has learned to see is not unlike its training.
    """
    size, everything, varied = task.preprocess.size, slice(None), isinstance(task.augmentation, SurveyAugmentation)

    def take_train(rows: np.ndarray) -> np.ndarray:
        pictures = task.train.take(rows, size)
        if varied:
            pictures[1::2] = _augment(task, rows[1::2])
        return pictures

    return fit_detector(
        take_train,
        len(task.train),
        task.valid.take(everything, size),
        test=None if test is None else test.take(everything, size),
        varied=varied,
        seed=task.options.seed,
    )


def _augment(task: Task, rows: np.ndarray) -> np.ndarray:
    """Return training pictures as an epoch shows them, uint8 (n, size, size, C)."""
    shown = []
    for start in range(0, len(rows), _AT_ONCE):
        items = rows[start : start + _AT_ONCE]
        pictures = torch.from_numpy(task.train.pictures[items])
        images = task.augmentation.images(pictures, seed=task.options.seed, epoch=_EPOCH, items=items.tolist())
        shown.append((images.clamp(0, 1) * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy())
    return np.concatenate(shown)
