"""Access to the images of an array, one at a time."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from galaxtool.containers.axes import Axes


class Rows(Protocol):
    """Access to the images of an array."""

    def row(self, row: int) -> np.ndarray:
        """Return an image with the axes of the array."""

    def close(self) -> None:
        """Close the file."""


class ArrayRows:
    """The images of an array in memory, of a memory map or of an HDF5 file.

    Parameters
    ----------
    array : ndarray or h5py.Dataset
        The array.
    axes : Axes
        Its axes.
    """

    def __init__(self, array: Any, axes: Axes) -> None:
        self._array: Any = array
        self._axes = axes

    def row(self, row: int) -> np.ndarray:
        """Return an image."""
        assert self._array is not None
        if self._axes.single:
            whole: np.ndarray = self._array[()]
            return whole
        image: np.ndarray = self._array[..., row] if self._axes.images_last else self._array[row]
        return image

    def close(self) -> None:
        """Release the array."""
        self._array = None
