"""What backbones can do beyond embedding: name their blocks, recompute activations, borrow a text encoder."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file
from support.small_backbones import OPEN_CLIP, ImageOnly, register_small_backbones, write_model
from support.training_helpers import narrow_resnet
from torch import nn

from galaxtool import BackboneSpec, check_backbone, hookimpl
from galaxtool.backbones.abilities import group_by_block, make_groups, set_checkpointing
from galaxtool.backbones.borrowed_text import BackboneWithText
from galaxtool.backbones.create import create_backbone, parse_name, parse_text_encoder
from galaxtool.errors import ConfigError, ModelError, OfflineError
from galaxtool.models.directory import load_network
from galaxtool.models.find import WEIGHTS, find_model
from galaxtool.plugins.registry import get_registry
from galaxtool.training.domain_norm import find_batch_norms, make_domain_statistics

TEXTS = ["A picture of a ring", "A picture of an edge-on disc"]
OWN = ["small-resnet@none", "mini@none", *OPEN_CLIP.values()]
RECOMPUTING = ["small-resnet@none", "mini@none", OPEN_CLIP["vit"], OPEN_CLIP["convnext"], OPEN_CLIP["timm-vit"]]


@pytest.fixture(autouse=True, scope="module")
def _small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with register_small_backbones(tmp_path_factory.mktemp("architectures")), narrow_resnet():
        yield


def make(name: str, **options: Any) -> Any:
    torch.manual_seed(0)
    return create_backbone(name, **options)


def images_for(backbone: Any, n: int = 4) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(n, 3, backbone.image_size, backbone.image_size, generator=generator)


# --- blocks ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [*OWN, "borrowed"])
def test_blocks_hold_each_parameter_of_the_image_tower_once(name: str) -> None:
    backbone = (
        BackboneWithText(make("small-resnet@none"), make("small-resnet@none")) if name == "borrowed" else make(name)
    )
    groups = group_by_block(backbone)
    found = [id(parameter) for group in groups for parameter in group]
    assert len(found) == len(set(found)) and set(found) == {id(p) for p in backbone.image_tower.parameters()}
    assert all(groups)


@pytest.mark.parametrize(
    ("name", "n", "first", "last"),
    [
        ("small-resnet@none", 5, {"stem"}, {"stages.3", "project"}),
        ("mini@none", 9, {"stem"}, {"head", "project"}),
        (
            OPEN_CLIP["vit"], 4, {"conv1", "class_embedding", "positional_embedding", "ln_pre"},
            {"transformer.resblocks.2", "ln_post", "proj"},
        ),
        (
            OPEN_CLIP["resnet"], 5, {"conv1", "bn1", "conv2", "bn2", "conv3", "bn3"}, {"layer4", "attnpool"},
        ),
        (OPEN_CLIP["convnext"], 5, {"trunk.stem"}, {"trunk.stages.3", "trunk.head.norm", "head.proj"}),
        (
            OPEN_CLIP["timm-vit"], 7, {"trunk.cls_token", "trunk.pos_embed", "trunk.patch_embed"},
            {"trunk.blocks.5", "trunk.norm", "head.proj"},
        ),
    ],
)  # fmt: skip
def test_blocks_go_from_stem_to_head(name: str, n: int, first: set[str], last: set[str]) -> None:
    backbone = make(name)
    names = {id(p): key for key, p in backbone.image_tower.named_parameters()}
    groups = [{names[id(p)] for p in group} for group in group_by_block(backbone)]
    assert len(groups) == n
    for group, prefixes in ((groups[0], first), (groups[-1], last)):
        assert group == {key for key in names.values() if any(f"{key}.".startswith(f"{p}.") for p in prefixes)}


def test_each_block_is_nearer_to_the_images_than_the_next() -> None:
    """What one block gives depends on the blocks before it alone."""
    backbone = make(OPEN_CLIP["vit"]).eval()
    given: list[torch.Tensor] = []
    for block in backbone.image_tower.transformer.resblocks:
        block.register_forward_hook(lambda module, inputs, output: given.append(output))
    backbone.embed(images_for(backbone))
    for k, output in enumerate(given):
        for g, group in enumerate(group_by_block(backbone)):
            gradients = torch.autograd.grad(output.sum(), group, allow_unused=True, retain_graph=True)
            assert any(x is not None for x in gradients) == (g <= k + 1)


def test_what_no_part_names_joins_the_last() -> None:
    shared = nn.Linear(2, 2)
    tower = nn.Sequential(shared, nn.Identity(), shared, nn.Linear(2, 3), nn.LayerNorm(3))
    groups = make_groups(
        tower, [shared.parameters(), nn.Identity().parameters(), [shared.weight], tower[3].parameters()]
    )
    assert [len(group) for group in groups] == [2, 4]
    assert [len(group) for group in make_groups(tower, [])] == [6]


def test_backbones_without_abilities() -> None:
    backbone = make("image-only")
    with pytest.raises(ConfigError, match="'image-only@none' does not define its blocks"):
        group_by_block(backbone)
    with pytest.raises(ConfigError, match="'image-only@none' does not support gradient checkpointing"):
        set_checkpointing(backbone, True)
    set_checkpointing(backbone, False)
    with pytest.raises(ConfigError, match="'ImageOnly' does not define"):
        group_by_block(ImageOnly())


def test_a_tower_that_openclip_does_not_have_yet() -> None:
    backbone = make(OPEN_CLIP["vit"])
    backbone.model.visual = nn.Sequential(nn.Conv2d(3, 4, 3))
    with pytest.raises(ConfigError, match=r"'open_clip:small-vit@none', a Sequential, does not define"):
        group_by_block(backbone)
    with pytest.raises(ConfigError, match="small-vit@none' does not support gradient checkpointing"):
        set_checkpointing(backbone, True)


# --- checkpointing ---------------------------------------------------------------------------------------------------


def step(backbone: Any, *, symbols: bool) -> tuple[torch.Tensor, dict[str, torch.Tensor], dict[str, torch.Tensor]]:
    """Return the loss, the gradients and the tensors after one backward pass in training."""
    torch.manual_seed(3)  # of stochastic depth
    backbone.train().zero_grad()
    images = images_for(backbone)
    loss = backbone.embed(images).square().sum()
    statistics = make_domain_statistics(backbone.image_tower)
    if symbols:  # as GalaxAlign's first stage does: the same tower with other statistics of BatchNorm
        with statistics.use(backbone.image_tower) if statistics else nullcontext():
            loss = loss + backbone.image_tower(2 * images[:2]).sin().sum()
    loss.backward()
    gradients = {k: p.grad.clone() for k, p in backbone.named_parameters() if p.grad is not None}
    state = {**backbone.state_dict(), **(statistics.state_dict(prefix="symbols.") if statistics else {})}
    return loss.detach(), gradients, {k: v.clone() for k, v in state.items()}


@pytest.mark.parametrize("symbols", [pytest.param(False, marks=pytest.mark.slow), True])
@pytest.mark.parametrize("name", RECOMPUTING)
def test_gradients_and_statistics_are_the_same_with_checkpointing(name: str, symbols: bool) -> None:
    backbone = make(name)
    again = copy.deepcopy(backbone)
    set_checkpointing(again, True)
    (loss, wanted, state), (loss_again, found, state_again) = (step(b, symbols=symbols) for b in (backbone, again))
    assert torch.equal(loss, loss_again) and wanted and wanted.keys() == found.keys()
    for key in wanted:
        torch.testing.assert_close(found[key], wanted[key], rtol=1e-5, atol=1e-6)
    assert state.keys() == state_again.keys()
    for key in state:
        assert torch.equal(state[key], state_again[key]), key


def count_passes(backbone: Any, tower: nn.Module, block: nn.Module) -> int:
    passes: list[int] = []
    handle = block.register_forward_pre_hook(lambda module, inputs: passes.append(1))
    tower(images_for(backbone, 2)).sum().backward()
    handle.remove()
    return len(passes)


@pytest.mark.parametrize(
    ("name", "block"),
    [
        ("small-resnet@none", "stages.1"),
        (OPEN_CLIP["vit"], "transformer.resblocks.1"),
        (OPEN_CLIP["timm-vit"], "trunk.blocks.1"),
    ],
)
def test_activations_are_computed_again_only_where_switched_on(name: str, block: str) -> None:
    backbone = make(name)
    tower = backbone.image_tower
    assert count_passes(backbone, tower, tower.get_submodule(block)) == 1
    set_checkpointing(backbone, True)
    assert count_passes(backbone, tower, tower.get_submodule(block)) == 2
    copied = copy.deepcopy(tower)  # GalaxAlign's symbol encoder
    assert count_passes(backbone, copied, copied.get_submodule(block)) == 2
    with torch.inference_mode():
        assert tower(images_for(backbone)).shape == (4, backbone.dim)
    set_checkpointing(backbone, False)
    assert count_passes(backbone, tower, tower.get_submodule(block)) == 1


def test_statistics_at_the_time_count_when_activations_are_computed_again() -> None:
    """A pass in training between forward and backward moves the running statistics of an earlier one in evaluation."""
    backbone = make("small-resnet@none").train()
    backbone.embed(images_for(backbone))  # so that the running statistics are no longer 0 and 1
    images = images_for(backbone) + 1
    found = []
    for on in (False, True):
        one = copy.deepcopy(backbone)
        set_checkpointing(one, on)
        for layer in find_batch_norms(one.image_tower):
            layer.eval()
        loss = one.image_tower(images).sin().sum()
        one.train()
        if on:
            with torch.no_grad():
                one.embed(10 * images)
        loss.backward()
        found.append([p.grad for p in one.image_tower.parameters()])
    for without, with_it in zip(*found, strict=True):
        torch.testing.assert_close(with_it, without, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", ["resnet", "timm-resnet"])
def test_openclip_towers_with_batchnorm_have_none(kind: str) -> None:
    backbone = make(OPEN_CLIP[kind])
    with pytest.raises(ConfigError, match=rf"small-{kind}@none' does not support gradient checkpointing"):
        set_checkpointing(backbone, True)
    set_checkpointing(backbone, False)


# --- a borrowed text encoder -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("lender", ["small-resnet@none", OPEN_CLIP["vit"], OPEN_CLIP["convnext"]])
def test_an_image_encoder_borrows_a_text_encoder(lender: str) -> None:
    torch.manual_seed(0)
    image = create_backbone("image-only", channels=5)
    text = create_backbone(lender)
    dim, wanted = text.dim, text.eval().embed_text(TEXTS).detach()
    left = {id(p) for p in text.parameters()} - {id(p) for p in text.image_tower.parameters()}
    torch.manual_seed(0)
    backbone = create_backbone("image-only", channels=5, text_encoder=lender).eval()
    assert (backbone.dim, backbone.image_size, backbone.suggested_lr) == (dim, 16, 3e-4)
    torch.testing.assert_close(backbone.embed_text(TEXTS), wanted)
    images = torch.randn(3, 5, 16, 16)
    torch.testing.assert_close(backbone.embed(images), image.eval().embed(images) @ backbone.project.weight.T)
    torch.testing.assert_close(copy.deepcopy(backbone.image_tower)(images), backbone.embed(images))
    own = sum(1 for _ in image.parameters()) + 1
    assert len(list(backbone.parameters())) == len(left) + own, "no image tower of the lender is left"
    assert len(backbone.state_dict()) == len({k.partition(".")[2] for k in backbone.state_dict()})
    loss = (backbone.embed(images).sum(dim=1) * backbone.embed_text([TEXTS[0]]).sum()).sum()
    loss.backward()
    assert backbone.project.weight.grad.abs().max() > 0 and backbone.image.net[0].weight.grad.abs().max() > 0
    singular = torch.linalg.svdvals(backbone.project.weight.detach())
    torch.testing.assert_close(singular, torch.ones_like(singular))


def test_the_projection_is_of_the_last_block() -> None:
    backbone = BackboneWithText(make("small-resnet@none"), make(OPEN_CLIP["vit"]))
    own, groups = group_by_block(backbone.image), group_by_block(backbone)
    assert len(groups) == len(own) == 5
    assert groups[-1][-1] is backbone.project.weight and len(groups[-1]) == len(own[-1]) + 1
    set_checkpointing(backbone, True)
    assert backbone.image.image_tower.checkpointing
    stage = backbone.image.image_tower.stages[0]
    assert count_passes(backbone, backbone.image_tower, stage) == 2
    lacking = BackboneWithText(make("image-only"), make("small-resnet@none"))
    for ask in (group_by_block, lambda b: set_checkpointing(b, True)):
        with pytest.raises(ConfigError, match="'image-only@none'"):
            ask(lacking)


def test_who_may_borrow_and_lend(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="The backbone 'small-resnet' already has a text encoder"):
        create_backbone("small-resnet@none", text_encoder="small-resnet@none")
    with pytest.raises(ConfigError, match="The backbone 'image-only' has no text encoder to lend"):
        create_backbone("image-only", text_encoder="image-only")
    assert str(parse_text_encoder("clip-vit-16", parse_name("image-only"))) == "clip-vit-16@laion2b_s34b_b88k"
    with pytest.raises(OfflineError) as caught:
        create_backbone("image-only", text_encoder="clip-vit-16")
    assert "--text-encoder clip-vit-16@/path/to/open_clip_model.safetensors" in caught.value.hint
    with pytest.raises(ModelError) as missing:
        create_backbone("image-only", text_encoder="small-resnet@nowhere.pt")
    assert "--text-encoder small-resnet@none" in missing.value.hint
    inner = BackboneWithText(make("image-only"), make("small-resnet@none"))
    with pytest.raises(ConfigError, match="cannot be separated from its image tower"):
        BackboneWithText(make("image-only"), inner)


def test_a_lender_comes_with_its_weights(tmp_path: Path) -> None:
    trained = make("small-resnet@none")
    save_file(trained.state_dict(), tmp_path / "w.safetensors")
    torch.manual_seed(5)
    backbone = create_backbone("image-only", text_encoder=f"small-resnet@{tmp_path / 'w.safetensors'}")
    assert torch.equal(backbone.eval().embed_text(TEXTS), trained.eval().embed_text(TEXTS))


@pytest.mark.parametrize("channels", [("R", "G", "B"), ("g", "r", "i", "z", "y")])
@pytest.mark.parametrize("lender", ["small-resnet@none", OPEN_CLIP["vit"]])
def test_models_with_a_borrowed_text_encoder_come_back(lender: str, channels: tuple[str, ...], tmp_path: Path) -> None:
    model = write_model(tmp_path / "m", "image-only", channels=channels, text_encoder=lender)
    assert not any("visual" in key or "text.image_tower" in key for key in load_file(tmp_path / "m" / WEIGHTS))
    again, record = load_network(find_model(tmp_path / "m"))
    assert record.text_encoder == lender
    images = torch.randn(2, len(channels), 16, 16)
    with torch.inference_mode():
        for found, wanted in zip(again(images), model(images), strict=True):
            assert torch.equal(found, wanted)
        assert torch.equal(again.embed_text(TEXTS), model.embed_text(TEXTS))
        assert torch.equal(again.embed_symbols(images), model.embed_symbols(images))
        assert not torch.allclose(again.embed_symbols(images), again(images)[0])


# --- what a plugin's author runs -------------------------------------------------------------------------------------


SLOWER = [pytest.param(OPEN_CLIP[kind], marks=pytest.mark.slow) for kind in ("convnext", "timm-vit", "timm-resnet")]


@pytest.mark.parametrize("name", [OPEN_CLIP["vit"], OPEN_CLIP["resnet"], "image-only", *SLOWER])
def test_check_backbone_passes(name: str) -> None:
    check_backbone(name)


class Spoilt(ImageOnly):
    on = False

    def blocks(self) -> list[list[nn.Parameter]]:
        return [list(self.net[0].parameters()), list(self.net[1].parameters())]

    def set_checkpointing(self, on: bool) -> None:
        pass


class Forgetful(Spoilt):
    def blocks(self) -> list[list[nn.Parameter]]:
        return super().blocks()[:1]


class Doubling(Spoilt):
    def blocks(self) -> list[list[nn.Parameter]]:
        return [*super().blocks(), [self.net[0].weight]]


class Empty(Spoilt):
    def blocks(self) -> list[list[nn.Parameter]]:
        return [*super().blocks(), []]


class Counting(Spoilt):
    """Its BatchNorm sees each batch twice, as with a plain checkpoint."""

    def set_checkpointing(self, on: bool) -> None:
        self.on = on

    def embed(self, images: torch.Tensor) -> torch.Tensor:
        if self.on:
            self.net(images)
        return self.net(images)


class Detaching(Spoilt):
    def set_checkpointing(self, on: bool) -> None:
        self.on = on

    def embed(self, images: torch.Tensor) -> torch.Tensor:
        found = self.net(images)
        return found + found.detach() - found.detach() if not self.on else 2 * found - found.detach()


@pytest.mark.parametrize(
    ("kind", "message"),
    [
        (Spoilt, ""),
        (Forgetful, r"contain 2 parameters \(2 different ones\), not each of the 4 of image_tower once"),
        (Doubling, r"contain 5 parameters \(4 different ones\)"),
        (Empty, "has a group without parameters"),
        (Counting, "checkpointing of 'odd@none' changes its"),
        (Detaching, "has different gradients with checkpointing"),
    ],
)
def test_check_backbone_finds(kind: type[Spoilt], message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(globals(), "_made", lambda **_: kind())
    spec = BackboneSpec(name="odd", factory=f"{__name__}:_made")
    plugins = get_registry().plugins
    plugins.register(SimpleNamespace(register_backbones=hookimpl(lambda: [spec])), "odd")
    try:
        if not message:
            check_backbone("odd@none")
            return
        with pytest.raises(AssertionError, match=message):
            check_backbone("odd@none")
    finally:
        plugins.unregister("odd")
