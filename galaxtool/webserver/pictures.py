"""Pictures of objects for a page, of which the last ones are kept."""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np
from PIL import Image, ImageDraw

from galaxtool.containers.reading import read_ref
from galaxtool.errors import GalaxtoolError
from galaxtool.inference.reading import override_preprocess
from galaxtool.inference.reading_options import ReadingOptions
from galaxtool.types import ImageRef
from galaxtool.vision.preprocess import Preprocess
from galaxtool.vision.stretch import NAMES, Stretch
from galaxtool.webserver.answers import encode_picture

SIZES = (64, 160, 320, 768)
"""Sides of pictures in pixels: for a point of the map, the grid, the grid on fine screens, and one magnified."""

STRETCHES = ("model", *NAMES)
"""What a view can be shown with; the first is what the model sees."""

_MAX_BYTES = 128 << 20


class HasImages(Protocol):
    """Objects with images: `galaxtool.explorer.objects.Objects`, `galaxtool.search.features.Features`."""

    @property
    def reading(self) -> ReadingOptions:
        """How their images are read."""

    @property
    def preprocess(self) -> Preprocess:
        """How their pictures are made."""

    def ref(self, row: int) -> ImageRef | None:
        """Return where the image of an object is stored; None if that is unknown."""


@dataclass(frozen=True)
class EncodedPicture:
    """An encoded picture.

    Parameters
    ----------
    content : bytes
        JPEG.
    arcsec : float or None
        Its side on the sky; None if unknown.
    is_missing : bool
        Whether it stands for an image that cannot be read.
    """

    content: bytes
    arcsec: float | None = None
    is_missing: bool = False


class PictureMaker:
    """Makes pictures of objects, and keeps the last ones: up to 128 MB.

    Parameters
    ----------
    objects : HasImages
        The objects.

    Attributes
    ----------
    run : str
        Random text for the addresses of pictures: those that a browser keeps of another server at the same port are of
        other objects.
    """

    def __init__(self, objects: HasImages) -> None:
        self._objects = objects
        self.run = secrets.token_hex(8)
        self._kept: OrderedDict[tuple[int, int, str], EncodedPicture] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def make(self, row: int, size: int, stretch: str) -> EncodedPicture:
        """Return the picture of an object, or one that stands for it if its image cannot be read."""
        key = (row, size, stretch)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        picture = self._read(row, size, stretch)
        with self._lock:
            if key not in self._kept:
                self._kept[key] = picture
                self._bytes += len(picture.content)
            while self._bytes > _MAX_BYTES:
                self._bytes -= len(self._kept.popitem(last=False)[1].content)
        return picture

    def _read(self, row: int, size: int, stretch: str) -> EncodedPicture:
        objects = self._objects
        preprocess = replace(override_preprocess(objects.preprocess, objects.reading), size=size)
        if stretch != STRETCHES[0]:
            preprocess = replace(preprocess, stretch=Stretch(name=stretch))
        try:
            ref = objects.ref(row)
            if ref is None:
                return make_placeholder(size)
            cutout = read_ref(ref, preprocess.reading(objects.reading.read_options, position=True))
            return EncodedPicture(encode_picture(preprocess.display(cutout)), preprocess.field_arcsec(cutout))
        except (GalaxtoolError, OSError, MemoryError):
            return make_placeholder(size)


def make_placeholder(size: int) -> EncodedPicture:
    """Return a gray picture with a cross, for an image that cannot be read."""
    image = Image.new("RGB", (size, size), (48, 48, 52))
    draw, edge = ImageDraw.Draw(image), size * 3 // 8
    for start, end in (((edge, edge), (size - edge, size - edge)), ((edge, size - edge), (size - edge, edge))):
        draw.line([start, end], fill=(120, 120, 128), width=max(1, size // 60))
    return EncodedPicture(encode_picture(np.asarray(image)), is_missing=True)
