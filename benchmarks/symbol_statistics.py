"""What statistics of their own do to symbols in an encoder with BatchNorm: activations, gradients, embeddings."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from galaxtool.finetuning.config import FinetuneConfig
from galaxtool.finetuning.task import make_task, prepare_training
from galaxtool.methods.galaxalign import SharedEncoderStage, ThreeEncoderStage, stages
from galaxtool.methods.losses import normalize_rows
from galaxtool.training.batchnorm import update_batchnorm_stats
from galaxtool.training.domain_norm import find_batch_norms
from galaxtool.training.sampling import draw_epoch_order
from galaxtool.training.task import Batch, Task
from galaxtool.training.trainer import Trainer
from galaxtool.types import Silent

DEPTHS = (0.0, 0.25, 0.5, 0.75, 1.0)


@contextmanager
def use_image_statistics(stage: Any) -> Iterator[None]:
    """Let symbols pass under the running statistics of images, as before they had their own."""
    tower = stage.symbol_tower() or stage.backbone.image_tower

    def embed(images: torch.Tensor) -> torch.Tensor:
        for layer in find_batch_norms(tower):
            layer.eval()
        embedded = normalize_rows(tower(images))
        for layer in find_batch_norms(tower):
            layer.train()
        return embedded

    stage.embed_symbols = embed
    try:
        yield
    finally:
        del stage.embed_symbols


def make_batch(task: Task, stage: Any) -> Batch:
    """Return the first batch of an epoch."""
    items = draw_epoch_order(task.train, 0, 0)[: task.options.batch_size]
    targets = torch.from_numpy(task.train.targets[items])
    counts = torch.bincount(targets, minlength=len(task.taxonomy)).float()
    return Batch(
        images=stage.inputs(task, items, 0), targets=targets, items=torch.from_numpy(items), counts=counts, epoch=0,
        step=0,
    )  # fmt: skip


def measure_activations(tower: nn.Module, embed: Callable[[], torch.Tensor]) -> list[float]:
    """Return the root mean square of the outputs of BatchNorm layers at five depths."""
    layers = find_batch_norms(tower)
    chosen = [layers[round(depth * (len(layers) - 1))] for depth in DEPTHS]
    found: dict[int, float] = {}
    handles = [
        layer.register_forward_hook(
            lambda _, __, output, key=key: found.__setitem__(key, float(output.detach().square().mean().sqrt()))
        )
        for key, layer in enumerate(chosen)
    ]
    with torch.no_grad():
        embed()
    for handle in handles:
        handle.remove()
    return [found[key] for key in range(len(chosen))]


def measure_gradients(stage: SharedEncoderStage, batch: Batch) -> tuple[float, float, float]:
    """Return the norms of the gradients of images and of symbols in the shared encoder, and their cosine."""
    parameters = list(stage.backbone.image_tower.parameters())
    terms = stage.loss(batch).terms
    flat = []
    for name in ("image_text", "symbol_text"):
        gradients = torch.autograd.grad(terms[name], parameters, retain_graph=True, allow_unused=True)
        flat.append(torch.cat([g.flatten() for g in gradients if g is not None]).double())
    images, symbols = flat
    return float(images.norm()), float(symbols.norm()), float(images @ symbols / images.norm() / symbols.norm())


def measure_spread(stage: ThreeEncoderStage, batch: Batch) -> float:
    """Return the mean cosine among the embeddings of different classes' symbols when the second stage begins."""
    stage.begin()
    with torch.no_grad():
        embeddings = stage.embed_redrawn(batch)[0]
    cosines = embeddings @ embeddings.T
    return float(cosines[~np.eye(len(cosines), dtype=bool)].mean())


def report(task: Task, name: str) -> None:
    """Print the rows of a state of the network."""
    shared, _ = stages(task)
    three = ThreeEncoderStage(task, shared.log_scale, 1, shared)
    assert isinstance(shared, SharedEncoderStage)
    for stage in (shared, three):
        stage.train()
    update_batchnorm_stats(task, shared, 0)
    batch, tower = make_batch(task, shared), task.backbone.image_tower
    images = measure_activations(tower, lambda: shared.embed_images(batch))
    for kind, context in (("of images", use_image_statistics), ("of their own", nullcontext)):
        with context(shared):
            symbols = measure_activations(tower, lambda: shared.embed_redrawn(batch))
            ratios = [f"{symbol / image:.1f}" for symbol, image in zip(symbols, images, strict=True)]
            image, symbol, cosine = measure_gradients(shared, batch)
        with context(three):
            spread = measure_spread(three, batch)
        print(f"| {name} | {kind} | {', '.join(ratios)} | {image:.1f} | {symbol:.1f} | {cosine:.2f} | {spread:.3f} |")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset", help="folder of labelled images")
    parser.add_argument("--backbone", nargs="+", default=["small-resnet@none"])
    parser.add_argument(
        "--epochs", type=int, default=3, help="epochs of the first stage before the second measurement; 0 for only one"
    )
    parser.add_argument("--label-column", default="label")
    parser.add_argument("--where", default=None)
    options = parser.parse_args()
    print("| network | statistics of symbols | activations: symbols / images | gradient, images | symbols | cosine |"
          " cosine among symbols, v2 |\n|---|---|---|---|---|---|---|")  # fmt: skip
    for backbone in options.backbone:
        config = FinetuneConfig(
            dataset=[options.dataset], method="galaxalign", backbone=backbone, label_column=options.label_column,
            where=options.where, device="cpu",
        )  # fmt: skip
        task = make_task(config, prepare_training(config), Silent())
        report(task, f"{backbone}, at the start")
        if not options.epochs:
            continue
        task = replace(task, options=replace(task.options, epochs=options.epochs))
        first, _ = stages(task)
        stage = SharedEncoderStage(task, first.log_scale, options.epochs)
        with tempfile.TemporaryDirectory() as folder:
            Trainer(task, [stage], Path(folder)).fit()
        report(task, f"{backbone}, after {options.epochs} epochs")


if __name__ == "__main__":
    main()
