"""TIFFs of every type of numbers, layout and meaning."""

import io

import numpy as np
import pytest
from PIL import Image
from support.tiff_helpers import write_tiff

from galaxtool.errors import UnreadableImage
from galaxtool.images.image_file import ImageFile
from galaxtool.images.read_options import ReadOptions
from galaxtool.images.reading import read_file

NOISE = np.random.default_rng(3).normal(10, 3, (20, 25))
DEEP = np.random.default_rng(3).integers(0, 65536, (20, 25)).astype(np.uint16)
GRAY = ((DEEP.astype(np.uint32) + 128) // 257)[None]
COLORS = np.random.default_rng(4).integers(0, 65536, (20, 25, 3)).astype(np.uint16)
SHOWN = ((COLORS.astype(np.uint32) + 128) // 257).transpose(2, 0, 1)
LAYOUTS = [
    {"order": ">"},
    {"big": True},
    {"tile": 16},
    {"rows": 7},
    {"deflate": True, "predictor": 2},
    {"deflate": True, "predictor": 2, "order": ">", "tile": 16},
]


def read(content, **options):
    return read_file(ImageFile("a.tif", content=content), ReadOptions(**options))


def as_stored(cutout):
    """Return the planes with the top row first, as the file has them."""
    return cutout.data[:, ::-1]


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u4", "u8"])
@pytest.mark.parametrize("layout", [{}, {"order": ">", "tile": 16}], ids=str)
def test_numbers_of_every_type_are_measured(dtype, layout):
    values = (NOISE * 3).astype(dtype)
    cutout = read(write_tiff(values, **layout))
    assert (cutout.unit, cutout.bands, cutout.flags, cutout.data.dtype) == ("", ("",), (), np.float32)
    np.testing.assert_array_equal(as_stored(cutout), values[None].astype(np.float32))


@pytest.mark.parametrize("layout", LAYOUTS, ids=str)
def test_layouts_of_16_bits(layout):
    np.testing.assert_array_equal(as_stored(read(write_tiff(DEEP, **layout))), GRAY)
    np.testing.assert_array_equal(as_stored(read(write_tiff(65535 - DEEP, photometric=0, **layout))), GRAY)
    np.testing.assert_array_equal(as_stored(read(write_tiff(COLORS, photometric=2, **layout))), SHOWN)
    planar = write_tiff(COLORS, photometric=2, planar=True, **layout)
    np.testing.assert_array_equal(as_stored(read(planar)), SHOWN)


@pytest.mark.parametrize("order", "<>")
def test_predictor_of_floats(order):
    values = NOISE.astype(np.float32)
    cutout = read(write_tiff(values, deflate=True, predictor=3, order=order, tile=16))
    np.testing.assert_array_equal(as_stored(cutout)[0], values)


@pytest.mark.parametrize("compression", ["tiff_lzw", "packbits", "tiff_adobe_deflate", "zstd", "lzma"])
def test_compressions_that_pillow_writes(compression):
    for values, wanted in ((DEEP, GRAY), (NOISE.astype(np.float32), NOISE[None].astype(np.float32))):
        buffer = io.BytesIO()
        Image.fromarray(values).save(buffer, "TIFF", compression=compression)
        np.testing.assert_array_equal(as_stored(read(buffer.getvalue())), wanted)


@pytest.mark.parametrize("bits", [10, 12, 14])
def test_opacity_of_few_bits(bits):
    values = np.repeat((DEEP >> (16 - bits))[..., None], 4, axis=-1)
    values[..., 3] = 2**bits - 1
    values[0, 0, 3] = 0
    shown = as_stored(read(write_tiff(values, photometric=2, bits=bits, tags={338: [2]})))
    expected = values[..., :3] * (255 / (2**bits - 1))
    expected[0, 0] = 0
    np.testing.assert_allclose(np.moveaxis(shown, 0, -1), expected, atol=1)


@pytest.mark.parametrize("bits", [1, 2, 4, 8, 10, 12, 14])
@pytest.mark.parametrize("photometric", [0, 1])
def test_integers_of_few_bits_are_pictures(bits, photometric):
    values = DEEP >> (16 - bits)
    stored = 2**bits - 1 - values if photometric == 0 else values
    stored = stored.astype(np.uint8 if bits <= 8 else np.uint16)
    cutout = read(write_tiff(stored, photometric=photometric, bits=0 if bits == 8 else bits))
    assert cutout.unit == "display"
    np.testing.assert_allclose(as_stored(cutout)[0], values * (255 / (2**bits - 1)), atol=1)


@pytest.mark.parametrize("planar", [False, True])
def test_samples_without_a_meaning_are_bands(planar):
    values = np.random.default_rng(5).normal(0, 1, (20, 25, 5)).astype(np.float32)
    cutout = read(write_tiff(values, planar=planar, tags={338: [0] * 4}))
    assert cutout.bands == ("",) * 5 and cutout.unit == ""
    np.testing.assert_array_equal(as_stored(cutout), values.transpose(2, 0, 1))


def test_counts_are_measured_and_it_is_flagged():
    counts = DEEP // 64 + 100
    cutout = read(write_tiff(counts))
    assert (cutout.unit, cutout.flags) == ("", ("COUNTS",))
    np.testing.assert_array_equal(as_stored(cutout)[0], counts)
    colors = read(write_tiff(COLORS // 40, photometric=2))
    assert colors.bands == ("R", "G", "B") and colors.unit == "" and colors.flags == ("COUNTS",)
    picture = read(write_tiff(counts), pixels="picture")
    assert picture.unit == "display" and "COUNTS" not in picture.flags
    np.testing.assert_array_equal(as_stored(picture)[0], (counts + 128) // 257)
    data = read(write_tiff(DEEP), pixels="data")
    np.testing.assert_array_equal(as_stored(data)[0], DEEP)


def test_gray_levels_as_floats_are_a_picture_and_it_is_flagged():
    levels = (COLORS >> 8).astype(np.float32)
    cutout = read(write_tiff(levels / 255, photometric=2))
    assert cutout.bands == ("R", "G", "B") and "AS_PICTURE" in cutout.flags
    np.testing.assert_array_equal(as_stored(cutout), levels.transpose(2, 0, 1))


def test_opacity():
    half = np.concatenate([COLORS, np.full((20, 25, 1), 32896, np.uint16)], axis=2)
    cutout = read(write_tiff(half, photometric=2, tags={338: [2]}))
    np.testing.assert_allclose(as_stored(cutout), SHOWN * (128 / 255), atol=1)
    counts = np.stack([DEEP // 64, np.where(DEEP > 9000, 65535, 0).astype(np.uint16)], axis=-1)
    measured = as_stored(read(write_tiff(counts, tags={338: [2]})))[0]
    np.testing.assert_array_equal(np.isnan(measured), DEEP <= 9000)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_orientation_is_followed_as_pillow_does(orientation):
    shown = [read(write_tiff(values, tags={274: [orientation]})) for values in ((DEEP >> 8).astype(np.uint8), DEEP)]
    assert shown[0].data.shape == shown[1].data.shape
    np.testing.assert_allclose(shown[0].data.astype(float), shown[1].data, atol=1)


def test_first_page_that_is_no_preview():
    buffer = io.BytesIO()
    Image.fromarray(DEEP).save(buffer, "TIFF", save_all=True, append_images=[Image.fromarray(65535 - DEEP)])
    cutout = read(buffer.getvalue())
    assert "FIRST_FRAME" in cutout.flags
    np.testing.assert_array_equal(as_stored(cutout), GRAY)
    single = read(write_tiff(DEEP, tags={254: [0]}))
    assert "FIRST_FRAME" not in single.flags


def test_colours_of_the_eye():
    from PIL import ImageCms

    profiles = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    color = Image.new("RGB", (8, 8), (200, 100, 50))
    buffer = io.BytesIO()
    ImageCms.profileToProfile(color, *profiles, outputMode="LAB").save(buffer, "TIFF")
    np.testing.assert_allclose(read(buffer.getvalue()).data[:, 0, 0], (200, 100, 50), atol=3)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (write_tiff(NOISE.astype(np.complex64)), "a TIFF of complex numbers, which are not read"),
        (write_tiff(DEEP, tags={259: [34887]}), "of 16 bits compressed by LERC, which is not read"),
        (write_tiff(DEEP, tags={262: [32803]}), "the raw file of a camera"),
        (write_tiff(DEEP, big=True, order=">"), "a BigTIFF in big-endian order"),
        (write_tiff(DEEP)[:500], "damaged"),
        (write_tiff(DEEP, tags={256: [2500]}), "damaged or cut short"),
        (write_tiff(NOISE, rows=5, tags={257: [2000]}), "damaged or cut short"),
    ],
)
def test_what_is_not_read_is_named(content, said):
    with pytest.raises(UnreadableImage) as caught:
        read(content)
    assert said in caught.value.message
