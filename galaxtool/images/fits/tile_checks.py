"""Check the tiles of a compressed FITS image before they are decompressed.

The C decoders of HCOMPRESS and PLIO trust the size that a tile states and ignore the size of the buffer: a damaged
file would overwrite memory and crash the process.
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
    """Compare the sizes that the tiles of an image state with its header.

    Parameters
    ----------
    file : ImageFile
        The file.
    number : int
        Number of the HDU.
    hdu : CompImageHDU
        The HDU as astropy opened it.

    Raises
    ------
    ValueError
        If a tile compressed by HCOMPRESS or PLIO has another size, or is cut short.
    """
    kind = hdu.compression_type
    if kind not in _CHECKS:
        return
    # astropy gives access to the bytes of tiles only if it opens the HDU as a table
    with (
        open_bounded(file) as stream,
        fits.open(stream, memmap=False, lazy_load_hdus=True, disable_image_compression=True) as units,
    ):
        cells = units[number].data["COMPRESSED_DATA"]
        for cell, pixels in zip(cells, _tile_sizes(hdu.shape, hdu.tile_shape), strict=False):
            if len(cell):  # otherwise it is compressed by gzip, in another column
                _CHECKS[kind](cell, pixels)


def _tile_sizes(shape: tuple[int, ...], tile: tuple[int, ...]) -> Iterator[int]:
    """Yield the number of pixels of each tile, in order; those at the edges may be smaller."""
    sides = [[min(step, side - at) for at in range(0, side, step)] for side, step in zip(shape, tile, strict=True)]
    return map(math.prod, itertools.product(*sides))


def _check_hcompress(cell: Any, pixels: int) -> None:
    """Raise `ValueError` unless a tile states the expected number of pixels."""
    content = cell.tobytes()
    if len(content) < _HCOMPRESS.size:
        raise ValueError(f"a tile has {len(content)} bytes")
    magic, nx, ny, _, _, *planes = _HCOMPRESS.unpack_from(content)
    if magic != _MAGIC or min(nx, ny) < 1 or nx * ny != pixels:
        raise ValueError(f"a tile of {pixels} pixels claims to have {nx} x {ny}")
    if max(planes) > _MOST_PLANES:
        raise ValueError(f"a tile claims to have {max(planes)} bit planes")


def _check_plio(cell: Any, pixels: int) -> None:
    """Raise `ValueError` if a tile states more words than it has."""
    words = cell.astype(">i2").tolist()
    if len(words) < 3:
        raise ValueError(f"a tile has {len(words)} words")
    old = words[2] > 0  # one word for the length instead of two
    claimed = words[2] if old else (words[4] << 15) + words[3] if len(words) > 4 else -1
    start = 3 if old else words[1]
    if not (0 <= claimed <= len(words) and 0 <= start <= len(words)):
        raise ValueError(f"a tile of {len(words)} words claims to have {claimed}")


_CHECKS = {"HCOMPRESS_1": _check_hcompress, "PLIO_1": _check_plio}
