"""A catalogue of detections, by galaxtool or by another program, in the place of a detector."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from astropy.table import Table

from galaxtool import InputError, read_positions, read_table
from galaxtool_detect.boxes import Detections, FieldImage
from galaxtool_detect.catalog.file_rows import turn_boxes
from galaxtool_detect.catalog.maps import FieldMap
from galaxtool_detect.datasets.annotated import find_stem
from galaxtool_detect.datasets.catalogue_columns import (
    convert_truth,
    find_boxes,
    find_column,
    find_labels,
    find_sizes,
    find_truth,
    find_truth_units,
    read_numbers,
    read_texts,
)
from galaxtool_detect.datasets.ellipses import outline_ellipses
from galaxtool_detect.measures.finders import Found

_IMAGES = ("image", "image_path", "path", "file", "filename", "map")
_SCORES = ("score", "confidence", "probability")


class TableFinder:
    """A catalogue of detections.

    Parameters
    ----------
    path : Path
        Catalogue with boxes in pixels (x0, y0, x1, y1), or positions and sizes on the sky. A column ``image`` tells
        which image each row belongs to; without one, boxes are of a single image, and positions may be in any.
    threshold : float
        Score from which a detection counts.
    size_arcsec : float, optional
        Side of the boxes, for a catalogue without sizes.

    Raises
    ------
    InputError
        If the catalogue has neither boxes nor positions with sizes.
    """

    knows_no_other = False

    def __init__(self, path: Path, threshold: float = 0.0, size_arcsec: float | None = None) -> None:
        self.name = path.stem
        self.threshold = threshold
        self._path = path
        table: Table = read_table(path)
        self._boxes = find_boxes(table)
        positions = read_positions(table, path)
        self._ra, self._dec = positions.ra, positions.dec
        self._sizes = find_sizes(table, size_arcsec)
        if self._boxes is None and not (self._sizes is not None and np.isfinite(self._ra).any()):
            raise InputError(
                f"'{path}' has neither boxes nor positions with sizes.",
                hint="It needs x0, y0, x1 and y1 in pixels, or ra, dec and sizes; or give --size-arcsec.",
            )
        column = find_column(table, None, _IMAGES, path)
        paths = None if column is None else [Path(name) for name in read_texts(table, column)]
        self._images = None if paths is None else np.array([find_stem(one) for one in paths])
        self._folders = None
        if paths and all(one.parent.name for one in paths):
            self._folders = np.array([f"{one.parent.name}/{find_stem(one)}" for one in paths])
        labels, classes = find_labels(table, None, path)
        self.classes = () if classes == ("source",) else classes
        self._labels = labels
        self._truth, self._units = find_truth(table), find_truth_units(table)
        score = find_column(table, None, _SCORES, path)
        snr = self._truth.get("snr")
        if score is not None:
            self._scores = read_numbers(table, score)
        else:
            self._scores = np.ones(len(table)) if snr is None else 1 - 1 / np.maximum(np.nan_to_num(snr, nan=1), 1)

    def check_images(self, n: int) -> None:
        """Raise `InputError` if boxes in pixels may belong to any of n images."""
        if n > 1 and self._boxes is not None and self._images is None:
            raise InputError(
                f"The boxes of '{self._path}' are in pixels, but the data have {n} images, and nothing says which one "
                "each box is in.",
                hint="Add a column 'image' to it, or score a single image.",
            )

    def find(self, field: FieldImage) -> Found:
        """Return the rows that lie in an image."""
        boxes = self._find_boxes(field)
        ny, nx = field.shape
        centers = (boxes[:, :2] + boxes[:, 2:]) / 2
        inside = ((centers > -0.5) & (centers < np.array([nx, ny]) - 0.5)).all(axis=1)
        if self._folders is not None and "/" in field.name:  # several folders have images of one name
            inside &= self._folders == field.name
        elif self._images is not None:
            inside &= self._images == Path(field.name).name
        rows = np.flatnonzero(inside)
        detections = Detections(
            boxes=boxes[rows].astype(np.float32),
            scores=self._scores[rows].astype(np.float32),
            labels=self._labels[rows],
        )
        truth = convert_truth(self._truth, self._units, field.unit)
        peak, flux = (truth[key][rows] if key in truth else None for key in ("peak", "flux"))
        return Found(detections=detections, peak=peak, flux=flux)

    def _find_boxes(self, field: FieldImage) -> np.ndarray:
        if self._boxes is not None:
            return turn_boxes(self._boxes, field.shape[0], field.unit)
        if field.wcs is None:
            raise InputError(
                f"'{field.name}' has no WCS, so the positions of '{self._path}' cannot be found in it.",
                hint="Give detections with boxes in pixels: x0, y0, x1 and y1.",
            )
        assert self._sizes is not None
        return outline_ellipses(FieldMap(field), self._ra, self._dec, self._sizes)
