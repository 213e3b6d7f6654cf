"""DINO: a network learns from its own moving average, without labels (Caron et al. 2021, arXiv:2104.14294).

The student gets all crops of a picture and its teacher only the two global ones. For each crop, the student learns to
reproduce the teacher's output for another one. The student trains low-rank adapters (LoRA), as in Alberghi et al. 2024,
or all of its layers. The teacher is the moving average of the student, and is saved in the end.
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
from galaxtool.heads.knn import KnnHead
from galaxtool.heads.none import NoHead
from galaxtool.methods.adapters import add_adapters, merge_adapters
from galaxtool.methods.dino_crops import choose_local_size
from galaxtool.methods.dino_loss import (
    ProjectionHead,
    dino_loss,
    normalized_entropy,
    teacher_momentum,
    teacher_probabilities,
    update_teacher,
    warm_up,
)
from galaxtool.methods.dino_options import DinoOptions
from galaxtool.training import distributed
from galaxtool.training.memory import map_parts, to_device
from galaxtool.training.stage import Stage, embed_pictures, validate_logits
from galaxtool.training.task import Batch, PictureSet, Task
from galaxtool.vision.augment import standardize
from galaxtool.vision.multicrop import GLOBAL_CROPS, MultiCrop

_CENTER_MOMENTUM = 0.9
_FIRST_TEACHER_TEMPERATURE = 0.04


class DinoStage(Stage):
    """The only stage, with student, teacher, their projection heads, and the centre of the teacher's outputs.

    Training uses no labels. If both splits have some, the history has the scores of k nearest neighbours with the
    teacher's features, and the epoch with the best score is kept. Otherwise the last epoch is kept: the loss of DINO
    compares the student with a moving teacher, and also falls in a collapse, so it does not measure quality.

    Parameters
    ----------
    task : Task
        Data, model and settings. Items with the target -1 have no label.

    Raises
    ------
    ConfigError
        If an option is out of range.
    DependencyMissing
        If peft is not installed and the rank is not 0.
    TrainingError
        If the validation split is empty, or the tower has no layers for LoRA.
    """

    center: torch.Tensor
    steps: torch.Tensor

    def __init__(self, task: Task) -> None:
        super().__init__("self-distillation", task.options.epochs)
        if not len(task.valid):
            raise TrainingError("There are no pictures to validate on.", hint="Raise --valid-fraction.")
        self.task = task
        self.options = DinoOptions.from_task(task)
        self.tower = task.backbone.image_tower
        self.multicrop = MultiCrop(
            size=task.preprocess.size,
            local_size=choose_local_size(task),
            local_crops=self.options.local_crops,
            local_scale=(self.options.local_min, self.options.local_max),
            rotate=task.augmentation.rotate,
            quarter_turns=task.augmentation.quarter_turns,
            gain=task.augmentation.gain,
            blur=MultiCrop.blur if task.augmentation.gain else 0.0,
            noise=MultiCrop.noise if task.augmentation.gain else 0.0,
        )
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(task.options.seed)
            if self.options.rank:
                self._add_adapters()
            self.head = ProjectionHead(task.backbone.dim, self.options.out_dim, self.options.hidden_dim)
        if self.options.head == "freeze":
            for name, parameter in self.head.named_parameters():
                parameter.requires_grad_(self.options.bias == "all" and name.endswith("bias"))
        self.teacher_tower = copy.deepcopy(self.tower).requires_grad_(False)
        self.teacher_head = copy.deepcopy(self.head).requires_grad_(False)
        self.ramp_epochs = self.options.lr_warmup_epochs or None
        self.final_weight_decay = None if self.options.weight_decay_end < 0 else self.options.weight_decay_end
        self.register_buffer("center", torch.zeros(self.options.out_dim))
        self.register_buffer("steps", torch.zeros((), dtype=torch.int64))
        self._n_outputs = 0
        self._outputs_sum: torch.Tensor | None = None  # of the teacher in this step; not a buffer, as it is not shared
        self._merged = False

    def _add_adapters(self) -> None:
        options = self.options
        add_adapters(
            self.tower,
            rank=options.rank,
            alpha=options.alpha,
            dropout=options.dropout,
            targets=options.targets,
            bias=options.bias,
        )

    def begin(self) -> None:
        """Copy the student's weights to the teacher."""
        self.teacher_tower.load_state_dict(self.tower.state_dict())
        self.teacher_head.load_state_dict(self.head.state_dict())

    def train(self, mode: bool = True) -> DinoStage:
        """Set the mode. In training, the teacher has no dropout, but its BatchNorm uses the statistics of the batch."""
        super().train(mode)
        self.teacher_tower.eval()
        for module in self.teacher_tower.modules():
            if isinstance(module, _BatchNorm):
                module.train(mode)
        return self

    def inputs(self, task: Task, items: np.ndarray, epoch: int) -> list[torch.Tensor]:
        """Return the crops, each of shape (N, C, ny, nx), the two global ones first; see `MultiCrop`."""
        return self._crops(task.train.take(items, task.preprocess.size), items, epoch)

    def loss(self, batch: Batch) -> torch.Tensor:
        """Return the loss of DINO."""
        student, teacher = self._logits(batch.images, frozen=batch.epoch < self.options.freeze_epochs)
        outputs = teacher.flatten(0, 1)
        self._outputs_sum = outputs.sum(dim=0) + (0 if self._outputs_sum is None else self._outputs_sum)
        self._n_outputs += len(outputs)
        end = self.options.teacher_temperature
        temperature = warm_up(
            batch.epoch, start=min(_FIRST_TEACHER_TEMPERATURE, end), end=end, epochs=self.options.warmup_teacher_epochs
        )
        return self._compare(student, teacher, temperature)

    @torch.no_grad()
    def after_step(self, progress: float) -> None:
        """Update the centre by the mean of the step's outputs, over all parts and processes, and update the teacher.

        The centre keeps 0.9 of its value, but less in the first steps, so that it is the mean of the steps so far. In
        the paper it starts at 0, from which the student would first learn what all outputs have in common.
        """
        assert self._outputs_sum is not None, "after_step without a step"
        shared = distributed.all_mean(
            torch.cat([self._outputs_sum, self._outputs_sum.new_tensor([float(self._n_outputs)])])
        )
        self.steps += 1
        self.center.lerp_(shared[:-1] / shared[-1], max(1 - _CENTER_MOMENTUM, 1 / int(self.steps)))
        self._outputs_sum, self._n_outputs = None, 0
        momentum = teacher_momentum(progress, self.options.momentum)
        update_teacher(self.teacher_tower, self.tower, momentum)
        update_teacher(self.teacher_head, self.head, momentum)

    def features(self, task: Task, pictures: PictureSet) -> torch.Tensor:
        """Return the teacher's features, float32 (N, dim), without augmentation."""
        with self._teacher_in_backbone():
            return embed_pictures(task, pictures)

    def make_head(self) -> nn.Module:
        """Return a k-nearest-neighbours head fitted to the labelled training pictures, or `NoHead` without labels."""
        if not self._has_labels():
            return NoHead(self.task.objective.n_outputs)
        labeled = self.task.train.select_classes(self.task.objective.n_outputs)
        head = KnnHead(dim=self.task.backbone.dim, n_classes=self.task.objective.n_outputs)
        head.fit(self.features(self.task, labeled), torch.from_numpy(labeled.targets).to(self.task.device))
        return head.to(self.task.device)

    def validate(self, task: Task) -> dict[str, float]:
        """Return the loss and the teacher's entropies on the validation pictures, and k-NN scores of labelled ones.

        The crops are the same in each epoch. ``teacher_entropy`` is the mean entropy of the teacher's output for a
        picture, and ``prototype_entropy`` the entropy of its mean output over all pictures, both as fractions of the
        maximum. The first is near 1, or the second near 0, in a collapse.
        """
        scores = self._validate_loss(task)
        if self._has_labels():
            labeled = task.valid.select_labeled()
            with torch.inference_mode():
                logits = self.make_head().eval()(self.features(task, labeled)).float().cpu()
            scores = {**validate_logits(task, logits, labeled), **scores}
        return scores

    def score(self, task: Task, row: dict[str, Any]) -> tuple[float, ...]:
        """Return macro F1 and accuracy of k-NN, or without labels the number of the epoch, so that the last is best."""
        if "valid_f1_macro" in row:
            return (row["valid_f1_macro"], row["valid_accuracy"])
        return (float(row["epoch"]),)

    def get_validated_encoder(self, task: Task) -> nn.Module:
        """Return the teacher, which is validated and saved."""
        teacher: nn.Module = self.teacher_tower
        return teacher

    def finish(self) -> None:
        """Replace the backbone's weights by the teacher's, with its adapters merged."""
        self.tower.load_state_dict(self.teacher_tower.state_dict())
        merge_adapters(self.tower)
        self._merged = True

    def _crops(self, pictures: np.ndarray, items: np.ndarray, epoch: int) -> list[torch.Tensor]:
        task, images = self.task, to_device(pictures, self.task.device)
        crops = self.multicrop.crops(images, seed=task.options.seed, epoch=epoch, items=items.tolist())
        return [standardize(crop, task.preprocess.mean, task.preprocess.std) for crop in crops]

    def _logits(self, crops: list[torch.Tensor], *, frozen: bool = False) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the student's logits of all crops, (V, N, K), and the teacher's of the global ones, (2, N, K)."""
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
            student, teacher = self._logits(self._crops(task.valid.pictures[part], items, epoch=0))
            loss = float(self._compare(student, teacher, temperature))
            probabilities = teacher_probabilities(teacher, self.center, temperature)
            share = len(items) / n
            return loss * share, normalized_entropy(probabilities) * share, probabilities.mean(dim=0).sum(dim=0) / n

        losses, entropies, means = zip(*map_parts(scores, n, task.options), strict=True)
        return {
            "valid_loss": sum(losses),
            "teacher_entropy": sum(entropies),
            "prototype_entropy": normalized_entropy(torch.stack(means).sum(dim=0)),
        }

    def _has_labels(self) -> bool:
        """Return whether both splits have items with a class."""
        n_classes = self.task.objective.n_outputs
        splits = (self.task.train, self.task.valid)
        return all(s.targets.ndim == 1 and len(s.select_classes(n_classes)) > 0 for s in splits)

    @contextmanager
    def _teacher_in_backbone(self) -> Iterator[None]:
        """Use the teacher's weights in the backbone's image tower within the context."""
        if self._merged:  # the backbone already has them
            yield
            return
        own = {key: value.detach().clone() for key, value in self.tower.state_dict().items()}
        self.tower.load_state_dict(self.teacher_tower.state_dict())
        try:
            yield
        finally:
            self.tower.load_state_dict(own)


def stages(task: Task) -> list[Stage]:
    """Create the only stage."""
    return [DinoStage(task)]
