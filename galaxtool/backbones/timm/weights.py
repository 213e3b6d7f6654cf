"""Pretrained weights that timm knows."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import timm
from timm.data import IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD
from timm.models import get_pretrained_cfg

from galaxtool.backbones.citations import cite_timm_weights
from galaxtool.backbones.timm.hub import (
    choose_image_size,
    is_repository,
    make_config_record,
    make_weights_record,
    read_config,
)
from galaxtool.backbones.weights.load import locate_weights
from galaxtool.errors import ModelError, OfflineError, UnknownName
from galaxtool.plugins.registry import get_registry
from galaxtool.plugins.specs import Weights

_SPDX = {
    "apache-2.0": "Apache-2.0",
    "bsd-3-clause": "BSD-3-Clause",
    "cc-by-4.0": "CC-BY-4.0",
    "cc-by-nc-4.0": "CC-BY-NC-4.0",
    "mit": "MIT",
}
_DIGEST = re.compile(r"-([0-9a-f]{8,})\.")


def list_weights(architecture: str) -> list[Weights]:
    """List the pretrained weights that timm knows for an architecture, the default first.

    Raises
    ------
    UnknownName
        If timm has no such architecture. The message suggests the nearest name.
    """
    if is_repository(architecture):
        return [_make_repository_record(architecture)]
    check_architecture(architecture)
    default = get_config(architecture)
    tags = [name.partition(".")[2] for name in timm.list_pretrained(f"{architecture}.*")]
    tags.sort(key=lambda tag: tag != getattr(default, "tag", None))
    records = [_make_record(architecture, tag, get_config(architecture, tag)) for tag in tags]
    return [record for record in records if record is not None]


def check_architecture(architecture: str) -> None:
    """Raise `UnknownName`, with the nearest name, if timm has no such architecture."""
    known = timm.list_models()
    if architecture not in known:
        raise UnknownName("timm architecture", architecture, known)


def get_config(architecture: str, tag: str = "") -> Any:
    """Return timm's configuration of weights of an architecture, by default of the first; None if there is none."""
    try:
        return get_pretrained_cfg(f"{architecture}.{tag}" if tag else architecture)
    except RuntimeError:  # no such tag
        return None


def get_image_size(architecture: str, config: Any) -> int:
    """Return the image size for an architecture, given timm's configuration of its weights."""
    return choose_image_size(architecture, int(config.input_size[-1]) if config else 224)


def _make_repository_record(architecture: str) -> Weights:
    """Return the record of a repository, with its normalization if its description can be found or downloaded."""
    try:
        file = locate_weights(make_config_record(architecture), f"timm:{architecture}", get_registry())
        described = read_config(file, architecture)
    except (ModelError, OfflineError):  # reported, with more detail, when the weights are looked for
        return make_weights_record(architecture)
    config, record = get_config(described.architecture), described.record
    return replace(
        record,
        image_size=record.image_size or get_image_size(described.architecture, config),
        mean=record.mean or IMAGENET_DEFAULT_MEAN,
        std=record.std or IMAGENET_DEFAULT_STD,
    )


def _make_record(architecture: str, tag: str, config: Any) -> Weights | None:
    """Return the record of a tag; None if the weights cannot be downloaded as a file."""
    address, digest = config.url or "", ""
    if config.hf_hub_id:
        uri = f"hf-hub:{config.hf_hub_id}/{config.hf_hub_filename or 'model.safetensors'}"
    elif address and not config.custom_load:
        uri = re.sub("^http:", "https:", address)
        match = _DIGEST.search(uri.rpartition("/")[2])
        digest = match[1] if match else ""
    else:
        return None
    licence = (config.license or "").lower()
    return Weights(
        tag=tag,
        uri=uri,
        sha256=digest,
        licence=_SPDX.get(licence, licence) or "see the model's page",
        citation=cite_timm_weights(
            tag, paper=config.paper_name or "", arxiv=(config.paper_ids or "").removeprefix("arXiv:")
        ),
        image_size=get_image_size(architecture, config),
        mean=config.mean,
        std=config.std,
    )
