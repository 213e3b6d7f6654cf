"""DINO: a network learns from its own slow average, without labels (Caron et al. 2021, arXiv:2104.14294).

A student sees every crop of a picture, its teacher only the two global ones, and the student is to give for each what
the teacher gives for another. The student trains by low-rank adapters (LoRA), as in Alberghi et al. 2024,
or by all of its layers; the teacher is the student's moving average, and is what is kept in the end.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm

from galaxtool.errors import TrainingError
from galaxtool.heads.none import NoHead
from galaxtool.methods.adapters import add_adapters, merge_adapters
from galaxtool.methods.dino_loss import (
    ProjectionHead,
    dino_loss,
    entropy,
    follow,
    teacher_momentum,
    teacher_probabilities,
    warmed_up,
)
from galaxtool.methods.dino_options import DinoOptions
from galaxtool.training import distributed
from galaxtool.training.memory import map_parts, to_device
from galaxtool.training.stage import Stage, embed_pictures
from galaxtool.training.task import Batch, PictureSet, Task
from galaxtool.vision.augment import standardize
from galaxtool.vision.device import autocast
from galaxtool.vision.multicrop import GLOBAL_CROPS, MultiCrop

_CENTER_MOMENTUM = 0.9
_FIRST_TEACHER_TEMPERATURE = 0.04
_LOCAL_SIDE = 3 / 7  # of the global crops': 96 of 224 pixels


class DinoStage(Stage):
    """Student, teacher, their projection heads, and the centre.

    No label is read for training. Where both splits have some, the history has the scores of k nearest neighbours among
    the teacher's features, and the epoch with the best is kept. Else the last epoch is: DINO's loss compares the
    student with a teacher that moves, and falls in a collapse too, so it is no measure of quality.

    Parameters
    ----------
    task : Task
        Targets of -1 are items without a label.

    Raises
    ------
    ConfigError
        If an option is out of its range.
    DependencyMissing
        If peft is not installed, and the rank is not 0.
    TrainingError
        If there is nothing to validate on, or no layer for LoRA.
    """

    center: torch.Tensor
    steps: torch.Tensor

    def __init__(self, task: Task) -> None:
        super().__init__("self-distillation", task.options.epochs)
        if not len(task.valid):
            raise TrainingError("There is no picture to validate on.", hint="Raise --valid-fraction.")
        self.task = task
        self.options = DinoOptions.of(task)
        self.tower = task.backbone.image_tower
        self.multicrop = MultiCrop(
            size=task.preprocess.size,
            local_size=local_side(task),
            local_crops=self.options.local_crops,
            rotate=task.augmentation.rotate,
            gain=task.augmentation.gain,
        )
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(task.options.seed)
            if self.options.rank:
                add_adapters(self.tower, rank=self.options.rank, alpha=self.options.alpha, dropout=self.options.dropout)
            self.head = ProjectionHead(task.backbone.dim, self.options.out_dim, self.options.hidden_dim)
        self.teacher_tower = copy.deepcopy(self.tower).requires_grad_(False)
        self.teacher_head = copy.deepcopy(self.head).requires_grad_(False)
        self.register_buffer("center", torch.zeros(self.options.out_dim))
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))
        self._seen = 0
        self._sum: torch.Tensor | None = None  # of the teacher's outputs in this step; no buffer, for it is not shared
        self._merged = False

    def begin(self) -> None:
        """Let the teacher start as the student is now."""
        self.teacher_tower.load_state_dict(self.tower.state_dict())
        self.teacher_head.load_state_dict(self.head.state_dict())

    def train(self, mode: bool = True) -> DinoStage:
        """Set the mode; the teacher has no dropout even in training, but its BatchNorm goes by the batch."""
        super().train(mode)
        self.teacher_tower.eval()
        for module in self.teacher_tower.modules():
            if isinstance(module, _BatchNorm):
                module.train(mode)
        return self

    def inputs(self, task: Task, items: np.ndarray, epoch: int) -> list[torch.Tensor]:
        """Return the crops, each (N, C, ny, nx), the two global ones first; see `MultiCrop`."""
        return self._crops(task.train.pictures[items], items, epoch)

    def loss(self, batch: Batch) -> torch.Tensor:
        """Return DINO's loss."""
        student, teacher = self._logits(batch.images, frozen=batch.epoch < self.options.freeze_epochs)
        outputs = teacher.flatten(0, 1)
        self._sum = outputs.sum(dim=0) + (0 if self._sum is None else self._sum)
        self._seen += len(outputs)
        end = self.options.teacher_temperature
        temperature = warmed_up(
            batch.epoch, start=min(_FIRST_TEACHER_TEMPERATURE, end), end=end, epochs=self.options.warmup_teacher_epochs
        )
        return self._compare(student, teacher, temperature)

    @torch.no_grad()
    def after_step(self, progress: float) -> None:
        """Move the centre towards the mean of the step's outputs, over all parts and processes, and the teacher.

        The centre keeps 0.9 of itself, and in the first steps so much less that it is the mean of those so far: the
        paper's, which begins at 0, would have the student learn first what all outputs have in common.
        """
        assert self._sum is not None, "after_step without a step"
        shared = distributed.all_mean(torch.cat([self._sum, self._sum.new_tensor([float(self._seen)])]))
        self.steps += 1
        self.center.lerp_(shared[:-1] / shared[-1], max(1 - _CENTER_MOMENTUM, 1 / int(self.steps)))
        self._sum, self._seen = None, 0
        momentum = teacher_momentum(progress, self.options.teacher_momentum)
        follow(self.teacher_tower, self.tower, momentum)
        follow(self.teacher_head, self.head, momentum)

    def features(self, task: Task, pictures: PictureSet) -> torch.Tensor:
        """Return the teacher's features, float32 (N, dim), without augmentation."""
        with self._teacher_in_backbone():
            return embed_pictures(task, pictures)

    def make_head(self) -> nn.Module:
        """Fit k nearest neighbours to the labelled training pictures; without labels, tell nothing apart."""
        if not self._is_labelled():
            return NoHead(self.task.objective.n_outputs)
        from galaxtool.heads.knn import KnnHead

        known = _labelled(self.task.train)
        head = KnnHead(dim=self.task.backbone.dim, n_classes=self.task.objective.n_outputs)
        head.fit(self.features(self.task, known), torch.from_numpy(known.targets).to(self.task.device))
        return head.to(self.task.device)

    def validate(self, task: Task) -> dict[str, float]:
        """Return DINO's loss on the validation pictures, the teacher's entropies, and k-NN's scores of labelled ones.

        The crops are the same in each epoch. ``teacher_entropy`` is that of the teacher's output for a picture, on
        average, and ``prototype_entropy`` that of its mean over the pictures, both in parts of the greatest possible.
        They tell of a collapse: the first is near 1, or the second near 0.
        """
        scores = self._validate_loss(task)
        if self._is_labelled():
            known = _labelled(task.valid)
            with torch.inference_mode():
                logits = self.make_head().eval()(self.features(task, known)).float().cpu()
            scores = {**task.objective.validate(logits, known.targets), **scores}
        return scores

    def score(self, task: Task, row: dict[str, Any]) -> tuple[float, ...]:
        """Macro F1 of k-NN decides, then its accuracy; without labels, the last epoch is kept."""
        if "valid_f1_macro" in row:
            return (row["valid_f1_macro"], row["valid_accuracy"])
        return (float(row["epoch"]),)

    def get_validated_encoder(self, task: Task) -> nn.Module:
        """Return the teacher, which is validated and kept."""
        return self.teacher_tower

    def finish(self) -> None:
        """Leave the teacher in the backbone, its adapters merged into the weights."""
        self.tower.load_state_dict(self.teacher_tower.state_dict())
        merge_adapters(self.tower)
        self._merged = True

    def _crops(self, pictures: np.ndarray, items: np.ndarray, epoch: int) -> list[torch.Tensor]:
        task, found = self.task, to_device(pictures, self.task.device)
        crops = self.multicrop.crops(found, seed=task.options.seed, epoch=epoch, items=items.tolist())
        return [standardize(crop, task.preprocess.mean, task.preprocess.std) for crop in crops]

    def _logits(self, crops: list[torch.Tensor], *, frozen: bool = False) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the student's logits of every crop, (V, N, K), and the teacher's of the global ones, (2, N, K)."""
        n = len(crops[0])
        whole = torch.cat(crops[:GLOBAL_CROPS])
        features = [self.tower(whole)]
        if len(crops) > GLOBAL_CROPS:
            features.append(self.tower(torch.cat(crops[GLOBAL_CROPS:])))
        student = self.head(torch.cat(features), frozen=frozen)
        with torch.no_grad():
            teacher = self.teacher_head(self.teacher_tower(whole))
        return student.unflatten(0, (-1, n)), teacher.unflatten(0, (-1, n))

    def _compare(self, student: torch.Tensor, teacher: torch.Tensor, teacher_temperature: float) -> torch.Tensor:
        return dino_loss(
            student,
            teacher,
            self.center,
            student_temperature=self.options.student_temperature,
            teacher_temperature=teacher_temperature,
        )

    @torch.no_grad()
    def _validate_loss(self, task: Task) -> dict[str, float]:
        n, temperature = len(task.valid), self.options.teacher_temperature

        def scores(part: slice) -> tuple[float, float, torch.Tensor]:
            items = np.arange(n)[part]
            with autocast(task.device, task.options.precision):
                student, teacher = self._logits(self._crops(task.valid.pictures[part], items, epoch=0))
                loss = float(self._compare(student, teacher, temperature))
            probabilities = teacher_probabilities(teacher, self.center, temperature)
            share = len(items) / n
            return loss * share, entropy(probabilities) * share, probabilities.mean(dim=0).sum(dim=0) / n

        losses, entropies, means = zip(*map_parts(scores, n, task.options), strict=True)
        return {
            "valid_loss": sum(losses),
            "teacher_entropy": sum(entropies),
            "prototype_entropy": entropy(torch.stack(means).sum(dim=0)),
        }

    def _is_labelled(self) -> bool:
        """Say whether both splits have items with a class."""
        return all(s.targets.ndim == 1 and bool((s.targets >= 0).any()) for s in (self.task.train, self.task.valid))

    @contextmanager
    def _teacher_in_backbone(self) -> Iterator[None]:
        """Give the backbone's image tower the teacher's weights for a while."""
        if self._merged:  # it has them for good
            yield
            return
        own = {key: value.detach().clone() for key, value in self.tower.state_dict().items()}
        self.tower.load_state_dict(self.teacher_tower.state_dict())
        try:
            yield
        finally:
            self.tower.load_state_dict(own)


def local_side(task: Task) -> int:
    """Return the side of local crops: about 3/7 of the picture's, or all of it where the tower takes no other size.

    That is found by trying; transformers want a multiple of their patch.
    """
    size, tower = task.preprocess.size, task.backbone.image_tower
    channels = len(task.preprocess.channels)
    for step in (32, 16, 14, 8, 1):
        side = max(1, round(size * _LOCAL_SIDE / step)) * step
        if side < size and _takes(tower, torch.zeros(1, channels, side, side, device=task.device), task.backbone.dim):
            return side
    return size


@torch.no_grad()
def _takes(tower: nn.Module, images: torch.Tensor, dim: int) -> bool:
    was = tower.training
    tower.eval()
    try:
        found = tower(images)
        return tuple(found.shape) == (len(images), dim) and bool(found.isfinite().all())
    except Exception:  # each kind of tower refuses in its own way
        return False
    finally:
        tower.train(was)


def _labelled(pictures: PictureSet) -> PictureSet:
    known = pictures.targets >= 0
    if known.all():
        return pictures
    return PictureSet(
        pictures=pictures.pictures[known], targets=pictures.targets[known], weights=pictures.weights[known]
    )


def stages(task: Task) -> list[Stage]:
    """Make the one stage."""
    return [DinoStage(task)]
