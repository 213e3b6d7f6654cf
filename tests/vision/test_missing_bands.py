"""The picture of an image that lacks all values of a band: that of its other bands."""

from __future__ import annotations

import numpy as np
import pytest

from galaxtool.types import Cutout
from galaxtool.vision.lupton import find_scaling
from galaxtool.vision.stretch import Stretch, to_display

BANDS = ("g", "r", "z")


def make_cutout(scale: float, unit: str, missing: str = "", fill: float = np.nan) -> Cutout:
    """Return a red galaxy with the noise of the Legacy Surveys, without the values of some bands."""
    y, x = np.mgrid[:64, :64] - 31.5
    galaxy, rng = np.exp(-np.hypot(x, y) / 5), np.random.default_rng(0)
    bands = ((0.5, 6e-3), (1, 9e-3), (1.5, 0.02))
    planes = [peak * galaxy + rng.normal(0, noise, galaxy.shape) for peak, noise in bands]
    data = (scale * np.array(planes)).astype(np.float32)
    data[[BANDS.index(band) for band in missing]] = fill
    return Cutout(data=data, bands=BANDS, unit=unit)


@pytest.mark.parametrize("missing", BANDS)
@pytest.mark.parametrize("fill", [np.nan, 0])
@pytest.mark.parametrize(("scale", "unit"), [(1, ""), (1, "nJy"), (100, ""), (1, "nanomaggy")])
def test_a_missing_band_does_not_change_how_the_others_are_scaled(
    scale: float, unit: str, fill: float, missing: str
) -> None:
    images = make_cutout(scale, unit), make_cutout(scale, unit, missing, fill)
    whole, lacking = (find_scaling(image.data, BANDS, unit, Stretch()) for image in images)
    others = [index for index, band in enumerate(BANDS) if band != missing]
    np.testing.assert_array_equal(lacking.zeros[others], whole.zeros[others])
    ratios = lacking.factors[others] / whole.factors[others]
    np.testing.assert_allclose(ratios, ratios[0], rtol=1e-5)  # the colours are the same
    assert 0.5 < ratios[0] < 2
    skies = [to_display(image)[:9, :9].mean() for image in images]
    assert skies[1] == pytest.approx(skies[0], abs=6)


@pytest.mark.parametrize("fill", [np.nan, 0])
def test_an_image_without_any_value_is_of_one_colour(fill: float) -> None:
    shown = to_display(make_cutout(1, "", "grz", fill))
    assert len(np.unique(shown)) == 1
