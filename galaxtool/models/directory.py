"""Write and read model directories; nothing is ever unpickled."""

from __future__ import annotations

import copy
import dataclasses
import shutil
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file

from galaxtool.backbones.create import create_backbone
from galaxtool.backbones.former_names import get_network_name
from galaxtool.backbones.weights.load import read_state_dict
from galaxtool.errors import ModelError
from galaxtool.models.find import RECORD, WEIGHTS, ModelFiles
from galaxtool.models.licence import check_model_licence
from galaxtool.models.memory_limit import NetworkLimit
from galaxtool.models.network import GalaxyModel
from galaxtool.models.record import ModelRecord
from galaxtool.plugins.registry import get_registry
from galaxtool.taxonomy.drawings import name_drawings
from galaxtool.taxonomy.load import Taxonomy
from galaxtool.training.domain_norm import DomainStatistics
from galaxtool.utils.digests import hash_file
from galaxtool.utils.files.atomic_write import atomic_write, write_json


def save_model(
    folder: Path, model: GalaxyModel, record: ModelRecord, taxonomy: Taxonomy, *, dtype: torch.dtype = torch.float32
) -> ModelRecord:
    """Write a model directory.

    Parameters
    ----------
    folder : Path
        Model directory; created if it does not exist.
    model : GalaxyModel
        Network whose weights are stored.
    record : ModelRecord
        Record of the model; `weights_sha256` and the file names of the symbols are filled in.
    taxonomy : Taxonomy
        Classes whose drawings are copied to ``symbols/``: ``<slug>.png``, and ``<slug>@2.png`` and so on for further
        drawings of the class.
    dtype : torch.dtype
        Type of the stored matrices and kernels. Vectors are stored in float32: statistics of BatchNorm can be too
        small for half precision. Everything is computed with in float32.

    Returns
    -------
    ModelRecord
        The record as written.
    """
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {
        key: value.detach()
        .to("cpu", dtype if value.is_floating_point() and value.ndim > 1 else value.dtype)
        .contiguous()
        for key, value in model.state_dict().items()
    }
    tensors = {key: value.clone() for key, value in tensors.items()}  # safetensors rejects shared storage
    with atomic_write(folder / WEIGHTS) as temporary:
        try:
            save_file(tensors, temporary)
        except SafetensorError as error:  # safetensors does not raise OSError for a full disk
            raise OSError(f"the disk may be full ({str(error)[:80]})") from error
    names = _copy_symbols(taxonomy, folder / "symbols")
    classes = []
    for entry in record.taxonomy["classes"]:
        files = names.get(entry["slug"], [])
        classes.append({**entry, "symbol": files[0] if files else None, "variants": files[1:]})
    record = dataclasses.replace(
        record, taxonomy={**record.taxonomy, "classes": classes}, weights_sha256=hash_file(folder / WEIGHTS)
    )
    write_json(folder / RECORD, record.as_dict())
    return record


def _copy_symbols(taxonomy: Taxonomy, folder: Path) -> dict[str, list[str]]:
    """Copy the drawings of all classes to a folder and return their file names there, by slug."""
    names = {}
    for class_ in taxonomy.classes:
        names[class_.slug] = name_drawings(class_.slug, class_.drawings)
        for drawing, name in zip(class_.drawings, names[class_.slug], strict=True):
            folder.mkdir(exist_ok=True)
            if drawing.resolve() != (target := folder / name).resolve():
                with atomic_write(target) as temporary:
                    shutil.copyfile(drawing, temporary)
    return names


def load_network(files: ModelFiles) -> tuple[GalaxyModel, ModelRecord]:
    """Load a model directory on the CPU, in float32 and evaluation mode.

    Raises
    ------
    ModelError
        If the weights are missing or do not fit the record, or their licence is not allowed.
    UnknownName
        If the backbone or the head comes from a plugin that is not installed.
    """
    folder = files.require_folder()
    record = ModelRecord.read(folder / RECORD)
    check_model_licence(record, files.name)
    registry = get_registry()
    state = read_state_dict(folder / WEIGHTS)
    with NetworkLimit(state, files.name):
        backbone = create_backbone(
            # models of before `mini` was an EfficientNet are known by their tensors: the name is the same, and models
            # are trained from either with any version
            _drop_weights(get_network_name(record.backbone, state)),
            registry,
            channels=len(record.make_preprocess().channels),
            text_encoder=_drop_weights(record.text_encoder) if record.text_encoder else None,
        )
        build_head = registry.heads.find(record.head).load()
        head = build_head(dim=backbone.dim, n_classes=len(record.slugs))
        tower = copy.deepcopy(backbone.image_tower) if record.has_symbol_tower else None
        statistics = DomainStatistics(backbone.image_tower) if record.has_symbol_statistics else None
        model = GalaxyModel(backbone, head, tower, record.temperature, statistics)
    try:
        model.load_state_dict(state)
    except RuntimeError as error:
        first = str(error).splitlines()[1].strip() if "\n" in str(error) else str(error)
        raise ModelError(
            f"The weights of '{files.name}' do not fit its {RECORD}: {first[:160]}.",
            hint="Copy the whole directory again from where it was trained.",
        ) from error
    return model.eval(), record


def _drop_weights(backbone: str) -> str:
    """Return the full name of a backbone without initial weights: the model brings its own."""
    return f"{backbone.partition('@')[0]}@none"
