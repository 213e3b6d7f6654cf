"""The backbones of timm, from checkpoints made here with the true names and layout."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from safetensors.torch import save_file
from support.backbone_helpers import check_blocks, check_embeddings, empty_caches, perturb_weights
from timm.models import save_for_hf
from torch import nn

from galaxtool.backbones.create import create_backbone, parse_name
from galaxtool.backbones.timm import models as timm_models
from galaxtool.backbones.weights.load import load_weights
from galaxtool.errors import ModelError, OfflineError

REPOSITORY = "someone/galaxy-encoder"


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    empty_caches(tmp_path, monkeypatch)


def own_way(name: str, file: Path, **arguments: Any) -> nn.Module:
    """Return timm's own model, with the file loaded by timm."""
    return timm.create_model(
        name, pretrained=True, num_classes=0, pretrained_cfg_overlay={"file": str(file), "hf_hub_id": None, "url": ""},
        **arguments,
    )  # fmt: skip


@pytest.mark.parametrize(
    "layout",
    [
        pytest.param("full", marks=pytest.mark.slow),
        pytest.param("safetensors", marks=pytest.mark.slow),
        pytest.param("authors", marks=pytest.mark.slow),
    ],
)
def test_dino_small(layout: str, tmp_path: Path) -> None:
    """On the hub with timm's names; from its authors the same, alone or as the teacher of a training checkpoint."""
    state = perturb_weights(timm.create_model("vit_small_patch16_224", num_classes=0)).state_dict()
    plain = tmp_path / "dino_deitsmall16_pretrain.pth"
    torch.save(state, plain)
    file = {"safetensors": tmp_path / "model.safetensors", "authors": plain, "full": tmp_path / "full.pth"}[layout]
    if layout == "safetensors":
        save_file(state, file)
    elif layout == "full":
        head = {"head.mlp.0.weight": torch.zeros(8, 384), "head.last_layer.weight_g": torch.zeros(9, 1)}
        teacher = {**{f"backbone.{key}": value for key, value in state.items()}, **head}
        torch.save({"teacher": teacher, "student": {}, "epoch": 100}, file)
    backbone = create_backbone(f"dinov1-s@{file}")
    check_embeddings(backbone, own_way("vit_small_patch16_224.dino", plain))
    assert backbone.dim == 384
    check_blocks(backbone, 13)


def test_dinov2_at_another_size(tmp_path: Path) -> None:
    """Position embeddings of 37 x 37 patches become those of 16 x 16, as timm makes them."""
    small = {"embed_dim": 16, "depth": 2, "num_heads": 2}
    name = "vit_small_patch14_dinov2"
    state = perturb_weights(timm.create_model(name, num_classes=0, **small)).state_dict()
    assert state["pos_embed"].shape == (1, 1 + 37**2, 16)
    state["mask_token"] = torch.zeros(1, 16)  # which the authors' files have
    torch.save(state, tmp_path / "dinov2_vits14_pretrain.pth")
    backbone = timm_models.create_model(f"{name}.lvd142m", pretrained=True, **small)
    load_weights(backbone, tmp_path / "dinov2_vits14_pretrain.pth")
    assert backbone.image_size == 224 and backbone.model.pos_embed.shape == (1, 1 + 16**2, 16)
    check_embeddings(
        backbone, own_way(f"{name}.lvd142m", tmp_path / "dinov2_vits14_pretrain.pth", img_size=224, **small)
    )
    # and are left alone when a trained model is read
    save_file({f"backbone.{k}": v for k, v in backbone.state_dict().items()}, tmp_path / "again.safetensors")
    again = timm_models.create_model(name, **small)
    load_weights(again, tmp_path / "again.safetensors")
    assert torch.equal(again.model.pos_embed, backbone.model.pos_embed)


@pytest.mark.parametrize("layout", ["mae", "msn"])
def test_transformers_with_more_than_an_encoder(layout: str, tmp_path: Path) -> None:
    reference = perturb_weights(timm.create_model("test_vit", num_classes=0))
    state = reference.state_dict()
    if layout == "mae":
        more = {"mask_token": torch.zeros(1, 1, 32), "decoder_pos_embed": torch.zeros(1, 5, 32),
                "decoder_blocks.0.norm1.weight": torch.zeros(32), "decoder_pred.bias": torch.zeros(3)}  # fmt: skip
        held: dict[str, Any] = {"model": {**state, **more}}
    else:
        more = {"fc.fc1.weight": torch.zeros(9, 64), "fc.bn1.running_mean": torch.zeros(9)}
        held = {"target_encoder": {f"module.{k}": v for k, v in {**state, **more}.items()}, "encoder": {}, "epoch": 600}
    torch.save(held, tmp_path / "c.pth.tar")
    check_embeddings(create_backbone(f"timm:test_vit@{tmp_path / 'c.pth.tar'}"), reference)


@pytest.mark.parametrize(("name", "blocks"), [("test_vit", 7), ("test_convnext", 5), ("test_resnet", 5)])
def test_kinds_of_timm(name: str, blocks: int, tmp_path: Path) -> None:
    """The classifier of a file is left out."""
    published = perturb_weights(timm.create_model(name))
    save_file(published.state_dict(), tmp_path / "model.safetensors")
    backbone = create_backbone(f"timm:{name}@{tmp_path / 'model.safetensors'}")
    check_embeddings(backbone, own_way(name, tmp_path / "model.safetensors"))
    check_blocks(backbone, blocks)
    assert backbone.suggested_lr < create_backbone(f"timm:{name}@none").suggested_lr


def test_wrong_weights_for_timm(tmp_path: Path) -> None:
    state = timm.create_model("test_vit").state_dict()
    save_file({k: v for k, v in state.items() if "blocks.2" not in k}, tmp_path / "short.safetensors")
    with pytest.raises(ModelError, match=r"lacks 12 of the \d+ tensors.*'model\.blocks\.2\.norm1\.weight'"):
        create_backbone(f"timm:test_vit@{tmp_path / 'short.safetensors'}")
    save_file({**state, "norm.weight": torch.ones(3)}, tmp_path / "wrong.safetensors")
    with pytest.raises(ModelError, match=r"'model\.norm\.weight' has shape \(3,\)"):
        create_backbone(f"timm:test_vit@{tmp_path / 'wrong.safetensors'}")
    with pytest.raises(ModelError, match="lacks"):
        create_backbone(f"timm:test_convnext@{tmp_path / 'wrong.safetensors'}")


# --- timm, from a repository -----------------------------------------------------------------------------------------


@pytest.fixture
def repository(tmp_path: Path) -> tuple[Path, nn.Module]:
    """Make a folder as timm pushes it to the hub: an encoder of galaxies with a normalisation of its own."""
    model = perturb_weights(timm.create_model("test_convnext", num_classes=0))
    save_for_hf(
        model, tmp_path / "repository", safe_serialization=True,
        model_config={"pretrained_cfg": {"mean": (0.1, 0.2, 0.3), "std": (0.4, 0.5, 0.6), "license": "MIT"}},
    )  # fmt: skip
    assert {file.name for file in (tmp_path / "repository").iterdir()} == {"config.json", "model.safetensors"}
    return tmp_path / "repository", model


@pytest.mark.parametrize("place", ["folder", "file", "cache"])
def test_a_model_of_the_hub(place: str, repository: tuple[Path, nn.Module], tmp_path: Path) -> None:
    folder, model = repository
    name = f"timm:hf_hub:{REPOSITORY}"
    if place == "cache":
        cached = tmp_path / "HF_HUB_CACHE" / f"models--{REPOSITORY.replace('/', '--')}"
        (cached / "refs").mkdir(parents=True)
        (cached / "refs" / "main").write_text("0123")
        (cached / "snapshots").mkdir()
        folder.rename(cached / "snapshots" / "0123")
        weights = parse_name(name).weights
        assert weights and (weights.mean, weights.std) == ((0.1, 0.2, 0.3), (0.4, 0.5, 0.6))
        assert (weights.licence, weights.image_size) == ("MIT", 160)
        create_backbone(f"{name}@none")
    else:
        name += f"@{folder if place == 'folder' else folder / 'model.safetensors'}"
    backbone = create_backbone(name)
    check_embeddings(backbone, model)
    assert (backbone.mean, backbone.std) == ((0.1, 0.2, 0.3), (0.4, 0.5, 0.6)) and backbone.image_size == 160
    # which needs no file of the hub to be made again
    assert backbone.recorded_name == f"timm:test_convnext@hf_hub:{REPOSITORY}"


def test_a_model_of_the_hub_with_arguments(tmp_path: Path) -> None:
    args = {"img_size": 64, "global_pool": "avg"}
    model = perturb_weights(timm.create_model("test_vit", num_classes=0, **args))
    save_for_hf(model, tmp_path / "repository", model_args=args, safe_serialization=True)
    backbone = create_backbone(f"timm:hf_hub:{REPOSITORY}@{tmp_path / 'repository'}")
    assert backbone.image_size == 64 and not backbone.recorded_name
    check_embeddings(backbone, model)


def test_a_model_of_the_hub_that_is_not_here() -> None:
    with pytest.raises(OfflineError) as caught:
        create_backbone("timm:hf_hub:mwalmsley/zoobot-encoder-convnext_nano")
    assert "config.json and model.safetensors" in caught.value.message
    assert "--backbone timm:hf_hub:mwalmsley/zoobot-encoder-convnext_nano@/path/to/folder" in caught.value.hint


@pytest.mark.parametrize(
    ("said", "message"),
    [
        (None, "has no config.json"),
        ("{", "config.json' cannot be read"),
        ('{"architectures": ["ViTMSNModel"]}', "does not name a timm architecture"),
        ('{"architecture": "test_vitt", "pretrained_cfg": {}}', "Did you mean 'test_vit'"),
        ('{"architecture": "test_vit", "model_args": {"colour": 3}}', "'colour' to timm"),
        ('{"architecture": "test_vit", "pretrained_cfg": {"mean": 3}}', "does not have the form that timm writes"),
        ('{"architecture": "test_vit", "model_args": {"img_size": [32, 64]}}', "image size"),
        ('{"architecture": "test_vit", "pretrained_cfg": []}', "does not have the form that timm writes"),
    ],
)
def test_descriptions_that_are_none(said: str | None, message: str, repository: tuple[Path, nn.Module]) -> None:
    folder, _ = repository
    (folder / "config.json").unlink()
    if said is not None:
        (folder / "config.json").write_text(said)
    with pytest.raises(ModelError, match=message):
        create_backbone(f"timm:hf_hub:{REPOSITORY}@{folder}")


def test_descriptions_of_before_2023_had_one_level(repository: tuple[Path, nn.Module]) -> None:
    folder, model = repository
    said = {"architecture": "test_convnext", "num_features": 64, "mean": [0.1, 0.2, 0.3], "input_size": [3, 96, 96]}
    (folder / "config.json").write_text(json.dumps(said))
    backbone = create_backbone(f"timm:hf_hub:{REPOSITORY}@{folder}")
    assert (backbone.image_size, backbone.mean, backbone.std) == (96, (0.1, 0.2, 0.3), None)
    check_embeddings(backbone, model)


# --- the papers' rows in full size -----------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize("name", ["vit-16", "mae", "dinov1", "msn"])
def test_vit_b_16_in_full(name: str, tmp_path: Path) -> None:
    reference = perturb_weights(timm.create_model("vit_base_patch16_224", num_classes=0))
    state = reference.state_dict()
    held: dict[str, Any] = {
        "vit-16": {**state, "head.weight": torch.zeros(1000, 768), "head.bias": torch.zeros(1000)},
        "mae": {"model": state},
        "dinov1": state,
        "msn": {"target_encoder": {f"module.{k}": v for k, v in state.items()}, "epoch": 600},
    }[name]
    torch.save(held, tmp_path / "w.pth.tar")
    del held
    check_embeddings(create_backbone(f"{name}@{tmp_path / 'w.pth.tar'}"), reference)


@pytest.mark.slow
def test_dinov2_in_full(tmp_path: Path) -> None:
    torch.save(
        perturb_weights(timm.create_model("vit_base_patch14_dinov2", num_classes=0)).state_dict(), tmp_path / "w.pth"
    )
    backbone = create_backbone(f"dinov2@{tmp_path / 'w.pth'}")
    check_embeddings(backbone, own_way("vit_base_patch14_dinov2.lvd142m", tmp_path / "w.pth", img_size=224))
    check_blocks(backbone, 13)
