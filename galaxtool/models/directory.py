"""Model directories: written whole, read back, never unpickled."""

from __future__ import annotations

import dataclasses
import shutil
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file

from galaxtool.backbones.create import create_backbone
from galaxtool.backbones.weights import read_state
from galaxtool.errors import ModelError
from galaxtool.models.find import RECORD, WEIGHTS, ModelFiles
from galaxtool.models.network import GalaxyModel
from galaxtool.models.record import ModelRecord
from galaxtool.plugins.registry import get_registry
from galaxtool.taxonomy.load import Taxonomy
from galaxtool.utils.atomic_write import atomic_write, write_json
from galaxtool.utils.digests import hash_file


def save_model(
    folder: Path, model: GalaxyModel, record: ModelRecord, taxonomy: Taxonomy, *, dtype: torch.dtype = torch.float32
) -> ModelRecord:
    """Write a model directory.

    Parameters
    ----------
    folder : Path
        Made if it is not there.
    model : GalaxyModel
    record : ModelRecord
        `weights_sha256` is filled in.
    taxonomy : Taxonomy
        Whose symbols are copied to ``symbols/``.
    dtype : torch.dtype
        Of the stored floating-point weights; they are computed with in float32.

    Returns
    -------
    ModelRecord
        As written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {
        key: (value.detach().to("cpu", dtype) if value.is_floating_point() else value.detach().cpu()).contiguous()
        for key, value in model.state_dict().items()
    }
    tensors = {key: value.clone() for key, value in tensors.items()}  # safetensors takes no shared storage
    with atomic_write(folder / WEIGHTS) as temporary:
        try:
            save_file(tensors, temporary)
        except SafetensorError as error:  # safetensors does not raise OSError for a full disk
            raise OSError(f"the disk may be full ({str(error)[:80]})") from error
    for one in taxonomy.classes:
        if one.symbol is not None:
            (folder / "symbols").mkdir(exist_ok=True)
            target = folder / "symbols" / f"{one.slug}{one.symbol.suffix}"
            if one.symbol.resolve() != target.resolve():
                with atomic_write(target) as temporary:
                    shutil.copyfile(one.symbol, temporary)
    record = dataclasses.replace(record, weights_sha256=hash_file(folder / WEIGHTS))
    write_json(folder / RECORD, record.as_dict())
    return record


def load_model(files: ModelFiles) -> tuple[GalaxyModel, ModelRecord]:
    """Load a model directory, on the CPU, in float32, ready to infer.

    Raises
    ------
    ModelError
        If the weights are not there or do not fit the record.
    UnknownName
        If its backbone or head comes from a plugin that is not installed.
    """
    if files.folder is None or not (files.folder / WEIGHTS).is_file():
        raise ModelError(
            f"The model '{files.name}' has no {WEIGHTS}: it can classify through ONNX only.",
            hint="Use --engine onnx, or give the model directory it was exported from.",
        )
    record = ModelRecord.read(files.folder / RECORD)
    registry = get_registry()
    backbone = create_backbone(
        _untrained(record.backbone),
        registry,
        channels=len(record.make_preprocess().channels),
        text_encoder=_untrained(record.text_encoder) if record.text_encoder else None,
    )
    build_head = registry.heads.find(record.head).load()
    head = build_head(dim=backbone.dim, n_classes=len(record.slugs))
    tower = None
    if record.has_symbol_tower:
        import copy

        tower = copy.deepcopy(backbone.image_tower)
    model = GalaxyModel(backbone, head, tower, record.temperature)
    state = read_state(files.folder / WEIGHTS)
    try:
        model.load_state_dict(state)
    except RuntimeError as error:
        first = str(error).splitlines()[1].strip() if "\n" in str(error) else str(error)
        raise ModelError(
            f"The weights of '{files.name}' do not fit its {RECORD}: {first[:160]}.",
            hint="Copy the whole directory again from where it was trained.",
        ) from error
    return model.eval(), record


def _untrained(backbone: str) -> str:
    """Return the full name of a backbone without its weights, which are the model's own."""
    return f"{backbone.partition('@')[0]}@none"
