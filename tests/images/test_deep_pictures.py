"""Pictures of 16 bits, frames, orientation and rarer formats."""

import io
import struct
import zlib

import numpy as np
import pytest
from PIL import Image
from support.training_helpers import run_command

from galaxtool.errors import UnreadableImage
from galaxtool.images.image_file import ImageFile
from galaxtool.images.reading import read_file

DEEP = np.random.default_rng(6).integers(0, 65536, (20, 25)).astype(np.uint16)
GRAY = (DEEP >> 8).astype(np.uint8)
RGB = np.random.default_rng(7).integers(0, 256, (20, 25, 3)).astype(np.uint8)


def read(name, content):
    return read_file(ImageFile(name, content=content))


def save(image, form, **options):
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def png16(values, color_type):
    """Return a PNG of 16 bits."""

    def chunk(kind, content):
        return struct.pack(">L", len(content)) + kind + content + struct.pack(">L", zlib.crc32(kind + content))

    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in values)
    header = struct.pack(">LLBBBBB", values.shape[1], values.shape[0], 16, color_type, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("name", "encode"),
    [
        ("a.png", lambda values: png16(values, 0)),
        ("a.pgm", lambda values: b"P5\n25 20\n65535\n" + values.astype(">u2").tobytes()),
    ],
)
def test_full_range_is_a_picture_and_counts_are_measured(name, encode):
    picture = read(name, encode(DEEP))
    assert picture.unit == "display" and "COUNTS" not in picture.flags
    np.testing.assert_array_equal(picture.data[0, ::-1], (DEEP.astype(int) + 128) // 257)
    counts = read(name, encode(DEEP // 64 + 100))
    assert (counts.unit, counts.flags) == ("", ("COUNTS",))
    np.testing.assert_array_equal(counts.data[0, ::-1], DEEP // 64 + 100)


def test_colours_of_16_bits_keep_8_and_it_is_flagged_if_few_are_left():
    colors = np.random.default_rng(8).integers(0, 65536, (20, 25, 3)).astype(np.uint16)
    picture = read("a.png", png16(colors, 2))
    np.testing.assert_allclose(picture.data[:, ::-1], colors.transpose(2, 0, 1) / 257, atol=1)
    assert "FEW_LEVELS" not in picture.flags
    assert "FEW_LEVELS" in read("a.png", png16(colors // 64, 2)).flags


@pytest.mark.parametrize("form", ["GIF", "PNG", "WEBP"])
def test_first_frame_is_read_and_flagged(form):
    frames = [Image.fromarray(GRAY).convert("RGB"), Image.fromarray(255 - GRAY).convert("RGB")]
    options = {"lossless": True} if form == "WEBP" else {}
    moving = read("a", save(frames[0], form, save_all=True, append_images=frames[1:], **options))
    still = read("a", save(frames[0], form, **options))
    assert "FIRST_FRAME" in moving.flags and "FIRST_FRAME" not in still.flags
    np.testing.assert_allclose(moving.data.astype(float), still.data, atol=8)  # a GIF has 256 colours


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_orientation_of_exif_is_followed(form, orientation):
    exif = Image.Exif()
    exif[274] = orientation
    blocks = np.kron(RGB[:10, :12], np.ones((8, 8, 1), np.uint8))
    turned = np.rot90(blocks, {1: 0, 3: 2, 6: -1, 8: 1}[orientation]).transpose(2, 0, 1)
    options = {"lossless": True} if form == "WEBP" else {"quality": 95} if form == "JPEG" else {}
    cutout = read("a", save(Image.fromarray(blocks), form, exif=exif, **options))
    assert cutout.data.shape == turned.shape
    assert np.abs(cutout.data[:, ::-1].astype(float) - turned).mean() < (15 if form == "JPEG" else 1e-9)


@pytest.mark.parametrize(("name", "form"), [("a.jp2", "JPEG2000"), ("a.ppm", "PPM"), ("a.bmp", "BMP")])
def test_rarer_formats(name, form):
    cutout = read(name, save(Image.fromarray(RGB), form))
    assert cutout.flags == ()
    np.testing.assert_array_equal(cutout.data[:, ::-1], RGB.transpose(2, 0, 1))


@pytest.mark.parametrize("order", "<>")
def test_portable_float_maps_are_measured(order):
    values = np.random.default_rng(9).normal(0, 1, (20, 25)).astype(np.float32)
    scale = b"-1.0" if order == "<" else b"1.0"  # the bottom row comes first
    cutout = read("a.pfm", b"Pf\n25 20\n" + scale + b"\n" + values.astype(f"{order}f4").tobytes())
    np.testing.assert_array_equal(cutout.data[0], values)


def test_a_jpeg_of_12_bits_is_named():
    content = save(Image.fromarray(RGB), "JPEG")
    place = content.index(b"\xff\xc0")
    content = content[: place + 1] + b"\xc1" + content[place + 2 : place + 4] + b"\x0c" + content[place + 5 :]
    with pytest.raises(UnreadableImage, match="is a JPEG of 12 bits, which is not read"):
        read("a.jpg", content)


@pytest.mark.slow
def test_finetune_says_what_it_assumes(tmp_path, capsys):
    for i in range(12):
        folder = tmp_path / "set" / "ab"[i % 2]
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{i}.png").write_bytes(png16(np.roll(DEEP, i, axis=0) // 64 + 100, 0))
    run = ["finetune", str(tmp_path / "set"), "--method", "linear-probe", "--epochs", "1", "-o", str(tmp_path / "run")]
    code, out, err = run_command(*run)
    assert code == 0 and "images are flagged COUNTS: 16-bit values fill less than a quarter" in " ".join(
        (out + err).split()
    )
