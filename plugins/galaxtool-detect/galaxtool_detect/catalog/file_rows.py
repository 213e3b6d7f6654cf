"""Boxes in the rows of a file: those of a picture count from its top row, as other programs count them."""

from __future__ import annotations

import numpy as np
from astropy.table import Table

from galaxtool_detect.catalog.maps import PixelMap


def turn_boxes(boxes: np.ndarray, height: int, unit: str) -> np.ndarray:
    """Return boxes (N, 4) in the rows of the file of an image, or those of a file in rows from the bottom.

    Parameters
    ----------
    boxes : ndarray, shape (N, 4)
        x0, y0, x1, y1 in pixels.
    height : int
        Number of rows of the image.
    unit : str
        Unit of its pixels: ``"display"`` for a picture, whose file begins with the top row. Others stay as they are.
    """
    if unit != "display":
        return boxes
    top = height - 1
    return np.column_stack([boxes[:, 0], top - boxes[:, 3], boxes[:, 2], top - boxes[:, 1]])


def to_file_rows(image: PixelMap, table: Table) -> Table:
    """Return a catalogue for writing, with positions and boxes in the rows of the file of an image."""
    if image.unit != "display" or not len(table):
        return table
    height, shown = image.shape[1], table.copy()
    names = ("x0", "y0", "x1", "y1")
    boxes = turn_boxes(np.column_stack([np.asarray(table[name], float) for name in names]), height, image.unit)
    for i, name in enumerate(names):
        shown[name][:] = boxes[:, i]
    shown["y"][:] = height - 1 - np.asarray(table["y"], float)
    return shown
