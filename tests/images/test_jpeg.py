"""JPEGs by simplejpeg: the pixels, and the messages, that Pillow gives."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from galaxtool.errors import UnreadableImage
from galaxtool.images.image_file import ImageFile
from galaxtool.images.read_options import ReadOptions
from galaxtool.images.reading import read_file
from galaxtool.types import Cutout

RNG = np.random.default_rng(20260101)
NOISE = RNG.integers(0, 256, (300, 300, 4), dtype=np.uint8)


def jpeg(mode: str = "RGB", size: tuple[int, int] = (90, 70), **options: Any) -> bytes:
    channels = len(Image.new(mode, (1, 1)).getbands())
    pixels = NOISE[: size[1], : size[0], :channels]
    stream = io.BytesIO()
    image = Image.fromarray(pixels[..., 0] if channels == 1 else pixels, mode=None if channels < 4 else mode)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("PIL.ImageFile.MAXBLOCK", 1 << 21)  # Pillow 12 must hold a progressive JPEG in it
        image.save(stream, "JPEG", **options)
    return stream.getvalue()


def read(content: bytes, **options: Any) -> Cutout:
    return read_file(ImageFile("a.jpg", content=content), ReadOptions(pixel_scale=0.4, **options))


def read_by_pillow(content: bytes, **options: Any) -> Cutout:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("galaxtool.images.raster.jpeg._decoder", None)
        return read(content, **options)


def assert_same(one: Cutout, other: Cutout) -> None:
    np.testing.assert_array_equal(one.data, other.data)
    assert one.data.dtype == other.data.dtype and not one.data.flags.writeable
    for name in ("bands", "unit", "flags", "extent", "pixel_scale"):
        assert getattr(one, name) == getattr(other, name), name


@given(
    mode=st.sampled_from(["L", "RGB", "CMYK"]),
    width=st.integers(1, 300),
    height=st.integers(1, 300),
    quality=st.integers(1, 100),
    subsampling=st.sampled_from(["4:4:4", "4:2:2", "4:2:0"]),
    progressive=st.booleans(),
    at_least=st.sampled_from([0, 1, 8, 31, 64, 128, 400]),
)
def test_as_pillow_decodes(
    mode: str, width: int, height: int, quality: int, subsampling: str, progressive: bool, at_least: int
) -> None:
    content = jpeg(mode, (width, height), quality=quality, subsampling=subsampling, progressive=progressive)
    assert_same(read(content, at_least=at_least), read_by_pillow(content, at_least=at_least))


def test_pillow_is_not_asked_where_it_need_not_be(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuses(*_: object, **__: object) -> None:
        raise AssertionError("Pillow was asked")

    gray, coloured, strange = jpeg("L"), jpeg("RGB"), jpeg("CMYK")
    monkeypatch.setattr(Image, "open", refuses)
    assert read(gray).data.shape == (1, 70, 90) and read(coloured).data.shape == (3, 70, 90)
    with pytest.raises(UnreadableImage, match="Pillow was asked"):
        read(strange)


@given(keep=st.floats(0.01, 0.99), at_least=st.sampled_from([0, 20]))
def test_what_is_cut_short_is_told_alike(keep: float, at_least: int) -> None:
    content = jpeg(size=(120, 100))
    content = content[: max(4, int(keep * len(content)))]
    told = []
    for reader in (read, read_by_pillow):
        with pytest.raises(UnreadableImage) as caught:
            reader(content, at_least=at_least)
        told.append(caught.value.message)
    assert told[0] == told[1]


@given(place=st.floats(0.3, 0.99), bit=st.integers(0, 7))
def test_flipped_bits_are_read_alike(place: float, bit: int) -> None:
    content = bytearray(jpeg(size=(120, 100)))
    content[int(place * len(content))] ^= 1 << bit
    found = []
    for reader in (read, read_by_pillow):
        try:
            found.append(reader(bytes(content)))
        except UnreadableImage as error:
            found.append(error.message)
    if isinstance(found[0], str) or isinstance(found[1], str):
        assert found[0] == found[1]
    else:
        assert_same(*found)


def test_a_mosaic_is_left_to_pillow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 1000)
    with pytest.raises(UnreadableImage, match="more pixels than a picture should have"):
        read(jpeg(size=(90, 70)))


@pytest.mark.shared_data
def test_real_ones_are_as_pillow_has_them(shared_data: Path) -> None:
    files = sorted((shared_data / "optical_gz1_coarse").rglob("*.jpg"))[::40]
    assert len(files) > 50
    for file in files:
        content = file.read_bytes()
        for at_least in (0, 100, 128):
            assert_same(read(content, at_least=at_least), read_by_pillow(content, at_least=at_least))
