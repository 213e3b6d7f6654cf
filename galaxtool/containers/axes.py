"""The meaning of the axes of a stack of images.

An array has the shape (N, ny, nx), or one more axis for the bands, last or second:

* if the stack names its bands, the axis of that length;
* otherwise the axis with at most `MAX_BANDS` planes, the last one if both have: (N, ny, nx, 3), (N, 3, ny, nx);
* otherwise, for square images, the axis that differs from the other two: (N, 9, 64, 64).

The images may also be along the last axis, as MATLAB keeps them: (ny, nx, N), (ny, nx, 3, N) or (3, ny, nx, N), if
the images are square or the file has N values of something else. Names of the axes, where a file has them, decide.

An array with two axes, or with three of which the last has at most `MAX_BANDS` planes, is a single image: (ny, nx),
(ny, nx, 3).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from galaxtool.errors import UnreadableImage
from galaxtool.images.fits.axes import MAX_BANDS

_PICTURE_PLANES = (1, 3, 4)
_NAMES = {
    "image": ("n", "image", "images", "object", "objects", "obj", "sample", "samples", "batch", "index", "id",
              "galaxy", "source", "cutout", "cutouts"),
    "band": ("band", "bands", "channel", "channels", "c", "filter", "filters", "color", "colour", "rgb"),
    "y": ("y", "ny", "height", "h", "dec"),
    "x": ("x", "nx", "width", "w", "ra"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Axes:
    """The axes of an array of images.

    Parameters
    ----------
    n : int
        Number of images.
    planes : int
        Number of bands of each image.
    bands_last : bool
        Whether the bands are the last axis, instead of before ny and nx.
    single : bool
        Whether the array is one image, without an axis of images.
    images_last : bool
        Whether the images are along the last axis, instead of the first; `bands_last` is about the other axes.
    transposed : bool
        Whether x comes before y.
    """

    n: int
    planes: int
    bands_last: bool
    single: bool = False
    images_last: bool = False
    transposed: bool = False

    def to_planes(self, pixels: np.ndarray) -> np.ndarray:
        """Return one image of the array as (bands, ny, nx)."""
        planes = pixels[None] if pixels.ndim == 2 else np.moveaxis(pixels, -1, 0) if self.bands_last else pixels
        return planes.swapaxes(1, 2) if self.transposed else planes


def find_axes(
    shape: Sequence[int], named: int, what: str, *, names: Sequence[str] = (), lengths: Collection[int] = ()
) -> Axes:
    """Find the meaning of the axes of an array of images.

    Parameters
    ----------
    shape : sequence of int
        Shape of the array.
    named : int
        Number of bands that the stack names; 0 if it names none.
    what : str
        Name of the array in messages, as the subject of a sentence.
    names : sequence of str
        Names of the axes, such as ``("object", "band", "y", "x")``, if the file has them.
    lengths : collection of int
        Lengths of the columns of the file, one of which may be the number of images.

    Raises
    ------
    UnreadableImage
        If the array does not hold images, has no pixels, or its axes are ambiguous.

    Examples
    --------
    >>> find_axes((50, 64, 64, 3), 0, "it").bands_last, find_axes((50, 9, 64, 64), 0, "it").bands_last
    (True, False)
    >>> find_axes((64, 64, 50), 0, "it").images_last
    True
    """
    shape = tuple(shape)
    sides = " x ".join(map(str, shape))
    if not 2 <= len(shape) <= 4 or 0 in shape[-2:] or 0 in shape[1:]:
        raise UnreadableImage(
            f"{what} has the shape {sides or '()'}, so it does not hold images.",
            hint="Expected N x ny x nx, N x ny x nx x 3 or N x bands x ny x nx.",
        )
    if (by_name := _find_by_name(shape, names)) is not None:
        return by_name
    if len(shape) == 2:
        return Axes(1, 1, bands_last=False, single=True)
    if len(shape) == 3:
        if shape[2] <= MAX_BANDS < min(shape[:2]) and shape[0] not in lengths:
            return Axes(1, shape[2], bands_last=True, single=True)
        return _find_images_last(shape, lengths) or Axes(shape[0], 1, bands_last=False)
    second, third, last = shape[1:]
    if named and (last == named) != (second == named):
        return Axes(shape[0], named, bands_last=last == named)
    if images_last := _find_images_last(shape, lengths):
        return images_last
    if last <= MAX_BANDS or second <= MAX_BANDS:
        return Axes(shape[0], last if last <= MAX_BANDS else second, bands_last=last <= MAX_BANDS)
    if (second == third) != (third == last):
        return Axes(shape[0], last if second == third else second, bands_last=second == third)
    raise UnreadableImage(
        f"{what} has the shape {sides}, and any of its axes could be the bands.",
        hint="Name the bands in an attribute 'bands', one for each plane.",
    )


def _find_images_last(shape: tuple[int, ...], lengths: Collection[int]) -> Axes | None:
    """Return the axes of an array whose last axis is that of the images; None if it is not."""
    n = shape[-1]
    told = n in lengths and shape[0] not in lengths
    if shape[0] in lengths or (n <= MAX_BANDS and not told):
        return None
    if len(shape) == 3:
        square = shape[0] == shape[1] != n
        return Axes(n, 1, bands_last=False, images_last=True) if told or square else None
    if shape[2] in _PICTURE_PLANES and min(shape[:2]) > MAX_BANDS and (told or shape[0] == shape[1]):
        return Axes(n, shape[2], bands_last=True, images_last=True)
    if shape[0] in _PICTURE_PLANES and min(shape[1:3]) > MAX_BANDS and (told or shape[1] == shape[2] != n):
        return Axes(n, shape[0], bands_last=False, images_last=True)
    return None


def _find_by_name(shape: tuple[int, ...], names: Sequence[str]) -> Axes | None:
    """Return the axes that their names give; None if the names do not say it all."""
    kinds = [next((kind for kind, known in _NAMES.items() if name.strip().lower() in known), "") for name in names]
    if len(kinds) != len(shape) or "" in kinds or len(set(kinds)) != len(kinds) or not {"y", "x"} <= set(kinds):
        return None
    image = kinds.index("image") if "image" in kinds else None
    if image not in (None, 0, len(shape) - 1):
        return None
    rest = [kind for kind in kinds if kind != "image"]
    if "band" in rest and rest[1] == "band":
        return None
    return Axes(
        1 if image is None else shape[image],
        shape[kinds.index("band")] if "band" in kinds else 1,
        bands_last=rest[-1] == "band",
        single=image is None,
        images_last=image is not None and image > 0,
        transposed=rest.index("x") < rest.index("y"),
    )
