"""What a worker is given, and what it returns."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from galaxtool.cutting.images import HduRef
from galaxtool.cutting.open_images import OpenImage
from galaxtool.vision.stretch import Stretch

STACKS = ("hdf5", "zarr")
"""Kinds of output that are one array."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CutSettings:
    """What all tasks of a job have in common.

    Parameters
    ----------
    kind : {"fits", "png", "hdf5", "zarr"}
    folder : Path
        Where the files go.
    stack : Path
        The array, where the output is one.
    catalogue : str
        Its name, for headers.
    bands : tuple of str
        What is stacked; empty for nothing.
    stretch : Stretch
        Of pictures.
    """

    kind: str
    folder: Path
    stack: Path
    catalogue: str
    bands: tuple[str, ...] = ()
    stretch: Stretch = field(default_factory=Stretch)


@dataclass(frozen=True, slots=True, kw_only=True)
class CutTask:
    """Some objects to cut, n of them; arrays as in `galaxtool.cutting.plan.CutPlan`.

    Parameters
    ----------
    number : int
        Of the task.
    rows : ndarray of int, shape (n,)
        Of the catalogue, from 0.
    images : dict
        Number -> place, of those that are needed.
    image, x0, y0 : ndarray of int, shape (n, C)
    nx, ny : ndarray of int, shape (n,)
    shift : ndarray, shape (n, 2)
        What lookup tables of distortions move the object's pixel by, x and y.
    ra, dec : ndarray, shape (n,)
    ids, paths : list of str
    flags : list of tuple of str
    slots : ndarray of int, shape (n,)
        Where each goes in a stack: its number, or of HDF5 the byte in the file.
    """

    number: int
    rows: np.ndarray
    images: dict[int, HduRef]
    image: np.ndarray
    x0: np.ndarray
    y0: np.ndarray
    nx: np.ndarray
    ny: np.ndarray
    shift: np.ndarray
    ra: np.ndarray
    dec: np.ndarray
    ids: list[str]
    paths: list[str]
    flags: list[tuple[str, ...]]
    slots: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskResult:
    """What became of a task; one entry for each of its objects.

    Parameters
    ----------
    number : int
        Of the task.
    rows : ndarray of int
    flags : list of str
        Joined by blanks.
    errors : list of str
    """

    number: int
    rows: np.ndarray
    flags: list[str]
    errors: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class CutoutPixels:
    """One object with its pixels, on the way to a file.

    Parameters
    ----------
    data : ndarray, shape (..., ny, nx)
        The axes of the image, or (C, ny, nx) where bands are stacked; NaN beyond the edges.
    images : list of OpenImage or None
        One for each band.
    first : list of (int, int)
        First pixel in each, x and y, from 0.
    """

    row: int
    id: str
    path: str
    ra: float
    dec: float
    data: np.ndarray
    images: list[OpenImage | None]
    first: list[tuple[int, int]]
    shift: tuple[float, float]
    flags: tuple[str, ...]
    slot: int

    @property
    def reference(self) -> OpenImage:
        """The first image."""
        return next(image for image in self.images if image is not None)

    def sections(self) -> list[str]:
        """Return the pixels that were cut as FITS writes them, from 1 and inclusive; empty for a band without image."""
        ny, nx = self.data.shape[-2:]
        return [
            format_section(x0, y0, nx, ny) if image is not None else ""
            for image, (x0, y0) in zip(self.images, self.first, strict=True)
        ]


def format_section(x0: int, y0: int, nx: int, ny: int) -> str:
    """Return pixels as FITS writes them.

    Examples
    --------
    >>> section(0, -3, 64, 64)
    '[1:64,-2:61]'
    """
    return f"[{x0 + 1}:{x0 + nx},{y0 + 1}:{y0 + ny}]"
