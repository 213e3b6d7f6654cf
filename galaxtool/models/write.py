"""Write a model directory from weights that were trained elsewhere, for plugins that read other tools' models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import nn

from galaxtool import __version__
from galaxtool.backbones.create import create_backbone
from galaxtool.errors import ConfigError, ModelError, OutputExists
from galaxtool.models.directory import save_model
from galaxtool.models.find import ONNX, RECORD, TEXT_ONNX
from galaxtool.models.network import GalaxyModel
from galaxtool.models.record import ModelRecord
from galaxtool.plugins.registry import get_registry
from galaxtool.plugins.specs import Citation
from galaxtool.taxonomy.load import Taxonomy, build_taxonomy, build_vote_taxonomy
from galaxtool.taxonomy.quantities import build_quantity_taxonomy, parse_targets, quantities_to_dict
from galaxtool.taxonomy.votes.load import load_schema, schema_from_dict
from galaxtool.utils.run_manifest import utc_now
from galaxtool.vision.preprocess import Preprocess

_OTHERS = (ONNX, TEXT_ONNX, "domain.safetensors")
"""Files of an earlier model in the same folder that would not be replaced."""


def write_model(
    folder: Path,
    *,
    backbone: str,
    tower: Mapping[str, torch.Tensor],
    head: str,
    head_weights: Mapping[str, torch.Tensor],
    preprocess: Preprocess,
    classes: Sequence[str] = (),
    votes: str | Path | Mapping[str, Any] | None = None,
    target: Sequence[str] = (),
    method: str = "",
    licence: str = "",
    citations: Sequence[Citation] = (),
    notes: str = "",
    overwrite: bool = False,
) -> None:
    """Write a model directory from weights that were trained elsewhere.

    Parameters
    ----------
    folder : Path
        Model directory.
    backbone : str
        Name of the backbone; weights after an ``@`` say what it was first trained from.
    tower : mapping of str to Tensor
        State dict of the backbone's `image_tower`.
    head : str
        Name of the head.
    head_weights : mapping of str to Tensor
        State dict of the head, without the tensors that follow from the classes.
    preprocess : Preprocess
        Preprocessing of the images.
    classes : sequence of str
        Names of the classes, in the order of the outputs.
    votes : str, Path or mapping, optional
        Questions and answers of a model of votes, instead of classes: a registered schema, a TOML file, or its values.
    target : sequence of str
        Quantities of a model of numbers, instead of classes, as COLUMN or COLUMN[UNIT].
    method : str
        How the model was trained.
    licence : str
        Licence of the weights.
    citations : sequence of Citation
        Papers to cite.
    notes : str
        What users should know, in sentences.
    overwrite : bool
        Replace an existing model.

    Raises
    ------
    ConfigError
        If not exactly one of `classes`, `votes` and `target` is given.
    ModelError
        If the weights do not fit the backbone or the head.
    OutputExists
        If the folder holds a model already, or is another folder that is not empty.
    """
    taxonomy = _make_taxonomy(classes, votes, target)
    _check_folder(folder, overwrite=overwrite)
    architecture = backbone.partition("@")[0]
    network = create_backbone(f"{architecture}@none", channels=len(preprocess.channels))
    _load(network.image_tower, tower, f"the backbone '{architecture}'")
    top: nn.Module = get_registry().heads.find(head).load()(dim=network.dim, n_classes=len(taxonomy))
    if callable(set_taxonomy := getattr(top, "set_taxonomy", None)):
        set_taxonomy(taxonomy)
    _load(top, {**top.state_dict(), **head_weights}, f"the head '{head}' for {len(taxonomy)} outputs")
    record = ModelRecord(
        name=folder.name,
        backbone=backbone if "@" in backbone else f"{architecture}@none",
        dim=network.dim,
        head=head,
        preprocess=preprocess.as_dict(),
        taxonomy=taxonomy.as_dict(),
        method={"name": method},
        votes=taxonomy.votes.as_dict() if taxonomy.votes else None,
        regression=quantities_to_dict(taxonomy.quantities) if taxonomy.quantities else None,
        licence=licence,
        citations=[asdict(one) for one in dict.fromkeys((*citations, *taxonomy.citations))],
        notes=notes,
        created=utc_now(),
        galaxtool=__version__,
    )
    for name in _OTHERS:
        (folder / name).unlink(missing_ok=True)
    save_model(folder, GalaxyModel(network, top), record, taxonomy)


def _make_taxonomy(
    classes: Sequence[str], votes: str | Path | Mapping[str, Any] | None, target: Sequence[str]
) -> Taxonomy:
    if sum(map(bool, (classes, votes, target))) != 1:
        raise ConfigError("A model has classes, answers of volunteers or quantities: name one of the three.")
    if votes:
        schema = schema_from_dict(votes, "the model") if isinstance(votes, Mapping) else load_schema(votes)
        return build_vote_taxonomy(schema)
    if target:
        return build_quantity_taxonomy(parse_targets(target))
    return build_taxonomy(classes)


def _check_folder(folder: Path, *, overwrite: bool) -> None:
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return
    is_model = (folder / RECORD).is_file()
    if is_model and overwrite:
        return
    raise OutputExists(
        f"'{folder}' {'holds a model' if is_model else 'exists and is not a model'}.",
        hint=f"Choose another folder{', or --overwrite' if is_model else ''}.",
    )


def _load(module: nn.Module, state: Mapping[str, torch.Tensor], what: str) -> None:
    """Load a state dict; every tensor must fit."""
    wanted = module.state_dict()
    wrong = [
        *(f"'{key}' is missing" for key in wanted if key not in state),
        *(f"'{key}' is not part of it" for key in state if key not in wanted),
        *(
            f"'{key}' has shape {tuple(state[key].shape)} instead of {tuple(value.shape)}"
            for key, value in wanted.items()
            if key in state and state[key].shape != value.shape
        ),
    ]
    if wrong:
        raise ModelError(
            f"The weights do not fit {what}: {wrong[0]}{f', and {len(wrong) - 1} more' if len(wrong) > 1 else ''}.",
            hint="Give the backbone and the classes that they were trained with.",
        )
    module.load_state_dict(dict(state))
