"""What a model looks at: preprocessing, augmentation, device and precision."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from galaxtool.errors import ConfigError
from galaxtool.types import NAN_PIXELS, UPSAMPLED, Cutout
from galaxtool.vision.augment import Augmentation, standardize, warp
from galaxtool.vision.device import autocast, choose_device, choose_precision, find_fastest_precision, list_devices
from galaxtool.vision.preprocess import Preprocess, resize
from galaxtool.vision.stretch import Stretch, to_display

CPU = torch.device("cpu")


def display(picture: np.ndarray) -> Cutout:
    """Return a cutout that is shown as `picture`, (ny, nx, 3), top row first."""
    return Cutout(data=picture[::-1].transpose(2, 0, 1), bands=("R", "G", "B"), unit="display")


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape, dtype=np.uint8)


# --- preprocessing ---------------------------------------------------------------------------------------------------


def test_a_picture_of_the_right_size_passes_as_it_is() -> None:
    picture = noise(16, 16, 3)
    assert np.array_equal(Preprocess(size=16).picture(display(picture)), picture)


def test_first_row_of_fits_data_is_the_bottom_row() -> None:
    data = np.zeros((1, 16, 16), dtype=np.float32)
    data[0, :4] = 1.0
    shown = Preprocess(size=16, stretch=Stretch(name="linear")).picture(Cutout(data=data, bands=("",)))
    assert shown[-1].min() > shown[0].max()


@pytest.mark.parametrize(("ny", "nx"), [(20, 40), (40, 20), (21, 40)])
def test_the_central_square_is_kept(ny: int, nx: int) -> None:
    picture = noise(ny, nx, 3)
    side = min(ny, nx)
    top, left = (ny - side) / 2, (nx - side) / 2
    shown = Preprocess(size=side).picture(display(picture))
    if top == int(top) and left == int(left):
        assert np.array_equal(shown, picture[int(top) : int(top) + side, int(left) : int(left) + side])
    assert shown.shape == (side, side, 3)


def test_crop_keeps_a_fraction_about_the_centre() -> None:
    picture = noise(32, 32, 3)
    assert np.array_equal(Preprocess(size=16, crop=0.5).picture(display(picture)), picture[8:24, 8:24])


def test_brightness_is_kept_in_resizing() -> None:
    picture = np.full((57, 57, 3), (10, 100, 200), dtype=np.uint8)
    assert (Preprocess(size=24, crop=0.7).picture(display(picture)) == (10, 100, 200)).all()


@pytest.mark.parametrize("bands", [("r",), ("g", "r", "z"), ("R", "G", "B")])
@pytest.mark.parametrize(("ny", "nx", "size", "crop"), [(90, 131, 32, 0.55), (64, 40, 48, 0.5), (33, 33, 16, 1.0)])
def test_the_square_is_that_of_the_whole_picture(
    bands: tuple[str, ...], ny: int, nx: int, size: int, crop: float
) -> None:
    """What lies outside of the square is not stretched, and makes no difference."""
    data = np.random.default_rng(1).exponential(1.0, (len(bands), ny, nx)).astype(np.float32)
    cutout = Cutout(data=data, bands=bands, unit="adu")
    if bands[0] == "R":
        cutout = display(noise(ny, nx, 3))
    side = crop * min(ny, nx)
    left, top = (nx - side) / 2, (ny - side) / 2
    wanted = resize(to_display(cutout), size, (left, top, left + side, top + side))
    assert np.array_equal(Preprocess(size=size, crop=crop).picture(cutout), wanted)


@pytest.mark.parametrize(("side", "crop", "flagged"), [(64, 1.0, False), (63, 1.0, True), (64, 0.75, False)])
def test_too_small_images_are_flagged(side: int, crop: float, flagged: bool) -> None:
    cutout = display(noise(side, side + 9, 3)).with_flags(NAN_PIXELS)
    wanted = (NAN_PIXELS, UPSAMPLED) if flagged else (NAN_PIXELS,)
    assert Preprocess(size=64, crop=crop).flags(cutout) == wanted


@settings(max_examples=20, deadline=None)
@given(pictures=hnp.arrays(np.uint8, (2, 4, 4, 3)), mean=st.floats(0, 1), std=st.floats(0.1, 1))
def test_training_and_inference_normalise_alike(pictures: np.ndarray, mean: float, std: float) -> None:
    """numpy for ONNX Runtime, torch in training."""
    preprocess = Preprocess(size=4, mean=(mean, 0.4, 0.5), std=(std, 0.2, 0.3))
    found = preprocess.normalize(pictures)
    assert found.dtype == np.float32 and found.shape == (2, 3, 4, 4) and found.flags.c_contiguous
    plain = torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 255
    wanted = standardize(plain, preprocess.mean, preprocess.std)
    np.testing.assert_allclose(found, wanted.numpy(), atol=1e-5)
    exact = (pictures[1, 2, 3, 1] / 255 - 0.4) / 0.2
    assert found[1, 1, 2, 3] == pytest.approx(exact, abs=1e-5)


def test_settings_come_back_and_their_digest_tells_them_apart() -> None:
    first = Preprocess(size=64, crop=0.8, mean=(0.1, 0.2, 0.3), stretch=Stretch(name="asinh", softening=3))
    again = Preprocess.from_dict(first.as_dict())
    assert again == first and again.digest == first.digest and len(first.digest) == 64
    others = [
        replace(first, size=65), replace(first, crop=0.9), replace(first, std=(0.5, 0.5, 0.4)),
        replace(first, stretch=Stretch(name="asinh", softening=4)),
    ]  # fmt: skip
    assert len({first.digest, *(other.digest for other in others)}) == 5


# --- augmentation ----------------------------------------------------------------------------------------------------

STILL = Augmentation(rotate=False, zoom=1.0, shift=0.0, gain=0.0)


def test_disabled_augmentation_changes_nothing() -> None:
    pictures = torch.from_numpy(noise(3, 9, 9, 3))
    found = STILL.images(pictures, seed=0, epoch=0, items=[4, 5, 6])
    torch.testing.assert_close(found, pictures.permute(0, 3, 1, 2) / 255, atol=1e-5, rtol=0)


@pytest.mark.parametrize("turns", [0, 1, 2, 3])
@pytest.mark.parametrize("mirror", [1.0, -1.0])
def test_warping_by_quarter_turns_is_exact(turns: int, mirror: float) -> None:
    images = torch.rand(1, 3, 8, 8, generator=torch.Generator().manual_seed(0))
    c, s = [(1, 0), (0, 1), (-1, 0), (0, -1)][turns]
    found = warp(images, np.array([[[mirror * c, -s, 0], [mirror * s, c, 0]]]), padding="zeros")
    every = [torch.rot90(x, k, (2, 3)) for x in (images, images.flip(3)) for k in range(4)]
    assert sum(torch.allclose(found, one, atol=1e-5) for one in every) == 1


def test_a_galaxy_stays_a_galaxy() -> None:
    """Rotation, mirroring and shift keep the flux of a source that lies well within the frame."""
    y, x = np.mgrid[:33, :33] - 16
    blob = 200 * np.exp(-(x**2 + (2 * y) ** 2) / 18)
    pictures = torch.from_numpy(np.repeat(blob[None, :, :, None], 3, axis=3).astype(np.uint8))
    whirl = Augmentation(zoom=1.0, gain=0.0)
    total = pictures.float().mean().item() / 255
    for item in range(20):
        found = whirl.images(pictures, seed=1, epoch=2, items=[item])
        assert found.mean().item() == pytest.approx(total, rel=0.03)


def test_sky_reaches_to_the_edge() -> None:
    pictures = torch.full((20, 16, 16, 3), 80, dtype=torch.uint8)
    found = Augmentation(gain=0.0).images(pictures, seed=0, epoch=0, items=range(20))
    torch.testing.assert_close(found, torch.full_like(found, 80 / 255))


def test_gain_is_bounded() -> None:
    pictures = torch.full((200, 2, 2, 3), 100, dtype=torch.uint8)
    found = Augmentation(gain=0.15).images(pictures, seed=0, epoch=0, items=range(200)) / (100 / 255)
    assert 0.82 <= found.min() < 0.87 and 1.13 < found.max() <= 1.18
    bright = Augmentation(gain=0.5).images(
        torch.full((50, 2, 2, 3), 250, dtype=torch.uint8), seed=0, epoch=0, items=range(50)
    )
    assert bright.max() == 1 and bright.min() >= 0


def test_changes_depend_on_seed_epoch_and_item_only() -> None:
    pictures = torch.from_numpy(noise(4, 12, 12, 3))
    augment = Augmentation()
    whole = augment.images(pictures, seed=1, epoch=2, items=[7, 3, 9, 0])
    parts = [augment.images(pictures[i : i + 1], seed=1, epoch=2, items=[item]) for i, item in enumerate([7, 3, 9, 0])]
    torch.testing.assert_close(whole, torch.cat(parts))
    same = pictures[:1].expand(4, -1, -1, -1)
    variants = [
        augment.images(same, seed=1, epoch=2, items=[7, 7, 3, 9]),
        augment.images(same, seed=1, epoch=3, items=[7, 7, 3, 9]),
        augment.images(same, seed=2, epoch=2, items=[7, 7, 3, 9]),
    ]
    assert torch.equal(variants[0][0], variants[0][1])
    distinct = [variants[0][0], variants[0][2], variants[0][3], variants[1][0], variants[2][0]]
    assert not any(torch.allclose(a, b, atol=1e-3) for i, a in enumerate(distinct) for b in distinct[:i])


def test_symbols_are_redrawn_each_step() -> None:
    drawings = torch.zeros(2, 1, 24, 24, 3, dtype=torch.uint8)
    drawings[:, :, 10:14, 4:20] = 255
    augment = Augmentation()
    first, again, later = (augment.symbols(drawings, seed=0, epoch=1, step=step) for step in (3, 3, 4))
    assert torch.equal(first, again) and not torch.allclose(first, later, atol=1e-2)
    assert not torch.allclose(first[0], first[1], atol=1e-2)
    assert first.shape == (2, 3, 24, 24) and first.min() >= 0 and first.max() <= 1
    every = torch.cat([augment.symbols(drawings, seed=0, epoch=0, step=step) for step in range(40)])
    drawn = every.amax(dim=(1, 2, 3))
    assert drawn.min() > 0.5, "a symbol must not fade away"
    ink = (every > 0.3).float().mean(dim=(1, 2, 3))
    assert ink.max() > 1.3 * ink.min(), "the stroke varies"


# --- device and precision --------------------------------------------------------------------------------------------


def test_devices() -> None:
    assert list_devices()[-1] == "cpu"
    assert choose_device("cpu") == CPU
    assert str(choose_device("auto")) == list_devices()[0].partition(" ")[0]


@pytest.mark.parametrize("name", ["gpu", "cuda:99", "", "cpu!"])
def test_a_missing_device_is_refused(name: str) -> None:
    with pytest.raises(ConfigError, match="There is no device") as caught:
        choose_device(name)
    assert "cpu" in caught.value.hint


@pytest.mark.parametrize(
    ("capabilities", "wanted"),
    [
        ({"amx_bf16": True}, "bf16"),
        ({"avx512_bf16": True, "amx_bf16": False}, "fp32"),
        ({"amx_bf16": False, "avx512_bf16": False, "avx512_f": True}, "fp32"),
        ({"architecture": "aarch64"}, "fp32"),
        ({}, "fp32"),
    ],
)
def test_bf16_is_fastest_only_on_processors_with_amx(
    capabilities: dict[str, Any], wanted: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)
    assert find_fastest_precision("cpu") == wanted and choose_precision("auto", CPU) == "fp32"


def test_torch_without_capabilities(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert find_fastest_precision(CPU) == "fp32"


@pytest.mark.parametrize(("bf16", "wanted"), [(True, "bf16"), (False, "fp16")])
def test_precision_of_a_gpu(bf16: bool, wanted: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda: bf16)
    cuda: Any = SimpleNamespace(type="cuda")
    monkeypatch.setattr("galaxtool.vision.device.torch.device", lambda name: name)
    assert find_fastest_precision(cuda) == wanted and choose_precision("auto", cuda) == "fp32"
    assert choose_precision("fp16", cuda) == "fp16"


def test_precisions_by_name() -> None:
    assert [choose_precision(name, CPU) for name in ("fp32", "bf16")] == ["fp32", "bf16"]
    for name, message in (
        ("fp16", "needs a CUDA device"),
        ("half", "--precision is 'half', which is not one of"),
    ):
        with pytest.raises(ConfigError, match=message):
            choose_precision(name, CPU)


def test_autocast_computes_in_the_precision() -> None:
    a = torch.rand(4, 4)
    with autocast(CPU, "bf16"):
        assert (a @ a).dtype == torch.bfloat16
    with autocast(CPU, "fp32"):
        assert (a @ a).dtype == torch.float32


def test_augmentation_is_as_fine_in_half_precision() -> None:
    pictures = torch.from_numpy(np.random.default_rng(0).integers(0, 255, (3, 64, 64, 3), dtype=np.uint8))
    plain = Augmentation().images(pictures, seed=1, epoch=2, items=[0, 1, 2])
    drawn = Augmentation().symbols(pictures[:, None], seed=1, epoch=2, step=0)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(Augmentation().images(pictures, seed=1, epoch=2, items=[0, 1, 2]), plain)
        assert torch.equal(Augmentation().symbols(pictures[:, None], seed=1, epoch=2, step=0), drawn)
