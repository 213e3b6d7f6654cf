"""The variants that train_step.py measures, in a file of their own because their imports take seconds."""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F
from open_clip.loss import ClipLoss

from galaxtool.backbones.create import create_backbone
from galaxtool.methods import clip, galaxalign, supervised
from galaxtool.plugins.registry import get_registry
from galaxtool.taxonomy.symbols import load_symbols
from galaxtool.training.objective import ClassObjective
from galaxtool.training.optimizer import make_optimizer
from galaxtool.training.options import TrainOptions
from galaxtool.training.stage import Stage
from galaxtool.training.step import Stepper
from galaxtool.training.task import Batch, PictureSet, Task
from galaxtool.vision.augment import standardize
from galaxtool.vision.device import autocast
from galaxtool.vision.preprocess import Preprocess


def make_task(options: argparse.Namespace, device: torch.device, precision: str) -> Task:
    """Create a task with random pictures of the ten classes of galaxy10."""
    registry = get_registry()
    found = registry.taxonomies.find("galaxy10")
    taxonomy = found.create(found.spec)
    backbone = create_backbone(options.backbone).to(device)
    rng = np.random.default_rng(0)
    size = backbone.image_size
    pictures = PictureSet(
        pictures=rng.integers(0, 255, (options.batch, size, size, 3), dtype=np.uint8),
        targets=np.arange(options.batch, dtype=np.int64) % 10,
        weights=np.ones(options.batch),
    )
    settings = TrainOptions(batch_size=options.batch, precision=precision, checkpointing=options.checkpointing)
    if options.checkpointing:
        backbone.set_checkpointing(True)
    return Task(
        backbone=backbone,
        taxonomy=taxonomy,
        preprocess=Preprocess(size=size),
        train=pictures,
        valid=pictures,
        symbols=torch.from_numpy(load_symbols(taxonomy, size)).to(device),
        options=settings,
        objective=ClassObjective(taxonomy=taxonomy, options=settings, targets=pictures.targets),
        device=device,
    )


def make_trainer_step(stage: Stage, task: Task) -> Callable[[], float]:
    """Return a function that takes one step as the trainer does and returns the loss."""
    stage.to(task.device).train()
    stage.begin()
    stepper = Stepper(task, stage, make_optimizer(stage, task.backbone, task.options))
    items = np.arange(len(task.train))

    def step() -> float:
        loss, _ = stepper.step(items, epoch=0, step=0)
        stepper.update()
        _synchronize(task.device)
        return loss

    return step


class WrittenOut(galaxalign.ThreeEncoderStage):
    """The second stage with a symbol and a prompt for every image, and N x N comparisons."""

    def loss(self, batch: Batch) -> torch.Tensor:
        """Return the sum over the three pairs, as printed in the paper."""
        task = self.task
        drawings = task.augmentation.symbols(self.drawings, seed=task.options.seed, epoch=batch.epoch, step=batch.step)[
            batch.targets
        ]
        symbols = self.symbols(standardize(drawings, task.preprocess.mean, task.preprocess.std))
        every = {
            "image": self.backbone.embed(batch.images),
            "symbol": symbols,
            "text": self.backbone.embed_text([self.prompts[k] for k in batch.targets.tolist()]),
        }
        every = {name: F.normalize(value.float(), dim=1) for name, value in every.items()}
        total = torch.zeros((), device=task.device)
        with torch.autocast(task.device.type, enabled=False):
            for a, b in (("image", "text"), ("image", "symbol"), ("symbol", "text")):
                similarity = self.scale() * every[a] @ every[b].T
                total = total - F.log_softmax(similarity, dim=1).diagonal().mean()
        return total


def make_open_clip_step(task: Task) -> Callable[[], float]:
    """Return a function that takes one step as users of OpenCLIP write it and returns the loss."""
    model, tokenizer = task.backbone.model.train(), task.backbone.tokenizer
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5)
    compare = ClipLoss()
    images = standardize(
        torch.from_numpy(task.train.pictures).permute(0, 3, 1, 2).float() / 255,
        task.preprocess.mean, task.preprocess.std,
    ).to(task.device)  # fmt: skip
    texts = tokenizer([task.taxonomy.prompts[k] for k in task.train.targets]).to(task.device)

    def step() -> float:
        optimizer.zero_grad()
        with autocast(task.device, task.options.precision):
            loss = compare(*model(images, texts))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        _synchronize(task.device)
        return float(loss)

    return step


def _synchronize(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


def _make_written_out_step(task: Task) -> Callable[[], float]:
    scale = galaxalign.stages(task)[-1].log_scale
    return make_trainer_step(WrittenOut(task, scale, "written out", 1), task)


VARIANTS: dict[str, Callable[[Task], Callable[[], float]]] = {
    "supervised": lambda task: make_trainer_step(supervised.stages(task)[0], task),
    "galaxalign, stage 1": lambda task: make_trainer_step(galaxalign.stages(task)[0], task),
    "galaxalign, stage 2": lambda task: make_trainer_step(galaxalign.stages(task)[1], task),
    "written out": _make_written_out_step,
    "clip": lambda task: make_trainer_step(clip.stages(task)[0], task),
    "open_clip": make_open_clip_step,
}
