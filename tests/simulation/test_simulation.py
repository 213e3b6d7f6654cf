"""Simulated galaxies: reproducible, physically right, and readable as FITS with WCS."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from astropy.io import fits
from astropy.modeling.functional_models import Sersic2D
from astropy.wcs import WCS
from astropy.wcs.utils import proj_plane_pixel_scales
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from scipy.integrate import quad

from galaxtool.datasets.protocols import Dataset
from galaxtool.errors import ConfigError, UnknownName
from galaxtool.simulation.galaxy import CLASSES, PARAMETERS, simulate_galaxy
from galaxtool.simulation.grid import NATIVE_AREA, Grid
from galaxtool.simulation.profiles import edge_on_disc, sersic
from galaxtool.simulation.sample import sample_dataset, simulate_object
from galaxtool.simulation.scene import Blobs, Scene
from galaxtool.simulation.telescope import (
    NOISE,
    Conditions,
    add_noise,
    compute_noise_rms,
    draw_conditions,
    expose,
    moffat_transfer,
)
from galaxtool.simulation.write import write_cutouts
from galaxtool.vision.stretch import to_display

GALAXY10 = [
    "disturbed",
    "merging",
    "round_smooth",
    "in_between_round_smooth",
    "cigar_shaped_smooth",
    "barred_spiral",
    "unbarred_tight_spiral",
    "unbarred_loose_spiral",
    "edge_on_without_bulge",
    "edge_on_with_bulge",
]


def conditions(noise: float = 0.0, fwhm: float = 1.2) -> Conditions:
    return Conditions(fwhm=np.full(3, fwhm), noise=np.full(3, noise), offset=np.zeros(3))


def scene(size: int = 128, scale: float = 0.262) -> Scene:
    return Scene(Grid(size, scale), np.random.default_rng(0))


def test_classes_are_those_of_galaxy10_in_order():
    assert list(CLASSES) == GALAXY10


@pytest.mark.parametrize("slug", GALAXY10)
@pytest.mark.parametrize("seed", range(3))
def test_every_class_renders_a_bright_finite_galaxy_at_the_centre(slug, seed):
    cutout = simulate_galaxy(slug, np.random.default_rng([seed, 7]), size=64)
    assert cutout.data.shape == (3, 64, 64) and cutout.data.dtype == np.float32
    assert np.isfinite(cutout.data).all()
    assert cutout.bands == ("g", "r", "z") and cutout.unit == "nanomaggy"
    assert cutout.pixel_scale == pytest.approx(0.262 * 4)
    assert -18 <= cutout.dec <= 34 and 0 <= cutout.ra < 360
    middle = cutout.data[1, 24:40, 24:40]
    assert middle.max() > 20 * NOISE[1]


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 2**31), index=st.integers(0, 10**6))
def test_same_seed_gives_the_same_bytes_and_another_split_does_not(seed, index):
    first, again, other = (simulate_object(seed, split, index, 32).cutout for split in ("train", "train", "test"))
    assert first.data.tobytes() == again.data.tobytes() and first.ra == again.ra
    assert first.data.tobytes() != other.data.tobytes() and first.ra != other.ra


def test_a_galaxy_is_the_same_at_any_size():
    # Seen at half the resolution, its brightness is the mean of 2 x 2 pixels, but for noise and a little blur.
    for slug in GALAXY10:
        fine = simulate_galaxy(slug, np.random.default_rng(5), size=192).data
        coarse = simulate_galaxy(slug, np.random.default_rng(5), size=96).data
        means = fine.reshape(3, 96, 2, 96, 2).mean((2, 4))
        middle = np.s_[1, 24:72, 24:72]
        assert np.corrcoef(means[middle].ravel(), coarse[middle].ravel())[0, 1] > 0.98, slug
        assert coarse[middle].sum() == pytest.approx(means[middle].sum(), rel=0.05), slug


@pytest.mark.parametrize(("n", "q", "boundary"), [(1.0, 0.5, 0.01), (2.5, 0.8, 0.01), (4.0, 1.0, 0.02)])
def test_sersic_agrees_with_astropy_and_with_its_flux(n, q, boundary):
    x, y = np.meshgrid(np.linspace(-9.9, 9.9, 80), np.linspace(-9.9, 9.9, 80))
    ours = sersic(3.0, n, axis_ratio=q, angle=0.7)(x, y)
    model = Sersic2D(amplitude=1, r_eff=3.0, n=n, ellip=1 - q, theta=0.7)(x, y)
    np.testing.assert_allclose(ours / ours[40, 40], model / model[40, 40], rtol=3e-3)

    def growth(radius: float) -> float:
        profile = sersic(3.0, n)
        return quad(lambda r: 2 * np.pi * r * float(profile(np.array([r]), np.array([0.0]))[0]), 0, radius, limit=200)[
            0
        ]

    assert growth(3.0) == pytest.approx(0.5, abs=2e-3)
    drawn = scene(256)
    drawn.add_profile(sersic(1.5, n, axis_ratio=q), np.array([1.0, 2.0, 3.0]), 0.3, -0.2)
    pixels_per_native = drawn.grid.scale**2 / NATIVE_AREA
    totals = drawn.light.sum((1, 2)) * pixels_per_native
    np.testing.assert_allclose(totals, np.array([1.0, 2.0, 3.0]), rtol=3 * boundary)


def test_edge_on_disc_has_flux_one():
    values = scene(256).grid.sample(edge_on_disc(2.0, 0.6, angle=0.4))
    assert values.sum() == pytest.approx(1.0, rel=5e-3)


def test_blobs_keep_flux_and_place_and_dust_reddens():
    drawn = scene()
    blobs = Blobs(
        x=np.array([3.0, 3.0]), y=np.array([-2.0, -2.0]), sigma=np.array([0.8, 1.2]), flux=np.array([1.0, 3.0])
    )
    drawn.add_blobs(blobs, np.array([4.0, 4.0, 4.0]))
    np.testing.assert_allclose(drawn.light.sum((1, 2)), 4.0, rtol=1e-3)
    centroid = (drawn.light[0] * drawn.grid.x).sum() / drawn.light[0].sum()
    assert centroid == pytest.approx(3.0, abs=0.01)
    drawn.absorb(np.ones_like(drawn.grid.x))
    g, r, z = drawn.light.sum((1, 2))
    assert g < r < z < 4.0


def test_moffat_transfer_is_the_transform_of_a_moffat_profile():
    fwhm, beta = 1.3, 2.5
    alpha = fwhm / 2 / np.sqrt(2 ** (1 / beta) - 1)
    axis = (np.arange(1024) - 512) * 0.1
    profile = (1 + (axis**2 + axis[:, None] ** 2) / alpha**2) ** -beta
    transform = np.abs(np.fft.rfft2(profile / profile.sum()))[0]
    expected = moffat_transfer(np.fft.rfftfreq(1024, 0.1), fwhm)
    np.testing.assert_allclose(transform, expected, atol=0.01)


def test_a_star_has_its_flux_and_position():
    drawn = scene()
    drawn.points.append((np.array([2.13]), np.array([-1.37]), np.array([[1.0, 10.0, 100.0]])))
    image = expose(drawn, conditions())
    np.testing.assert_allclose(image.sum((1, 2)), [1.0, 10.0, 100.0], rtol=0.02)  # but for far wings
    row, column = np.unravel_index(image[1].argmax(), image[1].shape)
    assert drawn.grid.axis[column] == pytest.approx(2.13, abs=0.14)
    assert drawn.grid.axis[row] == pytest.approx(-1.37, abs=0.14)


@pytest.mark.parametrize("scale", [0.262, 0.5, 0.262 * 256 / 96])
def test_noise_rms_is_as_stated_and_grows_with_light(scale):
    empty = np.zeros((3, 300, 300), np.float32)
    seen = Conditions(fwhm=np.ones(3), noise=NOISE, offset=np.zeros(3))
    noise = add_noise(empty, seen, np.random.default_rng(1), scale)
    np.testing.assert_allclose(noise.std((1, 2)), compute_noise_rms(NOISE, scale), rtol=0.02)
    bright = add_noise(empty + 1, seen, np.random.default_rng(1), scale) - 1
    assert (bright.std((1, 2)) > 1.3 * noise.std((1, 2))).all()


def test_noise_in_native_pixels_is_the_survey_noise():
    np.testing.assert_allclose(compute_noise_rms(NOISE, 0.262), NOISE)
    drawn = np.array([draw_conditions(np.random.default_rng(k)).noise for k in range(300)])
    np.testing.assert_allclose(np.median(drawn, axis=0), NOISE, rtol=0.05)


def test_sample_is_a_balanced_lazy_dataset_with_fixed_objects():
    small, large = sample_dataset(n=100, seed=3, size=32), sample_dataset(n=400, seed=3, size=32)
    assert isinstance(small, Dataset) and small.name == "sample"
    assert [item.split for item in small.items].count("test") == 20
    assert len({item.id for item in large.items}) == len(large.items) == 400
    train = [item.label for item in small.items if item.split == "train"]
    assert {train.count(slug) for slug in GALAXY10} == {7}
    known = {item.id: k for k, item in enumerate(large.items)}
    for k in (0, 75, 99):
        item, other = small.items[k], known[small.items[k].id]
        assert item == large.items[other]
        cutout = small.cutout(k)
        assert (cutout.ra, cutout.dec) == (item.ra, item.dec)
        assert cutout.data.tobytes() == large.cutout(other).data.tobytes()


def test_brightness_does_not_give_the_class_away():
    dataset = sample_dataset(n=200, size=32, splits={"train": 1})
    sky = {slug: [] for slug in GALAXY10}
    for k, item in enumerate(dataset.items):
        edge = dataset.cutout(k).data[1]
        sky[item.label].append(np.median(np.concatenate([edge[0], edge[-1], edge[:, 0], edge[:, -1]])))
    medians = [np.median(values) for values in sky.values()]
    assert np.ptp(medians) < np.median([np.std(values) for values in sky.values()])


def test_fits_round_trip_with_wcs(tmp_path):
    rows = write_cutouts(tmp_path, n=3, seed=2, size=65, split="valid")
    with (tmp_path / "labels.csv").open() as stream:
        read = list(csv.DictReader(stream))
    assert list(read[0]) == ["path", "label", "ra", "dec", *PARAMETERS, "properties", "caption"]
    assert [row["label"] for row in read] == [row["label"] for row in rows] == GALAXY10[:3]
    for index, row in enumerate(rows):
        data, header = fits.getdata(tmp_path / row["path"], header=True)
        expected = simulate_object(2, "valid", index, 65).cutout
        np.testing.assert_array_equal(data, expected.data)
        wcs = WCS(header).celestial
        centre = wcs.pixel_to_world(32, 32)
        assert centre.ra.deg == pytest.approx(row["ra"], abs=0.1 / 3600)
        assert centre.dec.deg == pytest.approx(row["dec"], abs=0.1 / 3600)
        np.testing.assert_allclose(proj_plane_pixel_scales(wcs) * 3600, 0.262 * 256 / 65, rtol=1e-6)
        assert wcs.pixel_to_world(32, 40).dec > centre.dec  # rows go north
        assert (header["BUNIT"], header["BANDS"], header["ORIGIN"]) == ("nanomaggy", "grz", "galaxtool")
        assert (header["SIMCLASS"], header["SEED"]) == (row["label"], 2)


def test_png_shows_the_image_the_right_way_up(tmp_path):
    rows = write_cutouts(tmp_path, n=1, seed=0, size=48, kind="png")
    with Image.open(tmp_path / rows[0]["path"]) as opened:
        shown = np.asarray(opened)
    np.testing.assert_array_equal(shown, to_display(simulate_object(0, "train", 0, 48).cutout))


def test_invalid_options_are_refused(tmp_path):
    with pytest.raises(UnknownName, match="Did you mean 'merging'"):
        simulate_galaxy("mergin", np.random.default_rng(0))
    with pytest.raises(ConfigError, match="too small"):
        simulate_galaxy("merging", np.random.default_rng(0), size=4)
    with pytest.raises(ConfigError, match="5000"):
        simulate_galaxy("merging", np.random.default_rng(0), size=50, pixel_scale=100.0)
    with pytest.raises(ConfigError, match="reads no file"):
        sample_dataset(path=tmp_path)
    with pytest.raises(ConfigError, match="n=0"):
        sample_dataset(n=0)
    with pytest.raises(ConfigError, match="exam"):
        sample_dataset(splits={"exam": 1.0})
    with pytest.raises(ConfigError, match="'tiff'"):
        write_cutouts(tmp_path, n=1, kind="tiff")
    with pytest.raises(ConfigError, match="'exam'"):
        write_cutouts(tmp_path, n=1, split="exam")
