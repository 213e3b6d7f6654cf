"""The backbones of the papers, by name; torchvision's from checkpoints made here with the true names and layout."""

from __future__ import annotations

import re
from collections import OrderedDict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import open_clip
import pytest
import timm
import torch
from support.backbone_helpers import check_blocks, check_embeddings, embed_two_images, empty_caches, perturb_weights
from torch import nn
from torchvision import models

import galaxtool
from galaxtool.backbones import torchvision_models
from galaxtool.backbones.create import create_backbone, parse_name
from galaxtool.backbones.openclip.backbone import list_weights as openclip_weights
from galaxtool.backbones.timm import models as timm_models
from galaxtool.backbones.timm.weights import list_weights as timm_weights
from galaxtool.backbones.torchvision_models import TorchVision
from galaxtool.backbones.torchvision_models import list_weights as torchvision_weights
from galaxtool.backbones.weights.load import load_weights
from galaxtool.errors import ConfigError, ModelError, OfflineError, UnknownName
from galaxtool.plugins.registry import get_registry
from galaxtool.plugins.specs import BackboneSpec, Weights
from galaxtool.testing.backbone import check_backbone

IMAGENET = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
HALF = ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
SHORT = {
    "vit-16": ("augreg_in1k", HALF), "vit-16-tv": ("IMAGENET1K_V1", IMAGENET), "mae": ("mae", IMAGENET),
    "dinov1": ("dino", IMAGENET), "dinov1-s": ("dino", IMAGENET), "dinov2": ("lvd142m", IMAGENET),
    "msn": ("vitb16_600ep", IMAGENET), "resnet18": ("IMAGENET1K_V1", IMAGENET), "resnet50": ("IMAGENET1K_V2", IMAGENET),
    "vgg11": ("IMAGENET1K_V1", IMAGENET), "vgg11-32": ("none", HALF), "small-cnn": ("none", HALF),
}  # fmt: skip


@pytest.fixture(autouse=True)
def _place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    empty_caches(tmp_path, monkeypatch)


def spec_of(name: str) -> BackboneSpec:
    spec = get_registry().backbones.find(name).spec
    assert isinstance(spec, BackboneSpec)
    return spec


# --- names and records -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "name", "uri"),
    [
        ("timm:vit_base_patch14_dinov2.lvd142m", "timm:vit_base_patch14_dinov2@lvd142m", "hf-hub:timm/"
         "vit_base_patch14_dinov2.lvd142m/model.safetensors"),
        ("timm:vit_base_patch14_dinov2@none", "timm:vit_base_patch14_dinov2@none", ""),
        ("timm:resnet18.a1_in1k@/w.pth", "timm:resnet18@/w.pth", "file:/w.pth"),
        ("timm:resnet18@w.pth.tar", "timm:resnet18@w.pth.tar", "file:w.pth.tar"),
        ("timm:hf_hub:mwalmsley/zoobot", "timm:hf_hub:mwalmsley/zoobot@main", "hf-hub:mwalmsley/zoobot"),
        ("timm:hf_hub:a/b.c@/there", "timm:hf_hub:a/b.c@/there", "file:/there"),
        ("timm:gcvit_tiny", "timm:gcvit_tiny@in1k", "https://github.com/rwightman/pytorch-image-models/releases/"
         "download/v0.1-weights-morevit/gcvit_tiny_224_nvidia-ac783954.pth"),
        ("torchvision:vgg11", "torchvision:vgg11@IMAGENET1K_V1", "https://download.pytorch.org/models/vgg11-8a719046.pth"),
        ("msn", "msn@vitb16_600ep", "https://dl.fbaipublicfiles.com/msn/vitb16_600ep.pth.tar"),
        ("small-cnn", "small-cnn@none", ""),
    ],
)  # fmt: skip
def test_names(text: str, name: str, uri: str) -> None:
    parsed = parse_name(text)
    assert (str(parsed), parsed.weights.uri if parsed.weights else "") == (name, uri)
    assert str(parse_name(name)) == name


def test_two_ways_of_writing_a_tag() -> None:
    assert parse_name("timm:vit_small_patch16_224.dino") == parse_name("timm:vit_small_patch16_224@dino")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("timm:vit_bas_patch16_224", "no timm architecture called 'vit_bas_patch16_224'. Did you mean 'vit_base"),
        ("timm:vit_bas_patch16_224.dino", "no timm architecture called 'vit_bas_patch16_224'. Did you mean 'vit_base"),
        ("timm:vit_small_patch16_224.dinoo", "no weights for timm:vit_small_patch16_224 called 'dinoo'. Did you mean"),
        ("torchvision:vgg_11", "no torchvision architecture called 'vgg_11'. Did you mean 'vgg11'?"),
        ("torchvision:vgg11@IMAGENET1K_V2", "Did you mean 'IMAGENET1K_V1'?"),
        ("resnet81", "no backbone called 'resnet81'. Did you mean 'resnet18'?"),
        ("dinov3", "Did you mean 'dinov"),
        ("small-cnn@best", "no weights for small-cnn called 'best'"),
    ],
)  # fmt: skip
def test_names_that_nobody_has(text: str, message: str) -> None:
    with pytest.raises(UnknownName, match=re.escape(message)):
        parse_name(text)


def test_a_repository_that_is_none() -> None:
    with pytest.raises(ConfigError, match="does not name a repository"):
        parse_name("timm:hf_hub:galaxies")
    with pytest.raises(UnknownName, match="timm architecture"):
        create_backbone("timm:vit_bas_patch16_224@none")
    with pytest.raises(UnknownName, match="torchvision architecture"):
        create_backbone("torchvision:vgg_11@none")


@pytest.mark.parametrize("name", SHORT)
def test_short_names_say_all_that_a_user_must_know(name: str) -> None:
    spec, (tag, norm) = spec_of(name), SHORT[name]
    assert parse_name(name) == parse_name(f"{name}@{tag}")
    assert (spec.image_size, (spec.mean, spec.std)) == (224, norm) and spec.citation and spec.summary
    if tag != "none":
        assert spec.licence and all(w.licence and w.citation for w in spec.weights)


@pytest.mark.parametrize("name", [*timm_models.SHORT, *torchvision_models.SHORT])
def test_records_of_short_names_are_the_library_s(name: str) -> None:
    source = timm_models.SHORT.get(name) or torchvision_models.SHORT[name]
    known = {w.tag: w for w in (timm_weights if name in timm_models.SHORT else torchvision_weights)(source)}
    for record in spec_of(name).weights:
        if name != "msn":
            theirs = known[record.tag]
            for part in ("uri", "sha256", "licence", "image_size", "mean", "std"):
                assert getattr(record, part) == getattr(theirs, part), part


def test_records_that_need_care() -> None:
    inception = torchvision_weights("inception_v3")[0]
    assert (inception.image_size, (inception.mean, inception.std)) == (299, HALF)
    assert [w.tag for w in torchvision_weights("vgg16")] == ["IMAGENET1K_V1"]
    assert {w.image_size for w in torchvision_weights("vit_b_16")} == {224}
    assert torchvision_weights("resnet50")[0].tag == "IMAGENET1K_V2"
    first = timm_weights("vit_base_patch16_224")[0]
    assert first.tag == timm.models.get_pretrained_cfg("vit_base_patch16_224").tag and first.licence == "Apache-2.0"
    assert timm_weights("maxvit_tiny_tf_384")[0].image_size == 384


def lacking(records: Iterable[Weights]) -> list[str]:
    """Return the weights whose record does not say all that a user must know."""
    parts = ("licence", "citation", "image_size", "mean", "std")
    return [f"{w.uri}: {part}" for w in records for part in parts if not getattr(w, part)]


def test_every_record_is_whole() -> None:
    known = [r.spec for r in get_registry().backbones]
    assert lacking(w for spec in known if isinstance(spec, BackboneSpec) for w in spec.weights) == []
    assert lacking(w for name in open_clip.list_models() for w in openclip_weights(name)) == []
    assert lacking(w for name in models.list_models(module=models) for w in torchvision_weights(name)) == []
    assert lacking(w for name in timm.list_models(pretrained=False)[::40] for w in timm_weights(name)) == []


def test_records_are_those_of_the_models() -> None:
    (named,), (same,) = (
        [w for w in records if w.tag == "laion2b_s13b_b82k"]
        for records in (spec_of("clip-convnext").weights, openclip_weights("convnext_base_w"))
    )
    assert (named.image_size, named.mean, named.std) == (same.image_size, same.mean, same.std)
    assert same.image_size == 256
    assert same.licence == "see https://huggingface.co/laion/CLIP-convnext_base_w-laion2B-s13B-b82K"
    size = {w.tag: w.image_size for w in openclip_weights("ViT-L-14-336")}
    assert size["openai"] == 336
    siglip = openclip_weights("ViT-B-16-SigLIP")[0]
    assert (siglip.mean, siglip.std) == HALF and siglip.citation and siglip.citation.arxiv == "2303.15343"
    papers = {w.tag: w.citation.arxiv for w in openclip_weights("ViT-B-16") if w.citation}
    assert (papers["openai"], papers["laion2b_s34b_b88k"], papers["datacomp_xl_s13b_b90k"]) == (
        "2103.00020", "2212.07143", "2304.14108",
    )  # fmt: skip
    dino, augreg, convnext = (
        timm_weights(name)[0].citation
        for name in ("vit_base_patch14_dinov2", "vit_small_patch32_224", "convnextv2_atto")
    )
    assert dino and augreg and convnext
    assert (dino.arxiv, augreg.arxiv, convnext.arxiv) == ("2304.07193", "2106.10270", "2301.00808")
    zoobot = parse_name("timm:hf_hub:mwalmsley/zoobot-encoder-convnext_nano").weights
    assert zoobot and zoobot.citation and "Walmsley" in zoobot.citation.text


def test_listing_has_the_records() -> None:
    rows = {row["name"]: row for row in galaxtool.listings.backbones().as_dict()["backbones"]}
    (record,) = rows["clip-vit-16"]["records"]
    assert (record["image_size"], record["licence"], record["citation"]["arxiv"]) == (224, "MIT", "2212.07143")
    assert len(record["mean"]) == len(record["std"]) == 3


def test_documented() -> None:
    text = (Path(__file__).parents[2] / "docs" / "backbones.md").read_text(encoding="utf-8")
    for name in SHORT:
        row = next(line for line in text.splitlines() if line.startswith(f"| `{name}` |"))
        spec = spec_of(name)
        assert all(f"@{weights.tag}`" in row and weights.licence in row for weights in spec.weights), row
        assert spec.citation and spec.citation.arxiv in row


@pytest.mark.parametrize(
    "name", ["dinov2", "msn", "resnet18", "vgg11", "torchvision:vit_b_16", "timm:resnet18.a1_in1k"]
)
def test_offline_and_not_cached(name: str) -> None:
    with pytest.raises(OfflineError, match="galaxtool is offline") as caught:
        create_backbone(name)
    weights = parse_name(name).weights
    assert weights and weights.uri in caught.value.message and "/path/to/" in caught.value.hint


# --- torchvision -----------------------------------------------------------------------------------------------------


def test_resnet18_as_torchvision_publishes_it(tmp_path: Path) -> None:
    """The file has a classifier, and no count of batches."""
    reference = perturb_weights(models.resnet18())
    state = {k: v for k, v in reference.state_dict().items() if not k.endswith("num_batches_tracked")}
    torch.save(OrderedDict(state), tmp_path / "resnet18.pth")
    backbone = create_backbone(f"resnet18@{tmp_path / 'resnet18.pth'}")
    reference.fc = nn.Identity()
    check_embeddings(backbone, reference, 64)
    assert backbone.dim == 512
    check_blocks(backbone, 5)
    state["layer1.0.conv1.weight"] = torch.zeros(64, 64, 1, 1)
    torch.save(state, tmp_path / "wrong.pth")
    with pytest.raises(ModelError, match=r"'model\.layer1\.0\.conv1\.weight' has shape \(64, 64, 1, 1\)"):
        create_backbone(f"resnet18@{tmp_path / 'wrong.pth'}")


def small_vit(size: int = 32) -> models.VisionTransformer:
    return models.VisionTransformer(size, patch_size=8, num_layers=3, num_heads=2, hidden_dim=16, mlp_dim=32)


@pytest.mark.parametrize("size", [32, 64])
def test_a_vision_transformer_as_torchvision_publishes_it(size: int, tmp_path: Path) -> None:
    """The files have names of before 2022, and may be of another image size."""
    state = perturb_weights(small_vit(size)).state_dict()
    old = {re.sub(r"mlp\.([03])", lambda m: f"mlp.linear_{1 + int(m[1]) // 3}", k): v for k, v in state.items()}
    assert "encoder.layers.encoder_layer_0.mlp.linear_1.weight" in old
    torch.save(OrderedDict(old), tmp_path / "vit.pth")
    backbone = TorchVision(small_vit(), image_size=32, pretrained=True)
    load_weights(backbone, tmp_path / "vit.pth")
    reference = small_vit()
    resampled = models.vision_transformer.interpolate_embeddings(32, 8, OrderedDict(old))
    reference.load_state_dict(resampled)
    reference.heads = nn.Sequential()
    check_embeddings(backbone, reference)
    check_blocks(backbone, 4)
    assert backbone.dim == 16


def test_a_densenet_as_torchvision_publishes_it(tmp_path: Path) -> None:
    small = {"growth_rate": 4, "block_config": (2, 1), "num_init_features": 4}
    reference = perturb_weights(models.DenseNet(**small))
    old = {re.sub(r"(denselayer\d\.(?:norm|conv))([12])", r"\1.\2", k): v for k, v in reference.state_dict().items()}
    assert "features.denseblock1.denselayer1.norm.1.weight" in old
    torch.save(old, tmp_path / "densenet.pth")
    backbone = TorchVision(models.DenseNet(**small), image_size=32, pretrained=True)
    load_weights(backbone, tmp_path / "densenet.pth")
    reference.classifier = nn.Identity()
    check_embeddings(backbone, reference)


@pytest.mark.parametrize(
    ("name", "dim", "blocks"),
    [
        ("squeezenet1_1", 512, 9),
        ("mnasnet0_5", 1280, 10),
        pytest.param("shufflenet_v2_x0_5", 1024, 5, marks=pytest.mark.slow),
        pytest.param("googlenet", 1024, 12, marks=pytest.mark.slow),
    ],
)
def test_other_kinds_of_torchvision(name: str, dim: int, blocks: int, tmp_path: Path) -> None:
    """What is saved is loaded, whatever the classifier is like."""
    first = create_backbone(f"torchvision:{name}@none")
    torch.save(first.image_tower.state_dict(), tmp_path / "w.pth")
    again = create_backbone(f"torchvision:{name}@{tmp_path / 'w.pth'}")
    check_embeddings(again, first.image_tower, 96)
    assert again.dim == dim
    check_blocks(again, blocks)


# --- from random weights ---------------------------------------------------------------------------------------------


def test_vgg11_with_32_channels() -> None:
    backbone = create_backbone("vgg11-32@none")
    layers = [m for m in backbone.modules() if isinstance(m, (nn.Conv2d, nn.Linear))]
    assert [tuple(m.weight.shape[:2]) for m in layers] == [(32, 3), *[(32, 32)] * 7, (4096, 1568), (4096, 4096)]
    assert all(float(m.weight.detach().std()) == pytest.approx(0.1, rel=0.1) and not m.bias.any() for m in layers)
    embed_two_images(backbone)
    check_blocks(backbone, 9)


def test_small_cnn() -> None:
    backbone = create_backbone("small-cnn@none")
    assert isinstance(backbone.image_tower.features[0], nn.AvgPool2d)
    widths = {m.out_channels for m in backbone.modules() if isinstance(m, nn.Conv2d)}
    assert widths == {32} and sum(p.numel() for p in backbone.parameters()) < 1e6
    check_blocks(backbone, 7)
    # the last batch of an epoch may be of one image
    alone = backbone.train().embed(torch.rand(1, 3, 224, 224))
    alone.sum().backward()
    assert alone.shape == (1, 256) and bool(torch.isfinite(alone).all())


@pytest.mark.parametrize(
    "name",
    ["timm:test_vit", *(pytest.param(name, marks=pytest.mark.slow) for name in ("small-cnn", "vgg11-32", "resnet18"))],
)
def test_backbones_keep_their_side_of_the_contract(name: str) -> None:
    check_backbone(f"{name}@none")


# --- gradient checkpointing ------------------------------------------------------------------------------------------


def gradients(backbone: Any, images: torch.Tensor, on: bool) -> list[torch.Tensor]:
    backbone.set_checkpointing(on)
    torch.manual_seed(0)
    backbone.train().zero_grad()
    result = backbone.embed(images)
    (result * torch.linspace(-1, 1, result.numel()).view_as(result)).sum().backward()
    return [p.grad.clone() for p in backbone.image_tower.parameters() if p.grad is not None]


@pytest.mark.parametrize("kind", ["timm", "torchvision ViT", "torchvision ResNet"])
def test_checkpointing_changes_no_gradient(kind: str) -> None:
    """Nor does BatchNorm count a batch twice."""
    backbone = {
        "timm": lambda: create_backbone("timm:test_vit@none"),
        "torchvision ViT": lambda: TorchVision(small_vit(), image_size=32, pretrained=False),
        "torchvision ResNet": lambda: create_backbone("resnet18@none"),
    }[kind]()
    perturb_weights(backbone)
    backbone.image_size = min(backbone.image_size, 64) if kind.endswith("ResNet") else backbone.image_size
    images = torch.randn(2, 3, backbone.image_size, backbone.image_size)
    before = {key: value.clone() for key, value in backbone.state_dict().items()}
    kept = gradients(backbone, images, False)
    after = {key: value.clone() for key, value in backbone.state_dict().items()}
    backbone.load_state_dict(before)
    again = gradients(backbone, images, True)
    assert len(kept) == len(again) == len(list(backbone.image_tower.parameters()))
    for one, other in zip(kept, again, strict=True):
        torch.testing.assert_close(one, other, atol=1e-5, rtol=1e-4)
    for key, value in backbone.state_dict().items():
        torch.testing.assert_close(value, after[key])
    backbone.set_checkpointing(False)


@pytest.mark.parametrize("name", ["small-cnn", "timm:test_resnet", "torchvision:squeezenet1_1"])
def test_backbones_without_checkpointing(name: str) -> None:
    backbone = create_backbone(f"{name}@none")
    backbone.set_checkpointing(False)
    with pytest.raises(ConfigError, match=f"'{name}@none' does not support gradient checkpointing"):
        backbone.set_checkpointing(True)


# --- the papers' rows in full size -----------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(("name", "last"), [("vit-16-tv", "heads"), ("resnet50", "fc"), ("vgg11", "classifier")])
def test_torchvision_in_full(name: str, last: str, tmp_path: Path) -> None:
    reference: Any = perturb_weights(models.get_model(torchvision_models.SHORT[name]))
    torch.save(reference.state_dict(), tmp_path / "w.pth")
    backbone = create_backbone(f"{name}@{tmp_path / 'w.pth'}")
    setattr(reference, last, reference.classifier[:-1] if name == "vgg11" else nn.Identity())
    check_embeddings(backbone, reference)
    assert backbone.dim == {"vit-16-tv": 768, "resnet50": 2048, "vgg11": 4096}[name]
    check_blocks(backbone, {"vit-16-tv": 13, "resnet50": 5, "vgg11": 9}[name])
