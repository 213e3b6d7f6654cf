"""Decode TIFFs that Pillow does not know, or brings to 8 bits: any integers and floats, any number of samples."""

from __future__ import annotations

import io
import math
import struct
import zlib
from typing import BinaryIO

import numpy as np
from PIL import Image

from galaxtool.errors import UnreadableImage
from galaxtool.images.planes import check_size
from galaxtool.images.raster.tiff_tags import COLORS, FLOAT, SIGNED, UNDEFINED, UNSIGNED, WHITE_IS_ZERO, TiffPage

_PLAIN, _DEFLATE = 1, (8, 32946)
_NAMES = {
    2: "CCITT", 3: "CCITT", 4: "CCITT", 5: "LZW", 6: "JPEG", 7: "JPEG", 32773: "PackBits", 34712: "JPEG 2000",
    34887: "LERC", 34925: "LZMA", 50000: "Zstandard", 50001: "WebP", 50002: "JPEG XL",
}  # fmt: skip
_PILLOW = (5, 32773, 34925, 50000)  # compressions of bytes that Pillow undoes
_READ = (_PLAIN, *_DEFLATE, *_PILLOW)
_HORIZONTAL, _FLOATING = 2, 3  # predictors
_KINDS = {UNSIGNED: "u", UNDEFINED: "u", SIGNED: "i", FLOAT: "f"}


def needs_own_decoder(page: TiffPage) -> bool:
    """Tell whether a page has other values than unsigned ones of up to 8 bits, which Pillow decodes."""
    colors = 3 if page.photometric == COLORS else 1
    many = page.photometric <= COLORS and page.samples - len(page.extra) > colors
    return page.bits > 8 or page.sample_format not in (UNSIGNED, UNDEFINED) or many or page.samples > 4


def decode_tiff(name: str, page: TiffPage, stream: BinaryIO) -> np.ndarray:
    """Return the values of a page, (samples, ny, nx), in native byte order; the top row first.

    Raises
    ------
    UnreadableImage
        If the type or the compression is not supported, or the file is cut short.
    """
    kind = _KINDS.get(page.sample_format)
    sizes = {"u": range(1, 65), "i": (8, 16, 32, 64), "f": (16, 32, 64)}
    if kind is None or page.bits not in sizes[kind]:
        what = "complex numbers" if kind is None else f"{'floats' if kind == 'f' else 'integers'} of {page.bits} bits"
        raise UnreadableImage(
            f"'{name}' is a TIFF of {what}, which are not read.", hint="Save it as float32, uint16 or FITS."
        )
    if page.compression not in _READ or page.fill_order != 1:
        packed = _NAMES.get(page.compression, f"method {page.compression}")
        raise UnreadableImage(
            f"'{name}' is a TIFF of {page.bits} bits compressed by {packed}, which is not read.",
            hint="Save it without compression, or with LZW or deflate.",
        )
    check_size(name, (page.samples, page.height, page.width))
    if not (page.width and page.height and page.tile_width and page.tile_height and page.samples):
        raise UnreadableImage(f"'{name}' is damaged: its header gives no size.")
    values = _assemble(name, page, stream, kind)
    if page.photometric == WHITE_IS_ZERO and kind == "u":
        values = values.dtype.type(2**page.bits - 1) - values
    return _orient(values, page.orientation)


def _assemble(name: str, page: TiffPage, stream: BinaryIO, kind: str) -> np.ndarray:
    """Return the values of all strips or tiles."""
    across, down = math.ceil(page.width / page.tile_width), math.ceil(page.height / page.tile_height)
    groups, samples = (page.samples, 1) if page.planar else (1, page.samples)
    if len(page.offsets) < across * down * groups or len(page.counts) < len(page.offsets):
        raise UnreadableImage(
            f"'{name}' is damaged or cut short: its header promises {page.width} x {page.height} pixels and it has "
            f"{len(page.offsets):,} of {across * down * groups:,} strips."
        )
    bits = page.bits if page.bits in (8, 16, 32, 64) else 16 if page.bits < 16 else 32 if page.bits < 32 else 64
    values = np.empty((page.samples, page.height, page.width), f"{kind}{bits // 8}")
    for number in range(across * down * groups):
        group, place = divmod(number, across * down)
        top, left = (place // across) * page.tile_height, (place % across) * page.tile_width
        rows = page.tile_height if page.tiled else min(page.tile_height, page.height - top)
        tile = _decode_segment(name, page, stream, number, (rows, page.tile_width, samples), kind)
        part = tile[: page.height - top, : page.width - left].transpose(2, 0, 1)
        where = slice(group, group + 1) if page.planar else slice(None)
        values[where, top : top + part.shape[1], left : left + part.shape[2]] = part
    return values


def _decode_segment(
    name: str, page: TiffPage, stream: BinaryIO, number: int, shape: tuple[int, int, int], kind: str
) -> np.ndarray:
    """Return the values of a strip or tile, (rows, width, samples)."""
    rows, width, samples = shape
    row_bytes = math.ceil(width * samples * page.bits / 8)
    stream.seek(page.offsets[number])
    packed = stream.read(page.counts[number])
    if len(packed) < page.counts[number]:
        raise UnreadableImage(f"'{name}' is cut short: a part of its pixels lies beyond its end.")
    content = _unpack(packed, page.compression, row_bytes, rows)
    if len(content) < row_bytes * rows:
        raise UnreadableImage(f"'{name}' is damaged or cut short: a strip has {len(content):,} bytes too few.")
    raw = np.frombuffer(content, np.uint8, row_bytes * rows).reshape(rows, row_bytes)
    if page.bits not in (8, 16, 32, 64):
        return _unpack_bits(raw, page.bits, width * samples).reshape(shape)
    item = page.bits // 8
    if page.predictor == _FLOATING:
        summed = np.add.accumulate(raw.reshape(rows, -1, samples), axis=1, dtype=np.uint8)
        mixed = summed.reshape(rows, item, width * samples).transpose(0, 2, 1)
        values = np.ascontiguousarray(mixed).view(f">{kind}{item}")
    else:
        values = raw.view(f"{page.order}{kind}{item}")
    values = values.reshape(shape).astype(f"{kind}{item}")
    if page.predictor == _HORIZONTAL and kind != "f":
        return np.add.accumulate(values, axis=1, dtype=values.dtype)
    return values


def _unpack(packed: bytes, compression: int, row_bytes: int, rows: int) -> bytes:
    """Return the bytes of a strip or tile, at most as many as it should have."""
    if compression == _PLAIN:
        return packed
    if compression in _DEFLATE:
        return zlib.decompressobj().decompress(packed, row_bytes * rows)
    # Pillow undoes the compression of a picture with a byte for each pixel
    tags = (
        (256, 4, row_bytes), (257, 4, rows), (258, 3, 8), (259, 3, compression), (262, 3, 1), (273, 4, 8),
        (277, 3, 1), (278, 4, rows), (279, 4, len(packed)),
    )  # fmt: skip
    entries = b"".join(
        struct.pack("<HHL", tag, form, 1) + struct.pack("<L" if form == 4 else "<HH", *((n,) if form == 4 else (n, 0)))
        for tag, form, n in tags
    )
    place = 8 + len(packed) + len(packed) % 2
    head = struct.pack("<2sHL", b"II", 42, place)
    directory = struct.pack("<H", len(tags)) + entries + bytes(4)
    with Image.open(io.BytesIO(head + packed + bytes(len(packed) % 2) + directory), formats=("TIFF",)) as image:
        return image.tobytes()


def _unpack_bits(raw: np.ndarray, bits: int, count: int) -> np.ndarray:
    """Return unsigned integers of any number of bits, packed row by row with the highest bit first."""
    flags = np.unpackbits(raw, axis=1)[:, : count * bits].reshape(len(raw), count, bits)
    powers = 2 ** np.arange(bits - 1, -1, -1, dtype=np.uint64)
    kind = np.uint16 if bits < 16 else np.uint32 if bits < 32 else np.uint64
    values: np.ndarray = (flags.astype(np.uint64) * powers).sum(axis=2).astype(kind)
    return values


def _orient(values: np.ndarray, orientation: int) -> np.ndarray:
    """Turn and mirror planes so that they are shown as the orientation says."""
    if orientation in (5, 6, 7, 8):
        values = values.swapaxes(1, 2)
    if orientation in (3, 4, 7, 8):
        values = values[:, ::-1]
    if orientation in (2, 3, 6, 7):
        values = values[:, :, ::-1]
    return values
