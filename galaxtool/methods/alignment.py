"""What methods share that align images with prompts: the temperature, the prompts and the terms of the loss."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any

import torch
from torch import nn

from galaxtool.errors import ConfigError
from galaxtool.heads.prompt import PromptHead
from galaxtool.methods.captions import compute_caption_loss
from galaxtool.methods.losses import (
    classes_to_classes_loss,
    classes_to_items_loss,
    items_to_classes_loss,
    normalize_rows,
    normalize_sets,
)
from galaxtool.training import distributed
from galaxtool.training.losses.loss import Loss
from galaxtool.training.stage import Stage
from galaxtool.training.task import Batch, Task

MAX_LOG_SCALE = math.log(100.0)
"""Largest logarithm of 1 / tau, as in CLIP."""
FIRST_TEMPERATURE = 0.07


@dataclass(frozen=True, kw_only=True)
class AlignmentOptions:
    """The options of methods that align images with prompts.

    Parameters
    ----------
    symmetric : bool
        Whether prompts and symbols are also compared with all images of the batch, as OpenCLIP does.
    temperature_lr : float
        Peak learning rate of the temperature's logarithm; 0 keeps the temperature.
    symbol_weight : float
        Weight of the terms of the loss that contain symbols.
    symbol_copies : int
        Number of redraws of each symbol in a step; 0 for as many as BatchNorm needs.
    caption_weight : float
        Weight of the term that compares images with their captions; without captions there is no such term.

    Raises
    ------
    ConfigError
        If a value is out of range.
    """

    symmetric: bool = False
    temperature_lr: float = 1e-2
    symbol_weight: float = 1.0
    symbol_copies: int = 0
    caption_weight: float = 0.5

    def __post_init__(self) -> None:
        for name in ("temperature_lr", "symbol_weight", "symbol_copies", "caption_weight"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ConfigError(f"The option {name} is {getattr(self, name)}; it must be at least 0.")

    @classmethod
    def from_task(cls, task: Task) -> AlignmentOptions:
        """Return the options of a task, with defaults for those not given."""
        given = task.options.method
        return cls(**{field.name: given[field.name] for field in fields(cls) if field.name in given})


class AlignmentStage(Stage):
    """Base class of stages with the temperature, the prompts and the terms of the loss.

    Parameters
    ----------
    task : Task
        Data, model and settings.
    log_scale : torch.nn.Parameter
        Logarithm of 1 / tau, which stages may share.
    name, epochs
        Same as in `Stage`.

    Raises
    ------
    ConfigError
        If an option is out of range, or the loss needs whole batches and they are divided.
    """

    def __init__(self, task: Task, log_scale: nn.Parameter, name: str, epochs: int) -> None:
        super().__init__(name, epochs)
        self.task = task
        self.backbone = task.backbone
        self.align = AlignmentOptions.from_task(task)
        self.log_scale = log_scale
        self.prompts = list(task.taxonomy.prompts)
        self.is_instance = task.options.contrast == "instance"
        if self.align.symmetric and (task.options.accumulate > 1 or distributed.size() > 1):
            raise ConfigError(
                "The symmetric loss compares each prompt with all images of a batch, so a batch cannot be divided.",
                hint="Leave --accumulate and torchrun out, or --option symmetric.",
            )

    @property
    def sets(self) -> torch.Tensor | None:
        """The label sets (L, K) with the present probabilities of noisy labels; None if each label is a class."""
        get_sets = getattr(self.task.objective, "label_sets", None)
        sets: torch.Tensor | None = get_sets() if callable(get_sets) else self.task.label_sets
        if sets is None:
            return None
        sets = sets.to(self.task.device)
        return normalize_sets(sets) if self.is_instance else sets

    def scale(self) -> torch.Tensor:
        """Return 1 / tau, clamped as in CLIP."""
        return self.log_scale.clamp(max=MAX_LOG_SCALE).exp()

    @torch.no_grad()
    def after_step(self, progress: float) -> None:
        """Clamp the temperature itself, just below the limit, because at the limit it has no gradient."""
        self.log_scale.clamp_(max=MAX_LOG_SCALE - 1e-5)

    def towers(self) -> dict[str, list[nn.Parameter]]:
        """Return the parameters of the image, the text and the symbol encoder."""
        image = list(self.backbone.image_tower.parameters())
        taken = {id(p) for p in image}
        text = [p for p in self.backbone.parameters() if id(p) not in taken]
        symbol = self.symbol_tower()
        return {"image": image, "text": text, "symbol": [] if symbol is None else list(symbol.parameters())}

    def own_rates(self) -> dict[nn.Parameter, float]:
        """Return the learning rate of the temperature."""
        return {self.log_scale: self.align.temperature_lr}

    def validate(self, task: Task) -> dict[str, float]:
        """Return the scores of the validation split and the temperature."""
        return {**super().validate(task), "temperature": 1 / float(self.scale().detach())}

    def embed_images(self, batch: Batch) -> torch.Tensor:
        """Return embeddings (N, D) of the images, of unit length."""
        return normalize_rows(self.backbone.embed(batch.images))

    def embed_prompts(self) -> torch.Tensor:
        """Return embeddings (K, D) of the prompts, of unit length."""
        return normalize_rows(self.backbone.embed_text(self.prompts))

    def compare_items(self, items: torch.Tensor, classes: torch.Tensor, batch: Batch) -> torch.Tensor:
        """Return the loss of images (N, D) against prompts or symbols (K, D)."""
        scale, weights = self.scale(), self._get_weights(batch)
        counts = batch.counts if self.is_instance else None
        loss = items_to_classes_loss(items, classes, batch.targets, scale, counts, weights, self.sets)
        if not self.align.symmetric:
            return loss
        other = classes_to_items_loss(
            items, classes, batch.targets, scale, by_class=not self.is_instance, weights=weights, sets=self.sets
        )
        return 0.5 * (loss + other)

    def compare_classes(self, symbols: torch.Tensor, prompts: torch.Tensor, batch: Batch) -> torch.Tensor:
        """Return the loss of symbols (K, D) against prompts (K, D), for the classes of the batch."""
        scale, weights = self.scale(), self._get_weights(batch)
        counts = batch.counts if self.is_instance else None
        loss = classes_to_classes_loss(symbols, prompts, batch.targets, scale, counts, weights, self.sets)
        if not self.align.symmetric:
            return loss
        other = classes_to_classes_loss(prompts, symbols, batch.targets, scale, counts, weights, self.sets)
        return 0.5 * (loss + other)

    def add_captions(self, loss: Loss, images: torch.Tensor, batch: Batch) -> Loss:
        """Add the term of the captions to a loss, if the training images have any; `images` are embeddings (N, D)."""
        train, weight = self.task.train, self.align.caption_weight
        if not weight or train.captions is None:
            return loss
        captions = compute_caption_loss(
            images, batch, train, self.backbone.embed_text, self.scale(), seed=self.task.options.seed
        )
        return Loss(loss.total + weight * captions, {**loss.terms, "captions": captions})

    def fill_head(self, symbols: torch.Tensor | None) -> PromptHead:
        """Return a head that scores by similarity to the prompts, and to symbols (K, D) if there are any."""
        head = PromptHead(self.backbone.dim, len(self.prompts)).to(self.task.device)
        return head.fill(
            prompts=self.backbone.embed_text(self.prompts),
            symbols=symbols,
            log_scale=self.log_scale.clamp(max=MAX_LOG_SCALE),
            score=self.task.options.score if symbols is not None else "prompt",
        )

    def _get_weights(self, batch: Batch) -> torch.Tensor | None:
        return self.task.objective.weights(batch.targets)


def make_log_scale(task: Task) -> nn.Parameter:
    """Return the logarithm of 1 / tau to start from: that of the backbone's weights, or else of 0.07."""
    stored: Any = getattr(task.backbone, "logit_scale", None)
    value = math.log(1 / FIRST_TEMPERATURE) if stored is None else min(float(stored.detach()), MAX_LOG_SCALE)
    learns = AlignmentOptions.from_task(task).temperature_lr > 0
    return nn.Parameter(torch.tensor(value), requires_grad=learns)
