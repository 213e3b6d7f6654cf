"""Backbones by name, with weights from files, and the architectures of OpenCLIP in small."""

from __future__ import annotations

import copy
import json
import os
import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import open_clip
import pytest
import torch
from open_clip import factory
from safetensors.torch import save_file
from support.helpers import write_png
from support.training_helpers import run_command, run_failing, write_class_folders

import galaxtool as package
from galaxtool.backbones.byte_text import CONTEXT, tokenize
from galaxtool.backbones.create import create_backbone, parse_name
from galaxtool.backbones.former_names import is_former_mini
from galaxtool.backbones.mini import Mini
from galaxtool.backbones.small_resnet import SmallResnet
from galaxtool.backbones.weights.load import load_weights, locate_weights, read_state_dict
from galaxtool.errors import ModelError, OfflineError, UnknownName
from galaxtool.plugins.registry import get_registry
from galaxtool.plugins.specs import Weights
from galaxtool.utils.digests import hash_file

pytestmark = pytest.mark.usefixtures("narrow")

_TEXT = {"context_length": 77, "vocab_size": 49408, "width": 16, "heads": 2, "layers": 1}
SMALL = {
    "galaxtool-vit": {
        "embed_dim": 12,
        "vision_cfg": {"image_size": 32, "layers": 1, "width": 32, "head_width": 16, "patch_size": 16},
        "text_cfg": _TEXT,
    },
    "galaxtool-convnext": {
        "embed_dim": 12,
        "vision_cfg": {
            "timm_model_name": "test_convnext", "timm_model_pretrained": False, "timm_pool": "avg",
            "timm_proj": "linear", "timm_drop": 0.0, "timm_drop_path": 0.1, "image_size": 64,
        },
        "text_cfg": _TEXT,
    },
    "galaxtool-resnet": {
        "embed_dim": 12,
        "vision_cfg": {"image_size": 32, "layers": [1, 1, 1, 1], "width": 16, "patch_size": None},
        "text_cfg": _TEXT,
    },
}  # fmt: skip
"""Architectures as OpenCLIP's own configurations describe them, a thousand times smaller."""


@pytest.fixture(autouse=True, scope="module")
def small_architectures(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    folder = tmp_path_factory.mktemp("architectures")
    for name, config in SMALL.items():
        (folder / f"{name}.json").write_text(json.dumps(config))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(factory, "_MODEL_CONFIG_PATHS", list(factory._MODEL_CONFIG_PATHS))
        patch.setattr(factory, "_MODEL_CONFIGS", dict(factory._MODEL_CONFIGS))
        open_clip.add_model_config(folder)
        yield


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


# --- names -----------------------------------------------------------------------------------------------------------

VIT = "hf-hub:laion/CLIP-ViT-B-16-laion2B-s34B-b88K/open_clip_model.safetensors"


@pytest.mark.parametrize(
    ("text", "name", "architecture", "uri"),
    [
        ("mini", "mini@bundled", "mini", None),
        ("mini@bundled", "mini@bundled", "mini", None),
        ("mini@none", "mini@none", "mini", ""),
        ("mini@/there/w.safetensors", "mini@/there/w.safetensors", "mini", "file:/there/w.safetensors"),
        ("mini@mine.pt", "mini@mine.pt", "mini", "file:mine.pt"),
        ("mini@dir/a@b.bin", "mini@dir/a@b.bin", "mini", "file:dir/a@b.bin"),
        ("clip-vit-16", "clip-vit-16@laion2b_s34b_b88k", "clip-vit-16", VIT),
        ("clip-convnext@none", "clip-convnext@none", "clip-convnext", ""),
        ("open_clip:ViT-B-16@laion2b_s34b_b88k", "open_clip:ViT-B-16@laion2b_s34b_b88k", "ViT-B-16", None),
        ("open_clip:galaxtool-vit", "open_clip:galaxtool-vit@none", "galaxtool-vit", ""),
        ("open_clip:RN50@x/y.pt", "open_clip:RN50@x/y.pt", "RN50", "file:x/y.pt"),
    ],
)
def test_names_are_taken_apart(text: str, name: str, architecture: str, uri: str | None) -> None:
    parsed = parse_name(text)
    assert (str(parsed), parsed.architecture) == (name, architecture)
    if uri is not None:
        assert (parsed.weights.uri if parsed.weights else "") == uri
    assert str(parse_name(str(parsed))) == name


def test_qualified_name() -> None:
    (registered,) = (r for r in get_registry().backbones if r.spec.name == "mini")
    assert str(parse_name(f"{registered.qualified}@none")) == "mini@none"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("mnii", "no backbone called 'mnii'. Did you mean 'mini'?"),
        ("opne_clip:ViT-B-16", "no backbone called 'opne_clip'. Did you mean 'open_clip'?"),
        ("mini:ViT-B-16", "no backbone called"),
        ("mini@bundeld", "no weights for mini called 'bundeld'. Did you mean 'bundled'?"),
        ("mini@", "no weights for mini called ''"),
        ("open_clip:ViT-B-61", "no OpenCLIP architecture called 'ViT-B-61'. Did you mean 'ViT-B-16'?"),
        ("open_clip:ViT-B-16@laion2b_s34b_b88", "Did you mean 'laion2b_s34b_b88k'?"),
        ("open_clip", "no OpenCLIP architecture called 'open_clip'"),
        ("", "no backbone called ''"),
    ],
)
def test_names_that_nobody_has(text: str, message: str) -> None:
    with pytest.raises(UnknownName) as caught:
        parse_name(text)
    assert message in caught.value.message


def test_unknown_architecture_without_weights() -> None:
    with pytest.raises(UnknownName, match="Did you mean 'ViT-B-16'"):
        create_backbone("open_clip:ViT-B-61@none")


# --- mini and small-resnet -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["mini@none", "small-resnet"])
def test_own_networks_from_random_weights(name: str) -> None:
    torch.manual_seed(0)
    one = create_backbone(name).eval()
    torch.manual_seed(0)
    again = create_backbone(name).eval()
    images = torch.rand(2, 3, one.image_size, one.image_size)
    with torch.inference_mode():
        assert torch.equal(one.embed(images), again.embed(images)) and one.embed(images).shape == (2, one.dim)
        assert torch.equal(one.image_tower(images), one.embed(images))
        texts = one.embed_text(["A picture of a ring", "Ein Bild einer Ellipse", "环状星系"])
        assert texts.shape == (3, one.dim) and bool(torch.isfinite(texts).all())
        assert not torch.allclose(texts[0], texts[1], atol=1e-3)
        alone = one.embed_text(["A picture of a ring"])
        torch.testing.assert_close(alone[0], texts[0], atol=1e-5, rtol=1e-4)


def test_byte_text_reads_any_text() -> None:
    rows = tokenize(["", "a\x00b", "é", "x" * 500])
    assert rows.shape == (4, CONTEXT)
    assert rows[0].tolist()[:3] == [256, 257, 0] and rows[1].tolist()[:5] == [256, 97, 98, 257, 0]
    assert rows[2].tolist()[:5] == [256, 0xC3, 0xA9, 257, 0] and int(rows[3, -1]) == 257
    assert create_backbone("small-resnet@none").embed_text([""]).shape == (1, 256)


def test_feature_maps_of_mini() -> None:
    mini = Mini(pretrained=False).eval()
    images = torch.rand(2, 3, 64, 64)
    with torch.inference_mode():
        maps = mini.features(images)
        pooled = mini.image_tower.project(maps[-1][0].mean(dim=(2, 3)))
        torch.testing.assert_close(pooled, mini.embed(images))
    assert [(map_.shape[1], map_.shape[-1], stride) for map_, stride in maps] == [
        (16, 32, 2), (24, 16, 4), (40, 8, 8), (80, 4, 16), (112, 4, 16), (192, 2, 32), (320, 2, 32), (1280, 2, 32),
    ]  # fmt: skip


def test_the_bundled_weights_are_for_the_size_that_their_record_says() -> None:
    weights = parse_name("mini").weights
    assert weights is not None
    folder = Path(weights.uri.removeprefix("file:")).parent
    preprocess = json.loads((folder / "model.json").read_text())["preprocess"]
    former = is_former_mini(read_state_dict(folder / "weights.safetensors"))
    assert preprocess["size"] == weights.image_size == (64 if former else 96)
    assert (tuple(preprocess["mean"]), tuple(preprocess["std"])) == (weights.mean, weights.std)


# --- what was called mini before -------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".safetensors", ".pt"])
@pytest.mark.parametrize("prefix", ["", "backbone."])
def test_weights_of_the_former_mini_make_the_network_they_are_for(prefix: str, suffix: str, tmp_path: Path) -> None:
    file = tmp_path / f"w{suffix}"
    former = SmallResnet(pretrained=False)
    state = {prefix + key: value for key, value in former.state_dict().items()}
    save_file(state, file) if suffix == ".safetensors" else torch.save(state, file)
    backbone = create_backbone(f"mini@{file}")
    assert backbone.image_size == 64 and backbone.mean == (0.5, 0.5, 0.5) and equal(backbone, former)


def test_weights_of_mini_make_mini(tmp_path: Path) -> None:
    mini = Mini(pretrained=False)
    save_file(mini.state_dict(), tmp_path / "w.safetensors")
    backbone = create_backbone(f"mini@{tmp_path / 'w.safetensors'}")
    assert backbone.image_size == 96 and equal(backbone, mini)


# --- weights ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def trained() -> SmallResnet:
    torch.manual_seed(5)
    return SmallResnet(pretrained=False)


def equal(a: torch.nn.Module, b: torch.nn.Module) -> bool:
    other = b.state_dict()
    return all(torch.equal(value, other[key]) for key, value in a.state_dict().items())


@pytest.mark.parametrize("prefix", ["", "backbone.", "module.", "model."])
@pytest.mark.parametrize("suffix", [".safetensors", ".pt", ".bin"])
def test_weights_from_a_file(suffix: str, prefix: str, trained: SmallResnet, tmp_path: Path) -> None:
    file = tmp_path / f"w{suffix}"
    state = {prefix + key: value for key, value in trained.state_dict().items()}
    state["head.log_scale"] = torch.tensor(1.0)  # what a backbone does not need is left alone
    save_file(state, file) if suffix == ".safetensors" else torch.save(state, file)
    assert equal(create_backbone(f"small-resnet@{file}"), trained)


@pytest.mark.parametrize("wrapper", ["state_dict", "model", "model_state_dict"])
def test_weights_from_a_checkpoint(wrapper: str, trained: SmallResnet, tmp_path: Path) -> None:
    torch.save({wrapper: trained.state_dict(), "epoch": 3, "optimizer": {"lr": 0.1}}, tmp_path / "c.pt")
    assert equal(create_backbone(f"small-resnet@{tmp_path / 'c.pt'}"), trained)


def test_weights_of_a_model_directory(trained: SmallResnet, tmp_path: Path) -> None:
    """A trained model's weights start another training."""
    result = package.finetune(
        [write_class_folders(tmp_path / "set")],
        method="clip",
        backbone="small-resnet@none",
        epochs=1,
        out=tmp_path / "run",
    )
    backbone = create_backbone(f"small-resnet@{result.model / 'weights.safetensors'}")
    kept = read_state_dict(result.model / "weights.safetensors")
    assert torch.equal(backbone.image_tower.project.weight, kept["backbone.image_tower.project.weight"])


def test_weights_that_lack_something(trained: SmallResnet, tmp_path: Path) -> None:
    state = trained.state_dict()
    del state["image_tower.project.weight"]
    save_file(state, tmp_path / "w.safetensors")
    with pytest.raises(ModelError, match=r"lacks 1 of the \d+ tensors.*'image_tower\.project\.weight'") as caught:
        create_backbone(f"small-resnet@{tmp_path / 'w.safetensors'}")
    assert "another architecture" in caught.value.hint


def test_weights_of_another_shape(trained: SmallResnet, tmp_path: Path) -> None:
    before = copy.deepcopy(trained)
    state = {**trained.state_dict(), "image_tower.project.weight": torch.zeros(3, 4)}
    save_file(state, tmp_path / "w.safetensors")
    with pytest.raises(ModelError, match=r"'image_tower\.project\.weight' has shape \(3, 4\) where .*\(256, 8\)"):
        load_weights(trained, tmp_path / "w.safetensors")
    assert equal(trained, before)


class Trap:
    """What runs when it is unpickled."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, ("sprung",)


@pytest.mark.parametrize("how", ["torch", "pickle", "nested"])
def test_code_in_a_weights_file_is_never_run(how: str, tmp_path: Path) -> None:
    file = tmp_path / "evil.pt"
    if how == "pickle":
        file.write_bytes(pickle.dumps(Trap()))
    else:
        torch.save({"state_dict": {"a": Trap()}} if how == "nested" else Trap(), file)
    with pytest.raises(ModelError, match="is not a file of weights only"):
        create_backbone(f"small-resnet@{file}")
    assert not Path("sprung").exists()
    said = run_failing(
        "finetune", write_class_folders(tmp_path / "set"), "--method", "clip", "--backbone", f"small-resnet@{file}"
    )
    assert "is not a file of weights only" in said and not Path("sprung").exists()


@pytest.mark.parametrize("name", ["w.safetensors", "w.pt"])
@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04rest"])
def test_files_that_are_no_weights(name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(ModelError, match="is not a file of weights only") as caught:
        create_backbone(f"small-resnet@{tmp_path / name}")
    assert "\n" not in caught.value.message and ".safetensors" in caught.value.hint


@pytest.mark.parametrize("held", [[1, 2], {"a": 1}, {"state_dict": {"a": "b"}}, torch.zeros(2)])
def test_pytorch_files_without_tensors_by_name(held: Any, tmp_path: Path) -> None:
    torch.save(held, tmp_path / "w.pt")
    with pytest.raises(ModelError, match="does not contain tensors by name"):
        read_state_dict(tmp_path / "w.pt")


# --- where weights come from -----------------------------------------------------------------------------------------


def test_a_file_that_is_not_there() -> None:
    with pytest.raises(ModelError, match=r"'nowhere\.pt' of mini@nowhere\.pt do not exist") as caught:
        create_backbone("mini@nowhere.pt")
    assert "--backbone mini@none" in caught.value.hint


@pytest.mark.parametrize("name", ["clip-vit-16", "open_clip:ViT-B-16@laion2b_s34b_b88k"])
def test_offline_and_not_cached(name: str, tmp_path: Path) -> None:
    with pytest.raises(OfflineError) as caught:
        create_backbone(name)
    assert VIT in caught.value.message and "offline" in caught.value.message
    base = name.partition("@")[0]
    assert f"--backbone {base}@/path/to/open_clip_model.safetensors" in caught.value.hint
    folder = write_class_folders(tmp_path / "set")
    said = run_failing("finetune", folder, "--method", "clip", "--backbone", name, "--out", "run")
    assert VIT in said and not Path("run").exists()


def cached(folder: Path, trained: SmallResnet) -> Path:
    """Put weights where the hub's client keeps `someone/model`."""
    place = folder / "weights" / "models--someone--model"
    file = place / "snapshots" / "0123" / "w.safetensors"
    file.parent.mkdir(parents=True)
    (place / "refs").mkdir()
    (place / "refs" / "main").write_text("0123")
    save_file(trained.state_dict(), file)
    return file


def test_what_is_cached_is_used_offline(trained: SmallResnet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GALAXTOOL_CACHE", str(tmp_path))
    file = cached(tmp_path, trained)
    uri = "hf-hub:someone/model/w.safetensors"
    found = locate_weights(Weights(tag="w", uri=uri, sha256=hash_file(file)), "mini@w", get_registry())
    assert found.read_bytes() == file.read_bytes()
    with pytest.raises(ModelError, match="its SHA-256 is not that of mini@w"):
        locate_weights(Weights(tag="w", uri=uri, sha256="0" * 64), "mini@w", get_registry())
    with pytest.raises(OfflineError, match=r"other\.safetensors"):
        locate_weights(Weights(tag="w", uri="hf-hub:someone/model/other.safetensors"), "mini@w", get_registry())


def test_a_place_that_nobody_knows() -> None:
    with pytest.raises(OfflineError, match="ftp:"):
        locate_weights(Weights(tag="w", uri="ftp:host/file.pt"), "mini@w", get_registry())


# --- OpenCLIP --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("architecture", SMALL)
def test_openclip_has_both_towers(architecture: str) -> None:
    backbone = create_backbone(f"open_clip:{architecture}@none").eval()
    size = backbone.image_size
    assert (backbone.dim, size) == (12, 64 if "convnext" in architecture else 32)
    images = torch.rand(3, 3, size, size)
    with torch.inference_mode():
        torch.testing.assert_close(backbone.embed(images), backbone.image_tower(images))
        assert backbone.embed(images).shape == (3, 12)
        texts = backbone.embed_text(["A picture of a ring", "A picture of a disc"])
    assert texts.shape == (2, 12) and not torch.allclose(texts[0], texts[1])
    assert backbone.suggested_lr == 5e-4


@pytest.mark.parametrize("layout", ["safetensors", "state", "distributed checkpoint"])
@pytest.mark.parametrize("architecture", ["galaxtool-vit", "galaxtool-convnext"])
def test_openclip_weights_as_they_are_published(architecture: str, layout: str, tmp_path: Path) -> None:
    """The keys of a file on the hub are the model's own; OpenCLIP's training writes `module.` and more about it."""
    torch.manual_seed(8)
    published = open_clip.create_model(architecture)
    state = published.state_dict()
    assert "visual.proj" in state or any(key.startswith("visual.trunk") for key in state)
    file = tmp_path / ("open_clip_model.safetensors" if layout == "safetensors" else "epoch_3.pt")
    if layout == "safetensors":
        save_file(state, file)
    elif layout == "state":
        torch.save(state, file)
    else:
        held = {"epoch": 3, "name": "run", "state_dict": {f"module.{k}": v for k, v in state.items()}}
        torch.save({**held, "optimizer": {"state": {}, "param_groups": []}}, file)
    backbone = create_backbone(f"open_clip:{architecture}@{file}")
    assert equal(backbone.model, published) and backbone.suggested_lr == 1e-5


def test_openclip_weights_of_another_size(tmp_path: Path) -> None:
    save_file(open_clip.create_model("galaxtool-vit").state_dict(), tmp_path / "w.safetensors")
    with pytest.raises(ModelError, match="lacks"):
        create_backbone(f"open_clip:galaxtool-convnext@{tmp_path / 'w.safetensors'}")


@pytest.mark.parametrize(
    "architecture",
    list(SMALL),
)
@pytest.mark.slow
def test_openclip_is_trained_saved_loaded_and_exported(architecture: str, tmp_path: Path) -> None:
    folder = write_class_folders(tmp_path / "set")
    for i, name in enumerate(("ring", "disc")):
        write_png(tmp_path / "symbols" / f"{name}.png", i)
    code, _, said = run_command(
        "finetune", folder, "--symbols", tmp_path / "symbols", "--backbone", f"open_clip:{architecture}@none",
        "--epochs", "1", "--batch-size", "8", "--lr", "0.001", "--out", "run", "--precision", "fp32",
    )  # fmt: skip
    assert code == 0, said
    record = json.loads(Path("run/model/model.json").read_text())
    assert record["backbone"] == f"open_clip:{architecture}@none" and record["has_symbol_tower"]
    assert record["preprocess"]["mean"] == pytest.approx([0.48145466, 0.4578275, 0.40821073])
    assert any("OpenCLIP" in c["text"] or "Cherti" in c["text"] for c in record["citations"])
    result = package.export(model="run", output=Path("m.onnx"))
    assert result.least_cosine > 0.9999
    tables = [
        package.classify([folder], model=model, output=Path("p.csv"), precision="fp32").table
        for model in ("run", "m.onnx")
    ]
    assert tables[0]["label"].tolist() == tables[1]["label"].tolist()
