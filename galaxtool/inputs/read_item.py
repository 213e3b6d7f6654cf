"""Reading one of the inputs."""

from __future__ import annotations

from dataclasses import replace

from galaxtool.containers.reading import read_ref
from galaxtool.images.read_options import PLAIN, ReadOptions
from galaxtool.inputs.items import InputItem
from galaxtool.types import Cutout


def read_item(item: InputItem, options: ReadOptions = PLAIN) -> Cutout:
    """Read the image of an item.

    Parameters
    ----------
    item : InputItem
        Its position, where it has one, replaces that of the file's header.
    options : ReadOptions
        What to read; see `galaxtool.containers.reading.read_ref`.

    Raises
    ------
    UnreadableImage
        If the image cannot be read; the message says why in one sentence.
    """
    cutout = read_ref(item.ref, options)
    if item.ra is None or item.dec is None or (item.ra, item.dec) == (cutout.ra, cutout.dec):
        return cutout
    return replace(cutout, ra=item.ra, dec=item.dec)
