"""Cutouts as one HDF5 file that several processes fill at once, and that a killed process cannot damage.

The file is created with space for every cutout. HDF5 then reports the byte at which each one begins, and workers write
their cutouts at these bytes. The structure of the file does not change any more.
"""

from __future__ import annotations

import os
from pathlib import Path

import h5py
import numpy as np

from galaxtool.cutting.cutout_pixels import CutoutPixels
from galaxtool.cutting.tasks import CutSettings
from galaxtool.cutting.writers.stack import STACK_COLUMNS, StackContent, write_at
from galaxtool.utils.files.atomic_write import atomic_write


def create_hdf5(path: Path, content: StackContent) -> None:
    """Create an HDF5 file with one chunk per cutout; pixel values are undefined until they are written."""
    layout = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    layout.set_chunk((1, *content.shape))
    layout.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    layout.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    layout.set_obj_track_times(False)
    with atomic_write(path) as temporary, h5py.File(temporary, "w") as file:
        file.create_dataset("id", data=content.unicode_ids, dtype=h5py.string_dtype())
        for name, description in STACK_COLUMNS.items():
            file.create_dataset(name, data=content.columns[name]).attrs["description"] = description
        if content.flags.size:
            file.create_dataset("flags", data=content.flags).attrs["description"] = "separated by blanks"
        space = h5py.h5s.create_simple((len(content.ids), *content.shape))
        images = h5py.Dataset(h5py.h5d.create(file.id, b"images", h5py.h5t.IEEE_F32LE, space, layout))
        images.attrs["bands"] = np.array(content.bands, dtype=h5py.string_dtype())
        images.attrs["units"] = np.array(content.units, dtype=h5py.string_dtype())
        images.attrs.update(content.image_attributes())
        file.attrs.update(content.root_attributes())


def find_offsets(path: Path) -> np.ndarray:
    """Return the byte of the file at which each cutout begins, shape (M,)."""
    with h5py.File(path, "r") as file:
        images = file["images"]
        offsets = np.zeros(len(images), dtype=np.int64)

        def store_offset(chunk: h5py.h5d.StoreInfo) -> None:
            offsets[chunk.chunk_offset[0]] = chunk.byte_offset

        images.id.chunk_iter(store_offset)
    return offsets


class HDF5Writer:
    """Writes float32 pixels into the file of `create_hdf5`; the slot of a cutout is its byte in the file.

    Parameters
    ----------
    settings : CutSettings
        Settings of the job.
    """

    def __init__(self, settings: CutSettings) -> None:
        self.path = settings.stack
        self._bands = settings.bands
        with h5py.File(settings.stack, "r") as file:
            self._bytes = 4 * int(np.prod(file["images"].shape[1:]))
        self._file = os.open(settings.stack, os.O_RDWR)

    def write(self, piece: CutoutPixels) -> None:
        """Write one cutout."""
        self._write_bytes(piece.to_planes(self._bands)[0].astype("<f4", copy=False).tobytes(), piece.slot)

    def write_missing(self, slot: int) -> None:
        """Fill a slot with NaN."""
        self._write_bytes(np.full(self._bytes // 4, np.nan, "<f4").tobytes(), slot)

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

    def _write_bytes(self, values: bytes, slot: int) -> None:
        assert len(values) == self._bytes, "the shape of the cutout differs from that of the stack"
        write_at(self._file, values, slot)
