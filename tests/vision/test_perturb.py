"""Perturbations do to pictures what their levels say."""

from __future__ import annotations

import numpy as np
import pytest

from galaxtool.vision.perturb import LEVELS, describe_level, list_perturbations, make_generator, perturb_picture

SIZE = 64


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    y, x = np.mgrid[:SIZE, :SIZE] - (SIZE - 1) / 2
    blob = 100 * np.exp(-(x**2 + 4 * y**2) / (2 * 8**2)) + 20
    return np.repeat(np.rint(blob).astype(np.uint8)[..., None], 3, axis=2)


def perturb(picture: np.ndarray, kind: str, level: float, identifier: str = "a") -> np.ndarray:
    return perturb_picture(picture, kind, level, make_generator(kind, identifier))


def measure_width(picture: np.ndarray, axis: int) -> float:
    """Return the standard deviation of the blob along an axis."""
    light = picture[..., 0].astype(float) - picture.min()
    light = light.sum(axis=1 - axis)
    at = np.arange(SIZE)
    center = (at * light).sum() / light.sum()
    return float(np.sqrt(((at - center) ** 2 * light).sum() / light.sum()))


@pytest.mark.parametrize("kind", LEVELS)
def test_a_perturbation_is_the_same_for_the_same_image(kind: str, picture: np.ndarray) -> None:
    for one in list_perturbations((kind,)):
        level = one.get_level(measured=False)
        changed = perturb(picture, kind, level)
        assert changed.dtype == np.uint8 and changed.shape == picture.shape
        np.testing.assert_array_equal(changed, perturb(picture, kind, level))
        assert describe_level(kind, level)
    assert not np.array_equal(changed, picture)


def test_noise_has_its_standard_deviation_and_differs_between_images(picture: np.ndarray) -> None:
    flat = np.full_like(picture, 128)
    noise = perturb(flat, "noise", 0.05).astype(float) - 128
    assert noise.std() == pytest.approx(0.05 * 255, rel=0.03) and abs(noise.mean()) < 0.5
    assert not np.array_equal(noise, perturb(flat, "noise", 0.05, "b").astype(float) - 128)


def test_a_blur_adds_its_width_in_quadrature(picture: np.ndarray) -> None:
    level = 0.16
    changed = perturb(picture, "psf", level)
    own, blurred = measure_width(picture, 0), measure_width(changed, 0)
    assert np.sqrt(blurred**2 - own**2) == pytest.approx(level * SIZE / 2.3548, rel=0.1)


def test_a_crop_enlarges_and_a_quarter_turn_exchanges_the_axes(picture: np.ndarray) -> None:
    cropped = perturb(picture, "crop", 0.5)
    np.testing.assert_allclose(cropped[16, 16].astype(float), picture[24, 24].astype(float), atol=3)
    turned = perturb(picture, "rotation", 90.0)
    assert any(np.abs(turned.astype(int) - np.rot90(picture, k).astype(int)).max() <= 1 for k in (1, 3))


def test_brightness_multiplies_and_clips(picture: np.ndarray) -> None:
    np.testing.assert_array_equal(perturb(picture, "brightness", 2.0), np.minimum(picture.astype(int) * 2, 255))
