"""Cutouts as one HDF5 file, which several processes fill at once and a kill cannot damage.

The file is made first, with room for every cutout; HDF5 then says at which byte each one lies, and workers write just
there. Nothing of the file's structure changes any more.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from galaxtool import __version__
from galaxtool.cutting.shown import as_bands
from galaxtool.cutting.tasks import CutoutPixels, CutSettings
from galaxtool.utils.files import atomic_write

LAYOUT = {
    "row": "row of the catalogue, from 1",
    "ra": "degrees, ICRS",
    "dec": "degrees, ICRS",
    "pixel_scale": "arcsec per pixel",
}
"""Columns of a stack beside `id`, one value for each image; what they hold."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StackContent:
    """What is known of a stack of M cutouts before any is cut.

    Parameters
    ----------
    shape : (int, int, int)
        Bands, ny and nx of each.
    bands, units : list of str
        Of each band.
    ids : list of str
    columns : dict
        As in `LAYOUT`, each of shape (M,).
    catalogue : str
    """

    shape: tuple[int, int, int]
    bands: list[str]
    units: list[str]
    ids: list[str]
    columns: dict[str, np.ndarray]
    catalogue: str

    @property
    def texts(self) -> list[str]:
        """The identifiers without what is no Unicode."""
        return [one.encode("utf-8", "backslashreplace").decode() for one in self.ids]

    def axes(self) -> dict[str, str]:
        """Return what is said of the array of images, beside `bands` and `units`."""
        unit = self.units[0] if len(set(self.units)) == 1 else ""
        return {"unit": unit, "row0": "bottom", "axes": "object, band, y, x"}

    def about(self) -> dict[str, str]:
        """Return what is said of the whole."""
        return {"creator": f"galaxtool {__version__}", "catalogue": Path(self.catalogue).name}


def create_stack(path: Path, content: StackContent) -> None:
    """Make an HDF5 file with room for the cutouts, chunked one by one; values are undefined until written."""
    room = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    room.set_chunk((1, *content.shape))
    room.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
    room.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
    room.set_obj_track_times(False)
    with atomic_write(path) as temporary, h5py.File(temporary, "w") as file:
        file.create_dataset("id", data=content.texts, dtype=h5py.string_dtype())
        for name, what in LAYOUT.items():
            file.create_dataset(name, data=content.columns[name]).attrs["description"] = what
        space = h5py.h5s.create_simple((len(content.ids), *content.shape))
        images = h5py.Dataset(h5py.h5d.create(file.id, b"images", h5py.h5t.IEEE_F32LE, space, room))
        images.attrs["bands"] = np.array(content.bands, dtype=h5py.string_dtype())
        images.attrs["units"] = np.array(content.units, dtype=h5py.string_dtype())
        images.attrs.update(content.axes())
        file.attrs.update(content.about())


def offsets(path: Path) -> np.ndarray:
    """Return at which byte of the file each cutout begins, shape (M,)."""
    with h5py.File(path, "r") as file:
        images = file["images"]
        found = np.zeros(len(images), dtype=np.int64)

        def note(chunk: h5py.h5d.StoreInfo) -> None:
            found[chunk.chunk_offset[0]] = chunk.byte_offset

        images.id.chunk_iter(note)
    return found


class StackWriter:
    """Writes float32 into the file of `create_stack`; the slot of a piece is its byte.

    Parameters
    ----------
    settings : Settings
    """

    def __init__(self, settings: CutSettings) -> None:
        self._bands = settings.bands
        with h5py.File(settings.stack, "r") as file:
            self._bytes = 4 * int(np.prod(file["images"].shape[1:]))
        self._file = os.open(settings.stack, os.O_RDWR)

    def write(self, piece: CutoutPixels) -> None:
        """Write one."""
        self._put(as_bands(piece, self._bands)[0].astype("<f4", copy=False).tobytes(), piece.slot)

    def missing(self, slot: int) -> None:
        """Fill the room of one with NaN."""
        self._put(np.full(self._bytes // 4, np.nan, "<f4").tobytes(), slot)

    def finish(self) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

    def _put(self, values: bytes, slot: int) -> None:
        assert len(values) == self._bytes, "a cutout of another shape than its stack"
        done = 0
        while done < len(values):
            done += os.pwrite(self._file, values[done:], slot + done)
