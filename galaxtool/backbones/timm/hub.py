"""Descriptions of timm models on the Hugging Face hub, or in a local copy: ``config.json`` next to the weights."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from galaxtool.backbones.citations import cite_hub_repository
from galaxtool.backbones.timm.arguments import check_arguments
from galaxtool.backbones.weights.hub import CONFIG
from galaxtool.errors import ConfigError, ModelError
from galaxtool.plugins.specs import Weights
from galaxtool.utils.files.regular_files import read_regular_text

TAG = "main"
"""The only tag of the weights of a repository: its present content."""

DINOV2_SIZE = 224
"""Image size of DINOv2 in pixels. Its weights are for 518, five times as costly; most of its training was at 224."""

_REPOSITORY = re.compile(r"(?:hf_hub|hf-hub):([\w.-]+/[\w.-]+)")
_SOURCES = ("hf_hub:", "hf-hub:")


@dataclass(frozen=True, kw_only=True)
class HubModel:
    """The content of a ``config.json`` as written by ``timm.models.save_for_hf``.

    Parameters
    ----------
    file : Path
        Path of the file.
    source : str
        Repository, as ``hf_hub:OWNER/NAME``.
    architecture : str
        Name of the architecture in timm.
    arguments : mapping
        Arguments for ``timm.create_model``, possibly including defaults.
    image_size : int or None
        Side of the images in pixels.
    mean, std : tuple of 3 float, or None
        Normalization.
    licence : str
        Licence of the weights; empty if the file does not state one.
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
        """Record of the weights next to the file."""
        record = make_weights_record(self.source)
        return replace(
            record, licence=self.licence or record.licence, image_size=self.image_size, mean=self.mean, std=self.std
        )


def is_repository(architecture: str) -> bool:
    """Return whether the architecture of ``timm:ARCHITECTURE`` is a repository on the hub."""
    return architecture.startswith(_SOURCES)


def make_weights_record(architecture: str) -> Weights:
    """Return the record of the weights of ``hf_hub:OWNER/NAME``, from the name alone."""
    repository = _parse_repository(architecture)
    licence = f"see https://huggingface.co/{repository}"
    return Weights(tag=TAG, uri=f"hf-hub:{repository}", licence=licence, citation=cite_hub_repository(repository))


def read_hub_model(architecture: str, weights: str | None, resolve: Callable[[Weights], Path]) -> HubModel:
    """Find and read the ``config.json`` of ``hf_hub:OWNER/NAME``.

    Parameters
    ----------
    architecture : str
        Repository, as ``hf_hub:OWNER/NAME``.
    weights : str or None
        Path of the folder of a local copy, or of a file in it; otherwise the repository itself is looked for.
    resolve : callable
        Function that returns the local path of a weights record.

    Raises
    ------
    OfflineError
        If the file is not on this machine and cannot be downloaded.
    ModelError
        If the file is not next to the weights, or does not describe a timm model.
    """
    record = make_weights_record(architecture)
    if weights not in (None, TAG):
        record = Weights(tag=str(weights), uri=f"file:{weights}")
    return read_config(resolve(record).parent / CONFIG, architecture)


def make_config_record(architecture: str) -> Weights:
    """Return a record for only the ``config.json`` of ``hf_hub:OWNER/NAME``."""
    return Weights(tag=TAG, uri=f"hf-hub:{_parse_repository(architecture)}/{CONFIG}")


def read_config(file: Path, architecture: str) -> HubModel:
    """Read a ``config.json``.

    Parameters
    ----------
    file : Path
        Path of the file.
    architecture : str
        Repository that it comes from, as ``hf_hub:OWNER/NAME``.

    Raises
    ------
    ModelError
        If the file does not exist, or does not describe a timm model.
    """
    repository = _parse_repository(architecture)
    try:
        config = json.loads(read_regular_text(file))
    except FileNotFoundError as error:
        raise ModelError(
            f"'{file.parent}' has no {CONFIG}, which states the architecture of the weights.",
            hint=f"Copy the file there: hf-hub:{repository}/{CONFIG}.",
        ) from error
    except (OSError, ValueError) as error:
        raise ModelError(f"'{file}' cannot be read: {error}.", hint="Download it again.") from error
    return _parse_config(file, f"hf_hub:{repository}", config)


def _parse_config(file: Path, source: str, config: Any) -> HubModel:
    if not isinstance(config, dict) or not isinstance(config.get("architecture"), str):
        raise ModelError(
            f"'{file}' does not name a timm architecture.", hint="Not every model on the hub is a timm model."
        )
    # older files have the properties of the weights at the top level
    weights = config.get("pretrained_cfg", config)
    arguments = config.get("model_args") or {}
    if not isinstance(weights, dict) or not isinstance(arguments, dict):
        raise ModelError(f"'{file}' does not have the form that timm writes.")
    own = ("num_classes", "pretrained", "in_chans")  # galaxtool sets these
    arguments = check_arguments({name: value for name, value in arguments.items() if name not in own}, file)
    try:
        size = (
            choose_image_size(config["architecture"], int(weights["input_size"][-1]))
            if weights.get("input_size")
            else None
        )
        if arguments.get("img_size"):
            size = arguments["img_size"] = _parse_side(arguments["img_size"])
        mean, std = (_parse_triple(weights[key]) if weights.get(key) else None for key in ("mean", "std"))
    except (TypeError, ValueError, IndexError) as error:
        raise ModelError(f"'{file}' does not have the form that timm writes: {error}.") from error
    return HubModel(
        file=file,
        source=source,
        architecture=config["architecture"],
        arguments=arguments,
        image_size=size,
        mean=mean,
        std=std,
        licence=str(weights.get("license") or ""),
    )


def choose_image_size(architecture: str, size: int) -> int:
    """Return the image size for an architecture, given that of its weights."""
    return DINOV2_SIZE if architecture.endswith("_dinov2") else size


def _parse_repository(architecture: str) -> str:
    match = _REPOSITORY.fullmatch(architecture)
    if match is None:
        raise ConfigError(f"'{architecture}' does not name a repository.", hint="Write timm:hf_hub:OWNER/NAME.")
    return match[1]


def _parse_side(size: Any) -> int:
    sides = {int(side) for side in (size if isinstance(size, list) else [size])}
    if len(sides) > 1:
        raise ValueError(f"the image size {size} is not square")
    return sides.pop()


def _parse_triple(values: Any) -> tuple[float, float, float]:
    red, green, blue = (float(value) for value in values)
    return red, green, blue
