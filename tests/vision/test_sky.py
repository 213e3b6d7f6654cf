"""Level and noise of the sky, and percentiles, beside those of scipy and numpy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import sigmaclip

from galaxtool.vision.sky import compute_percentile, measure_sky

SIDE = 99  # fewer pixels than are sampled, so that all count


def draw(kind: str) -> np.ndarray:
    """Return an image without zeros, float32."""
    rng = np.random.default_rng(4)
    noise, radius = rng.normal(0, 2, (SIDE, SIDE)), np.hypot(*(np.indices((SIDE, SIDE)) - SIDE / 2))
    images = {
        "noise": noise + 30,
        "galaxy": noise + 1000 * np.exp(-radius / 4),
        "large galaxy": noise + 300 * np.exp(-radius / 30),
        "counts": np.round(noise * 3) + 0.5,
        "outliers": np.where(rng.random(noise.shape) < 0.2, 1e6, noise),
        "heavy tails": rng.laplace(0, 1, noise.shape) ** 3,
        "two values": np.where(rng.random(noise.shape) < 0.03, 7.0, 5.0),
        "few": noise[:9, :9],
    }
    return images[kind].astype(np.float32)


KINDS = ("noise", "galaxy", "large galaxy", "counts", "outliers", "heavy tails", "few")


@pytest.mark.parametrize("kind", KINDS)
def test_the_sky_is_what_sigma_clipping_leaves(kind: str) -> None:
    image = draw(kind)
    left = sigmaclip(image.astype(np.float64).ravel(), 3, 3).clipped
    assert measure_sky(image) == (np.median(left), pytest.approx(left.std(), rel=1e-12))


def test_a_bright_sky_and_a_damaged_pixel_cost_no_digits() -> None:
    image = draw("noise").astype(np.float64)
    image[0, :2] = -1e30, 1e30
    level, noise = measure_sky((image[1:] + 1e4).astype(np.float32))
    damaged = measure_sky(np.concatenate([image[:1], image[1:] + 1e4]).astype(np.float32))
    assert (level, noise) == (pytest.approx(10_030, abs=0.1), pytest.approx(2, rel=0.03))
    assert damaged[0] == level


@pytest.mark.parametrize("kind", [*KINDS, "two values"])
@pytest.mark.parametrize("share", [50, 99.5, 99.98, 100])
def test_a_percentile_is_a_pixel(kind: str, share: float) -> None:
    image = draw(kind)
    assert compute_percentile(image, share) == np.percentile(image, share, method="inverted_cdf")
