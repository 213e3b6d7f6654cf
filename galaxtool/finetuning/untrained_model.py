"""A model directory of a backbone as it is, without any training on galaxies."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

from galaxtool import __version__
from galaxtool.backbones.create import create_backbone, parse_name
from galaxtool.backbones.weights.load import locate_weights
from galaxtool.errors import ConfigError
from galaxtool.heads.none import NoHead
from galaxtool.models.directory import save_model
from galaxtool.models.find import RECORD
from galaxtool.models.network import GalaxyModel
from galaxtool.models.record import ModelRecord
from galaxtool.plugins.registry import get_registry
from galaxtool.taxonomy.load import build_taxonomy
from galaxtool.types import Progress
from galaxtool.utils.config import cache_dir
from galaxtool.utils.digests import hash_file, hash_json
from galaxtool.utils.files.writable_cache import get_writable_cache
from galaxtool.utils.run_manifest import utc_now
from galaxtool.vision.preprocess import Preprocess


def store_untrained_model(name: str, progress: Progress) -> Path:
    """Write a model directory of a backbone with its own weights to the cache, unless it is there already.

    Parameters
    ----------
    name : str
        Backbone, as on the command line.
    progress : Progress
        Receiver of what is done.

    Returns
    -------
    Path
        Model directory, with a head without classes.

    Raises
    ------
    UnknownName, OfflineError, ModelError
        If the backbone cannot be created.
    ConfigError
        If it would have random weights.
    """
    parsed = parse_name(name)
    if parsed.weights is None:
        raise ConfigError(
            f"The backbone '{parsed}' has random weights, whose features mean nothing.",
            hint="Name weights after an @ (see `galaxtool backbones`), or give a trained model with --model.",
        )
    file = locate_weights(parsed.weights, str(parsed), get_registry())
    key = hash_json([str(parsed), hash_file(file), __version__])[:16]
    place = Path("untrained", f"{parsed.spec.name}-{key}")
    if (cache_dir() / place / RECORD).is_file():
        return cache_dir() / place
    folder = get_writable_cache(progress) / place
    progress.start(f"Loading the backbone {parsed}")
    backbone = create_backbone(parsed)
    taxonomy = build_taxonomy(["galaxy"])
    record = ModelRecord(
        name=str(parsed),
        backbone=getattr(backbone, "recorded_name", "") or str(parsed),
        dim=backbone.dim,
        head="none",
        preprocess=_make_preprocess(backbone).as_dict(),
        taxonomy=taxonomy.as_dict(),
        method={"name": "none"},
        has_text=parsed.spec.text,
        licence=parsed.weights.licence,
        citations=[asdict(c) for c in (parsed.spec.citation, parsed.weights.citation) if c is not None],
        notes="A backbone as it is, not trained on galaxies: it embeds, and has no classes.",
        created=utc_now(),
        galaxtool=__version__,
    )
    save_model(folder, GalaxyModel(backbone, NoHead(1)).eval(), record, taxonomy)
    return folder


def _make_preprocess(backbone: Any) -> Preprocess:
    mean, std = backbone.normalization
    return Preprocess(size=int(backbone.image_size), mean=mean, std=std)
