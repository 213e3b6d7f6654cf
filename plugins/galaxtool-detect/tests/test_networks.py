"""Pyramids, Faster R-CNN on them, and what learns."""

from __future__ import annotations

import pytest
import torch
from galaxtool_detect.networks.detector import create_detector
from galaxtool_detect.networks.freezing import count_weights, describe_weights, find_norms, freeze, set_training
from galaxtool_detect.networks.pyramid import choose_strides

from galaxtool import ConfigError

TARGETS = [{"boxes": torch.tensor([[10.0, 12, 30, 28]]), "labels": torch.tensor([1])}, {
    "boxes": torch.zeros(0, 4), "labels": torch.zeros(0, dtype=torch.long)}]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", ["small-resnet@none", "timm:test_vit@none"])
def test_maps_have_the_strides_of_the_pyramid(name: str) -> None:
    detector = create_detector(name, ["source"], 96, head="small").eval()
    levels = detector.body(torch.rand(1, 3, 96, 96))
    assert [tuple(level.shape) for level in levels.values()] == [(1, 64, 96 // s, 96 // s) for s in (4, 8, 16, 32)]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["small-resnet@none", "timm:test_vit@none"])
def test_losses_with_and_without_sources(name: str) -> None:
    torch.manual_seed(0)
    detector = create_detector(name, ["compact", "double"], 64, head="small")
    freeze(detector, "scratch")
    set_training(detector)
    losses = detector(torch.rand(2, 3, 64, 64), TARGETS)
    assert set(losses) == {"loss_objectness", "loss_rpn_box_reg", "loss_classifier", "loss_box_reg"}
    sum(losses.values()).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in detector.heads.parameters())
    backbone = [p for p in detector.body.backbone.parameters() if p.grad is not None]
    assert sum(p.numel() for p in backbone) > 0.5 * count_weights(detector.body.backbone)


@pytest.mark.slow
def test_a_frozen_backbone_keeps_its_weights_and_statistics() -> None:
    detector = create_detector("small-resnet@none", ["source"], 64, head="small")
    freeze(detector, "frozen")
    before = {key: value.clone() for key, value in detector.body.backbone.state_dict().items()}
    set_training(detector)
    optimizer = torch.optim.SGD([p for p in detector.parameters() if p.requires_grad], lr=0.1)
    sum(detector(torch.rand(2, 3, 64, 64), TARGETS).values()).backward()
    optimizer.step()
    assert all(torch.equal(value, before[key]) for key, value in detector.body.backbone.state_dict().items())
    assert count_weights(detector) + count_weights(detector.body.backbone, learning=False) == count_weights(
        detector, learning=False
    )
    assert "17.8 million for ResNet-50" in describe_weights(detector)


@pytest.mark.slow
def test_batchnorm_is_a_choice() -> None:
    detector = create_detector("small-resnet@none", ["source"], 64, head="small")
    for mode, norms, keeps in (
        ("finetuned", "auto", True),
        ("finetuned", "learned", False),
        ("scratch", "auto", False),
    ):
        freeze(detector, mode, norms)
        set_training(detector)
        layers = find_norms(detector)
        assert len(layers) > 5
        assert all(layer.training != keeps and layer.weight.requires_grad != keeps for layer in layers)
    with pytest.raises(ConfigError, match="no statistics of BatchNorm"):
        freeze(detector, "scratch", "frozen")


def test_strides_that_do_not_lead_to_a_pyramid() -> None:
    assert choose_strides([2, 4, 8, 16, 16, 32, 32], name="x") == [4, 8, 16, 32]
    assert choose_strides([4, 8], name="x") == [4, 8]
    with pytest.raises(ConfigError, match="has maps of strides 14, none of stride 4"):
        choose_strides([14, 14], name="x")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "paper", "least", "most"), [("resnet50@none", 17.8, 17.7, 18.0), ("vit-16@none", 21, 20.0, 21.5)]
)
def test_the_networks_of_the_paper_take_a_step(name: str, paper: float, least: float, most: float) -> None:
    torch.manual_seed(0)
    detector = create_detector(name, ["source"], 64)
    freeze(detector, "frozen")
    assert least < count_weights(detector) / 1e6 < most
    assert f"{paper:g} million" in describe_weights(detector)
    freeze(detector, "finetuned")
    set_training(detector)
    weight = next(p for p in detector.body.backbone.parameters() if p.requires_grad and p.ndim > 1)
    before = weight.detach().clone()
    optimizer = torch.optim.AdamW([p for p in detector.parameters() if p.requires_grad], lr=1e-4)
    loss = sum(detector(torch.rand(2, 3, 64, 64), TARGETS).values())
    loss.backward()
    optimizer.step()
    assert torch.isfinite(loss) and not torch.equal(weight, before)


@pytest.mark.slow
def test_patches_that_are_no_power_of_two() -> None:
    with pytest.raises(ConfigError, match="Patches of 14 pixels"):
        create_detector("dinov2@none", ["source"], 224)
