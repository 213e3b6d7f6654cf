"""PNGs by kornia-rs: the pixels, and the messages, that Pillow gives."""

from __future__ import annotations

import io
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

import galaxtool.images.raster.png
from galaxtool.errors import UnreadableImage
from galaxtool.images.image_file import ImageFile
from galaxtool.images.reading import read_file
from galaxtool.types import Cutout

RNG = np.random.default_rng(20260102)
NOISE = RNG.integers(0, 256, (120, 120, 4), dtype=np.uint8)
IDAT_AND_BEFORE = 33  # the signature and IHDR


def png(mode: str = "RGB", size: tuple[int, int] = (60, 40), **options: Any) -> bytes:
    channels = len(Image.new(mode, (1, 1)).getbands())
    pixels = NOISE[: size[1], : size[0], :channels]
    image = Image.fromarray(pixels[..., 0] if channels == 1 else pixels)
    if mode in ("1", "P", "I;16"):
        image = Image.fromarray(pixels[..., 0].astype(np.uint16) * 257) if mode == "I;16" else image.convert(mode)
    stream = io.BytesIO()
    image.save(stream, "PNG", **options)
    return stream.getvalue()


def with_chunk(content: bytes, name: bytes, data: bytes, crc: int | None = None) -> bytes:
    """Return a PNG with a chunk more behind its header."""
    crc = zlib.crc32(name + data) if crc is None else crc
    chunk = len(data).to_bytes(4, "big") + name + data + crc.to_bytes(4, "big")
    return content[:IDAT_AND_BEFORE] + chunk + content[IDAT_AND_BEFORE:]


def read(content: bytes) -> Cutout | str:
    try:
        return read_file(ImageFile("a.png", content=content))
    except UnreadableImage as error:
        return error.message


def read_both(content: bytes) -> tuple[Cutout | str, Cutout | str]:
    ours = read(content)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("galaxtool.images.raster.png._decode", None)
        return ours, read(content)


def assert_alike(content: bytes) -> None:
    ours, pillows = read_both(content)
    if isinstance(ours, str) or isinstance(pillows, str):
        assert ours == pillows
        return
    np.testing.assert_array_equal(ours.data, pillows.data)
    assert ours.data.dtype == pillows.data.dtype and ours.data.flags.writeable == pillows.data.flags.writeable
    for name in ("bands", "unit", "flags", "extent"):
        assert getattr(ours, name) == getattr(pillows, name), name


def quickly(content: bytes) -> bool:
    """Tell whether kornia-rs decodes a file."""
    called = []
    decode = galaxtool.images.raster.png._decode
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("galaxtool.images.raster.png._decode", lambda *given: called.append(1) or decode(*given))
        read(content)
    return bool(called)


@given(
    mode=st.sampled_from(["L", "RGB", "RGBA", "LA", "1", "P", "I;16"]),
    width=st.integers(1, 120),
    height=st.integers(1, 120),
    level=st.integers(0, 9),
)
def test_as_pillow_decodes(mode: str, width: int, height: int, level: int) -> None:
    content = png(mode, (width, height), compress_level=level)
    assert_alike(content)
    assert quickly(content) == (mode in ("L", "RGB"))


@given(place=st.floats(0, 1, exclude_max=True), bit=st.integers(0, 7))
def test_flipped_bits_are_read_alike(place: float, bit: int) -> None:
    content = bytearray(png(size=(50, 30)))
    content[int(place * len(content))] ^= 1 << bit
    assert_alike(bytes(content))


@given(keep=st.floats(0.01, 1))
def test_what_is_cut_short_is_told_alike(keep: float) -> None:
    content = png(size=(50, 30))
    assert_alike(content[: max(9, int(keep * len(content)))])


def test_odd_chunks_are_read_alike_and_nothing_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    content = png()
    for name, data in (
        (b"tRNS", bytes(6)),  # black is transparent
        (b"gAMA", (100_000).to_bytes(4, "big")),
        (b"iCCP", b"nonsense\0\0" + zlib.compress(b"no profile")),
        (b"sRGB", b"\x09"),
        (b"tEXt", b"Comment\0" + b"x" * 100),
        (b"acTL", (2).to_bytes(4, "big") + bytes(4)),  # promises frames
        (b"eXIf", b"MM\0*" + bytes(8)),
        (b"zTXt", b"a\0\0" + b"not deflated"),
    ):
        assert_alike(with_chunk(content, name, data))
        assert_alike(with_chunk(content, name, data, crc=1))
    assert capfd.readouterr() == ("", "")


def test_comments_behind_the_pixels() -> None:
    info = PngImagePlugin.PngInfo()
    info.add(b"teXt", b"behind", after_idat=True)
    content = png(pnginfo=info)
    for odd in (content, content[:-20], content[:-5], content + b"more", png() + b"more", png()[:-12]):
        assert_alike(odd)
