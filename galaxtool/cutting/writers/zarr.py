"""Cutouts as one Zarr group of the same layout as the HDF5 stack.

A file of the store holds `images_a_file` cutouts, and is written whole by the one task that has all of them.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np

from galaxtool.cutting.shown import as_bands
from galaxtool.cutting.tasks import CutoutPixels, CutSettings
from galaxtool.cutting.writers.hdf5 import LAYOUT, StackContent
from galaxtool.utils.optional_imports import require

_A_FILE = 1 << 22  # bytes


def zarr_package() -> Any:
    """Return the package.

    Raises
    ------
    DependencyMissing
        If it is not installed.
    """
    return require("zarr", why="Writing a Zarr stack", install="galaxtool[zarr]")


def images_a_file(shape: tuple[int, int, int]) -> int:
    """Return how many cutouts of a shape lie in one file."""
    return max(1, _A_FILE // (4 * int(np.prod(shape))))


def create_zarr(path: Path, content: StackContent) -> None:
    """Make the group; what stood there is removed. Cutouts are NaN until written."""
    begun = path.with_name(f".{path.name}")
    shutil.rmtree(begun, ignore_errors=True)
    group = zarr_package().open_group(begun, mode="w", zarr_format=3)
    group.attrs.update(content.about())
    group.create_array("id", shape=(len(content.ids),), dtype=str)[:] = np.array(content.texts, dtype=object)
    for name, what in LAYOUT.items():
        made = group.create_array(name, data=content.columns[name])
        made.attrs["description"] = what
    images = group.create_array(
        "images",
        shape=(len(content.ids), *content.shape),
        chunks=(1, *content.shape),
        shards=(images_a_file(content.shape), *content.shape),
        dtype="float32",
        fill_value=np.nan,
        compressors=None,
    )
    images.attrs.update({"bands": content.bands, "units": content.units, **content.axes()})
    shutil.rmtree(path, ignore_errors=True)
    begun.rename(path)


class ZarrWriter:
    """Gathers a task's cutouts and writes them together; the slot of a piece is its number.

    Parameters
    ----------
    settings : Settings
    """

    def __init__(self, settings: CutSettings) -> None:
        self._bands = settings.bands
        self._images = zarr_package().open_group(settings.stack, mode="r+")["images"]
        self._waiting: dict[int, np.ndarray] = {}

    def write(self, piece: CutoutPixels) -> None:
        """Keep one."""
        self._waiting[piece.slot] = as_bands(piece, self._bands)[0]

    def missing(self, slot: int) -> None:
        """Keep NaN in its place."""
        self._waiting[slot] = np.full(self._images.shape[1:], np.nan, np.float32)

    def finish(self) -> None:
        """Write what has been kept, whose slots are consecutive."""
        if self._waiting:
            slots = sorted(self._waiting)
            self._images[slots[0] : slots[-1] + 1] = np.stack([self._waiting[slot] for slot in slots])
            self._waiting.clear()

    def close(self) -> None:
        """Do nothing."""
