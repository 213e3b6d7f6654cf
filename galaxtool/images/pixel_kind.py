"""Pixels without a label: whether an array holds pictures, as torch and Keras keep them, or measured data.

8-bit integers are pictures. Other numbers are pictures if they can hardly be anything else:

* their values are the 256 gray levels, scaled to 0 to 1, -1 to 1, -0.5 to 0.5, 0 to 255, or standardized with the mean
  and standard deviation of ImageNet;
* or there are three planes (or four, the last of them opaque) without names, and all values are from 0 to 1, from
  0 to 255, or from -1 to 1 with most of them near -1; or they are 16-bit integers that use more than a quarter of their
  range.

Anything else is measured data. Bands with names of filters, a unit, or a first row at the bottom say so too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from galaxtool.errors import UnreadableImage
from galaxtool.images.read_options import AUTO, DATA, PICTURE
from galaxtool.types import AS_PICTURE, COUNTS

FULL_16 = "0 to 65535"
RGB = ("R", "G", "B")

_IMAGENET = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
_FEWEST_LEVELS = 8  # of values that are taken for gray levels
_BRIGHT, _FAINT = 0.5, 0.25  # of the brightest pixels of a picture
_QUARTER = 16383  # of the range of 16 bits
_DARK = -0.25  # median of pictures from -1 to 1, whose sky is near -1


@dataclass(frozen=True, slots=True)
class PixelKind:
    """What the pixels of an array are.

    Parameters
    ----------
    is_picture : bool
        Whether they are display values with the top row first, not measured data with the bottom row first.
    range : str
        Range of the values of a picture, for messages.
    factor, offset : tuple of float
        A value times the factor plus the offset is a gray level from 0 to 255; one of each for every plane, or for all.
    has_alpha : bool
        Whether the last plane of a picture is its opacity.
    is_sure : bool
        Whether nothing had to be assumed.
    """

    is_picture: bool
    range: str = ""
    factor: tuple[float, ...] = (1.0,)
    offset: tuple[float, ...] = (0.0,)
    has_alpha: bool = False
    is_sure: bool = True

    def n_bands(self, planes: int) -> int:
        """Return the number of bands of an image with so many planes."""
        return planes - self.has_alpha

    def to_display(self, planes: np.ndarray) -> np.ndarray:
        """Return the planes of a picture, (planes, ny, nx), as uint8 blended with black, without their opacity."""
        if planes.dtype == np.bool_:
            return planes.astype(np.uint8) * np.uint8(255)
        if planes.dtype != np.uint8:
            factor, offset = (np.asarray(one, np.float32)[:, None, None] for one in (self.factor, self.offset))
            with np.errstate(invalid="ignore", over="ignore"):
                levels = planes.astype(np.float32) * factor + offset + np.float32(0.5)
            planes = np.nan_to_num(np.clip(levels, 0, 255), nan=0).astype(np.uint8)
        return blend_with_black(planes[:-1], planes[-1]) if self.has_alpha else planes


def blend_with_black(colors: np.ndarray, alpha: np.ndarray) -> np.ndarray:
    """Return colours times their opacity, both uint8, rounded as Pillow does."""
    if (alpha == 255).all():
        return colors
    product = colors.astype(np.uint32) * alpha + 128
    blended: np.ndarray = (((product >> 8) + product) >> 8).astype(np.uint8)
    return blended


def guess_pixel_kind(
    sample: np.ndarray, *, wanted: str = AUTO, is_measured: bool = False, source: str = "", full_range: bool = False
) -> PixelKind:
    """Return what the pixels of an array are.

    Parameters
    ----------
    sample : ndarray, shape (n, planes, ny, nx)
        Some of the images.
    wanted : str
        One of `PIXEL_KINDS`; a picture is then scaled by the range of its values.
    is_measured : bool
        Whether names of bands, a unit or the like say that the array is measured data.
    source : str
        Name of the array for errors.
    full_range : bool
        Whether 16-bit integers of a single band may be a picture, as in a PNG.

    Raises
    ------
    UnreadableImage
        If a picture is wanted and the values are not those of one.

    Examples
    --------
    >>> guess_pixel_kind(np.linspace(0, 1, 192, dtype=np.float32).reshape(1, 3, 8, 8)).range
    '0 to 1'
    >>> guess_pixel_kind(np.linspace(-3, 90, 192).reshape(1, 3, 8, 8)).is_picture
    False
    """
    planes = sample.shape[1]
    if wanted == DATA or (is_measured and wanted == AUTO):
        return PixelKind(False)
    alpha = planes in (2, 4) if sample.dtype == np.uint8 else planes == 4 and _is_opaque(sample[:, -1])
    if sample.dtype in (np.bool_, np.uint8):
        sure = not (alpha and len(sample)) or bool((sample[:, -1] == 255).all())
        return PixelKind(True, "0 to 255", has_alpha=alpha and sample.dtype == np.uint8, is_sure=sure)
    if planes not in (1, 3, 4) and wanted == AUTO:
        return PixelKind(False)
    values = sample.astype(np.float64)
    kind = _find_levels(values, sample.dtype, alpha) or _find_range(values, sample.dtype, alpha, full_range)
    if kind is None and wanted == PICTURE:
        kind = _stretch_to_range(values, sample.dtype, alpha, source)
    if kind is None:
        return PixelKind(False, is_sure=planes not in (3, 4) and not _may_be_pictures(values))
    return kind


def choose_assumption_flags(kind: PixelKind, dtype: np.dtype) -> tuple[str, ...]:
    """Return the flags for what was assumed about the pixels of one file; a full range of 16 bits is a picture."""
    if kind.is_sure:
        return ()
    if kind.is_picture:
        return () if dtype == np.uint16 and kind.range == FULL_16 else (AS_PICTURE,)
    return (COUNTS,) if dtype == np.uint16 else ()


def describe_assumption(kind: PixelKind, what: str, dtype: np.dtype, planes: int) -> str:
    """Return a note on what was assumed about an array; empty if nothing was."""
    if kind.is_sure:
        return ""
    if kind.is_picture:
        alpha = " and opacity" if kind.has_alpha else ""
        colors = "R, G, B" + alpha if kind.n_bands(planes) == 3 else "gray" + alpha
        return (
            f"{what}: {dtype.name} values from {kind.range} are taken for pictures ({colors}, top row first); "
            "--pixels data reads measured data."
        )
    bands = " in the order g, r, z" if planes == 3 else ""
    return (
        f"{what}: {dtype.name} values are taken for measured data{bands} with the bottom row first; "
        "--pixels picture reads pictures."
    )


def summarize_assumptions(notes: Sequence[str]) -> tuple[str, ...]:
    """Return the first note of each kind, with the number of other files that it is true of."""
    kinds: dict[str, list[str]] = {}
    for note in notes:
        kinds.setdefault(note.partition("': ")[2], []).append(note)
    return tuple(
        first if not others else first.replace("': ", f"' and {len(others)} more: ", 1)
        for first, *others in kinds.values()
    )


def _is_opaque(plane: np.ndarray) -> bool:
    """Tell whether the values of a plane are those of an opacity: most of them 1, or 255, or 65535."""
    top = plane.max()
    return bool(top in (1, 255, 65535) and plane.min() >= 0 and (plane == top).mean() >= 0.5)


def _may_be_pictures(values: np.ndarray) -> bool:
    """Tell whether values are from 0 to 1 or to 255 and reach beyond the middle, as those of gray pictures do."""
    low, high = values.min(), values.max()
    return bool(low >= 0 and (_BRIGHT < high <= 1 or _BRIGHT * 255 < high <= 255))


def _find_levels(values: np.ndarray, dtype: np.dtype, alpha: bool) -> PixelKind | None:
    """Return the scale by which values are gray levels; None if they are not."""
    low, high = values.min(), values.max()
    if not (np.isfinite(low) and np.isfinite(high)):
        return None
    scales: list[tuple[str, tuple[float, ...], tuple[float, ...]]] = []
    # counts of a single band may lie below 255 too, but hardly fill the range
    if (0 <= low <= 16 and 240 <= high <= 255) or (values.shape[1] > 2 and low >= 0 and _BRIGHT * 255 < high <= 255):
        scales.append(("0 to 255", (1.0,), (0.0,)))
    if dtype.kind == "f":
        if low >= 0 and _FAINT < high <= 1:
            scales.append(("0 to 1", (255.0,), (0.0,)))
        if low >= -1 and high <= 1 and low < 2 * _DARK:
            scales.append(("-1 to 1", (127.5,), (127.5,)))
        if low >= -0.5 and high <= 0.5 and low < _DARK:
            scales.append(("-0.5 to 0.5", (255.0,), (127.5,)))
        if values.shape[1] == 3 and -2.2 < low < -1 and high < 2.7:
            mean, std = _IMAGENET
            scales.append(("-2.1 to 2.6 (the standard of ImageNet)", tuple(255 * std), tuple(255 * mean)))
    tolerance = 0.13 if dtype == np.float16 else 0.02
    for name, factor, offset in scales:
        levels = values * np.reshape(factor, (-1, 1, 1)) + np.reshape(offset, (-1, 1, 1))
        whole = np.rint(levels)
        is_whole = np.abs(levels - whole).max() < tolerance and whole.min() >= 0 and whole.max() <= 255
        if is_whole and len(np.unique(whole)) >= _FEWEST_LEVELS:
            return PixelKind(True, name, factor, offset, has_alpha=alpha or values.shape[1] == 4, is_sure=False)
    return None


def _find_range(values: np.ndarray, dtype: np.dtype, alpha: bool, full_range: bool) -> PixelKind | None:
    """Return the kind of colour pictures by the range of their values; None if they are measured data."""
    colors = values[:, :-1] if alpha else values
    low, high = colors.min(), colors.max()
    if dtype.kind in "iu":
        if (full_range or colors.shape[1] == 3) and low >= 0 and _QUARTER < high <= 65535:
            return PixelKind(True, FULL_16, (1 / 257,), has_alpha=alpha, is_sure=False)
    elif colors.shape[1] == 3 and np.isfinite(values).all():
        if low >= 0 and _FAINT < high <= 1:
            return PixelKind(True, "0 to 1", (255.0,), has_alpha=alpha, is_sure=False)
        if low >= 0 and _BRIGHT * 255 < high <= 255:
            return PixelKind(True, "0 to 255", has_alpha=alpha, is_sure=False)
        if -1 <= low < -0.9 and high <= 1 and np.median(colors) < _DARK:
            return PixelKind(True, "-1 to 1", (127.5,), (127.5,), has_alpha=alpha, is_sure=False)
    return None


def _stretch_to_range(values: np.ndarray, dtype: np.dtype, alpha: bool, source: str) -> PixelKind:
    """Return the kind of pictures that the user says an array holds, by the range of their values alone."""
    finite = values[np.isfinite(values)]
    low, high = (finite.min(), finite.max()) if finite.size else (0.0, 0.0)
    for name, least, most, factor, offset in (
        ("0 to 1", 0, 1, 255.0, 0.0),
        ("-1 to 1", -1, 1, 127.5, 127.5),
        ("0 to 255", 0, 255, 1.0, 0.0),
        (FULL_16, 0, 65535, 1 / 257, 0.0),
    ):
        if least <= low and high <= most and (most > 1 or dtype.kind == "f"):
            return PixelKind(True, name, (factor,), (offset,), has_alpha=alpha)
    raise UnreadableImage(
        f"'{source}' has values from {low:.4g} to {high:.4g}, which are not those of a picture.",
        hint="Leave --pixels picture out, or scale the values to 0 to 1 or 0 to 255.",
    )
