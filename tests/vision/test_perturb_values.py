"""Perturbations act on measured values before the stretch, and on pictures as the model sees them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import ndimage

from galaxtool.types import Cutout
from galaxtool.vision.perturb import LEVELS, VALUE_LEVELS, Perturbation, list_perturbations
from galaxtool.vision.perturb_values import perturb_values
from galaxtool.vision.preprocess import Preprocess
from galaxtool.vision.sky import measure_sky

SIDE = 48


@pytest.fixture(scope="module")
def cutout() -> Cutout:
    """Return two bands of different noise with a bright object and a missing corner."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:SIDE, :SIDE] - SIDE / 2
    blob = 60 * np.exp(-(x**2 + 2 * y**2) / 60)
    data = np.stack([blob + rng.normal(5, 1, blob.shape), 3 * blob + rng.normal(-2, 4, blob.shape)])
    data[:, :4, :6] = np.nan
    return Cutout(data=data.astype(np.float32), bands=("g", "r"), unit="adu", pixel_scale=0.5)


def change(cutout: Cutout, kind: str, level: float) -> np.ndarray:
    return perturb_values(cutout, kind, level, np.random.default_rng(1)).data


def test_noise_is_in_units_of_the_noise_of_each_band(cutout: Cutout) -> None:
    added = change(cutout, "noise", 2) - cutout.data
    for plane, own in zip(added, cutout.data, strict=True):
        assert np.nanstd(plane) == pytest.approx(2 * measure_sky(own)[1], rel=0.1)
        assert np.isnan(plane).sum() == 24


def test_a_blur_is_a_gaussian_of_that_width_in_pixels(cutout: Cutout) -> None:
    point = np.zeros((1, 41, 41), np.float32)
    point[0, 20, 20] = 1
    blurred = change(Cutout(data=point, bands=("r",)), "psf", 4)[0]
    assert blurred.sum() == pytest.approx(1, abs=1e-5)
    assert blurred[20, 22] == pytest.approx(blurred[20, 20] / 2, rel=0.02)  # half the peak at half the width
    with_gap = change(cutout, "psf", 4)
    np.testing.assert_array_equal(np.isnan(with_gap), np.isnan(cutout.data))
    far = ndimage.gaussian_filter(np.nan_to_num(cutout.data), (0, 4 / 2.3548, 4 / 2.3548), mode="nearest")[:, 20:, 20:]
    np.testing.assert_allclose(with_gap[:, 20:, 20:], far, rtol=1e-4, atol=1e-4)


def test_a_crop_a_rotation_and_a_factor_change_values_before_the_stretch(cutout: Cutout) -> None:
    np.testing.assert_array_equal(change(cutout, "crop", 0.5), cutout.data[:, 12:36, 12:36])
    np.testing.assert_array_equal(change(cutout, "brightness", 1.5), cutout.data * np.float32(1.5))
    turned = change(cutout, "rotation", 90)
    matches = [np.allclose(turned, np.rot90(cutout.data, k, axes=(1, 2)), atol=1e-4, equal_nan=True) for k in (1, 3)]
    assert sum(matches) == 1


def test_the_picture_of_a_measured_image_is_stretched_after_the_change(cutout: Cutout) -> None:
    preprocess = Preprocess(size=20)
    step = VALUE_LEVELS["crop"].index(0.5)
    cropped = replace(cutout, data=cutout.data[:, 12:36, 12:36])
    found = Perturbation("crop", step).make_picture(preprocess, cutout, "a")
    np.testing.assert_array_equal(found, preprocess.picture(cropped))
    fixed = Preprocess(size=20, size_arcsec=16)
    found = Perturbation("crop", step).make_picture(fixed, cutout, "a")
    np.testing.assert_array_equal(found, replace(fixed, size_arcsec=8).picture(cropped))


def test_a_picture_is_changed_as_the_model_sees_it() -> None:
    data = np.random.default_rng(2).integers(0, 120, (3, SIDE, SIDE)).astype(np.uint8)
    picture, preprocess = Cutout(data=data, bands=("R", "G", "B"), unit="display"), Preprocess(size=20)
    shown = preprocess.picture(picture).astype(float)
    step = LEVELS["brightness"].index(1.5)
    found = Perturbation("brightness", step).make_picture(preprocess, picture, "a")
    np.testing.assert_array_equal(found, np.clip(np.rint(shown * 1.5), 0, 255))
    noise = Perturbation("noise", LEVELS["noise"].index(0.05)).make_picture(preprocess, picture, "a") - shown
    assert noise[(shown > 50) & (shown < 200)].std() == pytest.approx(0.05 * 255, rel=0.15)


def test_every_perturbation_has_a_name_and_repeats(cutout: Cutout) -> None:
    every = list_perturbations(tuple(LEVELS))
    assert len({one.name for one in every}) == len(every)
    for one in every:
        first, again, other = (one.make_picture(Preprocess(size=16), cutout, name) for name in "aab")
        np.testing.assert_array_equal(first, again)
        assert one.kind != "noise" or (first != other).any()
