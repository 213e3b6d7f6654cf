"""Check a training method on a small task."""

from __future__ import annotations

import csv
import math
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from galaxtool.backbones.create import create_backbone
from galaxtool.errors import GalaxtoolError
from galaxtool.plugins.options import parse_options
from galaxtool.plugins.registry import get_registry
from galaxtool.plugins.specs import HeadSpec, MethodSpec
from galaxtool.testing.label_kinds import CLASS, VALUES, VOTES, fit_outputs, make_taxonomy
from galaxtool.training.options import TrainOptions
from galaxtool.training.stage import Stage
from galaxtool.training.task import PictureSet, Task
from galaxtool.training.trainer import Trainer
from galaxtool.vision.augment import Augmentation
from galaxtool.vision.preprocess import Preprocess

_CLASSES, _IMAGES, _BATCH = 4, 24, 8


def check_method(name: str, *, backbone: str = "", seed: int = 0) -> None:
    """Check a registered method by training one epoch on 24 random pictures, on the CPU.

    The checks are:

    - The factory returns a list of `galaxtool.Stage`, each with its own name and a number of epochs.
    - Training runs to the end, with finite losses and validation scores, for every kind of label in `label_kinds`.
    - Some weight changes; what is trained is among the attributes of the stages, so that a checkpoint has it.
    - The same seed gives the same losses.
    - `make_head` of the last stage returns a head that the registered head of the spec can hold.

    Parameters
    ----------
    name : str
        Name of the method, plain or as ``plugin:name``.
    backbone : str
        Backbone to train; by default a small one, with a text encoder if the method needs one.
    seed : int
        Random seed of the pictures, the weights and the training.

    Raises
    ------
    AssertionError
        If a check fails.
    """
    registry = get_registry()
    found = registry.methods.find(name)
    spec = found.spec
    chosen = backbone or ("mini@none" if "text" in spec.needs else "small-resnet@none")
    heads = {CLASS: spec.head, VOTES: "votes", VALUES: "regression"}
    losses = []
    for kind in (CLASS, *(kind for kind in (VOTES, VALUES) if kind in spec.label_kinds)):
        head = registry.heads.find(heads[kind]).spec
        for _ in range(2 if kind == CLASS else 1):
            with torch.random.fork_rng(devices=[]), tempfile.TemporaryDirectory() as folder:
                torch.manual_seed(seed)
                task = _make_task(spec, head, chosen, seed, kind)
                losses.append(_train(found, task, Path(folder), name, "classes" if kind == CLASS else kind))
    assert losses[0] == losses[1], (
        f"The method '{name}' has other losses with the same seed ({losses[0]} and {losses[1]}); draw random numbers "
        "from torch's generator, or from batch.epoch and batch.step."
    )


def _make_task(spec: MethodSpec, head: HeadSpec, backbone: str, seed: int, kind: str) -> Task:
    rng = np.random.default_rng(seed)
    made = create_backbone(backbone)
    size = int(made.image_size)
    taxonomy = make_taxonomy(fit_outputs(_CLASSES, kind), kind)
    options = TrainOptions(
        epochs=1,
        warmup_epochs=1,
        batch_size=_BATCH,
        lr=spec.lr or 1e-3,
        seed=seed,
        method=parse_options(f"the method '{spec.name}'", spec.options, ()),
    )
    train, valid = (_draw_pictures(rng, n, size, kind) for n in (_IMAGES, _BATCH))
    symbols = torch.from_numpy(rng.integers(0, 256, (_CLASSES, 1, size, size, 3), dtype=np.uint8))
    make_objective = get_registry().heads.find(head.name).load(head.objective)
    return Task(
        backbone=made,
        taxonomy=taxonomy,
        preprocess=Preprocess(size=size),
        train=train,
        valid=valid,
        symbols=symbols if "symbols" in spec.needs else None,
        options=options,
        objective=make_objective(taxonomy=taxonomy, options=options, targets=train.targets),
        device=torch.device("cpu"),
        head=head.name,
        augmentation=Augmentation(size=size),
    )


def _draw_pictures(rng: np.random.Generator, n: int, size: int, kind: str) -> PictureSet:
    targets: np.ndarray = np.arange(n, dtype=np.int64) % _CLASSES
    if kind == VALUES:
        targets = rng.normal(size=(n, fit_outputs(_CLASSES, kind) // 3)).astype(np.float32)
    elif kind == VOTES:
        targets = rng.integers(1, 20, (n, _CLASSES)).astype(np.float32)
    return PictureSet(
        pictures=rng.integers(0, 256, (n, size, size, 3), dtype=np.uint8), targets=targets, weights=np.ones(n)
    )


def _train(found: Any, task: Task, folder: Path, name: str, labels: str) -> list[float]:
    """Train one epoch; return the losses of the history."""
    stages = found.create(task)
    assert isinstance(stages, list) and stages and all(isinstance(stage, Stage) for stage in stages), (
        f"The factory of the method '{name}' returns {type(stages).__name__}, not a list of galaxtool.Stage."
    )
    names = [stage.name for stage in stages]
    assert len(set(names)) == len(names), f"Two stages of the method '{name}' are called '{names[0]}'."
    before = {key: value.clone() for key, value in nn.ModuleList(stages).state_dict().items()}
    assert before, f"The stages of the method '{name}' have no modules; make what they train their attributes."
    trainer = Trainer(task, stages, folder)
    try:
        trainer.fit()
    except GalaxtoolError as error:
        raise AssertionError(f"The method '{name}' cannot train on {labels}: {error.message}") from error
    after = trainer.stages.state_dict()
    changed = any(  # adapters that are merged at the end have other names
        key not in after or not torch.equal(value, after[key])
        for key, value in before.items()
        if value.is_floating_point()
    )
    assert changed, f"The method '{name}' changes no weight of its stages; are the modules attributes of the stage?"
    with (folder / "history.csv").open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    losses = [float(row["loss"]) for row in rows]
    assert losses and all(map(math.isfinite, losses)), f"The losses of the method '{name}' are {losses}, not finite."
    _check_head(stages[-1], task, name)
    return losses


def _check_head(stage: Stage, task: Task, name: str) -> None:
    head = stage.make_head()
    assert isinstance(head, nn.Module), f"make_head of the method '{name}' returns {type(head).__name__}, not a module."
    holder = get_registry().heads.find(task.head).create(dim=task.backbone.dim, n_classes=task.objective.n_outputs)
    try:
        holder.load_state_dict(head.state_dict())
    except RuntimeError as error:
        raise AssertionError(
            f"What make_head of the method '{name}' returns does not fit the head '{task.head}', so the model could "
            "not be loaded; name the right one in MethodSpec.head."
        ) from error
