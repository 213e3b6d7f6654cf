"""Create the task of a training method from the settings of ``finetune``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from inspect import signature
from typing import Any

import numpy as np
import torch

from galaxtool.backbones.create import BackboneName, create_backbone, parse_name, parse_text_encoder
from galaxtool.backbones.weights.load import locate_weights
from galaxtool.errors import ConfigError, InputError, OfflineError, TrainingError
from galaxtool.finetuning.captions import collect_captions
from galaxtool.finetuning.config import FinetuneConfig
from galaxtool.finetuning.data import LabeledImages, gather_labeled
from galaxtool.finetuning.learning_rate import choose_learning_rate
from galaxtool.finetuning.method_choice import DEFAULT_TEXT_ENCODER
from galaxtool.finetuning.pictures import CaptionCollector, read_pictures, report_problems
from galaxtool.finetuning.settings import choose_head, make_train_options, parse_method_options
from galaxtool.inference.reading import override_preprocess, parse_stretch
from galaxtool.plugins.registry import Registry, get_registry
from galaxtool.plugins.specs import HeadSpec, MethodSpec
from galaxtool.taxonomy.symbols import load_symbols
from galaxtool.training.losses.label_noise import LabelNoise
from galaxtool.training.objective import Objective
from galaxtool.training.options import TrainOptions
from galaxtool.training.precision import suggest_precision
from galaxtool.training.shared_run import choose_training_device
from galaxtool.training.task import PictureSet, Task
from galaxtool.types import Progress
from galaxtool.vision.augmentation_names import make_augmentation
from galaxtool.vision.device import choose_device, choose_precision
from galaxtool.vision.preprocess import Preprocess, to_channels


@dataclass(frozen=True)
class TrainingSetup:
    """The checked ingredients of a training, before anything is written.

    Parameters
    ----------
    labeled : LabeledImages
        The data.
    backbone : BackboneName
        The backbone to train.
    text_encoder : BackboneName or None
        The backbone whose text encoder is borrowed, if any.
    method : MethodSpec
        The training method.
    head : HeadSpec
        The head of the trained model.
    note : str
        Why this method was chosen, if the user did not choose.
    """

    labeled: LabeledImages
    backbone: BackboneName
    text_encoder: BackboneName | None
    method: MethodSpec
    head: HeadSpec
    note: str = ""


def prepare_training(config: FinetuneConfig, *, labeled: LabeledImages | None = None, note: str = "") -> TrainingSetup:
    """Find the method, the head, the backbone and the data.

    Parameters
    ----------
    config : FinetuneConfig
        Settings with the name of a method.
    labeled : LabeledImages, optional
        The data, if they have been gathered already.
    note : str
        Why this method was chosen.

    Raises
    ------
    GalaxtoolError
        If any of them does not exist or cannot be trained with the others.
    """
    parse_stretch(config.stretch)
    choose_precision(config.precision, choose_device(config.device))
    registry = get_registry()
    method = registry.methods.find(config.method).spec
    head = choose_head(method, config)
    parse_method_options(method, config.option)
    backbone = parse_name(config.backbone, registry)
    if backbone.weights:
        locate_weights(backbone.weights, str(backbone), registry)
    text_encoder = _find_text_encoder(config.text_encoder, method, backbone, registry)
    if labeled is None:
        labeled = gather_labeled(config, needs_labels="labels" in method.needs)
    if "symbols" in method.needs:
        lacking = [c.slug for c in labeled.taxonomy.classes if c.symbol is None]
        if lacking:
            raise InputError(
                f"The method '{method.name}' needs a symbol for every class and has none for {', '.join(lacking)}.",
                hint="Give a folder with one image for each class, --symbols DIR, or use --method supervised or clip.",
            )
    if not any(labeled.slugs) and labeled.numbers is None:
        head = registry.heads.find("none").spec
    return TrainingSetup(labeled, backbone, text_encoder, method, head, note)


def _find_text_encoder(
    given: str | None, method: MethodSpec, backbone: BackboneName, registry: Registry
) -> BackboneName | None:
    """Return the backbone whose text encoder is borrowed, if the method needs one that the backbone does not have."""
    needed = "text" in method.needs
    if given and not needed:
        raise ConfigError(f"The method '{method.name}' does not use text.", hint="Leave --text-encoder out.")
    if not given and (backbone.spec.text or not needed):
        return None
    borrowed = parse_text_encoder(given or DEFAULT_TEXT_ENCODER, backbone, registry)
    if borrowed.weights:
        try:
            locate_weights(borrowed.weights, str(borrowed), registry)
        except OfflineError as error:
            raise OfflineError(
                f"The method '{method.name}' needs a text encoder, '{backbone.spec.name}' has none, and the one of "
                f"{borrowed} is not on this machine: {borrowed.weights.uri}.",
                hint=f"Fetch that file and pass it: --text-encoder {borrowed.spec.name}@/path/to/file; or use the "
                "small one that comes with galaxtool: --text-encoder mini; or --method supervised.",
            ) from error
    return borrowed


def make_task(config: FinetuneConfig, setup: TrainingSetup, log: Progress) -> Task:
    """Load the backbone, read the pictures, and build the task that the method is given."""
    log.say(f"Loading the backbone {setup.backbone} ...")
    torch.manual_seed(config.seed)
    device = choose_training_device(config.device)
    channels = parse_channels(config.channels)
    text_encoder = setup.text_encoder and str(setup.text_encoder)
    backbone = create_backbone(setup.backbone, channels=len(channels), text_encoder=text_encoder).to(device)
    preprocess = _make_preprocess(config, setup.backbone, backbone, channels)
    precision = choose_precision(config.precision, device)
    steps = "" if precision == "fp32" else " (steps; scores are computed in fp32)"
    log.say(f"{_describe_counts(setup.labeled)}; on {device} in {precision}{steps}.")
    if note := suggest_precision(device, config.precision):
        log.say(note)
    augmentation = make_augmentation(config.augment)
    train, train_problems = read_pictures(
        setup.labeled,
        "train",
        preprocess,
        log,
        margin=augmentation.margin,
        collect_captions=_make_caption_collector(config, setup),
    )
    valid, valid_problems = read_pictures(setup.labeled, "valid", preprocess, log)
    report_problems(train_problems + valid_problems, log)
    if setup.labeled.votes is not None and not valid.targets.any():
        raise TrainingError("None of the validation images has a vote.", hint="Check --where and the given splits.")
    symbols = None
    if "symbols" in setup.method.needs:
        drawings = to_channels(load_symbols(setup.labeled.taxonomy, preprocess.size), len(channels))
        symbols = torch.from_numpy(drawings).to(device)
    rate = choose_learning_rate(config, setup.method, setup.backbone, backbone)
    log.say(f"Learning rate {rate.value:g}: {rate.reason}.")
    options = make_train_options(config, setup.method, lr=rate.value, precision=precision)
    label_sets = None if setup.head.name == "none" else setup.labeled.label_sets()
    return Task(
        backbone=backbone,
        taxonomy=setup.labeled.taxonomy,
        preprocess=preprocess,
        train=train,
        valid=valid,
        symbols=symbols,
        device=device,
        options=options,
        augmentation=replace(augmentation, margin=train.margin, size=preprocess.size),
        objective=make_objective(setup, options, train, label_sets, learns_noise=True),
        label_sets=None if label_sets is None else torch.from_numpy(label_sets).to(device),
        terms=setup.labeled.terms if setup.labeled.numbers is None and setup.head.name != "none" else (),
        # a fitted head is made after the training, in which the method's own head learns
        head=setup.method.head if setup.head.fitted else setup.head.name,
    )


def _make_caption_collector(config: FinetuneConfig, setup: TrainingSetup) -> CaptionCollector | None:
    """Return what collects the captions of training images, if the method learns from them."""
    options = parse_method_options(setup.method, config.option)
    if not options.get("caption_weight"):
        return None
    return partial(collect_captions, setup.labeled, of_classes=bool(options.get("class_captions")))


def make_objective(
    setup: TrainingSetup,
    options: TrainOptions,
    train: PictureSet,
    label_sets: np.ndarray | None,
    *,
    learns_noise: bool = False,
) -> Objective:
    """Make the objective of the head for a training split, which learns the noise of labels if it is to.

    Raises
    ------
    ConfigError
        If some labels are coarser than the classes, and the objective of a plugin takes only classes.
    """
    make: Callable[..., Objective] = get_registry().heads.find(setup.head.name).load(setup.head.objective)
    known = signature(make).parameters
    noisy = setup.labeled.noisy if learns_noise and label_sets is not None else ()
    noise = LabelNoise(noisy, float(train.weights.sum())) if noisy else None
    optional = {"label_sets": label_sets, "item_weights": train.weights, "label_noise": noise}
    if label_sets is not None and "label_sets" not in known:
        raise ConfigError(
            f"The head '{setup.head.name}' learns from classes only; {', '.join(setup.labeled.coarse)} are coarser.",
            hint="Use another --head, or leave these images out with --where.",
        )
    given = {name: value for name, value in optional.items() if name in known}
    return make(taxonomy=setup.labeled.taxonomy, options=options, targets=train.targets, **given)


def parse_channels(text: str) -> tuple[str, ...]:
    """Parse ``rgb``, ``gray`` or names of bands such as ``g,r,i,z``.

    Raises
    ------
    ConfigError
        If a name is empty or given twice.
    """
    if text.lower() in ("rgb", "gray"):
        return ("R", "G", "B") if text.lower() == "rgb" else ("gray",)
    names = tuple(name.strip() for name in text.split(","))
    if not all(names) or len(set(names)) < len(names):
        raise ConfigError(
            f"--channels {text} is not a list of different bands.", hint="Write rgb, gray, or bands such as g,r,i,z."
        )
    return names


def _make_preprocess(
    config: FinetuneConfig, name: BackboneName, backbone: Any, channels: tuple[str, ...]
) -> Preprocess:
    """Return the preprocessing with the size and the normalization of the backbone, and the crop of the settings."""
    mean, std = getattr(backbone, "image", backbone).normalization
    plain = Preprocess(
        size=_choose_image_size(config, name, backbone, len(channels)),
        crop=config.crop,
        mean=mean,
        std=std,
        channels=channels,
    )
    return override_preprocess(plain, config.reading_options())


def _choose_image_size(config: FinetuneConfig, name: BackboneName, backbone: Any, channels: int) -> int:
    """Return the side of the images, in pixels, once the network was seen to take them."""
    own, size = int(backbone.image_size), config.image_size
    if size is None or size == own:
        return own
    parameter = next(backbone.image_tower.parameters())
    images = torch.zeros(2, channels, size, size, device=parameter.device, dtype=parameter.dtype)
    training = backbone.training
    try:
        with torch.no_grad():
            backbone.eval().embed(images)
    except (RuntimeError, ValueError, AssertionError) as error:
        raise ConfigError(
            f"The backbone '{name}' cannot take images of {size} pixels; its own size is {own}.",
            hint="Try a multiple of 32 with a convolutional backbone such as mini, or leave --image-size out.",
        ) from error
    finally:
        backbone.train(training)
    return size


def _describe_counts(labeled: LabeledImages) -> str:
    """Return the number of images of each split and of classes, for the log."""
    counts = labeled.counts()
    splits = ", ".join(f"{sum(c.values())} {split}" for split, c in counts.items())
    if "train" not in counts:
        raise TrainingError("No image is left to train on.", hint="Check --where and the given splits.")
    if labeled.votes is not None:
        return f"{splits} images with votes for {len(labeled.taxonomy)} answers"
    if labeled.values is not None:
        names = ", ".join(q.slug + (f" [{q.unit}]" if q.unit else "") for q in labeled.taxonomy.quantities)
        return f"{splits} images with values of {names}"
    kind = "coarser or noisy" if labeled.noisy else "coarser"
    coarse = f" and {len(labeled.coarse)} {kind} labels" if labeled.coarse else ""
    return f"{splits} images of {len(labeled.taxonomy)} classes{coarse}"
