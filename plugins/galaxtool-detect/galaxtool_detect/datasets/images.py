"""The images of a data set, opened by galaxtool, with boxes in the pixels of galaxtool."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from galaxtool import InputError, open_map
from galaxtool_detect.boxes import FieldImage
from galaxtool_detect.catalog.file_rows import turn_boxes
from galaxtool_detect.geometry import compute_areas

IMAGE_SUFFIXES = (".fits", ".fit", ".fits.gz", ".fits.fz", ".png", ".jpg", ".jpeg", ".tif", ".tiff", ".npy")
"""Suffixes tried for an annotation that names no file."""

_OUTSIDE = 0.5  # of a box: more beyond the image than this is an error, less is cut off


@dataclass(frozen=True, kw_only=True, eq=False)
class Annotation:
    """The boxes of one image as its annotation states them.

    Parameters
    ----------
    path : Path
        The image.
    boxes : ndarray of float64, shape (N, 4)
        x0, y0, x1, y1 in pixels, the centre of the first pixel of the file being (0, 0). The first row is that of the
        file: the top one of a picture, the bottom one of a FITS image.
    labels : ndarray of int64, shape (N,)
        Index of the class.
    size : (ny, nx), optional
        Size that the annotation states.
    source : str
        Where the annotation is, for messages.
    ignored : ndarray, shape (M, 4)
        Boxes that are neither learned nor counted.
    truth : dict of str to ndarray
        Further true values, see `galaxtool_detect.boxes.FieldImage`.
    window : (y0, y1, x0, x1), optional
        Part of the image that is read, in rows from the bottom; by default all of it.
    """

    path: Path
    boxes: np.ndarray
    labels: np.ndarray
    size: tuple[int, int] | None = None
    source: str = ""
    ignored: np.ndarray = field(default_factory=lambda: np.zeros((0, 4)))
    truth: dict[str, np.ndarray] = field(default_factory=dict)
    window: tuple[int, int, int, int] | None = None

    def check(self) -> None:
        """Raise `InputError` if a box has no area, or lies outside the stated size."""
        check_boxes(self.boxes, self.size, self.source)


def check_boxes(boxes: np.ndarray, size: tuple[int, int] | None, source: str) -> None:
    """Raise `InputError` if a box is not a box, or lies mostly outside its image.

    Parameters
    ----------
    boxes : ndarray, shape (N, 4)
        In pixels.
    size : (ny, nx), optional
        Size of the image.
    source : str
        What the boxes come from, for messages.
    """
    if not len(boxes):
        return
    with np.errstate(invalid="ignore"):
        area = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
        wrong = ~((boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1]))
    if wrong.any():
        raise InputError(
            f"'{source}' has a box without area, {_format(boxes[wrong][0])}; {int(wrong.sum())} of {len(boxes)}.",
            hint="A box is given by its lower and its upper edge along x and y; remove those that are not.",
        )
    if size is None:
        return
    inside = clip(boxes, size)
    left = np.prod(np.clip(inside[:, 2:] - inside[:, :2], 0, None), axis=1)
    outside = left < _OUTSIDE * area
    if outside.any():
        raise InputError(
            f"'{source}' has a box outside its image of {size[1]} x {size[0]} pixels, {_format(boxes[outside][0])}; "
            f"{int(outside.sum())} of {len(boxes)}.",
            hint="Check that the boxes belong to this image, and that x and y are not swapped.",
        )


def clip(boxes: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Cut boxes off at the edges of an image of (ny, nx) pixels."""
    ny, nx = size
    high = np.array([nx, ny, nx, ny]) - 0.5
    inside: np.ndarray = np.clip(boxes, -0.5, high)
    return inside


def read_annotated(name: str, annotation: Annotation) -> FieldImage:
    """Read the image of an annotation.

    Parameters
    ----------
    name : str
        Identifier of the image.
    annotation : Annotation
        The boxes.

    Returns
    -------
    FieldImage
        With the boxes cut off at the edges of the image, and turned with the rows of a picture. Boxes around blank
        pixels are ignored ones, whose true values are NaN because nothing can be found there; boxes that are mostly
        outside the window are ignored too. Ignored boxes of which nothing is in the image are left out.

    Raises
    ------
    InputError
        If the image cannot be read, has another size than the annotation says, or boxes lie outside of it.
    """
    with open_map(annotation.path) as opened:
        size = opened.shape[1], opened.shape[2]
        if annotation.size is not None and annotation.size != size:
            raise InputError(
                f"'{annotation.path}' has {size[1]} x {size[0]} pixels, but '{annotation.source}' says "
                f"{annotation.size[1]} x {annotation.size[0]}.",
                hint="The boxes belong to another version of the image.",
            )
        check_boxes(annotation.boxes, size, annotation.source)
        boxes, ignored = (_finish(boxes, size, opened.unit) for boxes in (annotation.boxes, annotation.ignored))
        n, boxes = len(boxes), np.concatenate([boxes, ignored])
        is_source, wcs = np.arange(len(boxes)) < n, opened.wcs
        if annotation.window is None:
            pixels, rows = opened.read(), np.flatnonzero(compute_areas(boxes) > 0)
        else:
            y0, y1, x0, x1 = annotation.window
            pixels, wcs = opened.read(y0, y1, x0, x1), None if wcs is None else wcs[y0:y1, x0:x1]
            boxes, share = _cut(boxes, annotation.window)
            is_source &= share >= _OUTSIDE
            rows = np.flatnonzero(share > 0)
        blank = np.zeros(len(boxes), bool)
        blank[rows] = _find_blank(boxes[rows], pixels)
        is_source &= ~blank
        sources, others = rows[is_source[rows]], rows[~is_source[rows]]
        order = np.concatenate([sources, others])
        return FieldImage(
            name=name,
            pixels=pixels,
            boxes=boxes[sources],
            labels=np.asarray(annotation.labels, np.int64)[sources],
            ignored=boxes[others],
            wcs=wcs,
            beam=opened.beam,
            unit=opened.unit,
            truth={key: np.where(blank, np.nan, values)[order] for key, values in annotation.truth.items()},
        )


def _cut(boxes: np.ndarray, window: tuple[int, int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Return boxes in the pixels of a window, cut off at its edges, and the share of each that is within."""
    y0, y1, x0, x1 = window
    moved = boxes - np.array([x0, y0, x0, y0], np.float32)
    inside = clip(moved, (y1 - y0, x1 - x0)).astype(np.float32)
    areas = compute_areas(moved)
    return inside, compute_areas(inside) / np.where(areas > 0, areas, 1)


def _find_blank(boxes: np.ndarray, pixels: np.ndarray) -> np.ndarray:
    """Tell which boxes have no data in their middle, such as sources of a catalogue beyond the edge of a mosaic."""
    x, y = np.rint((boxes[:, :2] + boxes[:, 2:]) / 2).astype(int).T
    blank: np.ndarray = np.isnan(pixels).all(axis=0)[y, x]
    return blank


def _finish(boxes: np.ndarray, size: tuple[int, int], unit: str) -> np.ndarray:
    """Return boxes within the image, in rows from the bottom."""
    boxes = clip(np.asarray(boxes, float).reshape(-1, 4), size)
    return turn_boxes(boxes, size[0], unit).astype(np.float32)


def find_image(folders: Sequence[Path], stem: str) -> Path | None:
    """Return the image with a name without suffix in one of the folders, or None."""
    for folder in folders:
        for suffix in IMAGE_SUFFIXES:
            if (path := folder / f"{stem}{suffix}").is_file():
                return path
    return None


def _format(box: np.ndarray) -> str:
    return "(" + ", ".join(f"{value:.1f}" for value in box) + ")"
