"""Positions on the sky from the headers of FITS files."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import cast

from galaxtool.images.fits.reader import FitsReader
from galaxtool.images.image_file import ImageFile
from galaxtool.images.read_options import ReadOptions
from galaxtool.inputs.read_item import member_at
from galaxtool.plugins.registry import get_registry
from galaxtool.types import Item

_TOO_MANY_ALIKE = 5
_OF_MEMBER = re.compile(r"\[\d+\]$|\]$")  # what stands behind the name of a file for an HDU, and of an archive's file


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
        if item.path is not None
        and (item.ra is None or item.dec is None)
        and _OF_MEMBER.sub("", item.path.name.lower()).endswith(suffixes)
    ]
    found = list(items)
    with ThreadPoolExecutor(min(16, 4 + (os.cpu_count() or 1))) as pool:
        told = list(pool.map(partial(_position, hdu=hdu), [cast(Path, items[i].path) for i in unknown]))
    known = [position for position in told if position is not None]
    if len(known) >= _TOO_MANY_ALIKE and len(set(known)) == 1:
        return found
    for i, position in zip(unknown, told, strict=True):
        if position is not None:
            found[i] = replace(items[i], ra=position[0], dec=position[1])
    return found


def _position(path: Path, hdu: int | str | None) -> tuple[float, float] | None:
    """Return right ascension and declination of an image's centre, or None."""
    try:
        file = member_at(path) or ImageFile.on_disk(path)
        cutout = FitsReader().read(file, ReadOptions(hdu=hdu, header_only=True))
    except Exception:  # whatever is wrong with a file, it is said where its pixels are read
        return None
    return None if cutout.ra is None or cutout.dec is None else (cutout.ra, cutout.dec)
