"""What a description of a timm model from elsewhere may ask for: an architecture, and no file."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest
import timm
import torch
from safetensors.torch import save_file

from galaxtool.backbones.timm.arguments import ARCHITECTURE_ARGUMENTS
from galaxtool.backbones.timm.hub import read_config
from galaxtool.backbones.timm.models import build
from galaxtool.errors import ModelError

SOURCE = "hf_hub:someone/model"


def write_config(folder: Path, arguments: dict[str, Any]) -> Path:
    (folder / "config.json").write_text(json.dumps({"architecture": "test_vit", "model_args": arguments}))
    return folder / "config.json"


@pytest.mark.parametrize(
    "name", ["checkpoint_path", "cache_dir", "pretrained_cfg", "pretrained_cfg_overlay", "features_only", "scriptable"]
)
def test_an_argument_that_is_not_of_an_architecture_is_refused_by_name(name: str, tmp_path: Path) -> None:
    file = write_config(tmp_path, {"img_size": 32, name: str(tmp_path / "x.pth")})
    with pytest.raises(ModelError, match=name):
        read_config(file, SOURCE)


@pytest.mark.parametrize(
    "value", ["/etc/passwd", "../x", {"file": "x"}, [["a/b"]], 1e9, float("nan"), "x" * 99, [1] * 999]
)
def test_a_value_is_a_number_or_a_word(value: object, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="embed_dim"):
        read_config(write_config(tmp_path, {"embed_dim": value}), SOURCE)


def test_no_file_named_by_the_description_is_opened(tmp_path: Path) -> None:
    network = timm.create_model("test_vit", pretrained=False, num_classes=0)
    save_file({key: value.contiguous() for key, value in network.state_dict().items()}, tmp_path / "model.safetensors")
    (tmp_path / "trapdoor.pth").write_bytes(b"\x80\x04cos\nsystem\n.")
    write_config(tmp_path, {"checkpoint_path": str(tmp_path / "trapdoor.pth")})
    opened: list[str] = []
    watched = [True]  # an audit hook cannot be removed
    sys.addaudithook(lambda event, args: opened.append(str(args[0])) if watched and event == "open" else None)
    with pytest.raises(ModelError, match="checkpoint_path"):
        build(architecture=SOURCE, weights=str(tmp_path), resolve=lambda _: tmp_path / "model.safetensors")
    watched.clear()
    assert any(path.endswith("config.json") for path in opened)
    assert not any("trapdoor" in path for path in opened)


def test_descriptions_of_timm_itself_are_taken(tmp_path: Path) -> None:
    arguments = {"img_size": 32, "patch_size": 8, "global_pool": "avg", "class_token": False, "fc_norm": None}
    assert set(arguments) <= ARCHITECTURE_ARGUMENTS
    file = write_config(tmp_path, arguments)
    backbone = build(architecture=SOURCE, weights=None, resolve=lambda _: file)
    assert backbone.image_size == 32 and backbone.model.global_pool == "avg"


@pytest.mark.parametrize("pretrained", [True, False])
def test_a_network_that_its_weights_could_not_fill_takes_no_memory(pretrained: bool, tmp_path: Path) -> None:
    file = write_config(tmp_path, {"embed_dim": 100_000, "num_heads": 100, "depth": 4})
    save_file({"x": torch.zeros(10)}, tmp_path / "model.safetensors")
    with pytest.raises(ModelError, match=r"a network with [\d,]{13,} weights"):
        build(architecture=SOURCE, weights=str(tmp_path) if pretrained else None, resolve=lambda _: file)
