"""GalaxAlign: alignment of images, symbols and prompts in two stages.

Section 3 of Wang, Wang & Luo 2024, arXiv:2411.19475.
"""

from __future__ import annotations

import copy
from contextlib import nullcontext

import torch
from torch import nn

from galaxtool.errors import TrainingError
from galaxtool.heads.prompt import PromptHead
from galaxtool.methods.alignment import AlignmentStage, make_log_scale
from galaxtool.methods.losses import normalize_rows
from galaxtool.training.batchnorm import average_batches
from galaxtool.training.domain_norm import DomainStatistics, find_batch_norms, make_domain_statistics
from galaxtool.training.losses.loss import Loss
from galaxtool.training.stage import Stage
from galaxtool.training.task import Batch, Task
from galaxtool.vision.augment import standardize

_MIN_SYMBOLS = 16
"""Number of symbols that a step has at least, so that BatchNorm can measure statistics of them."""
_MEASURED_SYMBOLS = 128
"""Number of symbols from which the statistics are estimated before validation."""


class SymbolStage(AlignmentStage):
    """Base class of both stages, with the symbols.

    Symbols pass through BatchNorm in batches of their own and have running statistics of their own.

    Parameters
    ----------
    task, log_scale, name, epochs
        Same as in `AlignmentStage`.

    Raises
    ------
    TrainingError
        If there are no symbols.
    """

    def __init__(self, task: Task, log_scale: nn.Parameter, name: str, epochs: int) -> None:
        super().__init__(task, log_scale, name, epochs)
        if task.symbols is None:
            raise TrainingError(
                "GalaxAlign needs a symbol for every class.", hint="Give --symbols DIR, or use --method clip."
            )
        self.drawings = task.symbols
        self.copies = self.align.symbol_copies or self._count_copies()

    def embed_symbols(self, images: torch.Tensor) -> torch.Tensor:
        """Return embeddings (N, D), of unit length, of symbols as the network takes them."""
        tower, statistics = self._get_tower(), self.get_symbol_statistics()
        with statistics.use(tower) if statistics is not None else nullcontext():
            return normalize_rows(tower(images))

    def embed_redrawn(self, batch: Batch) -> torch.Tensor:
        """Return embeddings (R, K, D), of unit length, of R redraws of each class's symbol for this step."""
        symbols = self.embed_symbols(self._redraw(batch.epoch, batch.step, self.copies))
        return symbols.reshape(self.copies, -1, symbols.shape[1])

    @torch.no_grad()
    def update_symbol_stats(self, task: Task, epoch: int) -> None:
        """Estimate the BatchNorm statistics of symbols for the present weights, from redrawn symbols."""
        layers = [layer for layer in find_batch_norms(self._get_tower()) if layer.training]
        if not layers:
            return
        n_classes = len(self.drawings)
        copies = max(task.options.batch_size // task.options.accumulate // n_classes, self.copies)
        statistics = self.get_symbol_statistics()
        with (
            statistics.use(self._get_tower()) if statistics is not None else nullcontext(),
            average_batches(layers),
        ):
            for step in range(-(-_MEASURED_SYMBOLS // (copies * n_classes))):
                self._get_tower()(self._redraw(epoch, step, copies))

    def make_head(self) -> PromptHead:
        """Return a head that scores by similarity to the prompts and to the original symbols.

        The embedding of a class's symbol is the mean of those of its drawings.
        """
        plain = self.drawings.flatten(0, 1).permute(0, 3, 1, 2).float() / 255
        symbols = self.embed_symbols(self._standardize(plain))
        return self.fill_head(symbols.reshape(*self.drawings.shape[:2], -1).mean(dim=1))

    def _get_tower(self) -> nn.Module:
        own = self.symbol_tower()
        tower: nn.Module = self.backbone.image_tower if own is None else own
        return tower

    def _count_copies(self) -> int:
        """Return the number of redraws that BatchNorm needs; without BatchNorm, one is enough."""
        has_batch_norm = bool(find_batch_norms(self.backbone.image_tower))
        return -(-_MIN_SYMBOLS // len(self.drawings)) if has_batch_norm else 1

    def _redraw(self, epoch: int, step: int, copies: int) -> torch.Tensor:
        """Return redrawn symbols (copies * K, C, size, size) as the network takes them, copy by copy."""
        seed, redraw = self.task.options.seed, self.task.augmentation.symbols
        return self._standardize(redraw(self.drawings, seed=seed, epoch=epoch, step=step, copies=copies))

    def _standardize(self, images: torch.Tensor) -> torch.Tensor:
        return standardize(images, self.task.preprocess.mean, self.task.preprocess.std)

    def _average(self, terms: list[torch.Tensor]) -> torch.Tensor:
        """Return the mean over the redraws of a symbol."""
        return torch.stack(terms).mean()


class SharedEncoderStage(SymbolStage):
    """Stage 1: one encoder for both images and symbols, which are aligned with the prompts."""

    def __init__(self, task: Task, log_scale: nn.Parameter, epochs: int) -> None:
        super().__init__(task, log_scale, "shared encoder", epochs)
        self.symbol_statistics = make_domain_statistics(task.backbone.image_tower)

    def get_symbol_statistics(self) -> DomainStatistics | None:
        """Return the statistics of symbols in the shared encoder."""
        return self.symbol_statistics

    def loss(self, batch: Batch) -> Loss:
        """Return half the loss of the images plus half the loss of the symbols, against the prompts."""
        images, prompts = self.embed_images(batch), self.embed_prompts()
        symbols = self.embed_redrawn(batch)
        image_text = self.compare_items(images, prompts, batch)
        symbol_text = self._average([self.compare_classes(copy, prompts, batch) for copy in symbols])
        loss = Loss(
            0.5 * (image_text + self.align.symbol_weight * symbol_text),
            {"image_text": image_text, "symbol_text": symbol_text},
        )
        return self.add_captions(loss, images, batch)


class ThreeEncoderStage(SymbolStage):
    """Stage 2: encoders of images, symbols and prompts are all trained.

    The symbol encoder starts as a copy of the image encoder, made when the stage begins.

    Parameters
    ----------
    task, log_scale, epochs
        Same as in `AlignmentStage`.
    first : SharedEncoderStage, optional
        Stage before this one, whose statistics of symbols the symbol encoder starts with.
    """

    def __init__(
        self, task: Task, log_scale: nn.Parameter, epochs: int, first: SharedEncoderStage | None = None
    ) -> None:
        super().__init__(task, log_scale, "three encoders", epochs)
        self.symbols = copy.deepcopy(task.backbone.image_tower)
        self.first_statistics = first.symbol_statistics if first is not None else None

    def begin(self) -> None:
        """Copy the weights of the image tower to the symbol encoder, with the statistics of symbols."""
        self.symbols.load_state_dict(self.backbone.image_tower.state_dict())
        if self.first_statistics is not None:
            self.first_statistics.copy_to(self.symbols)

    def symbol_tower(self) -> nn.Module:
        """Return the symbol encoder."""
        tower: nn.Module = self.symbols
        return tower

    def loss(self, batch: Batch) -> Loss:
        """Return the sum of the losses of (image, prompt), (image, symbol) and (symbol, prompt)."""
        images, prompts = self.embed_images(batch), self.embed_prompts()
        symbols = self.embed_redrawn(batch)
        image_text = self.compare_items(images, prompts, batch)
        image_symbol = self._average([self.compare_items(images, copy, batch) for copy in symbols])
        symbol_text = self._average([self.compare_classes(copy, prompts, batch) for copy in symbols])
        loss = Loss(
            image_text + self.align.symbol_weight * (image_symbol + symbol_text),
            {"image_text": image_text, "image_symbol": image_symbol, "symbol_text": symbol_text},
        )
        return self.add_captions(loss, images, batch)


def stages(task: Task) -> list[Stage]:
    """Create both stages; without a warm-up, the first one is empty."""
    log_scale = make_log_scale(task)
    first = SharedEncoderStage(task, log_scale, task.options.warmup_epochs)
    return [first, ThreeEncoderStage(task, log_scale, task.options.epochs, first)]


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
    return [SharedEncoderStage(task, make_log_scale(task), task.options.warmup_epochs)]


def stages_v2(task: Task) -> list[Stage]:
    """Create the second stage only (Ours_v2), whose symbol encoder starts as a copy of the given image encoder."""
    return [ThreeEncoderStage(task, make_log_scale(task), task.options.epochs)]


def stages_v3(task: Task) -> list[Stage]:
    """Create the first stage only, for all epochs: Ours_v3."""
    return [SharedEncoderStage(task, make_log_scale(task), task.options.epochs)]
