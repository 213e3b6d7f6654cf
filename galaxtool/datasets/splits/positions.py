"""Positions on the sky from the headers of FITS files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from galaxtool.containers.find import HDUS
from galaxtool.inputs.probe import FileProber
from galaxtool.plugins.registry import get_registry
from galaxtool.types import ImageRef, Item

_MIN_IDENTICAL = 5


def add_header_positions(
    items: Sequence[Item], *, hdu: int | str | None = None, prober: FileProber | None = None
) -> list[Item]:
    """Fill in positions from the headers of FITS files.

    Parameters
    ----------
    items : sequence of Item
        N items. Those that have a position keep it.
    hdu : int or str, optional
        HDU whose header gives the position; by default the first one with an image.
    prober : FileProber, optional
        Opens the files, and looks at the same HDU; by default a new one.

    Returns
    -------
    list of Item
        The N items in the same order. An item stays without a position if its file is not FITS, has no celestial WCS
        or cannot be read; a damaged file is reported when its pixels are read.

    Notes
    -----
    A tool that cuts many images out of one may copy the header of the large image into all of them. So if five files
    or more, and every one of them, claim exactly the same position, none of them is believed.
    """
    prober = prober or FileProber(hdu)
    suffixes = get_registry().readers.find("fits").spec.suffixes
    refs = {
        i: item.ref
        for i, item in enumerate(items)
        if item.ref is not None
        and (item.ra is None or item.dec is None)
        and _file_name(item.ref).lower().endswith(suffixes)
    }
    probes = prober.probe(list(refs.values()))
    positions = {i: (probe.positions or {}).get(hdu) for i, probe in zip(refs, probes, strict=True)}
    known = [position for position in positions.values() if position is not None]
    filled = list(items)
    if len(known) >= _MIN_IDENTICAL and len(set(known)) == 1:
        return filled
    for i, position in positions.items():
        if position is not None:
            filled[i] = replace(items[i], ra=position[0], dec=position[1])
    return filled


def _file_name(ref: ImageRef) -> str:
    """Return the name of the file that an image is, on disk or in an archive."""
    return ref.member if ref.member and ref.container != HDUS else ref.path.name
