"""Pictures with a margin: what the model sees without augmentation, and what the augmentation makes of them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from galaxtool.training.task import PictureSet
from galaxtool.types import Cutout
from galaxtool.vision.augmentation_names import make_augmentation
from galaxtool.vision.preprocess import Preprocess

SIZE, MARGIN = 48, 1.5


def make_cutout() -> Cutout:
    """Return a smooth picture of 200 pixels, another in each channel."""
    y, x = np.mgrid[:200, :200] / 200
    planes = [np.sin(5 * x + 2 * y), np.cos(7 * y), np.exp(-((x - 0.5) ** 2 + (y - 0.4) ** 2) / 0.02)]
    data = np.stack([255 * (0.5 + 0.5 * plane) for plane in planes]).astype(np.uint8)
    return Cutout(data=data, bands=("R", "G", "B"), unit="display")


@pytest.mark.parametrize("channels", [("R", "G", "B"), ("gray",)])
def test_the_center_of_a_wide_picture_is_the_picture_of_the_model(channels: tuple[str, ...]) -> None:
    plain = Preprocess(size=SIZE, crop=0.5, channels=channels)
    wide, margin = plain.widen(MARGIN, 1.25)
    assert (wide.size, wide.crop, margin) == (90, 0.75, MARGIN)
    pictures = PictureSet(
        pictures=wide.picture(make_cutout())[None], targets=np.zeros(1, int), weights=np.ones(1), margin=margin
    )
    seen = pictures.take(slice(None), SIZE)[0].astype(int)
    assert np.abs(seen - plain.picture(make_cutout())).max() <= 2


def test_a_margin_ends_at_the_edge_of_the_image() -> None:
    wide, margin = Preprocess(size=SIZE, crop=0.8).widen(MARGIN, 1.25)
    assert (wide.crop, margin) == (1.0, 1.25)
    assert Preprocess(size=SIZE, size_arcsec=30.0).widen(MARGIN, 1.25)[1] == 1.0


def test_the_survey_augmentation_shows_the_field_of_the_model() -> None:
    plain = Preprocess(size=SIZE, crop=0.5)
    wide, margin = plain.widen(MARGIN, 1.25)
    still = replace(
        make_augmentation("survey"), margin=margin, size=SIZE, zoom=1.0, shift=0.0, gray=0.0, saturation=(1.0, 1.0),
        gain=0.0, balance=0.0, black=0.0, gamma=1.0, blur=0.0, noise=0.0,
    )  # fmt: skip
    shown = still.images(torch.tensor(wide.picture(make_cutout())[None]), seed=0, epoch=0, items=[0])[0]
    rotated = torch.linalg.norm(shown[2] - shown[2].amax())  # turned by any angle, but the spot stays as wide
    expected = torch.tensor(plain.picture(make_cutout())[..., 2] / 255.0)
    assert shown.shape == (3, SIZE, SIZE)
    assert float(rotated) == pytest.approx(float(torch.linalg.norm(expected - expected.amax())), rel=0.02)
