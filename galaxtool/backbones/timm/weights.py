"""Which pretrained weights timm knows, and where they are."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from galaxtool.backbones.citations import of_timm
from galaxtool.backbones.timm.hub import description_of, is_hub, read_description, record_of, size_of
from galaxtool.errors import ModelError, OfflineError, UnknownName
from galaxtool.plugins.specs import Weights

_SPDX = {
    "apache-2.0": "Apache-2.0",
    "bsd-3-clause": "BSD-3-Clause",
    "cc-by-4.0": "CC-BY-4.0",
    "cc-by-nc-4.0": "CC-BY-NC-4.0",
    "mit": "MIT",
}
_DIGEST = re.compile(r"-([0-9a-f]{8,})\.")


def known_weights(architecture: str) -> list[Weights]:
    """List the pretrained weights that timm knows for an architecture, its default first.

    Raises
    ------
    UnknownName
        If timm has no such architecture, with the nearest.
    """
    if is_hub(architecture):
        return [_hub_weights(architecture)]
    import timm

    check_name(architecture)
    default = configuration(architecture)
    tags = [name.partition(".")[2] for name in timm.list_pretrained(f"{architecture}.*")]
    tags.sort(key=lambda tag: tag != getattr(default, "tag", None))
    found = [_record(architecture, tag, configuration(architecture, tag)) for tag in tags]
    return [record for record in found if record is not None]


def check_name(architecture: str) -> None:
    """Raise `UnknownName` where timm has no such architecture, with the nearest."""
    import timm

    known = timm.list_models()
    if architecture not in known:
        raise UnknownName("timm architecture", architecture, known)


def configuration(architecture: str, tag: str = "") -> Any:
    """Return what timm knows of an architecture's weights, by default the first; None where there are none."""
    from timm.models import get_pretrained_cfg

    try:
        return get_pretrained_cfg(f"{architecture}.{tag}" if tag else architecture)
    except RuntimeError:  # no such tag
        return None


def image_size(architecture: str, configuration: Any) -> int:
    """Return the image size that an architecture is made with, given what timm knows of its weights."""
    return size_of(architecture, int(configuration.input_size[-1]) if configuration else 224)


def _hub_weights(architecture: str) -> Weights:
    """Return the record of a repository, with its normalisation where its description is at hand or can be fetched."""
    from timm.data import IMAGENET_DEFAULT_MEAN, IMAGENET_DEFAULT_STD

    from galaxtool.backbones.weights import locate
    from galaxtool.plugins.registry import get_registry

    try:
        file = locate(description_of(architecture), f"timm:{architecture}", get_registry())
        described = read_description(file, architecture)
    except (ModelError, OfflineError):  # said again, better, when the weights are looked for
        return record_of(architecture)
    known, record = configuration(described.architecture), described.record
    return replace(
        record,
        image_size=record.image_size or image_size(described.architecture, known),
        mean=record.mean or IMAGENET_DEFAULT_MEAN,
        std=record.std or IMAGENET_DEFAULT_STD,
    )


def _record(architecture: str, tag: str, known: Any) -> Weights | None:
    """Return the record of a tag; None where the weights cannot be fetched as a file."""
    address, digest = known.url or "", ""
    if known.hf_hub_id:
        uri = f"hf-hub:{known.hf_hub_id}/{known.hf_hub_filename or 'model.safetensors'}"
    elif address and not known.custom_load:
        uri = re.sub("^http:", "https:", address)
        found = _DIGEST.search(uri.rpartition("/")[2])
        digest = found[1] if found else ""
    else:
        return None
    licence = (known.license or "").lower()
    return Weights(
        tag=tag,
        uri=uri,
        sha256=digest,
        licence=_SPDX.get(licence, licence) or "see the model's page",
        citation=of_timm(tag, paper=known.paper_name or "", arxiv=(known.paper_ids or "").removeprefix("arXiv:")),
        image_size=image_size(architecture, known),
        mean=known.mean,
        std=known.std,
    )
