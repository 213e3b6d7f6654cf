"""GalaxAlign: alignment of images, symbols and prompts in two stages.

Section 3 of Wang, Wang & Luo 2024, arXiv:2411.19475.
"""

from __future__ import annotations

import copy
import math

import torch
from torch import nn

from galaxtool.errors import TrainingError
from galaxtool.heads.prompt import PromptHead
from galaxtool.methods.losses import classes_to_classes_loss, items_to_classes_loss, normalize_rows
from galaxtool.training.stage import Stage
from galaxtool.training.task import Batch, Task
from galaxtool.vision.augment import standardize

_MAX_LOG_SCALE = math.log(100.0)  # as in CLIP


class AlignStage(Stage):
    """Base class of both stages, with the towers, the temperature, the prompts and the symbols.

    Parameters
    ----------
    task : Task
        Data, model and settings.
    log_scale : torch.nn.Parameter
        Logarithm of 1 / tau, shared by the stages.
    name, epochs
        Same as in `Stage`.
    """

    def __init__(self, task: Task, log_scale: nn.Parameter, name: str, epochs: int) -> None:
        super().__init__(name, epochs)
        self.task = task
        self.backbone = task.backbone
        self.log_scale = log_scale
        self.prompts = list(task.taxonomy.prompts)
        if task.symbols is None:
            raise TrainingError(
                "GalaxAlign needs a symbol for every class.", hint="Give --symbols DIR, or use --method clip."
            )
        self.drawings = task.symbols

    def scale(self) -> torch.Tensor:
        """Return 1 / tau, clamped as in CLIP."""
        return self.log_scale.clamp(max=_MAX_LOG_SCALE).exp()

    def embed_symbols(self, batch: Batch, tower: nn.Module) -> torch.Tensor:
        """Return embeddings (K, D), of unit length, of each class's symbol as redrawn for this step."""
        task = self.task
        drawings = task.augmentation.symbols(self.drawings, seed=task.options.seed, epoch=batch.epoch, step=batch.step)
        images = standardize(drawings, task.preprocess.mean, task.preprocess.std)
        return normalize_rows(embed_with_running_statistics(tower, images))

    def negatives(self, batch: Batch) -> torch.Tensor | None:
        """Return how many times each class is a negative: its number of items in the batch, or None for once."""
        return batch.counts if self.task.options.contrast == "instance" else None

    def make_head(self) -> PromptHead:
        """Return a head that scores by similarity to the prompts and to the original symbols.

        The embedding of a class's symbol is the mean of those of its drawings.
        """
        task = self.task
        plain = self.drawings.flatten(0, 1).permute(0, 3, 1, 2).float() / 255
        tower = self.symbol_tower() or self.backbone.image_tower
        symbols = normalize_rows(tower(standardize(plain, task.preprocess.mean, task.preprocess.std)))
        head = PromptHead(self.backbone.dim, len(self.prompts)).to(task.device)
        return head.fill(
            prompts=self.backbone.embed_text(self.prompts),
            symbols=symbols.reshape(*self.drawings.shape[:2], -1).mean(dim=1),
            log_scale=self.log_scale.clamp(max=_MAX_LOG_SCALE),
            score=task.options.score,
        )


class SharedEncoderStage(AlignStage):
    """Stage 1: one encoder for both images and symbols, which are aligned with the prompts."""

    def loss(self, batch: Batch) -> torch.Tensor:
        """Return half the loss of the images plus half the loss of the symbols, against the prompts."""
        counts, scale, weights = self.negatives(batch), self.scale(), self.task.objective.weights(batch.targets)
        images = normalize_rows(self.backbone.embed(batch.images))
        symbols = self.embed_symbols(batch, self.backbone.image_tower)
        prompts = normalize_rows(self.backbone.embed_text(self.prompts))
        return 0.5 * (
            items_to_classes_loss(images, prompts, batch.targets, scale, counts, weights)
            + classes_to_classes_loss(symbols, prompts, batch.targets, scale, counts, weights)
        )


class ThreeEncoderStage(AlignStage):
    """Stage 2: encoders of images, symbols and prompts are all trained.

    The symbol encoder starts as a copy of the image encoder, made when the stage begins.
    """

    def __init__(self, task: Task, log_scale: nn.Parameter, name: str, epochs: int) -> None:
        super().__init__(task, log_scale, name, epochs)
        self.symbols = copy.deepcopy(task.backbone.image_tower)

    def begin(self) -> None:
        """Copy the weights of the image tower to the symbol encoder."""
        self.symbols.load_state_dict(self.backbone.image_tower.state_dict())

    def symbol_tower(self) -> nn.Module:
        """Return the symbol encoder."""
        tower: nn.Module = self.symbols
        return tower

    def loss(self, batch: Batch) -> torch.Tensor:
        """Return the sum of the losses of (image, prompt), (image, symbol) and (symbol, prompt)."""
        counts, scale, weights = self.negatives(batch), self.scale(), self.task.objective.weights(batch.targets)
        images = normalize_rows(self.backbone.embed(batch.images))
        symbols = self.embed_symbols(batch, self.symbols)
        prompts = normalize_rows(self.backbone.embed_text(self.prompts))
        return (
            items_to_classes_loss(images, prompts, batch.targets, scale, counts, weights)
            + items_to_classes_loss(images, symbols, batch.targets, scale, counts, weights)
            + classes_to_classes_loss(symbols, prompts, batch.targets, scale, counts, weights)
        )


def stages(task: Task) -> list[Stage]:
    """Create both stages."""
    log_scale = _make_log_scale()
    return [
        SharedEncoderStage(task, log_scale, "shared encoder", task.options.warmup_epochs),
        ThreeEncoderStage(task, log_scale, "three encoders", task.options.epochs),
    ]


def stages_v1(task: Task) -> list[Stage]:
    """Create the first stage only, as long as the warm-up: Ours_v1 in table 4 of Wang et al. 2024.

    Raises
    ------
    TrainingError
        If the warm-up has no epochs.
    """
    if not task.options.warmup_epochs:
        raise TrainingError(
            "galaxalign-v1 is the warm-up alone, and --warmup-epochs is 0.",
            hint="Give --warmup-epochs 11, or use --method galaxalign-v3 with --epochs.",
        )
    return [SharedEncoderStage(task, _make_log_scale(), "shared encoder", task.options.warmup_epochs)]


def stages_v2(task: Task) -> list[Stage]:
    """Create the second stage only (Ours_v2), whose symbol encoder starts as a copy of the given image encoder."""
    return [ThreeEncoderStage(task, _make_log_scale(), "three encoders", task.options.epochs)]


def stages_v3(task: Task) -> list[Stage]:
    """Create the first stage only, for all epochs: Ours_v3."""
    return [SharedEncoderStage(task, _make_log_scale(), "shared encoder", task.options.epochs)]


def _make_log_scale() -> nn.Parameter:
    return nn.Parameter(torch.tensor(math.log(1 / 0.07)))


def embed_with_running_statistics(tower: nn.Module, images: torch.Tensor) -> torch.Tensor:
    """Embed symbols with the running statistics of BatchNorm, which remain those of the images."""
    batch_norms = [m for m in tower.modules() if isinstance(m, nn.modules.batchnorm._BatchNorm) and m.training]
    for module in batch_norms:
        module.eval()
    try:
        embedded: torch.Tensor = tower(images)
        return embedded
    finally:
        for module in batch_norms:
            module.train()
