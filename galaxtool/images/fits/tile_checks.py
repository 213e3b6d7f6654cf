"""Whether the tiles of a packed FITS image are what its header says, before they are unpacked.

The decoders of HCOMPRESS and PLIO are written in C and believe what a tile says of its own size, whatever room there
is: a damaged file would overwrite the memory of the whole process, and end it.
"""

from __future__ import annotations

import itertools
import math
import struct
from collections.abc import Iterator
from typing import Any

from astropy.io import fits

from galaxtool.images.fits.bounded_stream import open_bounded
from galaxtool.images.image_file import ImageFile

_HCOMPRESS = struct.Struct(">2s3iq3B")  # magic, sides, scale, sum of the pixels, bit planes
_MAGIC = b"\xdd\x99"
_MOST_PLANES = 64


def check_tiles(file: ImageFile, number: int, hdu: fits.CompImageHDU) -> None:
    """Compare what the tiles of an image say of themselves with its header.

    Parameters
    ----------
    file : ImageFile
    number : int
        Of the HDU.
    hdu : CompImageHDU
        As astropy has opened it.

    Raises
    ------
    ValueError
        If a tile packed by HCOMPRESS or PLIO is of another size, or cut short.
    """
    kind = hdu.compression_type
    if kind not in _CHECKS:
        return
    # astropy gives the bytes of tiles only where it takes the HDU for the table that it is
    with (
        open_bounded(file) as stream,
        fits.open(stream, memmap=False, lazy_load_hdus=True, disable_image_compression=True) as units,
    ):
        cells = units[number].data["COMPRESSED_DATA"]
        for cell, pixels in zip(cells, _sizes(hdu.shape, hdu.tile_shape), strict=False):
            if len(cell):  # else it is packed by gzip, in another column
                _CHECKS[kind](cell, pixels)


def _sizes(shape: tuple[int, ...], tile: tuple[int, ...]) -> Iterator[int]:
    """Yield the number of pixels of each tile, in order; those at the edges may be smaller."""
    sides = [[min(step, side - at) for at in range(0, side, step)] for side, step in zip(shape, tile, strict=True)]
    return map(math.prod, itertools.product(*sides))


def _check_hcompress(cell: Any, pixels: int) -> None:
    content = cell.tobytes()
    if len(content) < _HCOMPRESS.size:
        raise ValueError(f"a tile has {len(content)} bytes")
    magic, nx, ny, _, _, *planes = _HCOMPRESS.unpack_from(content)
    if magic != _MAGIC or min(nx, ny) < 1 or nx * ny != pixels:
        raise ValueError(f"a tile of {pixels} pixels says that it has {nx} x {ny}")
    if max(planes) > _MOST_PLANES:
        raise ValueError(f"a tile says that it has {max(planes)} bit planes")


def _check_plio(cell: Any, pixels: int) -> None:
    words = cell.astype(">i2").tolist()
    if len(words) < 3:
        raise ValueError(f"a tile has {len(words)} words")
    old = words[2] > 0  # one word for the length, in place of two
    claimed = words[2] if old else (words[4] << 15) + words[3] if len(words) > 4 else -1
    start = 3 if old else words[1]
    if not (0 <= claimed <= len(words) and 0 <= start <= len(words)):
        raise ValueError(f"a tile of {len(words)} words says that it has {claimed}")


_CHECKS = {"HCOMPRESS_1": _check_hcompress, "PLIO_1": _check_plio}
