"""A few of the images of a job, looked at before it begins."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from galaxtool.errors import UnreadableImage
from galaxtool.images.read_options import ReadOptions
from galaxtool.inputs.items import InputItem
from galaxtool.inputs.read_item import read_item
from galaxtool.types import Cutout

MOST = 16
"""Number of images that are looked at, evenly spaced among all."""

_PIXELS = 64  # side of the pictures in which colour is looked for


@dataclass(frozen=True)
class ImageSample:
    """Headers of some images of a job.

    Parameters
    ----------
    cutouts : tuple of Cutout
        The readable images of the sample; most of them without pixels.
    colored : tuple of bool
        Whether each of them is in colour: it has several bands, or a picture whose channels differ.
    total : int
        Number of images of the job.
    """

    cutouts: tuple[Cutout, ...]
    colored: tuple[bool, ...]
    total: int

    def __len__(self) -> int:
        return len(self.cutouts)

    def count(self, n: int) -> str:
        """Return a number of images of the sample as the subject of a sentence.

        Examples
        --------
        >>> sample = ImageSample((), (), 500)
        >>> sample.count(3)
        '3 of 0 images that were looked at'
        """
        if n == len(self) == self.total:
            return "The image" if n == 1 else f"All {n} images"
        looked = "images" if len(self) == self.total else "images that were looked at"
        return f"{n} of {len(self)} {looked}"


def look_at_images(items: Sequence[InputItem], options: ReadOptions) -> ImageSample:
    """Read the headers of some images; those that cannot be read are left out, because their rows report it."""
    rows = np.unique(np.linspace(0, len(items) - 1, min(len(items), MOST)).round().astype(int)).tolist()
    header_only = replace(options, header_only=True)
    cutouts: list[Cutout] = []
    colored: list[bool] = []
    for row in rows:
        try:
            cutout = read_item(items[row], header_only)
            has_color = len(cutout.data) > 1
            if has_color and cutout.unit == "display":
                cutout = read_item(items[row], replace(options, at_least=_PIXELS))
                has_color = bool((cutout.data != cutout.data[:1]).any())
        except UnreadableImage:
            continue
        cutouts.append(cutout)
        colored.append(has_color)
    return ImageSample(tuple(cutouts), tuple(colored), len(items))
