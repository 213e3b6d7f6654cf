"""Models of timm in a repository on the Hugging Face hub, or in a copy of one: ``config.json`` beside the weights."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from galaxtool.backbones.citations import of_hub
from galaxtool.backbones.hub import CONFIG
from galaxtool.errors import ConfigError, ModelError
from galaxtool.plugins.specs import Weights

TAG = "main"
"""The only tag of a repository's weights: what it holds now."""

DINOV2_SIZE = 224
"""Pixels. DINOv2's weights are of 518, which would cost over five times as much; most of its training was at 224."""

_REPOSITORY = re.compile(r"(?:hf_hub|hf-hub):([\w.-]+/[\w.-]+)")
_SOURCES = ("hf_hub:", "hf-hub:")


@dataclass(frozen=True, kw_only=True)
class HubModel:
    """What a ``config.json`` says, as ``timm.models.save_for_hf`` writes it.

    Parameters
    ----------
    file : Path
        That file.
    source : str
        ``hf_hub:OWNER/NAME``.
    architecture : str
        timm's name.
    arguments : mapping
        For ``timm.create_model``, the defaults perhaps among them.
    image_size : int or None
        Side in pixels.
    mean, std : tuple of 3 float, or None
        Normalisation.
    licence : str
        Empty where it does not say.
    """

    file: Path
    source: str
    architecture: str
    arguments: Mapping[str, Any]
    image_size: int | None = None
    mean: tuple[float, float, float] | None = None
    std: tuple[float, float, float] | None = None
    licence: str = ""

    @property
    def record(self) -> Weights:
        """The weights beside it."""
        known = record_of(self.source)
        return replace(
            known, licence=self.licence or known.licence, image_size=self.image_size, mean=self.mean, std=self.std
        )


def is_hub(architecture: str) -> bool:
    """Return whether the architecture of ``timm:ARCHITECTURE`` is a repository on the hub."""
    return architecture.startswith(_SOURCES)


def record_of(architecture: str) -> Weights:
    """Return the weights of ``hf_hub:OWNER/NAME``, as far as the name alone says."""
    repository = _repository(architecture)
    licence = f"see https://huggingface.co/{repository}"
    return Weights(tag=TAG, uri=f"hf-hub:{repository}", licence=licence, citation=of_hub(repository))


def read_hub_model(architecture: str, weights: str | None, resolve: Callable[[Weights], Path]) -> HubModel:
    """Find and read the ``config.json`` of ``hf_hub:OWNER/NAME``.

    Parameters
    ----------
    architecture : str
        ``hf_hub:OWNER/NAME``.
    weights : str or None
        Path of a local copy's folder, or of a file in it; else the repository itself is looked for.
    resolve : callable
        Gives the local path of a weights record.

    Raises
    ------
    OfflineError
        If it is not here and may not be fetched.
    ModelError
        If there is none beside the weights, or it does not describe a model of timm's.
    """
    record = record_of(architecture)
    if weights not in (None, TAG):
        record = Weights(tag=str(weights), uri=f"file:{weights}")
    return read_description(resolve(record).parent / CONFIG, architecture)


def description_of(architecture: str) -> Weights:
    """Return the record of the ``config.json`` alone of ``hf_hub:OWNER/NAME``."""
    return Weights(tag=TAG, uri=f"hf-hub:{_repository(architecture)}/{CONFIG}")


def read_description(file: Path, architecture: str) -> HubModel:
    """Read a ``config.json``; raises `ModelError` as `read_hub_model` does.

    Parameters
    ----------
    file : Path
    architecture : str
        ``hf_hub:OWNER/NAME``, where it comes from.
    """
    repository = _repository(architecture)
    try:
        said = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise ModelError(
            f"There is no {CONFIG} in '{file.parent}', beside the weights, which would say their architecture.",
            hint=f"Put it there; it is the file hf-hub:{repository}/{CONFIG}.",
        ) from error
    except (OSError, ValueError) as error:
        raise ModelError(f"'{file}' cannot be read: {error}.") from error
    return _described(file, f"hf_hub:{repository}", said)


def _described(file: Path, source: str, said: Any) -> HubModel:
    if not isinstance(said, dict) or not isinstance(said.get("architecture"), str):
        raise ModelError(
            f"'{file}' names no architecture of timm's.", hint="Not every model on the hub is one of timm's."
        )
    # old files have the weights' particulars at the top
    weights = said.get("pretrained_cfg", said)
    arguments = said.get("model_args") or {}
    if not isinstance(weights, dict) or not isinstance(arguments, dict):
        raise ModelError(f"'{file}' is not as timm writes it.")
    arguments = {k: v for k, v in arguments.items() if k not in ("num_classes", "pretrained", "in_chans")}
    try:
        size = size_of(said["architecture"], int(weights["input_size"][-1])) if weights.get("input_size") else None
        if arguments.get("img_size"):
            size = arguments["img_size"] = _side(arguments["img_size"])
        mean, std = (_three(weights[key]) if weights.get(key) else None for key in ("mean", "std"))
    except (TypeError, ValueError, IndexError) as error:
        raise ModelError(f"'{file}' is not as timm writes it: {error}.") from error
    return HubModel(
        file=file,
        source=source,
        architecture=said["architecture"],
        arguments=arguments,
        image_size=size,
        mean=mean,
        std=std,
        licence=str(weights.get("license") or ""),
    )


def size_of(architecture: str, size: int) -> int:
    """Return the image size that an architecture is made with, given that of its weights."""
    return DINOV2_SIZE if architecture.endswith("_dinov2") else size


def _repository(architecture: str) -> str:
    found = _REPOSITORY.fullmatch(architecture)
    if found is None:
        raise ConfigError(f"'{architecture}' does not name a repository.", hint="Write timm:hf_hub:OWNER/NAME.")
    return found[1]


def _side(size: Any) -> int:
    sides = {int(side) for side in (size if isinstance(size, list) else [size])}
    if len(sides) > 1:
        raise ValueError(f"its images are not square but {size}")
    return sides.pop()


def _three(values: Any) -> tuple[float, float, float]:
    red, green, blue = (float(value) for value in values)
    return red, green, blue
