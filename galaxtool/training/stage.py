"""A stage: one phase of a training; a method returns a list of stages."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import nn

from galaxtool.training.dataset_scores import validate_datasets
from galaxtool.training.domain_norm import DomainStatistics
from galaxtool.training.losses.label_noise import LabelNoise
from galaxtool.training.losses.loss import Loss
from galaxtool.training.memory import map_parts, to_device
from galaxtool.training.objective import scale_logits
from galaxtool.training.task import Batch, PictureSet, Task
from galaxtool.vision.augment import standardize


class Stage(nn.Module):
    """One phase of a training.

    Every module that trains, or that a later stage needs, must be an attribute, so that checkpoints contain it.
    Stages may share modules.

    Parameters
    ----------
    name : str
        Name in progress messages and in ``history.csv``.
    epochs : int
        Number of epochs.

    Attributes
    ----------
    ramp_epochs : float or None
        Number of epochs in which the learning rate rises from 0, before the cosine; None for a ramp of 5 % of the
        epochs, which multiplies the cosine.
    final_weight_decay : float or None
        Weight decay at the end, to which it goes by half a cosine; None for a constant one.
    label_noise : LabelNoise or None
        Probabilities of noisy labels, which the trainer gives to all stages so that they learn them.
    """

    ramp_epochs: float | None = None
    final_weight_decay: float | None = None

    def __init__(self, name: str, epochs: int) -> None:
        super().__init__()
        self.name = name
        self.epochs = epochs
        self.label_noise: LabelNoise | None = None

    def begin(self) -> None:
        """Prepare the stage; called once after the previous stage, but not when a run resumes within this stage."""

    def inputs(self, task: Task, items: np.ndarray, epoch: int) -> Any:
        """Return the images of a batch on the device, which `loss` gets as ``batch.images``.

        Parameters
        ----------
        task : Task
            Task that is trained.
        items : ndarray of int, shape (N,)
            Numbers of items of ``task.train``.
        epoch : int
            Epoch of the run. The augmentation depends on it, on the seed and on the item.

        Returns
        -------
        Tensor of float32, shape (N, C, size, size)
            Augmented and standardized images. A stage may return something else, such as several crops or stored
            features.
        """
        pictures = to_device(task.train.pictures[items], task.device)
        images = task.augmentation.images(pictures, seed=task.options.seed, epoch=epoch, items=items.tolist())
        return standardize(images, task.preprocess.mean, task.preprocess.std)

    def loss(self, batch: Batch) -> torch.Tensor | Loss:
        """Return the loss, a scalar: a mean over the items of the batch; or a `Loss`, which also has its terms."""
        raise TypeError(f"{type(self).__name__} must define loss()")

    def after_step(self, progress: float) -> None:
        """Act after a step of the optimizer, for example update a teacher.

        Parameters
        ----------
        progress : float
            Fraction of the whole training that is done, in (0, 1].
        """

    def features(self, task: Task, pictures: PictureSet) -> torch.Tensor:
        """Return the features on which the head is validated, float32 (N, dim), without augmentation."""
        return embed_pictures(task, pictures)

    def get_validated_encoder(self, task: Task) -> nn.Module:
        """Return the encoder that is validated; its BatchNorm statistics are estimated again before."""
        tower: nn.Module = task.backbone.image_tower
        return tower

    def run_encoder(self, task: Task, items: np.ndarray, epoch: int) -> None:
        """Pass augmented training images through the validated encoder, to estimate its BatchNorm statistics."""
        self.get_validated_encoder(task)(Stage.inputs(self, task, items, epoch))

    def make_head(self) -> nn.Module:
        """Return the present head, which maps features (N, dim) to logits (N, K)."""
        raise TypeError(f"{type(self).__name__} must define make_head()")

    def validate(self, task: Task) -> dict[str, float]:
        """Return the scores of the validation split as columns of ``history.csv``, among them ``valid_loss``."""
        with torch.inference_mode():
            head = self.make_head().to(task.device).eval()
        features = self.features(task, task.valid)
        with torch.inference_mode():
            logits = head(features).float().cpu()
        return validate_logits(task, logits, task.valid)

    def score(self, task: Task, row: dict[str, Any]) -> tuple[float, ...]:
        """Return the rank of a row of the history; the epoch of the greatest is kept."""
        return task.objective.score(row)

    def symbol_tower(self) -> nn.Module | None:
        """Return the encoder of symbols, or None if it is the image tower."""
        return None

    def get_symbol_statistics(self) -> DomainStatistics | None:
        """Return the BatchNorm statistics with which the image tower encodes symbols, or None for those of images."""
        return None

    def update_symbol_stats(self, task: Task, epoch: int) -> None:
        """Estimate the BatchNorm statistics of symbols for the present weights; called before validation."""

    def finish(self) -> None:
        """Prepare the backbone for the model directory; called once, after the best weights are restored."""

    def trainable(self) -> list[nn.Parameter]:
        """Return the parameters that this stage trains; by default all those that require a gradient."""
        return [p for p in self.parameters() if p.requires_grad]

    def towers(self) -> dict[str, list[nn.Parameter]]:
        """Return groups of parameters whose gradients are clipped separately, by name.

        The mean norm of a group is the column ``grad_NAME`` of ``history.csv``. Parameters that are in no group form
        the group ``rest``.
        """
        return {"all": self.trainable()}

    def own_rates(self) -> dict[nn.Parameter, float]:
        """Return the peak learning rates of parameters for which ``--lr`` does not hold."""
        return {}


def validate_logits(task: Task, logits: torch.Tensor, pictures: PictureSet) -> dict[str, float]:
    """Return the scores of logits (N, K) on the CPU, over all pictures and for each data set, as columns."""
    scores = task.objective.validate(logits, pictures.targets)
    if not task.terms or pictures.sources is None:
        return scores
    logits = scale_logits(task.objective, logits, 1.0)
    return {**scores, **validate_datasets(task.terms, logits, pictures.targets, pictures.sources)}


@torch.inference_mode()
def embed_pictures(task: Task, pictures: PictureSet) -> torch.Tensor:
    """Return the features of pictures without augmentation, float32 (N, dim).

    They are computed in float32 whatever the precision of the training steps, because `classify` and the ONNX file
    do so too: scores in bfloat16 would be those of another model. The backbone computes as many at a time as in a
    training step.

    Raises
    ------
    TrainingError
        If these do not fit into memory; the message names a batch size that does.
    """
    task.backbone.eval()

    def embed(part: slice) -> torch.Tensor:
        chunk = task.preprocess.normalize(pictures.take(part, task.preprocess.size))
        features: torch.Tensor = task.backbone.embed(to_device(chunk, task.device))
        return features.float()

    return torch.cat(map_parts(embed, len(pictures), task.options))
