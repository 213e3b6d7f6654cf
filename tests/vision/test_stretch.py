"""Stretching measured brightness to display values."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from astropy.io import fits
from astropy.visualization import AsinhStretch, make_lupton_rgb
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image

from galaxtool.errors import ConfigError, UnknownName
from galaxtool.images.reading import read_file
from galaxtool.types import Cutout
from galaxtool.vision.colors import choose_colors
from galaxtool.vision.stretch import NAMES, Stretch, stretch_asinh, to_display

RNG = np.random.default_rng(20240501)
_FIRST_STATE = RNG.bit_generator.state


@pytest.fixture(autouse=True)
def _noise_of_its_own() -> None:
    """Let each test draw the same noise, whichever tests the same process ran before it."""
    RNG.bit_generator.state = _FIRST_STATE


def galaxy(noise: float = 1.0, peak: float = 200.0, size: int = 80, sky: float = 0.0) -> np.ndarray:
    """Return an exponential disk in the middle of noise, float32."""
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    return (sky + peak * np.exp(-np.hypot(x, y) / 3) + RNG.normal(0, noise, (size, size))).astype(np.float32)


def cube(factor: float = 1.0, sky: float = 0.0) -> np.ndarray:
    """Return g, r, z in nanomaggies with about the noise of the Legacy Surveys, times a factor."""
    planes = [galaxy(noise, peak) for noise, peak in ((0.003, 0.3), (0.006, 0.6), (0.01, 1.0))]
    return (np.stack(planes) * factor + sky).astype(np.float32)


def grz(data: np.ndarray, unit: str = "nanomaggy") -> Cutout:
    return Cutout(data=data, bands=("g", "r", "z"), unit=unit)


def viewer(data: np.ndarray) -> np.ndarray:
    """Return the Legacy Surveys viewer's picture of g, r, z as its authors describe it, in float64, top row first."""
    scaled = [
        data[2].astype(float) * 2.2 + 0.03,
        data[1].astype(float) * 3.4 + 0.03,
        data[0].astype(float) * 6.0 + 0.03,
    ]
    brightness = sum(np.maximum(0, channel) for channel in scaled) / 3
    compressed = np.arcsinh(20 * brightness) / np.sqrt(20)
    safe = np.where(brightness == 0, 1e-6, brightness)
    rgb = np.stack([channel * compressed / safe for channel in scaled], axis=-1)
    return np.clip(rgb, 0, 1)[::-1] * 255


# the survey's own formula


@settings(max_examples=50, deadline=None)
@given(hnp.arrays(np.float32, (3, 5, 4), elements=st.floats(-0.25, 50, width=32)))
def test_grz_in_nanomaggies_is_the_viewers_formula(data: np.ndarray) -> None:
    np.testing.assert_allclose(to_display(grz(data)), viewer(data), atol=0.51)


def test_astropy_gives_the_same_where_nothing_is_clipped() -> None:
    data = np.abs(cube()) * 0.2
    r, g, b = data[2] * 2.2, data[1] * 3.4, data[0] * 6.0
    there = make_lupton_rgb(r, g, b, minimum=-0.03, stretch=0.2311, Q=4.623)[::-1]
    here = to_display(grz(data))
    assert there.max() < 255 and there.max() > 150
    assert np.abs(here.astype(int) - there).max() <= 1


@pytest.mark.parametrize("unit", ["nanomaggy", "nanomaggies", "nmgy", "Nanomaggies/pixel", ""])
@pytest.mark.parametrize("bands", [("g", "r", "z"), ("", "", "")])
def test_nanomaggies_are_recognised(unit: str, bands: tuple[str, ...]) -> None:
    data = cube()
    np.testing.assert_allclose(to_display(Cutout(data=data, bands=bands, unit=unit)), viewer(data), atol=0.51)


@pytest.mark.parametrize(("factor", "sky"), [(1e4, 0), (1e-9, 0), (500, 2000), (3631.0, 0), (1, -50)])
@pytest.mark.parametrize("unit", ["adu", ""])
def test_other_units_come_out_like_nanomaggies(factor: float, sky: float, unit: str) -> None:
    shown = to_display(grz(cube(factor, sky), unit)).astype(float)
    wanted = to_display(grz(cube())).astype(float)
    np.testing.assert_allclose(np.median(shown, axis=(0, 1)), np.median(wanted, axis=(0, 1)), atol=12)
    np.testing.assert_allclose(np.percentile(shown, 97, axis=(0, 1)), np.percentile(wanted, 97, axis=(0, 1)), atol=25)


def test_a_scale_does_not_matter_for_an_unknown_unit() -> None:
    data = cube()
    one, other = (to_display(grz(data * factor, "adu")).astype(int) for factor in (1000, 7e5))
    assert np.abs(one - other).max() <= 1


@pytest.mark.parametrize("bands", [("F606W", "F814W", "F160W"), ("g", "r"), ("u", "g", "r", "i", "z"), ("J", "H", "K")])
def test_neither_black_nor_white_whatever_the_bands(bands: tuple[str, ...]) -> None:
    data = np.stack([galaxy(10 ** RNG.uniform(-3, 3), 10 ** RNG.uniform(2, 5)) for _ in bands])
    shown = to_display(Cutout(data=data, bands=bands, unit="electron"))
    assert 15 < np.median(shown) < 60
    assert (shown.min(axis=-1) == 255).mean() < 0.02
    assert shown[38:42, 38:42].max(axis=-1).mean() > 120


# one band


@pytest.mark.parametrize("sky", [0.0, 3000.0, -5.0])
@pytest.mark.parametrize("factor", [1.0, 1e-4])
def test_one_band_keeps_noise_dark_and_shows_faint_light(sky: float, factor: float) -> None:
    data = galaxy(noise=1, peak=300) * np.float32(factor) + np.float32(sky * factor)
    data[5:10, 5:10] += np.float32(8 * factor)  # a lobe of eight sigma
    shown = to_display(Cutout(data=data[None], bands=("",)))
    assert (shown[..., 0] == shown[..., 1]).all() and (shown[..., 0] == shown[..., 2]).all()
    shown = shown[::-1, :, 0]
    corner = shown[60:, 60:]
    assert np.median(corner) < 12 and np.percentile(corner, 95) < 45
    assert shown[5:10, 5:10].mean() > 3 * np.percentile(corner, 90)
    assert shown[38:42, 38:42].mean() > 200


def test_noise_alone_stays_dark() -> None:
    shown = to_display(Cutout(data=RNG.normal(0, 1e-4, (1, 60, 60)).astype(np.float32), bands=("",)))
    assert shown.mean() < 25
    assert shown.max() < 140


def test_asinh_is_its_formula() -> None:
    data = galaxy()
    settings_ = Stretch("asinh", black=1.5, white=100, softening=3)
    shown = to_display(Cutout(data=data[None], bands=("",)), settings_)[::-1, :, 0] / 255
    x = np.sort(data.ravel())
    y = np.sort(shown.ravel())
    assert y[-1] == 1 and y[0] == 0
    noise = 1.0
    low, high = 1.5 * noise, x[-1]
    knee = 3 * noise / (high - low)
    wanted = np.arcsinh(np.clip((x - low) / (high - low), 0, 1) / knee) / np.arcsinh(1 / knee)
    assert np.abs(y - wanted).max() < 0.04  # the sky is measured, here known


@pytest.mark.parametrize("name", ["linear", "asinh", "log", "zscale"])
@pytest.mark.parametrize("bands", [("r",), ("g", "r", "z")])
def test_brighter_is_never_darker(name: str, bands: tuple[str, ...]) -> None:
    data = np.stack([galaxy() for _ in bands])
    shown = to_display(Cutout(data=data, bands=bands), Stretch(name))[::-1]
    for channel, plane in zip(range(3), data[::-1] if len(bands) == 3 else [data[0]] * 3, strict=True):
        assert (np.diff(shown[..., channel].ravel()[np.argsort(plane, axis=None)].astype(int)) >= 0).all()
    assert shown.max() == 255 and shown.min() == 0


# geometry and colours


@pytest.mark.parametrize("name", NAMES)
def test_fits_row_0_is_at_the_bottom(tmp_path: Path, name: str) -> None:
    data = RNG.normal(0, 1, (40, 50)).astype(np.float32)
    data[0, 3], data[39, 3] = 1000, 0
    fits.PrimaryHDU(data).writeto(tmp_path / "a.fits")
    shown = to_display(read_file(tmp_path / "a.fits"), Stretch(name))
    assert shown.shape == (40, 50, 3) and shown.dtype == np.uint8 and shown.flags["C_CONTIGUOUS"]
    assert shown[39, 3].tolist() == [255, 255, 255]
    assert shown[0, 3].max() < 200


def test_a_picture_passes_unchanged(tmp_path: Path) -> None:
    picture = RNG.integers(0, 256, (20, 30, 3), dtype=np.uint8)
    Image.fromarray(picture).save(tmp_path / "a.png")
    np.testing.assert_array_equal(to_display(read_file(tmp_path / "a.png")), picture)
    Image.fromarray(picture[..., 0]).save(tmp_path / "b.png")
    np.testing.assert_array_equal(to_display(read_file(tmp_path / "b.png")), picture[..., :1].repeat(3, axis=-1))


def test_a_picture_is_stretched_when_asked(tmp_path: Path) -> None:
    picture = np.clip(galaxy(noise=2, peak=60, sky=10), 0, 255).astype(np.uint8)
    Image.fromarray(picture).save(tmp_path / "a.png")
    shown = to_display(read_file(tmp_path / "a.png"), Stretch("linear", white=100, reach=5))
    assert shown.max() == 255 and np.median(shown) < 10


def test_red_is_the_longest_wavelength() -> None:
    assert choose_colors(("",)) == ((0,), (0,), (0,))
    assert choose_colors(("z", "g", "r")) == ((0,), (2,), (1,))
    assert choose_colors(("g", "r")) == ((1,), (0, 1), (0,))
    assert choose_colors(("u", "g", "r", "i", "z")) == ((4,), (2,), (1,))
    assert choose_colors(("u", "g", "r", "i")) == ((3,), (2,), (1,))
    assert choose_colors(("J", "H", "K", "Y")) == ((2,), (1,), (3,))
    assert choose_colors(("a", "b", "c", "d", "e")) == ((4,), (2,), (0,))
    assert choose_colors(("R", "G", "B")) == ((0,), (1,), (2,))


def test_order_of_bands_in_the_file_does_not_matter() -> None:
    data = cube()
    turned = Cutout(data=data[[2, 0, 1]], bands=("z", "g", "r"), unit="nanomaggy")
    np.testing.assert_array_equal(to_display(turned), to_display(grz(data)))


def test_a_source_in_one_band_has_its_colour() -> None:
    for band, channel in (("g", 2), ("r", 1), ("z", 0)):
        data = np.zeros((3, 9, 9), dtype=np.float32)
        data["grz".index(band), 4, 4] = 1
        assert to_display(grz(data))[4, 4].argmax() == channel


# missing values


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("bands", [("",), ("g", "r"), ("g", "r", "z")])
def test_missing_pixels_look_like_sky(name: str, bands: tuple[str, ...]) -> None:
    data = np.stack([galaxy() for _ in bands])
    data[:, :10] = np.nan
    shown = to_display(Cutout(data=data, bands=bands, unit="adu"), Stretch(name))
    missing, sky = shown[-10:], shown[:10]
    assert (missing == missing[0, 0]).all()
    assert abs(missing.mean() - np.median(sky)) < 40


def test_a_pixel_missing_in_one_band_is_not_coloured() -> None:
    data = np.full((3, 9, 9), 0.1, dtype=np.float32) / np.array([6, 3.4, 2.2], dtype=np.float32)[:, None, None]
    whole = to_display(grz(data.copy()))
    data[0, 4, 4] = np.nan
    assert np.abs(to_display(grz(data)).astype(int) - whole).max() <= 1


def test_the_cutout_is_not_changed() -> None:
    data = cube()
    data[0, 0, 0] = np.nan
    before = data.copy()
    for name in NAMES:
        to_display(grz(data), Stretch(name))
    np.testing.assert_array_equal(data, before)


@settings(max_examples=150, deadline=None)
@given(
    data=hnp.arrays(
        np.float32,
        st.tuples(st.integers(1, 4), st.integers(1, 12), st.integers(1, 12)),
        elements=st.floats(width=32, allow_infinity=False) | st.just(np.float32(np.nan)) | st.just(np.float32(0)),
    ),
    name=st.sampled_from(NAMES),
    named=st.booleans(),
)
def test_no_values_break_a_stretch(data: np.ndarray, name: str, named: bool) -> None:
    bands = tuple("griz"[: len(data)]) if named else ("",) * len(data)
    shown = to_display(Cutout(data=data, bands=bands), Stretch(name))
    assert shown.shape == (*data.shape[1:], 3) and shown.dtype == np.uint8


def test_a_constant_image_is_even() -> None:
    for name in NAMES:
        for value in (0.0, 5.0):
            shown = to_display(Cutout(data=np.full((1, 8, 8), value, dtype=np.float32), bands=("",)), Stretch(name))
            assert np.ptp(shown) == 0


# settings


def test_settings_survive_json() -> None:
    stretch = Stretch("lupton", q=10, scales=(("g", 5.0), ("r", 3.0)))
    assert Stretch.from_dict(json.loads(json.dumps(stretch.as_dict()))) == stretch
    assert Stretch.from_dict({"name": "log"}) == Stretch("log")
    assert hash(stretch) == hash(replace(stretch))


@pytest.mark.parametrize(
    ("values", "error", "says"),
    [
        ({"name": "asinhh"}, UnknownName, "Did you mean 'asinh'"),
        ({"whites": 3}, ConfigError, "no parameter 'whites'"),
        ({"white": 0}, ConfigError, "percentile"),
        ({"softening": -1.0}, ConfigError, "softening of a stretch must be a positive number"),
        ({"q": float("nan")}, ConfigError, "q of a stretch must be a positive number"),
    ],
)
def test_wrong_settings_are_named(values: dict[str, object], error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says):
        Stretch.from_dict(values)


# real files


@pytest.mark.shared_data
def test_decals_cubes_look_like_decals_pictures(shared_data: Path) -> None:
    pictures = sorted((shared_data / "optical_galaxy10_decals_samples/images").glob("*.jpg"))
    skies = np.array([np.median(to_display(read_file(path)), axis=(0, 1)) for path in pictures])
    sky = np.median(to_display(read_file(shared_data / "fits/decals_grz/example_b.fits")), axis=(0, 1))
    assert ((skies.min(axis=0) - 3 <= sky) & (sky <= skies.max(axis=0) + 3)).all()
    data = read_file(shared_data / "fits/decals_grz/example_a.fits")
    np.testing.assert_allclose(to_display(data), viewer(data.data), atol=0.51)


@pytest.mark.shared_data
def test_radio_maps_have_a_dark_sky_and_a_bright_source(shared_data: Path) -> None:
    for path in sorted((shared_data / "fits/radio_mirabest").glob("*.fits")):
        shown = to_display(read_file(path))[..., 0]
        assert np.median(shown) < 10
        assert shown.max() > 100


def test_radio_shows_what_exceeds_the_noise_and_leaves_pictures_alone() -> None:
    rng = np.random.default_rng(3)
    data = rng.normal(0.5, 2.0, (1, 64, 64)).astype(np.float32)
    data[0, 20, 30] = 200.0
    shown = to_display(Cutout(data=data, bands=("",)), Stretch(name="radio"))[..., 0]
    level, noise = float(np.median(data)), 1.4826 * float(np.median(np.abs(data - np.median(data))))
    expected = np.clip((data[0] - level - 3 * noise) / (200.0 - level - 3 * noise), 0, 1)[::-1] * 255
    assert np.abs(shown - expected).max() < 3
    assert (shown == 0).mean() > 0.98
    picture = Cutout(data=rng.integers(0, 256, (3, 8, 8), dtype=np.uint8), bands=("R", "G", "B"), unit="display")
    assert (to_display(picture, Stretch(name="radio")) == to_display(picture)).all()


@given(
    hnp.arrays(np.float32, 20, elements=st.floats(0, 1, width=32)),
    st.floats(1e-6, 1),
    st.sampled_from([float, np.float32, np.float64]),
)
@settings(max_examples=50)
def test_asinh_is_that_of_astropy(values: np.ndarray, knee: float, kind: type) -> None:
    expected = AsinhStretch(kind(knee))(values.astype(np.float64), clip=False)
    np.testing.assert_allclose(stretch_asinh(values, kind(knee)), expected, rtol=1e-6, atol=3e-7)
