"""Distinguish FITS files with only tables, such as catalogues, from FITS images.

The first block of most files answers the question, the next blocks answer it for most others. astropy, about a hundred
times slower, is asked only about files that begin with a table.
"""

from __future__ import annotations

import os
from itertools import islice
from pathlib import Path

from astropy.io import fits

from galaxtool.images.fits.bounded_stream import open_bounded
from galaxtool.images.fits.hdus import LOOKED_AT
from galaxtool.images.fits.header import Cards, find_header, has_pixels, round_to_blocks
from galaxtool.images.image_file import ImageFile
from galaxtool.images.packing import find_packing, read_unpacked_head
from galaxtool.plugins.registry import get_registry
from galaxtool.utils.warning_filter import ignore_warnings

FIRST_HEADERS = (1 << 16) + 2880
"""Bytes that contain the first headers of most files whose primary HDU is empty."""

_SIMPLE = b"SIMPLE  ="
_BLOCK, _CARD = 2880, 80


def list_fits_suffixes() -> tuple[str, ...]:
    """Return the suffixes of FITS files."""
    return tuple(suffix for spec in get_registry().readers.specs() if _SIMPLE in spec.magic for suffix in spec.suffixes)


def holds_only_tables(path: Path | bytes) -> bool:
    """Tell whether a file is FITS and has tables but no image; False where that cannot be determined.

    A problem with the file is reported later by its reader, as the error of that input.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0) | getattr(os, "O_NONBLOCK", 0))
        try:
            head = os.read(descriptor, _BLOCK)
            if not may_be_fits_table(head):
                return False
            head += os.read(descriptor, FIRST_HEADERS - _BLOCK)
        finally:
            os.close(descriptor)
        return is_fits_table(ImageFile.on_disk(Path(os.fsdecode(path))), head)
    except Exception:
        return False


def may_be_fits_table(head: bytes) -> bool:
    """Tell from the first block of a file whether it can have tables and no image.

    It can if it is packed, or is FITS with an empty primary HDU; the standard puts NAXIS on the third card.
    """
    return find_packing(head) is not None or (head.startswith(_SIMPLE) and Cards(head[: 3 * _CARD]).get("NAXIS") == 0)


def is_fits_table(file: ImageFile, head: bytes) -> bool:
    """Tell whether a file is FITS and has tables but no image.

    Parameters
    ----------
    file : ImageFile
        The file, which is opened only if its first headers do not show an image.
    head : bytes
        First `FIRST_HEADERS` bytes of the file.

    Raises
    ------
    Exception
        Any exception of astropy or of the libraries that unpack, for a damaged file.
    """
    if find_packing(head) is not None:
        head = read_unpacked_head(file, FIRST_HEADERS)
    if find_packing(head) is not None or not may_be_fits_table(head) or _first_extension_is_image(head):
        return False
    with ignore_warnings(), open_bounded(file) as stream, fits.open(stream, memmap=False) as hdus:
        has_table = False
        for hdu in islice(hdus, LOOKED_AT):
            if has_pixels(hdu.header):
                return False
            has_table |= "TABLE" in hdu.header.get("XTENSION", "")
    return has_table


def _first_extension_is_image(head: bytes) -> bool:
    """Tell whether the first extension, after an empty primary HDU, is certainly an image."""
    primary = find_header(head)
    raw = None if primary is None else find_header(head, round_to_blocks(len(primary)))
    if raw is None:
        return False
    cards = Cards(raw)
    kind = str(cards.get("XTENSION", "")).strip()
    return (kind == "IMAGE" and cards.get("NAXIS") != 0) or (kind == "BINTABLE" and cards.get("ZIMAGE") is True)
