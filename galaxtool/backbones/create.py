"""From ``source:architecture@weights`` to a backbone with its weights in place."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from galaxtool.backbones.weights import load_into, locate
from galaxtool.errors import UnknownName
from galaxtool.registry import Registry, get_registry
from galaxtool.specs import BackboneSpec, Registered, Weights

NO_WEIGHTS = "none"


@dataclass(frozen=True)
class BackboneName:
    """A backbone's name, taken apart.

    Parameters
    ----------
    registered : Registered
        The spec, with where it came from.
    architecture : str
        What the factory is asked for.
    weights : Weights or None
        What to load; None for random initialisation.
    """

    registered: Registered
    architecture: str
    weights: Weights | None

    @property
    def spec(self) -> BackboneSpec:
        """The spec."""
        assert isinstance(self.registered.spec, BackboneSpec)
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
    spec = registered.spec
    assert isinstance(spec, BackboneSpec)
    if at and tag == NO_WEIGHTS:
        return BackboneName(registered, architecture, None)
    known = _known_weights(registered, architecture, registry)
    if not at:
        return BackboneName(registered, architecture, known[0] if known else None)
    by_tag = {weights.tag: weights for weights in known}
    if tag in by_tag:
        return BackboneName(registered, architecture, by_tag[tag])
    if _looks_like_path(tag):
        return BackboneName(registered, architecture, Weights(tag=tag, uri=f"file:{tag}"))
    raise UnknownName(f"weights for {base}", tag, [*by_tag, NO_WEIGHTS], note="A file's path works too.")


def create_backbone(name: str | BackboneName, registry: Registry | None = None) -> Any:
    """Make a backbone and load its weights.

    Parameters
    ----------
    name : str or BackboneName
        As on the command line.

    Returns
    -------
    galaxtool.types.Backbone
        On the CPU, in float32.

    Raises
    ------
    UnknownName
        If there is no such backbone or weights.
    OfflineError
        If the weights are not here and may not be fetched.
    ModelError
        If the file is not of this architecture.
    """
    registry = registry or get_registry()
    parsed = parse_name(name, registry) if isinstance(name, str) else name
    file = locate(parsed.weights, str(parsed), registry) if parsed.weights else None
    build = registry.factory(parsed.registered)
    backbone = build(
        architecture=parsed.architecture,
        weights=parsed.weights.tag if parsed.weights else None,
        resolve=lambda weights: locate(weights, str(parsed), registry),
    )
    if file is not None:
        load_into(backbone, file)
    return backbone


def _find(base: str, registry: Registry) -> tuple[Registered, str]:
    names = {r.spec.name for r in registry.specs("backbone")} | {r.qualified for r in registry.specs("backbone")}
    if base in names:
        found = registry.find("backbone", base)
        return found, found.spec.name
    source, colon, architecture = base.rpartition(":")
    if colon and source in names:
        found = registry.find("backbone", source)
        if isinstance(found.spec, BackboneSpec) and found.spec.architectures:
            return found, architecture
    return registry.find("backbone", base if source in names else source or base), base


def _known_weights(registered: Registered, architecture: str, registry: Registry) -> tuple[Weights, ...]:
    spec = registered.spec
    assert isinstance(spec, BackboneSpec)
    return tuple(registry.load(spec.weights_of, registered)(architecture)) if spec.weights_of else spec.weights


def _looks_like_path(tag: str) -> bool:
    return "/" in tag or "\\" in tag or Path(tag).suffix in (".safetensors", ".pt", ".pth", ".bin")
