"""Cutouts as one Zarr group with the layout of the HDF5 stack.

Each file of the store (a shard) holds `count_cutouts_per_shard` cutouts. One task has all of them and writes the file
at once.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import numpy as np

from galaxtool.cutting.cutout_pixels import CutoutPixels
from galaxtool.cutting.tasks import CutSettings
from galaxtool.cutting.writers.stack import STACK_COLUMNS, StackContent
from galaxtool.utils.optional_imports import require

_SHARD_BYTES = 1 << 22


def import_zarr() -> Any:
    """Return the package zarr.

    Raises
    ------
    DependencyMissing
        If it is not installed.
    """
    return require("zarr", why="Writing a Zarr stack", install="galaxtool[zarr]")


def count_cutouts_per_shard(shape: tuple[int, int, int]) -> int:
    """Return how many cutouts of a shape are stored in one file."""
    return max(1, _SHARD_BYTES // (4 * int(np.prod(shape))))


def create_zarr(path: Path, content: StackContent) -> None:
    """Create the group, replacing an existing one. Pixels are NaN until they are written."""
    temporary = path.with_name(f".{path.name}")
    shutil.rmtree(temporary, ignore_errors=True)
    group = import_zarr().open_group(temporary, mode="w", zarr_format=3)
    group.attrs.update(content.root_attributes())
    group.create_array("id", shape=(len(content.ids),), dtype=str)[:] = np.array(content.unicode_ids, dtype=object)
    for name, description in STACK_COLUMNS.items():
        group.create_array(name, data=content.columns[name]).attrs["description"] = description
    images = group.create_array(
        "images",
        shape=(len(content.ids), *content.shape),
        chunks=(1, *content.shape),
        shards=(count_cutouts_per_shard(content.shape), *content.shape),
        dtype="float32",
        fill_value=np.nan,
        compressors=None,
    )
    images.attrs.update({"bands": content.bands, "units": content.units, **content.image_attributes()})
    shutil.rmtree(path, ignore_errors=True)
    temporary.rename(path)


class ZarrWriter:
    """Collects the cutouts of a task and writes them together; the slot of a cutout is its index.

    Parameters
    ----------
    settings : CutSettings
        Settings of the job.
    """

    def __init__(self, settings: CutSettings) -> None:
        self.path = settings.stack
        self._bands = settings.bands
        self._images = import_zarr().open_group(settings.stack, mode="r+")["images"]
        self._pending: dict[int, np.ndarray] = {}

    def write(self, piece: CutoutPixels) -> None:
        """Keep one cutout until `flush`."""
        self._pending[piece.slot] = piece.to_planes(self._bands)[0]

    def write_missing(self, slot: int) -> None:
        """Keep NaN for a slot until `flush`."""
        self._pending[slot] = np.full(self._images.shape[1:], np.nan, np.float32)

    def flush(self) -> None:
        """Write the pending cutouts, whose slots are consecutive."""
        if self._pending:
            slots = sorted(self._pending)
            self._images[slots[0] : slots[-1] + 1] = np.stack([self._pending[slot] for slot in slots])
            self._pending.clear()

    def close(self) -> None:
        """Do nothing."""
