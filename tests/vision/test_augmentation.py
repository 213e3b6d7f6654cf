"""The augmentations that ``--augment`` names: what each may change, and that it depends on nothing but the item."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import gaussian_filter

from galaxtool.vision.augment import Augmentation
from galaxtool.vision.augmentation_names import make_augmentation
from galaxtool.vision.multicrop import MultiCrop
from galaxtool.vision.survey import SurveyAugmentation

NAMES = ("none", "flips", "standard", "survey")
STILL = {"rotate": False, "zoom": 1.0, "shift": 0.0, "gray": 0.0, "saturation": (1.0, 1.0), "gain": 0.0}
STILL |= {"balance": 0.0, "black": 0.0, "gamma": 1.0, "blur": 0.0, "noise": 0.0}


def draw_pictures(n: int = 12, side: int = 32, channels: int = 3) -> torch.Tensor:
    """Draw noise around a bright middle."""
    y, x = np.mgrid[:side, :side] / side - 0.5
    middle = 180 * np.exp(-(x**2 + 2 * y**2) / 0.02)[None, :, :, None]
    noise = np.random.default_rng(0).integers(5, 60, (n, side, side, channels))
    return torch.from_numpy((middle + noise).astype(np.uint8))


def show(pictures: torch.Tensor) -> torch.Tensor:
    return pictures.permute(0, 3, 1, 2).double() / 255


def test_none_changes_nothing() -> None:
    pictures = draw_pictures()
    found = make_augmentation("none").images(pictures, seed=1, epoch=2, items=range(12))
    torch.testing.assert_close(found.double(), show(pictures), rtol=0, atol=1e-7)


def test_flips_are_the_eight_symmetries_of_a_square_and_keep_every_pixel() -> None:
    picture = draw_pictures(1)
    whole = picture.expand(200, -1, -1, -1)
    found = make_augmentation("flips").images(whole, seed=1, epoch=2, items=range(200)).double()
    own = show(picture)[0]
    eight = [torch.rot90(view, k, (1, 2)) for view in (own, own.flip(2)) for k in range(4)]
    seen = [[bool(torch.allclose(image, view, atol=1e-7)) for view in eight] for image in found]
    assert all(sum(row) == 1 for row in seen)
    assert min(np.sum(seen, axis=0)) > 10  # each about 25 times


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("channels", [1, 3, 4])
def test_an_image_depends_on_its_seed_epoch_and_item_only(name: str, channels: int) -> None:
    pictures, augmentation = draw_pictures(channels=channels), make_augmentation(name)
    whole = augmentation.images(pictures, seed=1, epoch=2, items=range(12))
    assert whole.shape == (12, channels, 32, 32) and whole.dtype == torch.float32
    assert float(whole.min()) >= 0 and float(whole.max()) <= 1 and bool(whole.isfinite().all())
    few = augmentation.images(pictures[[7, 2]], seed=1, epoch=2, items=[7, 2])
    torch.testing.assert_close(few, whole[[7, 2]], rtol=0, atol=1e-6)
    for other in ({"seed": 2, "epoch": 2}, {"seed": 1, "epoch": 3}):
        assert (augmentation.images(pictures, **other, items=range(12)) == whole).all() == (name == "none")


@pytest.mark.parametrize("name", NAMES)
def test_symbols_are_redrawn_whatever_the_images(name: str) -> None:
    drawings = draw_pictures(3)[:, None]
    found = make_augmentation(name).symbols(drawings, seed=1, epoch=2, step=3)
    torch.testing.assert_close(found, Augmentation().symbols(drawings, seed=1, epoch=2, step=3))
    assert not torch.allclose(found, make_augmentation(name).symbols(drawings, seed=1, epoch=2, step=4))


def test_redraws_depend_on_seed_epoch_step_copy_and_class_only() -> None:
    drawings = draw_pictures(6).reshape(2, 3, *draw_pictures(1).shape[1:])
    augmentation = Augmentation()

    def draw(copies: int, classes: int = 2, **other: int) -> torch.Tensor:
        return augmentation.symbols(drawings[:classes], copies=copies, **{"seed": 1, "epoch": 2, "step": 3, **other})

    few, many = draw(2), draw(5)
    assert many.shape == (10, 3, *drawings.shape[2:4]) and torch.equal(few, many[:4])
    assert many.min() >= 0 and many.max() <= 1
    assert torch.equal(draw(1, classes=1)[0], many[0])
    for other in ({"seed": 2}, {"epoch": 3}, {"step": 4}):
        assert not torch.allclose(draw(1, **other), few[:2], atol=1e-2)


def test_each_redraw_is_of_one_of_the_drawings_of_its_class() -> None:
    drawings = torch.zeros(2, 3, 32, 32, 3, dtype=torch.uint8)
    for k, v in np.ndindex(2, 3):  # colours tell the drawings apart, however they are redrawn
        drawings[k, v, 8:24, 8:24, v] = 255
        drawings[k, v, 8:24, 8:24, (v + 1) % 3] = 120 * k
    found = Augmentation().symbols(drawings, seed=0, epoch=0, step=0, copies=90)
    light = found.sum(dim=(2, 3)).reshape(90, 2, 3)
    brightest = light.argmax(dim=2).numpy()
    for k in range(2):
        assert np.bincount(brightest[:, k], minlength=3).min() > 15, "every drawing is taken about as often"
    share = light / light.sum(dim=2, keepdim=True)
    second = share.gather(2, ((light.argmax(dim=2, keepdim=True) + 1) % 3)).squeeze(2).mean(dim=0)
    assert second[1] > 1.3 * second[0], "no drawing of another class"


def test_a_survey_without_strength_leaves_an_image_as_it_is() -> None:
    pictures = draw_pictures()
    found = SurveyAugmentation(**STILL).images(pictures, seed=1, epoch=2, items=range(12))
    torch.testing.assert_close(found.double(), show(pictures), rtol=0, atol=1e-5)


def test_a_fifth_of_the_images_of_a_survey_is_gray_and_its_noise_too() -> None:
    pictures = draw_pictures(400, side=8)
    found = make_augmentation("survey").images(pictures, seed=1, epoch=2, items=range(400))
    spread = (found.amax(dim=1) - found.amin(dim=1)).amax(dim=(1, 2))
    assert 0.14 < float((spread < 1e-5).float().mean()) < 0.26


def test_the_blur_of_a_survey_is_a_gaussian() -> None:
    pictures = draw_pictures(60)
    survey = SurveyAugmentation(**{**STILL, "blur": 0.06})
    found = survey.images(pictures, seed=1, epoch=2, items=range(60)).numpy()
    errors = []
    for i in range(60):
        own = show(pictures)[i].numpy()
        blurred = [gaussian_filter(own, (0, w, w), mode="mirror", truncate=4) for w in np.linspace(0, 0.06 * 32, 200)]
        errors.append(min(np.abs(found[i] - one).max() for one in blurred))
    assert max(errors) < 0.01
    assert 15 < sum(np.allclose(found[i], show(pictures)[i], atol=1e-5) for i in range(60)) < 45


def test_a_wider_view_shows_a_galaxy_once_and_keeps_the_level_of_the_sky() -> None:
    pictures = draw_pictures(40, side=64)
    pictures[:, 2:5, 30:33] = 255  # a star near the edge
    survey = SurveyAugmentation(**{**STILL, "zoom": 2.0})
    found = survey.images(pictures, seed=1, epoch=2, items=range(40)).mean(dim=1)
    smooth = torch.nn.functional.avg_pool2d(found[:, None], 3, 1, 1)[:, 0]
    columns = smooth.amax(dim=1)
    assert bool((columns[:, :8] < 0.3).all()) and bool((columns[:, -8:] < 0.3).all())
    borders = torch.cat([found[:, :4].flatten(1), found[:, -4:].flatten(1)], dim=1).median(dim=1).values
    assert bool((borders - 32 / 255).abs().max() < 0.05)
    middle = found[:, 24:40, 24:40].sum(dim=(1, 2))
    assert float(middle.max() / middle.min()) > 1.5  # some are shown smaller, others larger


def test_crops_can_be_turned_by_quarters() -> None:
    pictures = draw_pictures(1).expand(40, -1, -1, -1)
    crops = MultiCrop(
        size=32, local_size=16, local_crops=0, global_scale=(1, 1), quarter_turns=True, gain=0, blur=0, noise=0
    )
    for crop in crops.crops(pictures, seed=1, epoch=0, items=range(40)):
        own = show(pictures)[0]
        eight = torch.stack([torch.rot90(view, k, (1, 2)) for view in (own, own.flip(2)) for k in range(4)])
        nearest = (crop.double()[:, None] - eight).abs().amax(dim=(2, 3, 4)).amin(dim=1)
        assert float(nearest.max()) < 1e-4
