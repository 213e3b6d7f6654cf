"""Images of other channels than red, green and blue: gray, or bands by name."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import timm
import torch
import torchvision
from astropy.io import fits
from PIL import Image
from safetensors.torch import save_file
from support.small_backbones import OPEN_CLIP, register_small_backbones, write_model
from support.training_helpers import narrow_resnet
from timm.models import adapt_input_conv
from torch import nn

from galaxtool.backbones.channels import adapt_channels, adapt_weight
from galaxtool.backbones.create import create_backbone
from galaxtool.errors import ConfigError, ModelError, UnreadableImage
from galaxtool.images.reading import read_file
from galaxtool.models.directory import load_network
from galaxtool.models.engines.onnx import OnnxEngine
from galaxtool.models.engines.torch import TorchEngine
from galaxtool.models.find import RECORD, find_model
from galaxtool.models.onnx.comparison import compare_with_model
from galaxtool.models.onnx.file import write_onnx
from galaxtool.models.onnx.precision import make_example_images
from galaxtool.types import Cutout
from galaxtool.vision.augment import Augmentation, standardize
from galaxtool.vision.preprocess import GRAY, RGB, Preprocess, to_channels
from galaxtool.vision.stretch import Stretch, to_display

GRIZY = ("g", "r", "i", "z", "y")


@pytest.fixture(autouse=True, scope="module")
def _small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with register_small_backbones(tmp_path_factory.mktemp("architectures")), narrow_resnet():
        yield


def measured(bands: tuple[str, ...] = GRIZY, side: int = 24) -> Cutout:
    """Return a blob of another width and brightness in each band, over noise."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:side, :side] - side / 2
    planes = [10.0**b * np.exp(-(x**2 + 2 * y**2) / (4 + 6 * b)) for b in range(len(bands))]
    data = np.stack([plane + rng.normal(0, 0.01 * plane.max(), plane.shape) for plane in planes])
    return Cutout(data=data.astype(np.float32), bands=bands, source="five.fits")


def painted(side: int = 24) -> Cutout:
    data = np.random.default_rng(1).integers(0, 256, (3, side, side), dtype=np.uint8)
    return Cutout(data=data, bands=RGB, unit="display", source="a.png")


# --- preprocessing ---------------------------------------------------------------------------------------------------


def test_indexes_of_old_models_stay_valid() -> None:
    """The digests are those that galaxtool wrote before channels could be chosen."""
    clip = Preprocess(
        size=224, crop=0.8, mean=(0.48145466, 0.4578275, 0.40821073), std=(0.26862954, 0.26130258, 0.27577711),
        stretch=Stretch(name="asinh", softening=3),
    )  # fmt: skip
    assert Preprocess(size=64).digest == "328081299a2056751923538d0af13508d2b3462cfaa68552a8aafba5f962e8a2"
    assert clip.digest == "1fd69b810f095e3dfd50d3b6a3166ec8e90305c3d9a0442e0a68cd1e7a59ee51"
    assert "channels" not in clip.as_dict() and Preprocess.from_dict(clip.as_dict()) == clip


@pytest.mark.parametrize("channels", [GRAY, GRIZY, ("z",)])
def test_channels_come_back_and_change_the_digest(channels: tuple[str, ...]) -> None:
    preprocess = Preprocess(size=64, channels=channels)
    values = json.loads(json.dumps(preprocess.as_dict()))
    again = Preprocess.from_dict(values)
    assert again == preprocess and again.digest == preprocess.digest != Preprocess(size=64).digest
    assert Preprocess(size=64, channels=GRIZY).digest != Preprocess(size=64, channels=GRIZY[::-1]).digest


@pytest.mark.parametrize("channels", [(), ("g", "g"), ("g", ""), ("gray", "g")])
def test_channels_that_make_no_sense(channels: tuple[str, ...]) -> None:
    with pytest.raises(ConfigError, match="not"):
        Preprocess(size=64, channels=channels)


def test_gray_is_the_picture_in_gray() -> None:
    colours = Preprocess(size=17, crop=0.9)
    gray = replace(colours, channels=GRAY)
    for cutout in (painted(), measured(("g", "r", "z"))):
        wanted = np.asarray(Image.fromarray(colours.picture(cutout)).convert("L"))
        assert np.array_equal(gray.picture(cutout), wanted[:, :, None])
    one = measured(("r",))
    assert np.array_equal(gray.picture(one)[..., 0], colours.picture(one)[..., 0])


def test_each_band_is_stretched_by_itself() -> None:
    cutout = measured()
    found = Preprocess(size=24, channels=GRIZY).picture(cutout)
    assert found.shape == (24, 24, 5) and found.dtype == np.uint8
    for k in range(5):
        alone = replace(cutout, data=cutout.data[k : k + 1], bands=(GRIZY[k],))
        assert np.array_equal(found[..., k], to_display(alone)[..., 0])
        brighter = cutout.data.copy()
        brighter[:k] *= 7
        same = Preprocess(size=24, channels=GRIZY).picture(replace(cutout, data=brighter))
        assert np.array_equal(found[..., k], same[..., k])
    chosen = Preprocess(size=24, channels=("y", "g")).picture(cutout)
    assert np.array_equal(chosen, found[..., [4, 0]])


def test_bands_are_cut_and_resized_as_colours_are() -> None:
    cutout = painted(31)
    colours = Preprocess(size=16, crop=0.7)
    assert np.array_equal(replace(colours, channels=("B", "R")).picture(cutout), colours.picture(cutout)[..., [2, 0]])
    assert np.array_equal(
        replace(colours, channels=("B", "R", "G")).picture(cutout), colours.picture(cutout)[..., [2, 0, 1]]
    )
    five = Preprocess(size=16, crop=0.7, channels=GRIZY)
    three = replace(five, channels=GRIZY[:3])
    assert np.array_equal(five.picture(measured())[..., :3], three.picture(measured()))


@pytest.mark.parametrize(
    ("cutout", "message"),
    [
        (measured(("g", "r", "z")), "'five.fits' has no band 'i': its bands are g, r, z."),
        (replace(painted(), bands=("",), data=painted().data[:1]), "has no band 'g': it does not name any."),
    ],
)
def test_a_band_that_is_not_there(cutout: Cutout, message: str) -> None:
    channels = ("g", "i") if "i" in message else ("r",)
    with pytest.raises(UnreadableImage) as caught:
        Preprocess(size=24, channels=channels).picture(cutout)
    assert message in caught.value.message and ", ".join(channels) in caught.value.hint


def test_people_are_shown_colours() -> None:
    for cutout in (measured(), painted()):
        wanted = Preprocess(size=20).picture(cutout)
        for channels in (GRAY, GRIZY):
            assert np.array_equal(Preprocess(size=20, channels=channels).display(cutout), wanted)


@pytest.mark.parametrize("n", [1, 3, 5])
def test_training_and_inference_normalise_alike(n: int) -> None:
    mean, std = (0.1, 0.4, 0.7), (0.2, 0.3, 0.7)
    pictures = np.random.default_rng(0).integers(0, 256, (2, 4, 4, n), dtype=np.uint8)
    found = Preprocess(size=4, mean=mean, std=std).normalize(pictures)
    centre, spread = (np.array(v) if n == 3 else np.full(n, np.mean(v)) for v in (mean, std))
    wanted = ((pictures / 255 - centre) / spread).transpose(0, 3, 1, 2)
    assert found.dtype == np.float32 and found.shape == (2, n, 4, 4)
    np.testing.assert_allclose(found, wanted, atol=1e-5)
    plain = torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 255
    np.testing.assert_allclose(standardize(plain, mean, std).numpy(), wanted, atol=1e-5)


def test_drawings_in_gray() -> None:
    drawing = np.random.default_rng(0).integers(0, 256, (2, 9, 9, 3), dtype=np.uint8)
    gray = np.stack([np.asarray(Image.fromarray(one).convert("L")) for one in drawing])
    for n in (1, 2, 5):
        found = to_channels(drawing, n)
        assert found.dtype == np.uint8 and np.array_equal(found, np.stack([gray] * n, axis=-1))
        assert to_channels(found, n) is found
    assert to_channels(drawing, 3) is drawing


# --- augmentation ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("n", [1, 3, 5])
def test_gain_of_each_channel(n: int) -> None:
    """Of three channels the draws are what they always were: nine an item, the last three the colours'."""
    pictures = torch.full((4, 3, 3, n), 100, dtype=torch.uint8)
    still = Augmentation(rotate=False, zoom=1.0, shift=0.0, gain=0.2)
    found = still.images(pictures, seed=1, epoch=2, items=[7, 3, 9, 0])
    assert found.shape == (4, n, 3, 3)
    for row, item in enumerate([7, 3, 9, 0]):
        draws = np.random.default_rng((1, 2, item)).random(6 + n)
        wanted = 100 / 255 * (1 + 0.2 * (2 * draws[5] - 1) + 0.04 * (2 * draws[6:] - 1))
        np.testing.assert_allclose(found[row, :, 1, 1].numpy(), wanted, rtol=1e-5)


def test_bands_move_together() -> None:
    one = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (3, 12, 12, 1), dtype=np.uint8))
    found = Augmentation(gain=0.0).images(one.repeat(1, 1, 1, 5), seed=0, epoch=1, items=[1, 2, 3])
    assert found.shape == (3, 5, 12, 12)
    torch.testing.assert_close(found, found[:, :1].expand(-1, 5, -1, -1))
    symbols = Augmentation().symbols(one.repeat(1, 1, 1, 5)[:, None], seed=0, epoch=1, step=1)
    assert symbols.shape == (3, 5, 12, 12)
    for symbol in symbols:  # which are tinted
        assert torch.corrcoef(symbol.flatten(1)).min() > 0.95


# --- backbones -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("n", [1, 2, 3, 4, 5, 6, 7])
def test_weights_are_adapted_as_timm_does(n: int, dtype: torch.dtype) -> None:
    weight = torch.randn(8, 3, 5, 4, generator=torch.Generator().manual_seed(0)).to(dtype)
    if n != 3:
        assert torch.equal(adapt_weight(weight, n), adapt_input_conv(n, weight))
    convolution = nn.Conv2d(3, 8, 3, dtype=dtype)
    backbone = Wrapped(nn.Sequential(convolution, nn.AdaptiveAvgPool2d(1), nn.Flatten()), 8, 16)
    before = convolution.weight.detach().clone()
    adapt_channels(backbone, n)
    assert torch.equal(convolution.weight, adapt_input_conv(n, before)) and convolution.in_channels == n


class Wrapped(nn.Module):
    def __init__(self, tower: nn.Module, dim: int, image_size: int) -> None:
        super().__init__()
        self.image_tower, self.dim, self.image_size = tower, dim, image_size

    def embed(self, images: torch.Tensor) -> torch.Tensor:
        return self.image_tower(images)


def foreign(kind: str) -> Wrapped:
    """Return a tower of timm or torchvision."""
    if kind.startswith("timm:"):
        net = timm.create_model(kind.removeprefix("timm:"), num_classes=0)
        return Wrapped(net, net.num_features, 160 if "vit" in kind else 64)
    if kind == "torchvision vit":
        vit = torchvision.models.VisionTransformer(
            image_size=32, patch_size=16, num_layers=1, num_heads=2, hidden_dim=16, mlp_dim=32
        )
        vit.heads = nn.Identity()
        return Wrapped(vit, 16, 32)
    block = torchvision.models.resnet.BasicBlock
    return Wrapped(torchvision.models.ResNet(block, [1, 1, 1, 1], num_classes=7), 7, 64)


KINDS = [
    "small-resnet@none", *(pytest.param(kind, marks=pytest.mark.slow) for kind in OPEN_CLIP.values()),
    "timm:test_resnet", "timm:test_vit", "timm:test_efficientnet", "torchvision vit", "torchvision resnet",
]  # fmt: skip


@pytest.mark.parametrize("kind", KINDS)
def test_a_gray_picture_in_any_number_of_channels_is_embedded_as_in_three(kind: str) -> None:
    """One channel's weight is the sum, and six channels' are the three twice, halved."""
    torch.manual_seed(0)
    colours = (create_backbone(kind) if "@" in kind else foreign(kind)).eval()
    gray = torch.randn(2, 1, colours.image_size, colours.image_size)
    with torch.no_grad():
        wanted = colours.embed(gray.expand(-1, 3, -1, -1))
        for n in (1, 6):
            other = copy.deepcopy(colours)
            adapt_channels(other, n)
            torch.testing.assert_close(other.embed(gray.expand(-1, n, -1, -1)), wanted, rtol=1e-4, atol=1e-5)
            assert not other.training
    changed = copy.deepcopy(colours).train()
    before = {k: v.clone() for k, v in changed.state_dict().items()}
    adapt_channels(changed, 5)
    assert all(module.training for module in changed.image_tower.modules())
    differing = [
        k for k, v in changed.state_dict().items() if v.shape != before[k].shape or not torch.equal(v, before[k])
    ]
    assert len(differing) == 1, "the first convolution and nothing else"


class TwoEyes(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.left, self.right = nn.Conv2d(3, 4, 8), nn.Conv2d(3, 4, 8)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return (self.left(images) + self.right(images)).flatten(1)


@pytest.mark.parametrize("tower", [nn.Sequential(nn.Flatten(), nn.Linear(192, 4)), TwoEyes()])
def test_towers_that_cannot_be_adapted(tower: nn.Module) -> None:
    with pytest.raises(ConfigError, match="'Wrapped' takes red, green and blue only, not 5 channels"):
        adapt_channels(Wrapped(tower, 4, 8), 5)


def test_no_channels() -> None:
    with pytest.raises(ConfigError, match="one channel or more, not 0"):
        create_backbone("small-resnet@none", channels=0)


def test_weights_of_three_channels_and_of_just_these(tmp_path: Path) -> None:
    torch.manual_seed(0)
    three, five = create_backbone("small-resnet@none"), create_backbone("small-resnet@none", channels=5)
    for name, backbone in (("three", three), ("five", five)):
        save_file({f"backbone.{k}": v for k, v in backbone.state_dict().items()}, tmp_path / f"{name}.safetensors")
    again = create_backbone(f"small-resnet@{tmp_path / 'five.safetensors'}", channels=5).state_dict()
    assert all(torch.equal(v, again[k]) for k, v in five.state_dict().items())
    adapted = create_backbone(f"small-resnet@{tmp_path / 'three.safetensors'}", channels=5)
    stem, wanted = "image_tower.stem.0.0.weight", three.get_parameter("image_tower.stem.0.0.weight")
    assert torch.equal(adapted.get_parameter(stem), adapt_input_conv(5, wanted.detach()))
    with pytest.raises(ModelError, match=rf"'{stem}' has shape \(4, 5, 3, 3\) where this architecture has \(4, 3"):
        create_backbone(f"small-resnet@{tmp_path / 'five.safetensors'}", channels=4)
    with pytest.raises(ModelError, match=rf"'{stem}' has shape \(4, 5, 3, 3\)"):
        create_backbone(f"small-resnet@{tmp_path / 'five.safetensors'}")


# --- models ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("backbone", ["small-resnet@none", OPEN_CLIP["vit"]])
@pytest.mark.parametrize("channels", [GRAY, GRIZY])
def test_models_come_back(channels: tuple[str, ...], backbone: str, tmp_path: Path) -> None:
    model = write_model(tmp_path / "m", backbone, channels=channels)
    again, record = load_network(find_model(tmp_path / "m"))
    preprocess = record.make_preprocess()
    assert preprocess.channels == channels
    pictures = np.stack([preprocess.picture(measured())] * 2)
    images = torch.from_numpy(preprocess.normalize(pictures))
    assert images.shape[1] == len(channels)
    with torch.inference_mode():
        for found, wanted in zip(again(images), model(images), strict=True):
            assert torch.equal(found, wanted)
        assert torch.equal(again.embed_symbols(images), model.embed_symbols(images))


def test_a_model_of_an_older_galaxtool_looks_at_colours(tmp_path: Path) -> None:
    write_model(tmp_path / "m", "small-resnet@none")
    values: dict[str, Any] = json.loads((tmp_path / "m" / RECORD).read_text())
    assert "channels" not in values["preprocess"]
    values.pop("text_encoder")
    (tmp_path / "m" / RECORD).write_text(json.dumps(values))
    model, record = load_network(find_model(tmp_path / "m"))
    assert record.make_preprocess().channels == RGB and model.embed_symbols(torch.zeros(1, 3, 64, 64)).shape == (1, 256)


def test_symbols_are_drawn_in_colours_for_any_model(tmp_path: Path) -> None:
    write_model(tmp_path / "m", "small-resnet@none", channels=GRIZY)
    engine = TorchEngine(find_model(tmp_path / "m"), "cpu")
    drawing = np.random.default_rng(0).integers(0, 256, (2, 64, 64, 3), dtype=np.uint8)
    found = engine.embed_symbols(drawing)
    assert np.array_equal(found, engine.embed_symbols(to_channels(drawing, 5)))
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, rtol=1e-5)


@pytest.mark.parametrize("channels", [GRAY, GRIZY])
def test_simulated_galaxies_stand_for_any_bands(channels: tuple[str, ...]) -> None:
    images = make_example_images(Preprocess(size=32, channels=channels), 2, seed=0)
    assert images.shape == (2, len(channels), 32, 32) and images.std(axis=(2, 3)).min() > 0.05


@pytest.mark.slow
@pytest.mark.parametrize("channels", [GRAY, GRIZY])
def test_onnx_of_other_channels(channels: tuple[str, ...], tmp_path: Path) -> None:
    folder = tmp_path / "m"
    write_model(folder, "small-resnet@none", channels=channels)
    model, record = load_network(find_model(folder))
    write_onnx(folder / "model.onnx", model, record)
    found = compare_with_model(
        folder / "model.onnx", model, make_example_images(record.make_preprocess(), 4, seed=0), (1, 3)
    )
    assert found.least_cosine > 0.99999 and found.largest_difference < 1e-4
    by_onnx, by_torch = (
        OnnxEngine(find_model(folder), "cpu"),
        TorchEngine(find_model(folder), "cpu", "fp32"),
    )
    (given,) = by_onnx.session.get_inputs()
    assert given.name == "image" and given.shape[1:] == [len(channels), 64, 64]
    pictures = np.stack([record.make_preprocess().picture(measured())] * 3)
    np.testing.assert_allclose(by_onnx.run(pictures).embedding, by_torch.run(pictures).embedding, atol=1e-5)


def test_real_bands_from_a_file(tmp_path: Path) -> None:
    """A cube with named bands, through the reader."""
    header = fits.Header()
    header["BANDS"] = "grizy"
    fits.writeto(tmp_path / "cube.fits", measured().data, header)
    cutout = read_file(tmp_path / "cube.fits")
    assert cutout.bands == GRIZY
    assert np.array_equal(
        Preprocess(size=24, channels=GRIZY).picture(cutout), Preprocess(size=24, channels=GRIZY).picture(measured())
    )
