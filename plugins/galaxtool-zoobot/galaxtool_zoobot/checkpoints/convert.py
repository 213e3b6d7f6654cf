"""Turn a checkpoint into a model directory."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from galaxtool import Citation, ConfigError, InputError, Preprocess, get_registry, load_model, write_model
from galaxtool_zoobot.checkpoints.model import CLASSIFIER, REGRESSOR, TREE, ZoobotCheckpoint, open_checkpoint
from galaxtool_zoobot.checkpoints.schema import fit_vote_schema, make_vote_schema
from galaxtool_zoobot.citations import ZOOBOT
from galaxtool_zoobot.encoders.catalog import ENCODERS, MEAN, OWNER, STD, find_by_architecture

_NOTES = (
    "Fine-tuned with Zoobot and converted. No score is known to galaxtool: run galaxtool evaluate on labelled images."
)


@dataclass(frozen=True, kw_only=True)
class ConvertOptions:
    """Settings of a conversion; see `galaxtool_zoobot.commands.convert.convert`."""

    output: Path
    backbone: str | None = None
    classes: tuple[str, ...] = ()
    votes: str | None = None
    target: str | None = None
    error: float | None = None
    image_size: int = 224
    crop: float = 1.0
    licence: str = ""
    overwrite: bool = False


@dataclass(frozen=True)
class Converted:
    """What a checkpoint held: kind, name of the backbone, and names of the outputs."""

    kind: str
    backbone: str
    outputs: list[str]


def convert_checkpoint(file: Path, options: ConvertOptions) -> Converted:
    """Write the model directory of a checkpoint.

    Raises
    ------
    InputError
        If there is no such file.
    ModelError
        If it is not a checkpoint of Zoobot, or does not fit the backbone.
    ConfigError
        If it does not state the encoder, the classes or the questions, and the options do not either.
    OutputExists
        If the output holds a model already.
    """
    if not file.is_file():
        raise InputError(f"There is no checkpoint at '{file}'.", hint="Zoobot's trainer writes checkpoints/....ckpt")
    if options.image_size < 8 or not 0 < options.crop <= 1:
        raise ConfigError(
            f"--image-size is {options.image_size} and --crop is {options.crop:g}.",
            hint="The size must be at least 8, and the crop above 0 and at most 1.",
        )
    found = open_checkpoint(file)
    _check_meaning(found, options)
    backbone = options.backbone or _find_backbone(found)
    head, weights, meaning = _make_head(found, options)
    channels = ("gray",) if _count_channels(found.encoder) == 1 else ("R", "G", "B")
    write_model(
        options.output,
        backbone=backbone,
        tower=found.encoder,
        head=head,
        head_weights=weights,
        preprocess=Preprocess(size=options.image_size, crop=options.crop, mean=MEAN, std=STD, channels=channels),
        method="zoobot",
        licence=options.licence,
        citations=_collect_citations(backbone),
        notes=_NOTES,
        overwrite=options.overwrite,
        **meaning,
    )
    # what was written is also what is read
    model = load_model(options.output)
    return Converted(found.kind, backbone, list(model.classes))


def _check_meaning(found: ZoobotCheckpoint, options: ConvertOptions) -> None:
    """Raise `ConfigError` for an option that is about another kind of checkpoint."""
    about = {"class": CLASSIFIER, "votes": TREE, "target": REGRESSOR, "error": REGRESSOR}
    values = {"class": options.classes, "votes": options.votes, "target": options.target, "error": options.error}
    for name, kind in about.items():
        if values[name] and kind != found.kind:
            raise ConfigError(
                f"--{name} is about a {kind}, and the checkpoint holds a {found.kind}.", hint=f"Leave --{name} out."
            )


def _find_backbone(found: ZoobotCheckpoint) -> str:
    """Return the short name of the encoder that the checkpoint names."""
    stated = found.encoder_name.removeprefix("hf_hub:").removeprefix("hf-hub:").removeprefix(f"{OWNER}/")
    for encoder in ENCODERS:
        for tag, repository in encoder.repositories:
            if stated == repository:
                return f"{encoder.name}@{tag}"
    if short := find_by_architecture(stated):
        return f"{short}@none"
    if stated and "/" not in stated:
        return f"timm:{stated}@none"
    raise ConfigError(
        "The checkpoint does not say which encoder it has"
        + (f": '{stated}' is not one of those that are known." if stated else "."),
        hint="Name it: --backbone zoobot-convnext-nano, or --backbone timm:ARCHITECTURE",
    )


def _make_head(found: ZoobotCheckpoint, options: ConvertOptions) -> tuple[str, dict[str, torch.Tensor], dict[str, Any]]:
    """Return the name of galaxtool's head, its weights, and what its outputs mean."""
    if found.kind == TREE:
        questions, outputs = _find_questions(found, options)
        chosen = outputs or slice(None)
        weights = {"weight": found.weight[chosen], "bias": found.bias[chosen], "dropout": torch.tensor(found.dropout)}
        return "votes", weights, {"votes": questions}
    if found.kind == REGRESSOR:
        return _make_regression(found, options)
    if len(options.classes) != len(found.bias):
        raise ConfigError(
            f"The checkpoint has {len(found.bias)} classes, and {len(options.classes)} names were given.",
            hint="Name each, in the order of its number: --class smooth --class featured ...",
        )
    return "linear", {"weight": found.weight, "bias": found.bias}, {"classes": options.classes}


def _find_questions(found: ZoobotCheckpoint, options: ConvertOptions) -> tuple[str | Mapping[str, Any], list[int]]:
    """Return the questions of a tree, and the output for each answer; no outputs if they are in order."""
    if options.votes:
        return fit_vote_schema(options.votes, found)
    if found.questions is None:
        raise ConfigError(
            f"The checkpoint has {len(found.bias)} answers, and does not hold its questions.",
            hint=f"Name them: --votes gz2, or one of {', '.join(get_registry().vote_schemas.names())}, or a TOML file.",
        )
    return make_vote_schema(found.questions, found.dependencies or {}, options.output.name or "zoobot"), []


def _make_regression(
    found: ZoobotCheckpoint, options: ConvertOptions
) -> tuple[str, dict[str, torch.Tensor], dict[str, Any]]:
    """Return a head of quantiles around the number that Zoobot predicts, at a distance that is always the same."""
    if options.target is None or options.error is None or not (math.isfinite(options.error) and options.error > 0):
        raise ConfigError(
            "A regressor of Zoobot predicts one number, without a name or an error bar.",
            hint="Give both: --target 'bar_length[arcsec]' --error 0.4, the error being that on the validation images.",
        )
    name = "zoobot-fraction" if found.is_unit_interval else "regression"
    weight, bias = torch.zeros(3, found.weight.shape[1]), torch.full((3,), _invert_softplus(options.error))
    weight[1], bias[1] = found.weight[0], found.bias[0]
    return name, {"weight": weight, "bias": bias}, {"target": (options.target,)}


def _invert_softplus(length: float) -> float:
    """Return x such that log(1 + exp(x)) is the length."""
    return length + math.log(-math.expm1(-length))


def _count_channels(encoder: Mapping[str, torch.Tensor]) -> int:
    """Return the number of channels that the first convolution takes."""
    return next(tensor.shape[1] for tensor in encoder.values() if tensor.ndim == 4)


def _collect_citations(backbone: str) -> list[Citation]:
    name, _, tag = backbone.partition("@")
    of_weights = [
        weights.citation
        for spec in get_registry().backbones.specs()
        if spec.name == name
        for weights in spec.weights
        if weights.tag == tag and weights.citation
    ]
    return [ZOOBOT, *of_weights]
