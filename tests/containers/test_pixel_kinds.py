"""Arrays of pictures, as torch, Keras and MATLAB keep them, and arrays of measured data."""

import io

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from galaxtool.containers.find import find_container_name
from galaxtool.containers.reading import read_image
from galaxtool.datasets.open import open_dataset
from galaxtool.errors import ConfigError, UnreadableImage
from galaxtool.images.image_file import ImageFile
from galaxtool.images.pixel_kind import guess_pixel_kind, summarize_assumptions
from galaxtool.images.read_options import ReadOptions
from galaxtool.images.reading import read_file
from galaxtool.inference.reading import find_images
from galaxtool.inference.reading_options import ReadingOptions
from galaxtool.inputs.gather import gather

N, SIDE = 6, 16
RGB = np.random.default_rng(5).integers(0, 256, (N, SIDE, SIDE, 3)).astype(np.uint8)
GRAY = RGB[..., 0].copy()
ALPHA = np.broadcast_to(np.arange(SIDE, dtype=np.uint8) * 17, (N, SIDE, SIDE))
RGBA = np.concatenate([RGB, ALPHA[..., None]], -1)
SHARES = RGB / 255
MEAN, STD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
SMOOTH = np.clip(SHARES * 0.9 + 0.0317, 0, 1)  # not at gray levels, as after a resize


def as_png(pixels, mode):
    """Return how galaxtool reads a picture from a PNG."""
    buffer = io.BytesIO()
    Image.fromarray(pixels, mode).save(buffer, "PNG")
    return read_file(ImageFile("a.png", content=buffer.getvalue()))


def save(folder, array, form="npy", **more):
    path = folder / f"a.{form}"
    if form == "npy":
        np.save(path, array)
    elif form == "npz":
        np.savez(path, images=array, **more)
    else:
        with h5py.File(path, "w") as file:
            file["images"] = array
            for name, values in more.items():
                file[name] = values
    return path


def read_all(path, **options):
    return [read_image(item.ref, **options) for item in gather([path]).items]


COLORS = {
    "opaque alpha": np.concatenate([RGB, np.full_like(RGB[..., :1], 255)], -1),
    "first axis of bands": RGB.transpose(0, 3, 1, 2),
    "MATLAB": RGB.transpose(1, 2, 3, 0),
    "images last, colours first": RGB.transpose(3, 1, 2, 0),
    "0 to 1": SHARES.astype(np.float32),
    "0 to 1, float64": SHARES,
    "0 to 1, float16": SHARES.astype(np.float16),
    "0 to 1, big-endian": SHARES.astype(">f4"),
    "0 to 1, Fortran order": np.asfortranarray(SHARES.astype(np.float32)),
    "0 to 1, torch": SHARES.astype(np.float32).transpose(0, 3, 1, 2),
    "0 to 1 with opacity": np.concatenate([SHARES, np.ones_like(SHARES[..., :1])], -1).astype(np.float32),
    "-1 to 1": (2 * SHARES - 1).astype(np.float32),
    "-0.5 to 0.5": (SHARES - 0.5).astype(np.float32),
    "0 to 255": RGB.astype(np.float32),
    "ImageNet": ((SHARES - MEAN) / STD).astype(np.float32).transpose(0, 3, 1, 2),
    "int64": RGB.astype(np.int64),
    "uint16": RGB.astype(np.uint16),
    "uint16 of full range": RGB.astype(np.uint16) * 257,
}


@pytest.mark.parametrize("name", COLORS)
@pytest.mark.parametrize("form", ["npy", "npz", "h5"])
def test_arrays_of_colour_pictures(tmp_path, name, form):
    path = save(tmp_path, COLORS[name], form)
    read = read_all(path)
    assert len(read) == N
    for cutout, pixels in zip(read, RGB, strict=True):
        wanted = as_png(pixels, "RGB")
        assert (cutout.unit, cutout.bands, cutout.data.dtype) == ("display", ("R", "G", "B"), np.uint8)
        np.testing.assert_array_equal(cutout.data, wanted.data)


@pytest.mark.parametrize(
    "array",
    [GRAY[..., None], GRAY[:, None], GRAY.transpose(1, 2, 0), GRAY.astype(np.int64), GRAY.astype(np.float32) / 255],
)
def test_arrays_of_gray_pictures(tmp_path, array):
    for cutout, pixels in zip(read_all(save(tmp_path, array)), GRAY, strict=True):
        np.testing.assert_array_equal(cutout.data, as_png(pixels, "L").data)
        assert cutout.unit == "display"


@pytest.mark.parametrize("array", [RGBA, RGBA.transpose(0, 3, 1, 2), (RGBA / 255).astype(np.float32)])
def test_opacity_is_blended_as_in_a_png(tmp_path, array):
    path = save(tmp_path, array)
    for cutout, pixels in zip(read_all(path), RGBA, strict=True):
        np.testing.assert_array_equal(cutout.data, as_png(pixels, "RGBA").data)
    assert "R, G, B and opacity" in gather([path]).pixel_notes[0]


def test_gray_with_opacity_and_masks(tmp_path):
    both = np.stack([GRAY, ALPHA], -1)
    for cutout, pixels in zip(read_all(save(tmp_path, both)), both, strict=True):
        np.testing.assert_array_equal(cutout.data, as_png(pixels, "LA").data)
    for cutout, pixels in zip(read_all(save(tmp_path, GRAY > 99)), GRAY, strict=True):
        np.testing.assert_array_equal(cutout.data[0], 255 * (pixels > 99)[::-1])


def test_resized_pictures_keep_their_colours(tmp_path):
    for cutout, pixels in zip(read_all(save(tmp_path, SMOOTH.astype(np.float32))), SMOOTH, strict=True):
        np.testing.assert_allclose(cutout.data, 255 * pixels.transpose(2, 0, 1)[:, ::-1], atol=0.51)


@pytest.mark.parametrize(
    "array",
    [
        np.random.default_rng(1).normal(0, 0.1, (N, SIDE, SIDE, 3)).astype(np.float32),  # nanomaggies about zero
        np.random.default_rng(1).normal(500, 30, (N, 3, SIDE, SIDE)),  # counts with their sky
        np.random.default_rng(1).poisson(3, (N, SIDE, SIDE, 3)),  # photons in three bands
        np.random.default_rng(1).poisson(120, (N, SIDE, SIDE)).astype(np.uint16),
        np.random.default_rng(1).normal(1e-4, 1e-5, (N, SIDE, SIDE, 3)),  # Jy/beam
        np.where(np.random.default_rng(1).random((N, SIDE, SIDE, 3)) < 0.1, np.nan, SHARES),
        np.random.default_rng(1).normal(0, 1, (N, 5, SIDE, SIDE)),
    ],
)
def test_measured_data_stay_measured(tmp_path, array):
    path = save(tmp_path, array)
    for cutout, pixels in zip(read_all(path), array, strict=True):
        planes = pixels[None] if pixels.ndim == 2 else pixels if len(pixels) < SIDE else np.moveaxis(pixels, -1, 0)
        assert cutout.unit == "" and set(cutout.bands) == {""}
        np.testing.assert_array_equal(cutout.data, planes.astype(np.float32))


@pytest.mark.parametrize("more", [{"bands": np.array(["g", "r", "i"])}, {"unit": np.array("nanomaggy")}])
def test_names_and_units_say_that_data_are_measured(tmp_path, more):
    np.savez(tmp_path / "a.npz", images=SHARES, **more)
    (first, *_), notes = read_all(tmp_path / "a.npz"), gather([tmp_path / "a.npz"]).pixel_notes
    assert first.data.dtype == np.float32 and "display" not in first.unit and not notes


def test_what_was_assumed_is_said_once_unless_the_user_says_it(tmp_path):
    said = []

    class Listener:
        def say(self, message):
            said.append(message)

    for name in "abc":
        np.save(tmp_path / f"{name}.npy", SHARES)
    find_images([tmp_path], Listener())
    assert said == [
        f"'{tmp_path}/a.npy' and 2 more: float64 values from 0 to 1 are taken for pictures (R, G, B, top row first); "
        "--pixels data reads measured data."
    ]
    for pixels in ("data", "picture"):
        find_images([tmp_path], Listener(), ReadingOptions(pixels=pixels))
    assert len(said) == 1
    assert summarize_assumptions(["'a': x", "'b': y"]) == ("'a': x", "'b': y")
    np.save(tmp_path / "a.npy", SHARES - 1.7)
    find_images([tmp_path / "a.npy"], Listener())
    assert "measured data in the order g, r, z with the bottom row first; --pixels picture" in said[1]


def test_the_user_says_what_the_pixels_are(tmp_path):
    path = save(tmp_path, SHARES)
    measured = read_all(path, pixels="data")[0]
    np.testing.assert_array_equal(measured.data, SHARES[0].transpose(2, 0, 1).astype(np.float32))
    counts = save(tmp_path, (RGB // 8).astype(np.int32), "npz")
    assert read_all(counts)[0].unit == ""
    np.testing.assert_array_equal(read_all(counts, pixels="picture")[0].data, as_png(RGB[0] // 8, "RGB").data)
    with pytest.raises(UnreadableImage, match="which are not those of a picture"):
        read_all(save(tmp_path, SHARES * 1e6), pixels="picture")
    with pytest.raises(ConfigError, match="--pixels is 'jpeg'; it must be one of auto, picture, data"):
        read_image(path, pixels="jpeg")


def test_data_sets_say_what_they_assume(tmp_path):
    path = save(tmp_path, SHARES, "h5", labels=np.arange(N) % 2)
    dataset = open_dataset(path)
    assert "taken for pictures" in dataset.notes[0]
    np.testing.assert_array_equal(dataset.cutout(0).data, as_png(RGB[0], "RGB").data)
    measured = open_dataset(path, reading=ReadOptions(pixels="data"))
    assert measured.notes == () and measured.cutout(0).data.dtype == np.float32


def test_axes_that_a_file_explains(tmp_path):
    tall = np.random.default_rng(2).integers(0, 255, (9, 14, N)).astype(np.uint8)
    labels = {"labels": np.arange(N) % 2}
    for form in ("h5", "npz"):  # N labels say which axis is that of the images
        path = save(tmp_path, tall, form, **labels)
        read = read_all(path)
        assert len(read) == N
        np.testing.assert_array_equal(read[2].data[0], tall[::-1, :, 2])
    assert [item.label for item in open_dataset(path).items] == ["0", "1"] * 3
    with h5py.File(tmp_path / "d.h5", "w") as file:
        file["images"] = np.moveaxis(tall, -1, 0).swapaxes(1, 2)
        for dimension, name in zip(file["images"].dims, ("galaxy", "x", "y"), strict=True):
            dimension.label = name
    np.testing.assert_array_equal(read_all(tmp_path / "d.h5")[2].data[0], tall[::-1, :, 2])
    with h5py.File(tmp_path / "m.h5", "w") as file:  # MATLAB 7.3 writes its axes the other way round
        file["images"] = np.ascontiguousarray(RGB.transpose(0, 3, 2, 1))
        file["images"].attrs["MATLAB_class"] = np.bytes_("uint8")
    np.testing.assert_array_equal(read_all(tmp_path / "m.h5")[1].data, as_png(RGB[1], "RGB").data)


def test_images_along_the_last_axis_are_read_in_chunks(tmp_path):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("images", data=GRAY.transpose(1, 2, 0), chunks=(8, 8, 4), compression="gzip")
    for cutout, pixels in zip(read_all(tmp_path / "a.h5"), GRAY, strict=True):
        np.testing.assert_array_equal(cutout.data[0], pixels[::-1])


@pytest.mark.parametrize(
    ("array", "said"),
    [
        (np.zeros((2, 8, 8), complex), "has the type complex128, which is not a type of pixels"),
        (np.zeros((2, 8, 8), [("g", "f4"), ("r", "f4")]), "which is not a type of pixels"),
        (np.zeros((2, 8, 8), "M8[s]"), "which is not a type of pixels"),
    ],
)
def test_types_that_are_no_pixels(tmp_path, array, said):
    path = save(tmp_path, array)
    assert find_container_name(path) == "numpy"
    with pytest.raises(UnreadableImage, match=said):
        read_all(path)


def test_three_planes_alone_are_three_images_and_it_is_said(tmp_path):
    path = save(tmp_path, RGB[0].transpose(2, 0, 1))
    assert len(gather([path]).items) == 3 and "taken for 3 images of one band" in gather([path]).pixel_notes[0]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(1e-6, 1e5), st.floats(-3, 3))
def test_noise_about_a_sky_is_never_a_picture(seed, noise, sky):
    """Data with values on both sides of the sky are measured, whatever their unit and level."""
    values = np.random.default_rng(seed).normal(sky * noise, noise, (2, 3, SIDE, SIDE)).astype(np.float32)
    assert not guess_pixel_kind(values).is_picture
