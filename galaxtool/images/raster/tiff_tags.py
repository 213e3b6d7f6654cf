"""The directory of a page of a TIFF: what its pixels are and where they are stored."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, BinaryIO

from PIL.TiffImagePlugin import ImageFileDirectory_v2

from galaxtool.errors import UnreadableImage

TIFF_MAGIC = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")

WHITE_IS_ZERO, BLACK_IS_ZERO, COLORS = 0, 1, 2
UNSIGNED, SIGNED, FLOAT, UNDEFINED = 1, 2, 3, 4

_MOST_PAGES = 1000
_REDUCED, _MASK = 1, 4  # bits of the type of a page
_CAMERA_RAW = (32803, 34892)  # photometric interpretations
_SUBTYPE, _WIDTH, _HEIGHT, _BITS, _COMPRESSION, _PHOTOMETRIC, _FILL_ORDER = 254, 256, 257, 258, 259, 262, 266
_OFFSETS, _ORIENTATION, _SAMPLES, _ROWS, _COUNTS, _PLANAR = 273, 274, 277, 278, 279, 284
_PREDICTOR, _TILE_WIDTH, _TILE_HEIGHT, _TILE_OFFSETS, _TILE_COUNTS = 317, 322, 323, 324, 325
_SUB_PAGES, _EXTRA, _FORMAT, _DNG = 330, 338, 339, 50706


@dataclass(frozen=True, slots=True, kw_only=True)
class TiffPage:
    """A page of a TIFF.

    Parameters
    ----------
    number : int
        Number of the page.
    others : int
        Number of other pages that are images of their own.
    order : str
        Byte order as NumPy writes it.
    width, height, samples, bits : int
        Sides in pixels, number of values of a pixel, and bits of a value.
    sample_format, compression, photometric, predictor, orientation, fill_order : int
        As in the TIFF standard.
    planar : bool
        Whether each sample has its own strips or tiles.
    extra : tuple of int
        Meaning of the samples beyond the colours: 1 and 2 are opacity.
    offsets, counts : tuple of int
        Places and sizes of the strips or tiles.
    tile_width, tile_height : int
        Size of a strip or tile.
    tiled : bool
        Whether the pixels are in tiles, which are whole at the edges too.
    """

    number: int
    others: int
    order: str
    width: int
    height: int
    samples: int
    bits: int
    sample_format: int
    compression: int
    photometric: int
    predictor: int
    orientation: int
    fill_order: int
    planar: bool
    extra: tuple[int, ...]
    offsets: tuple[int, ...]
    counts: tuple[int, ...]
    tile_width: int
    tile_height: int
    tiled: bool


def find_page(name: str, stream: BinaryIO) -> TiffPage:
    """Return the first page of a TIFF that is an image of its own, not a preview or a mask.

    Raises
    ------
    UnreadableImage
        If the file is the raw file of a camera, a big-endian BigTIFF, or its values have different sizes.
    """
    stream.seek(0)
    head = stream.read(16)
    if head.startswith(b"MM\x00+"):
        raise UnreadableImage(
            f"'{name}' is a BigTIFF in big-endian order, which is not read.", hint="Save it in little-endian order."
        )
    head = head if head[2:3] == b"+" else head[:8]
    directory = ImageFileDirectory_v2(head)
    pages: list[tuple[int, dict[int, Any]]] = []
    place, seen = directory.next, set[int]()
    while place and place not in seen and len(seen) < _MOST_PAGES:
        seen.add(place)
        stream.seek(place)
        page = ImageFileDirectory_v2(head)
        page.load(stream)
        pages.append((len(pages), dict(page)))
        place = page.next
    whole = [page for page in pages if not int(page[1].get(_SUBTYPE, 0)) & (_REDUCED | _MASK)]
    if any(_DNG in tags or tags.get(_PHOTOMETRIC) in _CAMERA_RAW for _, tags in pages) or _is_canon(stream):
        raise _camera_error(name)
    if not whole and any(_SUB_PAGES in tags for _, tags in pages):
        raise _camera_error(name)
    number, tags = (whole or pages)[0]
    return _describe_page(name, number, max(0, len(whole) - 1), "<" if head[:1] == b"I" else ">", tags)


def _describe_page(name: str, number: int, others: int, order: str, tags: dict[int, Any]) -> TiffPage:
    def value(tag: int, default: int) -> int:
        found = tags.get(tag, default)
        return int(found[0] if isinstance(found, tuple) else found)

    def values(tag: int, default: tuple[int, ...] = ()) -> tuple[int, ...]:
        found = tags.get(tag, default)
        return tuple(int(one) for one in found) if isinstance(found, tuple) else (int(found),)

    width, height, samples = value(_WIDTH, 0), value(_HEIGHT, 0), value(_SAMPLES, 1)
    bits, formats = set(values(_BITS, (1,))), set(values(_FORMAT, (UNSIGNED,)))
    if len(bits) > 1 or len(formats) > 1:
        raise UnreadableImage(f"'{name}' is a TIFF whose samples have different types, which is not supported.")
    tiled = _TILE_OFFSETS in tags
    return TiffPage(
        number=number,
        others=others,
        order=order,
        width=width,
        height=height,
        samples=samples,
        bits=bits.pop(),
        sample_format=formats.pop(),
        compression=value(_COMPRESSION, 1),
        photometric=value(_PHOTOMETRIC, BLACK_IS_ZERO),
        predictor=value(_PREDICTOR, 1),
        orientation=value(_ORIENTATION, 1),
        fill_order=value(_FILL_ORDER, 1),
        planar=value(_PLANAR, 1) == 2 and samples > 1,
        extra=values(_EXTRA),
        offsets=values(_TILE_OFFSETS if tiled else _OFFSETS),
        counts=values(_TILE_COUNTS if tiled else _COUNTS),
        tile_width=value(_TILE_WIDTH, 0) if tiled else width,
        tile_height=value(_TILE_HEIGHT, 0) if tiled else min(value(_ROWS, height) or height, height),
        tiled=tiled,
    )


def _is_canon(stream: BinaryIO) -> bool:
    stream.seek(8)
    return stream.read(2) == b"CR"


def _camera_error(name: str) -> UnreadableImage:
    return UnreadableImage(
        f"'{name}' is the raw file of a camera, whose pixels are a mosaic of colours.",
        hint="Develop it to TIFF, PNG or FITS first.",
    )
