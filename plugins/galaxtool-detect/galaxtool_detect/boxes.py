"""Images with boxes, and the boxes that a detector found.

Pixels have their centres at whole numbers: the centre of the first pixel is (0, 0), and an image of nx pixels reaches
from -0.5 to nx - 0.5. Row 0 is the bottom row, as FITS displays it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from galaxtool import Beam

if TYPE_CHECKING:
    from astropy.wcs import WCS


@dataclass(frozen=True, kw_only=True, eq=False)
class FieldImage:
    """An image with the boxes of the sources in it.

    Parameters
    ----------
    name : str
        Identifier, unique in its data set.
    pixels : ndarray of float32, shape (bands, ny, nx)
        Row 0 is the bottom row; NaN where there are no data.
    boxes : ndarray of float32, shape (N, 4)
        x0, y0, x1, y1 of each source, in pixels.
    labels : ndarray of int64, shape (N,)
        Index of the class of each source in `DetectionSet.classes`.
    ignored : ndarray of float32, shape (M, 4)
        Boxes of sources that are there but not labelled, such as those too faint to be expected: they are neither
        learned, nor does a detection of one count as false.
    wcs : WCS, optional
        Celestial WCS of the pixels.
    beam : Beam, optional
        The restoring beam.
    unit : str
        Unit of the pixels; ``"display"`` for a picture.
    mask : ndarray of bool, shape (ny, nx), optional
        True where pixels must not be used.
    truth : dict of str to ndarray, optional
        Further true values, such as ``flux``, ``peak`` and ``snr``, each of shape (N + M,): those of the labelled
        sources, then those of the ignored ones.
    """

    name: str
    pixels: np.ndarray
    boxes: np.ndarray = field(default_factory=lambda: np.zeros((0, 4), np.float32))
    labels: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    ignored: np.ndarray = field(default_factory=lambda: np.zeros((0, 4), np.float32))
    wcs: WCS | None = None
    beam: Beam | None = None
    unit: str = ""
    mask: np.ndarray | None = None
    truth: dict[str, np.ndarray] = field(default_factory=dict)

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width in pixels."""
        return int(self.pixels.shape[-2]), int(self.pixels.shape[-1])


@dataclass(frozen=True, kw_only=True, eq=False)
class Detections:
    """What a detector found in one image.

    Parameters
    ----------
    boxes : ndarray of float32, shape (N, 4)
        x0, y0, x1, y1 in pixels.
    scores : ndarray of float32, shape (N,)
        Confidence, from 0 to 1.
    labels : ndarray of int64, shape (N,)
        Index of the class.
    """

    boxes: np.ndarray
    scores: np.ndarray
    labels: np.ndarray

    def __len__(self) -> int:
        return len(self.scores)

    @classmethod
    def empty(cls) -> Detections:
        """Return no detections."""
        return cls(boxes=np.zeros((0, 4), np.float32), scores=np.zeros(0, np.float32), labels=np.zeros(0, np.int64))

    def select(self, rows: Any) -> Detections:
        """Return some of the detections, by a mask or by indices."""
        return Detections(boxes=self.boxes[rows], scores=self.scores[rows], labels=self.labels[rows])


@dataclass(frozen=True, kw_only=True, eq=False)
class DetectionSet:
    """A data set of images with boxes, which are read when they are asked for.

    Parameters
    ----------
    name : str
        Name of the data set.
    classes : tuple of str
        Names of the classes; labels are indices into them. There is no class for the background.
    names : tuple of str
        Identifiers of the images, in order.
    splits : tuple of str
        ``train``, ``valid`` or ``test`` for each image, or empty.
    read : callable
        Takes the position of an image in `names` and returns its `FieldImage`.
    divider : callable, optional
        Takes the longest side of a piece and returns the same data with large images in pieces.
    """

    name: str
    classes: tuple[str, ...]
    names: tuple[str, ...]
    splits: tuple[str, ...]
    read: Callable[[int], FieldImage] = field(repr=False)
    divider: Callable[[int], DetectionSet] | None = field(default=None, repr=False)

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> FieldImage:
        if not 0 <= index < len(self.names):
            raise IndexError(index)
        return self.read(index)

    def __iter__(self) -> Iterator[FieldImage]:
        return (self.read(index) for index in range(len(self.names)))

    def select(self, rows: Sequence[int]) -> DetectionSet:
        """Return some of the images, in the given order."""
        chosen = tuple(int(row) for row in rows)
        return DetectionSet(
            name=self.name,
            classes=self.classes,
            names=tuple(self.names[row] for row in chosen),
            splits=tuple(self.splits[row] for row in chosen),
            read=lambda index: self.read(chosen[index]),
        )

    def divide(self, largest: int) -> DetectionSet:
        """Return the same data with images in pieces of at most some pixels along a side, as far as they can be."""
        return self if self.divider is None else self.divider(largest)

    def take(self, split: str) -> DetectionSet:
        """Return the images of a split."""
        return self.select([i for i, one in enumerate(self.splits) if one == split])

    def split(self, valid: float = 0.2, seed: int = 0) -> DetectionSet:
        """Return the same images, each in a split.

        Those without one are for training. If the data set has none for validation, some of those for training are.

        Parameters
        ----------
        valid : float
            Share of the images for training that are for validation instead, if the data set has none.
        seed : int
            Random seed of the division.
        """
        splits = np.array(self.splits or [""] * len(self), dtype=object)
        splits[splits == ""] = "train"
        free = np.flatnonzero(splits == "train")
        if len(free) > 1 and not (splits == "valid").any():
            chosen = np.random.default_rng(seed).permutation(free)[: max(1, round(valid * len(free)))]
            splits[chosen] = "valid"
        return DetectionSet(
            name=self.name, classes=self.classes, names=self.names, splits=tuple(splits.tolist()), read=self.read
        )
