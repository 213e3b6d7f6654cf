"""The task that galaxtool's Trainer gets: a detector, the fields of both splits, and the options."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch

from galaxtool import (
    Class,
    ConfigError,
    InputError,
    PictureSet,
    Preprocess,
    Task,
    Taxonomy,
    TrainOptions,
    choose_precision,
    choose_training_device,
    get_registry,
    read_regular_text,
)
from galaxtool_detect.boxes import DetectionSet
from galaxtool_detect.detectors.credits import Credits, credit_backbone
from galaxtool_detect.networks.config import NetworkConfig
from galaxtool_detect.networks.detector import Detector, create_detector
from galaxtool_detect.networks.freezing import freeze
from galaxtool_detect.training.augmentation import Augmentation
from galaxtool_detect.training.config import TrainConfig
from galaxtool_detect.training.source_sizes import SourceSizes, measure_sources
from galaxtool_detect.training.stage import DetectionStage
from galaxtool_detect.training.start import restart_detector
from galaxtool_detect.training.windows import FieldCache

_LARGEST = 512
"""Side of the largest image that is chosen without being asked for: that of the paper's MGCLS fields."""


@dataclass(frozen=True, kw_only=True)
class Setup:
    """What a training starts from.

    Parameters
    ----------
    train, valid : FieldCache
        Fields of the two splits.
    sizes : SourceSizes
        Sizes of the sources.
    detector : Detector
        Detector with the weights of its backbone.
    upscale : float
        Factor by which fields are enlarged.
    credits : Credits
        What to cite, and the licence of the weights.
    """

    train: FieldCache
    valid: FieldCache
    sizes: SourceSizes
    detector: Detector
    upscale: float
    credits: Credits


class DetectionObjective:
    """What galaxtool asks of an objective, for boxes: the number of classes and the rank of an epoch."""

    def __init__(self, n_outputs: int) -> None:
        self.n_outputs = n_outputs

    def score(self, row: Mapping[str, Any]) -> tuple[float, ...]:
        """Rank by mAP@50, then by the loss."""
        return (row["valid_map50"], -row["valid_loss"])


def prepare(config: TrainConfig, fields: DetectionSet) -> Setup:
    """Split the fields, measure their sources, and create the detector.

    Raises
    ------
    InputError
        If a split is empty, or no image has a source.
    ConfigError
        If the backbone cannot be used, or settings contradict each other.
    """
    divided = fields.split(config.valid, config.seed)
    train, valid = (FieldCache(divided.take(name)) for name in ("train", "valid"))
    for name, split in (("train", train), ("valid", valid)):
        if not len(split):
            raise InputError(
                f"The data set '{fields.name}' has no images in its split '{name}'.",
                hint="Give it more images, or mark some with this split.",
            )
    sizes = measure_sources(train)
    torch.manual_seed(config.seed)
    if config.start is not None:
        detector, upscale, credits = restart_detector(config.start, fields.classes, config.image_size)
        upscale = config.upscale or upscale
    else:
        detector, upscale = _create(config, fields, sizes)
        credits = credit_backbone(detector, find_model_folder(config.backbone))
    freeze(detector, config.mode, config.batchnorm)
    return Setup(train=train, valid=valid, sizes=sizes, detector=detector, upscale=upscale, credits=credits)


def _create(config: TrainConfig, fields: DetectionSet, sizes: SourceSizes) -> tuple[Detector, float]:
    """Return a detector on a backbone, for images of a suitable size, and the factor by which fields are enlarged."""
    backbone = resolve_backbone(config.backbone, config.mode)
    probe = config.image_size or 256
    detector = create_detector(backbone, fields.classes, probe, head=config.head)
    upscale = config.upscale or sizes.choose_upscale(detector.body.patch)
    wanted = config.image_size or choose_image_size(sizes.side, upscale)
    if wanted != probe:
        torch.manual_seed(config.seed)
        detector = create_detector(backbone, fields.classes, wanted, head=config.head)
    return detector, upscale


def choose_image_size(side: int, upscale: float) -> int:
    """Return the side of the network's images for fields of a side: as they are, enlarged, but 512 at most."""
    return int(np.clip(32 * np.ceil(side * upscale / 32), 64, _LARGEST))


def resolve_backbone(name: str, mode: str) -> str:
    """Return the name of a backbone: that of a trained model, such as ``mini-radio``, stands for its image encoder.

    Raises
    ------
    ConfigError
        If it has no weights and would be frozen.
    """
    base = name.partition("@")[0]
    if (folder := find_model_folder(name)) is not None:
        own = _read_backbone(folder).partition("@")[0]
        name = f"{own}@{folder}/weights.safetensors"
        base = own
    if mode == "scratch":
        return f"{base}@none"
    if name.endswith("@none"):
        raise ConfigError(
            f"The backbone '{name}' has random weights, which --mode {mode} would start from.",
            hint="Choose --mode scratch, or a backbone with weights.",
        )
    return name


def find_model_folder(name: str) -> Path | None:
    """Return the folder of the trained model that a name stands for; None if it is the name of a backbone."""
    registry = get_registry()
    base = name.partition("@")[0]
    if base in registry.backbones or base not in registry.models:
        return None
    return Path(registry.models.find(base).spec.folder)


def _read_backbone(folder: Path) -> str:
    values = json.loads(read_regular_text(folder / "model.json"))
    return str(values["backbone"])


def make_task(config: TrainConfig, setup: Setup, lr: float) -> Task:
    """Make the task; its pictures are empty, because the stage reads fields itself."""
    device = choose_training_device(config.device)
    network = setup.detector.config
    options = TrainOptions(
        epochs=config.epochs,
        batch_size=min(config.batch_size, len(setup.train)),
        lr=lr,
        weight_decay=config.weight_decay,
        patience=config.patience or config.epochs,
        ema=config.ema,
        accumulate=config.accumulate,
        precision=choose_precision(config.precision, device),
        seed=config.seed,
    )
    setup.detector.to(device)
    return Task(
        backbone=setup.detector.body.backbone,
        taxonomy=_make_taxonomy(network),
        preprocess=Preprocess(size=network.image_size, mean=network.mean, std=network.std),
        train=_make_pictures(len(setup.train)),
        valid=_make_pictures(len(setup.valid)),
        symbols=None,
        options=options,
        objective=cast(Any, DetectionObjective(len(network.classes))),
        device=device,
    )


def make_stage(
    config: TrainConfig, setup: Setup, *, epochs: int, kind: type[DetectionStage] = DetectionStage
) -> DetectionStage:
    """Make the stage."""
    augmentation = Augmentation(blur=config.blur, contrast=config.contrast, jitter=config.jitter, flips=config.flips)
    return kind(
        setup.detector, setup.train, setup.valid, epochs=epochs, upscale=setup.upscale, augmentation=augmentation
    )


def _make_taxonomy(network: NetworkConfig) -> Taxonomy:
    classes = tuple(Class(slug=f"class_{i}", name=name, prompt=name) for i, name in enumerate(network.classes))
    return Taxonomy(name="detection", classes=classes)


def _make_pictures(n: int) -> PictureSet:
    return PictureSet(pictures=np.zeros((n, 0), np.uint8), targets=np.zeros((n, 0), np.float32), weights=np.ones(n))
