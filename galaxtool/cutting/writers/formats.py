"""The kinds of output: the writer of each, and what a stack needs before it is filled."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import numpy as np

from galaxtool.cutting.cutout_pixels import CutoutPixels
from galaxtool.cutting.plan import CutPlan
from galaxtool.cutting.tasks import CutSettings
from galaxtool.cutting.writers.fits import FitsWriter
from galaxtool.cutting.writers.hdf5 import HDF5Writer, create_hdf5, find_offsets
from galaxtool.cutting.writers.png import PngWriter
from galaxtool.cutting.writers.stack import StackContent
from galaxtool.cutting.writers.zarr import ZarrWriter, create_zarr, import_zarr


class Writer(Protocol):
    """Writes cutouts of one kind."""

    @property
    def path(self) -> Path:
        """The folder or stack that is written."""

    def write(self, piece: CutoutPixels) -> None:
        """Write one cutout."""

    def write_missing(self, slot: int) -> None:
        """Fill the slot of an object whose pixels could not be read."""

    def close(self) -> None:
        """Close all files."""


WRITERS: dict[str, Callable[[CutSettings], Writer]] = {
    "fits": FitsWriter,
    "png": PngWriter,
    "hdf5": HDF5Writer,
    "zarr": ZarrWriter,
}
"""Kind of output -> its writer."""


def check_kind(kind: str) -> None:
    """Raise `DependencyMissing` if a kind of output needs a package that is not installed."""
    if kind == "zarr":
        import_zarr()


def prepare_stack(kind: str, path: Path, plan: CutPlan, content: StackContent) -> np.ndarray:
    """Create the stack unless it exists; return the slot of each row of the catalogue, -1 for rows without a cutout."""
    if not path.exists():
        (create_zarr if kind == "zarr" else create_hdf5)(path, content)
    slots = np.full(len(plan.nx), -1, dtype=np.int64)
    slots[plan.wanted] = np.arange(len(content.ids)) if kind == "zarr" else find_offsets(path)
    return slots
