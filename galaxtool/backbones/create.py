"""Create backbones from names such as ``source:architecture@weights``."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from galaxtool.backbones.borrowed_text import BackboneWithText
from galaxtool.backbones.channels import adapt_channels
from galaxtool.backbones.image_size import set_image_size
from galaxtool.backbones.weights.load import load_weights, locate_weights
from galaxtool.backbones.weights.local_licence import find_local_licence
from galaxtool.errors import ConfigError, ModelError, OfflineError, UnknownName
from galaxtool.plugins.registration import Registration
from galaxtool.plugins.registry import Registry, get_registry
from galaxtool.plugins.specs import BackboneSpec, Weights

NO_WEIGHTS = "none"


@dataclass(frozen=True)
class BackboneName:
    """The parsed name of a backbone.

    Parameters
    ----------
    registration : Registration
        Spec of the backbone, and the plugin that registered it.
    architecture : str
        Architecture that the factory is called with.
    weights : Weights or None
        Weights to load; None for random initialization.
    """

    registration: Registration[BackboneSpec]
    architecture: str
    weights: Weights | None

    @property
    def spec(self) -> BackboneSpec:
        """The spec."""
        return self.registration.spec

    def __str__(self) -> str:
        """Return the full name, with the weights."""
        base = f"{self.spec.name}:{self.architecture}" if self.spec.architectures else self.spec.name
        return f"{base}@{self.weights.tag if self.weights else NO_WEIGHTS}"


def parse_name(text: str, registry: Registry | None = None) -> BackboneName:
    """Parse ``mini``, ``mini@none``, ``open_clip:ViT-B-16@TAG`` or ``clip-vit-16@/path/file.safetensors``.

    Raises
    ------
    UnknownName
        If the backbone does not exist, or does not have these weights.
    """
    registry = registry or get_registry()
    base, at, tag = text.partition("@")
    registration, architecture = _find_registration(base, registry)
    if at and tag == NO_WEIGHTS:
        return BackboneName(registration, architecture, None)
    try:
        known = _list_weights(registration, architecture)
    except UnknownName:
        architecture, dot, suffix = architecture.partition(".")  # timm:NAME.TAG is timm:NAME@TAG
        if not dot:
            raise
        known = _list_weights(registration, architecture)
        if not at:
            base, at, tag = base.removesuffix(f".{suffix}"), "@", suffix
    if not at:
        return BackboneName(registration, architecture, known[0] if known else None)
    by_tag = {weights.tag: weights for weights in known}
    if tag in by_tag:
        return BackboneName(registration, architecture, by_tag[tag])
    if _looks_like_path(tag):
        default = known[0] if known else Weights(tag="", uri="")  # size and normalization are most likely the same
        stated = find_local_licence(tag)
        local = replace(default, tag=tag, uri=f"file:{tag}", sha256="", licence=stated, citation=None, install="")
        return BackboneName(registration, architecture, local)
    raise UnknownName(
        f"weights for {base}", tag, [*by_tag, NO_WEIGHTS], note="The path of a file can be given instead."
    )


def parse_text_encoder(text: str, wanted_by: BackboneName, registry: Registry | None = None) -> BackboneName:
    """Parse the name of the backbone whose text encoder another one borrows.

    Parameters
    ----------
    text : str
        Name as in `parse_name`: ``mini@none``, ``clip-vit-16``, ``open_clip:ViT-B-16@TAG``.
    wanted_by : BackboneName
        Backbone that borrows the text encoder.

    Raises
    ------
    UnknownName
        If the backbone does not exist, or does not have these weights.
    ConfigError
        If the borrower already has a text encoder, or the lender has none.
    """
    lender = parse_name(text, registry)
    if wanted_by.spec.text:
        raise ConfigError(
            f"The backbone '{wanted_by.spec.name}' already has a text encoder.", hint="Leave --text-encoder out."
        )
    if not lender.spec.text:
        raise ConfigError(
            f"The backbone '{lender.spec.name}' has no text encoder to lend.",
            hint="Choose a backbone with 'yes' in the text column of `galaxtool backbones`, e.g. --text-encoder "
            "clip-vit-16.",
        )
    return lender


def create_backbone(
    name: str | BackboneName,
    registry: Registry | None = None,
    *,
    channels: int = 3,
    text_encoder: str | BackboneName | None = None,
    image_size: int | None = None,
) -> Any:
    """Create a backbone and load its weights.

    Parameters
    ----------
    name : str or BackboneName
        Name as on the command line.
    channels : int
        Number of channels of the images. Weights of three channels are adapted; see
        `galaxtool.backbones.channels.adapt_channels`.
    text_encoder : str or BackboneName, optional
        Backbone whose text encoder, with its weights, is combined with an image-only backbone; see
        `galaxtool.backbones.borrowed_text.BackboneWithText`.
    image_size : int, optional
        Side of the images in pixels, if it is not that of the weights; see
        `galaxtool.backbones.image_size.set_image_size`.

    Returns
    -------
    galaxtool.backbones.protocols.Backbone
        The backbone, on the CPU and in float32. Its `normalization` is the mean and the standard deviation of display
        values in [0, 1] with which images are standardized, each a tuple in channel order. Its `citations` are those of
        the architecture and of the weights, and its `licence` is that of the weights, empty if it is not known.

    Raises
    ------
    UnknownName
        If the backbone does not exist, or does not have these weights.
    OfflineError
        If the weights are not on this machine and cannot be downloaded.
    ModelError
        If the file has weights of another architecture.
    ConfigError
        If the backbone cannot take that number of channels, images of that size, or borrow that text encoder.
    """
    registry = registry or get_registry()
    parsed = parse_name(name, registry) if isinstance(name, str) else name
    if text_encoder:
        lender = parse_text_encoder(str(text_encoder), parsed, registry)
        own = create_backbone(parsed, registry, channels=channels, image_size=image_size)
        return BackboneWithText(own, _create_lender(lender, registry))
    file = locate_weights(parsed.weights, str(parsed), registry) if parsed.weights else None
    backbone = parsed.registration.create(
        architecture=parsed.architecture,
        weights=parsed.weights.tag if parsed.weights else None,
        resolve=lambda weights: locate_weights(weights, str(parsed), registry),
    )
    backbone.registered_name = str(parsed)
    of_weights = parsed.weights.citation if parsed.weights else None
    backbone.citations = tuple(one for one in (parsed.spec.citation, of_weights) if one is not None)
    backbone.licence = parsed.weights.licence if parsed.weights else ""
    if file is None:
        adapt_channels(backbone, channels)
    else:
        _load_weights(backbone, file, channels)
    backbone.normalization = _find_normalization(backbone, parsed)
    if image_size is not None:
        set_image_size(backbone, image_size)
    return backbone


def _find_normalization(backbone: Any, parsed: BackboneName) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Return mean and standard deviation of images; those of a hub are known only once the weights are loaded."""
    weights, spec = parsed.weights, parsed.spec
    return (
        getattr(backbone, "mean", None) or (weights and weights.mean) or spec.mean,
        getattr(backbone, "std", None) or (weights and weights.std) or spec.std,
    )


def _load_weights(backbone: Any, file: Path, channels: int) -> None:
    """Load weights of three channels and adapt them, or load weights that already have the given channels."""
    try:
        load_weights(backbone, file)
    except ModelError:
        if channels == 3:
            raise
        adapt_channels(backbone, channels)
        with suppress(ModelError):
            load_weights(backbone, file)
            return
        raise
    adapt_channels(backbone, channels)


def _create_lender(lender: BackboneName, registry: Registry) -> Any:
    """Create the backbone that lends its text encoder; hints of errors name the option --text-encoder."""
    try:
        return create_backbone(lender, registry)
    except (ModelError, OfflineError) as error:
        raise type(error)(error.message, hint=error.hint.replace("--backbone", "--text-encoder")) from error


def _find_registration(base: str, registry: Registry) -> tuple[Registration[BackboneSpec], str]:
    """Return the registration and the architecture for a name without its weights."""
    if base in registry.backbones:
        registration = registry.backbones.find(base)
        return registration, registration.spec.name
    source = base
    for colon in [match.start() for match in re.finditer(":", base)][::-1]:  # an architecture may have colons too
        source = base[:colon]
        if source in registry.backbones:
            registration = registry.backbones.find(source)
            if registration.spec.architectures:
                return registration, base[colon + 1 :]
    return registry.backbones.find(base if source in registry.backbones else source or base), base


def _list_weights(registration: Registration[BackboneSpec], architecture: str) -> tuple[Weights, ...]:
    spec = registration.spec
    return tuple(registration.load(spec.weights_of)(architecture)) if spec.weights_of else spec.weights


def _looks_like_path(tag: str) -> bool:
    return "/" in tag or "\\" in tag or Path(tag).suffix in (".safetensors", ".pt", ".pth", ".tar", ".bin")
