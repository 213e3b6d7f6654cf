"""From ``source:architecture@weights`` to a backbone with its weights in place."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from galaxtool.backbones.borrowed_text import WithText
from galaxtool.backbones.channels import adapt_channels
from galaxtool.backbones.weights import load_into, locate
from galaxtool.errors import ConfigError, ModelError, OfflineError, UnknownName
from galaxtool.plugins.registration import Registration
from galaxtool.plugins.registry import Registry, get_registry
from galaxtool.plugins.specs import BackboneSpec, Weights

NO_WEIGHTS = "none"


@dataclass(frozen=True)
class BackboneName:
    """A backbone's name, taken apart.

    Parameters
    ----------
    registered : Registration
        The spec, with where it came from.
    architecture : str
        What the factory is asked for.
    weights : Weights or None
        What to load; None for random initialisation.
    """

    registered: Registration[BackboneSpec]
    architecture: str
    weights: Weights | None

    @property
    def spec(self) -> BackboneSpec:
        """The spec."""
        return self.registered.spec

    def __str__(self) -> str:
        """Return the full name, with the weights said."""
        base = f"{self.spec.name}:{self.architecture}" if self.spec.architectures else self.spec.name
        return f"{base}@{self.weights.tag if self.weights else NO_WEIGHTS}"


def parse_name(text: str, registry: Registry | None = None) -> BackboneName:
    """Take ``mini``, ``mini@none``, ``open_clip:ViT-B-16@TAG`` or ``clip-vit-16@/path/file.safetensors`` apart.

    Raises
    ------
    UnknownName
        If there is no such backbone, or no such weights for it.
    """
    registry = registry or get_registry()
    base, at, tag = text.partition("@")
    registered, architecture = _find(base, registry)
    if at and tag == NO_WEIGHTS:
        return BackboneName(registered, architecture, None)
    try:
        known = _known_weights(registered, architecture)
    except UnknownName:
        architecture, dot, suffix = architecture.partition(".")  # timm:NAME.TAG is timm:NAME@TAG
        if not dot:
            raise
        known = _known_weights(registered, architecture)
        if not at:
            base, at, tag = base.removesuffix(f".{suffix}"), "@", suffix
    if not at:
        return BackboneName(registered, architecture, known[0] if known else None)
    by_tag = {weights.tag: weights for weights in known}
    if tag in by_tag:
        return BackboneName(registered, architecture, by_tag[tag])
    if _looks_like_path(tag):
        like = known[0] if known else Weights(tag="", uri="")  # a file most likely wants images as the default does
        local = replace(like, tag=tag, uri=f"file:{tag}", sha256="", licence="", citation=None)
        return BackboneName(registered, architecture, local)
    raise UnknownName(f"weights for {base}", tag, [*by_tag, NO_WEIGHTS], note="A file's path works too.")


def parse_text_encoder(text: str, wanted_by: BackboneName, registry: Registry | None = None) -> BackboneName:
    """Take the name of the backbone apart whose text encoder another is to borrow.

    Parameters
    ----------
    text : str
        As for `parse_name`: ``mini@none``, ``clip-vit-16``, ``open_clip:ViT-B-16@TAG``.
    wanted_by : BackboneName
        The borrower.

    Raises
    ------
    UnknownName
        If there is no such backbone, or no such weights for it.
    ConfigError
        If the borrower has a text encoder of its own, or the lender has none.
    """
    lender = parse_name(text, registry)
    if wanted_by.spec.text:
        raise ConfigError(
            f"The backbone '{wanted_by.spec.name}' has a text encoder of its own.", hint="Leave --text-encoder out."
        )
    if not lender.spec.text:
        raise ConfigError(
            f"The backbone '{lender.spec.name}' has no text encoder to lend.",
            hint="Choose one whose text column says yes in `galaxtool backbones`, e.g. --text-encoder clip-vit-16.",
        )
    return lender


def create_backbone(
    name: str | BackboneName,
    registry: Registry | None = None,
    *,
    channels: int = 3,
    text_encoder: str | BackboneName | None = None,
) -> Any:
    """Make a backbone and load its weights.

    Parameters
    ----------
    name : str or BackboneName
        As on the command line.
    channels : int
        Of the images that it is to take. Weights of three channels are adapted; see
        `galaxtool.backbones.channels.adapt_channels`.
    text_encoder : str or BackboneName, optional
        Of a backbone for images only: whose text encoder it borrows, with its weights; see
        `galaxtool.backbones.borrowed_text.WithText`.

    Returns
    -------
    galaxtool.backbones.protocols.Backbone
        On the CPU, in float32.

    Raises
    ------
    UnknownName
        If there is no such backbone or weights.
    OfflineError
        If the weights are not here and may not be fetched.
    ModelError
        If the file is not of this architecture.
    ConfigError
        If it cannot take so many channels, or cannot borrow that text encoder.
    """
    registry = registry or get_registry()
    parsed = parse_name(name, registry) if isinstance(name, str) else name
    if text_encoder:
        lender = parse_text_encoder(str(text_encoder), parsed, registry)
        return WithText(create_backbone(parsed, registry, channels=channels), _create_lender(lender, registry))
    file = locate(parsed.weights, str(parsed), registry) if parsed.weights else None
    backbone = parsed.registered.create(
        architecture=parsed.architecture,
        weights=parsed.weights.tag if parsed.weights else None,
        resolve=lambda weights: locate(weights, str(parsed), registry),
    )
    backbone.registered_name = str(parsed)
    if file is None:
        adapt_channels(backbone, channels)
    else:
        _load(backbone, file, channels)
    return backbone


def _load(backbone: Any, file: Path, channels: int) -> None:
    """Load weights of three channels and adapt them, or those of a model that was trained on just these channels."""
    try:
        load_into(backbone, file)
    except ModelError:
        if channels == 3:
            raise
        adapt_channels(backbone, channels)
        with suppress(ModelError):
            load_into(backbone, file)
            return
        raise
    adapt_channels(backbone, channels)


def _create_lender(lender: BackboneName, registry: Registry) -> Any:
    try:
        return create_backbone(lender, registry)
    except (ModelError, OfflineError) as error:
        raise type(error)(error.message, hint=error.hint.replace("--backbone", "--text-encoder")) from error


def _find(base: str, registry: Registry) -> tuple[Registration[BackboneSpec], str]:
    if base in registry.backbones:
        found = registry.backbones.find(base)
        return found, found.spec.name
    source = base
    for colon in [match.start() for match in re.finditer(":", base)][::-1]:  # an architecture may have colons too
        source = base[:colon]
        if source in registry.backbones:
            found = registry.backbones.find(source)
            if found.spec.architectures:
                return found, base[colon + 1 :]
    return registry.backbones.find(base if source in registry.backbones else source or base), base


def _known_weights(registered: Registration[BackboneSpec], architecture: str) -> tuple[Weights, ...]:
    spec = registered.spec
    return tuple(registered.load(spec.weights_of)(architecture)) if spec.weights_of else spec.weights


def _looks_like_path(tag: str) -> bool:
    return "/" in tag or "\\" in tag or Path(tag).suffix in (".safetensors", ".pt", ".pth", ".tar", ".bin")
