"""Describe the kind of images of a training, for the record of its model."""

from __future__ import annotations

import contextlib

import numpy as np

from galaxtool.errors import UnreadableImage
from galaxtool.finetuning.data import LabeledImages
from galaxtool.inference.training_domain import TrainingDomain, summarize_domain
from galaxtool.training.task import Task
from galaxtool.types import Cutout

_MOST = 32
"""Images that are read again, evenly spaced among those of the training split."""


def describe_domain(labeled: LabeledImages, task: Task) -> TrainingDomain:
    """Return the kind of the training images, going by some of them."""
    rows = np.flatnonzero(labeled.splits == "train")
    cutouts: list[Cutout] = []
    for row in rows[_spread(len(rows))].tolist():
        d, i = labeled.locations[row]
        with contextlib.suppress(UnreadableImage):  # reported when it was read for the training
            cutouts.append(labeled.datasets[d].cutout(i))
    return summarize_domain(
        cutouts,
        task.train.take(_spread(len(task.train)), task.preprocess.size),
        items=[labeled.items[row] for row in rows],
        names=[dataset.name for dataset in labeled.datasets],
        taxonomy=task.taxonomy,
    )


def _spread(n: int) -> np.ndarray:
    """Return at most `_MOST` indices, evenly spaced among n."""
    return np.unique(np.linspace(0, max(0, n - 1), min(n, _MOST)).round().astype(int))
