"""Time one training step of each method, next to GalaxAlign written out with N symbols and N prompts.

    python benchmarks/train_step.py --backbone open_clip:ViT-B-16@none --batch 64
    python benchmarks/train_step.py --backbone open_clip:ViT-B-16@none --batch 128 --checkpointing
    python benchmarks/train_step.py --backbone mini@none --batch 64 --rounds 15

A step consists of augmentation, forward and backward passes, gradient clipping and AdamW, on random pictures of ten
classes. Written out, GalaxAlign encodes a symbol and a prompt for every image of the batch and compares N with N, as
printed by Wang et al. 2024; its loss value is compared with ours. ``open_clip`` is OpenCLIP's own model, ClipLoss
and AdamW on the same already augmented images and N prompts; ``clip`` is galaxtool's. The arms take turns, and the
median over the rounds is reported.
"""

from __future__ import annotations

import argparse
import os
import platform
import statistics
import time
from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F

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
from galaxtool.vision.device import autocast, choose_device, choose_precision
from galaxtool.vision.preprocess import Preprocess


def main() -> None:
    """Time the arms and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--backbone", default="open_clip:ViT-B-16@none")
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--checkpointing", action="store_true")
    parser.add_argument("--precision", default="auto")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--arms", nargs="+", default=list(ARMS))
    options = parser.parse_args()
    device = choose_device(options.device)
    precision = choose_precision(options.precision, device)
    times: dict[str, list[float]] = {arm: [] for arm in options.arms}
    losses = {}
    for _ in range(options.rounds):
        for arm in options.arms:
            torch.manual_seed(0)
            # made anew each time, so that only one arm's weights and AdamW moments are in memory
            step = ARMS[arm](make_task(options, device, precision))
            losses.setdefault(arm, step())  # which warms up, too
            started = time.perf_counter()
            step()
            times[arm].append(time.perf_counter() - started)
            del step
    name = torch.cuda.get_device_name() if device.type == "cuda" else f"{platform.machine()}, {os.cpu_count()} cores"
    print(
        f"{options.backbone}, batch {options.batch}, ten classes, {precision}, {name}, torch {torch.__version__}"
        + (", gradient checkpointing" if options.checkpointing else "")
    )
    print("\n| step | s | images/s | / supervised | / written out | first loss |\n|---|---|---|---|---|---|")
    median = {arm: statistics.median(values) for arm, values in times.items()}
    for arm, seconds in median.items():
        to_supervised = seconds / median["supervised"] if "supervised" in median else float("nan")
        to_written = seconds / median["written out"] if "written out" in median else float("nan")
        print(
            f"| {arm} | {seconds:.3f} | {options.batch / seconds:.1f} | {to_supervised:.2f} | {to_written:.2f} "
            f"| {losses[arm]:.6f} |"
        )


def make_task(options: argparse.Namespace, device: torch.device, precision: str) -> Task:
    """Make a task of random pictures of the ten classes of galaxy10."""
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


def by_trainer(stage: Stage, task: Task) -> Callable[[], float]:
    """Return a step as the trainer takes it."""
    stage.to(task.device).train()
    stage.begin()
    stepper = Stepper(task, stage, make_optimizer(stage, task.backbone, task.options))
    items = np.arange(len(task.train))

    def step() -> float:
        loss, _ = stepper.step(items, epoch=0, step=0)
        stepper.update()
        _wait(task.device)
        return loss

    return step


class WrittenOut(galaxalign.ThreeEncoderStage):
    """Stage 2 with a symbol and a prompt for every image, and N x N comparisons."""

    def loss(self, batch: Batch) -> torch.Tensor:
        """Return the sum over the three pairs, as printed."""
        task = self.task
        drawings = task.augmentation.symbols(self.drawings, seed=task.options.seed, epoch=batch.epoch, step=batch.step)[
            batch.targets
        ]
        symbols = galaxalign.embed_with_running_statistics(
            self.symbols, standardize(drawings, task.preprocess.mean, task.preprocess.std)
        )
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


def by_open_clip(task: Task) -> Callable[[], float]:
    """Return a step as OpenCLIP's users write it."""
    from open_clip.loss import ClipLoss

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
        _wait(task.device)
        return float(loss)

    return step


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize()


def _written_out(task: Task) -> Callable[[], float]:
    scale = galaxalign.stages(task)[-1].log_scale
    return by_trainer(WrittenOut(task, scale, "written out", 1), task)


ARMS: dict[str, Callable[[Task], Callable[[], float]]] = {
    "supervised": lambda task: by_trainer(supervised.stages(task)[0], task),
    "galaxalign, stage 1": lambda task: by_trainer(galaxalign.stages(task)[0], task),
    "galaxalign, stage 2": lambda task: by_trainer(galaxalign.stages(task)[1], task),
    "written out": _written_out,
    "clip": lambda task: by_trainer(clip.stages(task)[0], task),
    "open_clip": by_open_clip,
}


if __name__ == "__main__":
    main()
