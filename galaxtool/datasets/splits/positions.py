"""Positions on the sky from the headers of FITS files."""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import cast

from galaxtool.containers.find import HDUS
from galaxtool.containers.reading import get_image_file
from galaxtool.images.fits.reader import FitsReader
from galaxtool.images.read_options import ReadOptions
from galaxtool.plugins.registry import get_registry
from galaxtool.types import ImageRef, Item

_TOO_MANY_ALIKE = 5


def with_header_positions(items: Sequence[Item], *, hdu: int | str | None = None) -> list[Item]:
    """Give items the positions that the headers of their FITS files tell.

    Parameters
    ----------
    items : sequence of Item
        N of them. Those that have a position keep it.
    hdu : int or str, optional
        Whose header is asked; by default the first one with an image.

    Returns
    -------
    list of Item
        The same N, in order. What is no FITS file, has no celestial WCS or cannot be read stays without a position:
        the place to speak of a damaged file is where its pixels are read.

    Notes
    -----
    A tool that cuts many images out of one may leave the large image's header in all of them. So where five files or
    more, and every one of them, claim the very same position, none is believed.
    """
    suffixes = get_registry().readers.find("fits").spec.suffixes
    unknown = [
        i
        for i, item in enumerate(items)
        if item.ref is not None
        and (item.ra is None or item.dec is None)
        and _file_name(item.ref).lower().endswith(suffixes)
    ]
    found = list(items)
    with ThreadPoolExecutor(min(16, 4 + (os.cpu_count() or 1))) as pool:
        told = list(pool.map(partial(_position, hdu=hdu), [cast(ImageRef, items[i].ref) for i in unknown]))
    known = [position for position in told if position is not None]
    if len(known) >= _TOO_MANY_ALIKE and len(set(known)) == 1:
        return found
    for i, position in zip(unknown, told, strict=True):
        if position is not None:
            found[i] = replace(items[i], ra=position[0], dec=position[1])
    return found


def _file_name(ref: ImageRef) -> str:
    """Return the name of the file that an image is, on disk or in an archive."""
    return ref.member if ref.member and ref.container != HDUS else ref.path.name


def _position(ref: ImageRef, hdu: int | str | None) -> tuple[float, float] | None:
    """Return right ascension and declination of an image's centre, or None."""
    try:
        file = get_image_file(replace(ref, bands=()))
        if file is None:
            return None
        cutout = FitsReader().read(file, ReadOptions(hdu=hdu, header_only=True))
    except Exception:  # whatever is wrong with a file, it is said where its pixels are read
        return None
    return None if cutout.ra is None or cutout.dec is None else (cutout.ra, cutout.dec)
