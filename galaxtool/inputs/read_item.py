"""From an item to its `Cutout`, wherever it lies: a file, a member of a container, a file for each band."""

from __future__ import annotations

import atexit
import functools
import os
import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from galaxtool.containers.find import container_name, make_container
from galaxtool.containers.member_index import identity
from galaxtool.containers.protocols import OpenContainer
from galaxtool.errors import GalaxtoolError, UnreadableImage
from galaxtool.images.image_file import ImageFile
from galaxtool.images.read_options import PLAIN, ReadOptions
from galaxtool.images.reading import read_image, say
from galaxtool.inputs.items import InputItem
from galaxtool.types import BLANK, Cutout
from galaxtool.utils.config import is_debugging

_MOST_OPEN = 4
_HDUS = "fits-hdus"


def item_at(place: str) -> InputItem:
    """Return the item that `InputItem.place` stands for.

    Parameters
    ----------
    place : str
        A path; or that of a container, and a member in brackets. What exists as a file is that file, whatever its
        name. A number in brackets behind a FITS file is an HDU.
    """
    path = Path(place)
    if place.endswith("]") and not os.path.exists(place):  # noqa: PTH110  Path.exists raises where a name is too long
        for at in (i for i, letter in enumerate(place) if letter == "["):
            outer, member = Path(place[:at]), place[at + 1 : -1]
            if outer.is_file():
                name = _kind(outer, *identity(outer)) or (_HDUS if member.isdecimal() else "")
                if name:
                    return InputItem("", outer, container=name, member=member)
    return InputItem("", path)


def read_item(item: InputItem, options: ReadOptions = PLAIN) -> Cutout:
    """Read an item.

    Parameters
    ----------
    item : InputItem
        Its position, where it has one, goes before that of the file's header.
    options : ReadOptions
        What to take. Of an item with a file for each band, `ReadOptions.bands` chooses among the item's names; a stack
        of arrays has bands and takes a pixel scale, and knows nothing of HDUs.

    Returns
    -------
    Cutout
        Of a file for each band, those in the item's order, which must have the same shape; pixels that are masked in
        one are masked; position, pixel scale and unit are those of the first that has them.

    Raises
    ------
    UnreadableImage
        Whatever is wrong with it, in one sentence.
    """
    if item.bands:
        cutout = _stacked(item, options)
    elif item.container:
        found = _member(item, options)
        cutout = read_image(found, options) if isinstance(found, ImageFile) else with_options(found, options)
    else:
        cutout = read_image(item.path, options)
    if cutout.pixel_scale is None and options.pixel_scale is not None:
        cutout = replace(cutout, pixel_scale=options.pixel_scale)
    return cutout if item.ra is None or item.dec is None else replace(cutout, ra=item.ra, dec=item.dec)


def picture_source(item: InputItem) -> ImageFile | None:
    """Return the file that an item is, on disk or out of an archive, so that it can be copied.

    Returns
    -------
    ImageFile or None
        None where it is no single file: a row of a stack, or a file for each band.

    Raises
    ------
    UnreadableImage
        If a member of a container cannot be read.
    """
    if item.bands:
        return None
    if not item.container:
        return ImageFile.on_disk(item.path)
    found = _member(item, PLAIN)
    return found if isinstance(found, ImageFile) else None


def member_at(path: Path) -> ImageFile | None:
    """Return the file in an archive that a place stands for; None where it is no such place, or cannot be read."""
    item = item_at(str(path))
    if not item.container:
        return None
    try:
        return picture_source(item)
    except UnreadableImage:
        return None


def with_options(cutout: Cutout, options: ReadOptions) -> Cutout:
    """Return an image that no reader has read with the bands and the pixel scale that options ask for.

    Raises
    ------
    UnreadableImage
        If it has not all of the bands.
    """
    if options.pixel_scale is not None and cutout.pixel_scale is None:
        cutout = replace(cutout, pixel_scale=options.pixel_scale)
    if not options.bands or options.bands == cutout.bands:
        return cutout
    places = [_band(cutout, band) for band in options.bands]
    return replace(cutout, data=np.ascontiguousarray(cutout.data[places]), bands=options.bands)


def close_containers() -> None:
    """Close the containers that this thread has open; it opens them again when it needs them."""
    _shelf().clear()


class ContainerCache:
    """The containers that one thread has open, the last used last."""

    def __init__(self) -> None:
        self._open: OrderedDict[tuple[object, ...], OpenContainer] = OrderedDict()

    def take(self, item: InputItem) -> OpenContainer:
        """Return the open container of an item."""
        try:
            key = (item.container, *identity(item.path))
        except OSError as error:
            what = "There is no file" if isinstance(error, FileNotFoundError) else f"{error.strerror or error}:"
            raise UnreadableImage(f"{what} '{item.path}'.") from error
        if key not in self._open:
            self._open[key] = make_container(item.container).open(item.path)
            if len(self._open) > _MOST_OPEN:
                self._open.popitem(last=False)[1].close()
        self._open.move_to_end(key)
        return self._open[key]

    def clear(self) -> None:
        """Close all of them."""
        while self._open:
            self._open.popitem()[1].close()

    def __del__(self) -> None:
        self.clear()


_threads = threading.local()
atexit.register(close_containers)


@functools.lru_cache
def _kind(path: Path, *identity: object) -> str:
    """Return which container a file is, as long as it stays the same."""
    return container_name(path)


def _shelf() -> ContainerCache:
    if not hasattr(_threads, "shelf"):
        _threads.shelf = ContainerCache()
    shelf: ContainerCache = _threads.shelf
    return shelf


def _member(item: InputItem, options: ReadOptions) -> ImageFile | Cutout:
    """Return a member of a container."""
    try:
        return _shelf().take(item).read(item.member, options)
    except GalaxtoolError:
        raise
    except MemoryError as error:
        raise UnreadableImage(f"'{item.place}' needs more memory than there is.") from error
    except Exception as error:  # damage has no end of forms, as in galaxtool.images.reading
        if is_debugging():
            raise
        raise UnreadableImage(
            f"'{item.place}' is damaged, or of a kind that the container does not know ({say(error)}).",
            hint="GALAXTOOL_DEBUG=1 shows where it failed.",
        ) from error


def _stacked(item: InputItem, options: ReadOptions) -> Cutout:
    """Return the files of an item's bands as one image."""
    known = dict(item.bands)
    wanted = options.bands or tuple(known)
    missing = [band for band in wanted if band not in known]
    if missing:
        raise UnreadableImage(f"'{item.path}' has no band '{missing[0]}' beside it; there are {', '.join(known)}.")
    alone = replace(options, bands=())
    planes = [read_image(known[band], alone) for band in wanted]
    for band, plane in zip(wanted, planes, strict=True):
        _check_plane(str(known[band]), plane, planes[0])
    first = planes[0]
    masks = [plane.mask for plane in planes if plane.mask is not None]
    placed = next((plane for plane in planes if plane.ra is not None and plane.dec is not None), first)
    return replace(
        first,
        data=np.concatenate([plane.data for plane in planes]),
        bands=tuple(wanted),
        unit=next((plane.unit for plane in planes if plane.unit), ""),
        mask=np.logical_or.reduce(masks) if masks else None,
        ra=placed.ra,
        dec=placed.dec,
        pixel_scale=next((plane.pixel_scale for plane in planes if plane.pixel_scale is not None), None),
        flags=_joined([plane.flags for plane in planes]),
    )


def _check_plane(path: str, plane: Cutout, first: Cutout) -> None:
    """Raise `UnreadableImage` where the file of a band does not go with that of the first."""
    if len(plane.data) != 1:
        raise UnreadableImage(f"'{path}' has {len(plane.data)} bands, where each file is to have one.")
    if plane.data.shape != first.data.shape:
        sizes = [f"{cutout.data.shape[2]} x {cutout.data.shape[1]}" for cutout in (plane, first)]
        raise UnreadableImage(
            f"'{path}' has {sizes[0]} pixels and '{first.source}' has {sizes[1]}, so they are not bands of one image.",
            hint="Cut them to the same size first.",
        )
    if plane.data.dtype != first.data.dtype:
        raise UnreadableImage(f"'{path}' and '{first.source}' are not bands of one image: one of them is a picture.")


def _joined(flags: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """Return flags of bands as those of one image, which is blank only if all of them are."""
    every = dict.fromkeys(flag for some in flags for flag in some)
    return tuple(flag for flag in every if flag != BLANK or all(BLANK in some for some in flags))


def _band(cutout: Cutout, band: str) -> int:
    if band in cutout.bands:
        return cutout.bands.index(band)
    named = ", ".join(cutout.bands) if any(cutout.bands) else f"{len(cutout.bands)} without names"
    raise UnreadableImage(f"'{cutout.source}' has no band '{band}'; its bands are {named}.")
