"""Cutouts as one Zarr group with the layout of the HDF5 stack, filled by several processes at once.

zarr creates the group and one file of the images (a shard). The other shards are created with the same index and space
for every cutout, and workers write their cutouts at the bytes that the index names. This needs no zarr in the workers,
and is several times faster than writing through zarr.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import numpy as np

from galaxtool.cutting.cutout_pixels import CutoutPixels
from galaxtool.cutting.tasks import CutSettings
from galaxtool.cutting.writers.stack import STACK_COLUMNS, StackContent, write_at
from galaxtool.utils.optional_imports import require

_SHARD_BYTES = 1 << 22
_MAX_OPEN_SHARDS = 64


def import_zarr() -> Any:
    """Return the package zarr.

    Raises
    ------
    DependencyMissing
        If it is not installed.
    """
    return require("zarr", why="Writing a Zarr stack", install="galaxtool[zarr]")


def create_zarr(path: Path, content: StackContent) -> None:
    """Create the group, replacing an existing one; pixel values are undefined until they are written."""
    temporary = path.with_name(f".{path.name}")
    shutil.rmtree(temporary, ignore_errors=True)
    count = len(content.ids)
    per_shard = min(count, max(1, _SHARD_BYTES // (4 * int(np.prod(content.shape)))))
    group = import_zarr().open_group(temporary, mode="w", zarr_format=3)
    group.attrs.update(content.root_attributes())
    group.create_array("id", shape=(count,), dtype=str)[:] = np.array(content.unicode_ids, dtype=object)
    for name, description in STACK_COLUMNS.items():
        group.create_array(name, data=content.columns[name]).attrs["description"] = description
    if content.flags.size:
        group.create_array("flags", shape=(count,), dtype=str)[:] = content.flags.astype(str).astype(object)
    images = group.create_array(
        "images",
        shape=(count, *content.shape),
        chunks=(1, *content.shape),
        shards=(per_shard, *content.shape),
        dtype="<f4",
        fill_value=np.nan,
        compressors=None,
    )
    images.attrs.update({"bands": content.bands, "units": content.units, **content.image_attributes()})
    images[:per_shard] = np.ones((per_shard, *content.shape), np.float32)
    _copy_shard_index(temporary, count, per_shard)
    shutil.rmtree(path, ignore_errors=True)
    temporary.rename(path)


class ZarrWriter:
    """Writes float32 pixels into the shards of `create_zarr`; the slot of a cutout is its index.

    Parameters
    ----------
    settings : CutSettings
        Settings of the job.
    """

    def __init__(self, settings: CutSettings) -> None:
        self.path = settings.stack
        self._bands = settings.bands
        self._offsets, self._bytes = _read_shard_index(_locate_shard(self.path, 0))
        self._shards: dict[int, int] = {}

    def write(self, piece: CutoutPixels) -> None:
        """Write one cutout."""
        self._write_bytes(piece.to_planes(self._bands)[0].astype("<f4", copy=False).tobytes(), piece.slot)

    def write_missing(self, slot: int) -> None:
        """Fill a slot with NaN."""
        self._write_bytes(np.full(self._bytes // 4, np.nan, "<f4").tobytes(), slot)

    def close(self) -> None:
        """Close the shards."""
        for descriptor in self._shards.values():
            os.close(descriptor)
        self._shards.clear()

    def _write_bytes(self, values: bytes, slot: int) -> None:
        assert len(values) == self._bytes, "the shape of the cutout differs from that of the stack"
        shard, position = divmod(slot, len(self._offsets))
        if shard not in self._shards:
            if len(self._shards) == _MAX_OPEN_SHARDS:
                self.close()
            self._shards[shard] = os.open(_locate_shard(self.path, shard), os.O_RDWR)
        write_at(self._shards[shard], values, int(self._offsets[position]))


def _locate_shard(path: Path, number: int) -> Path:
    return path / "images" / "c" / str(number) / "0" / "0" / "0"


def _read_shard_index(shard: Path) -> tuple[np.ndarray, int]:
    """Return the byte of the shard at which each of its cutouts begins, and the number of bytes of a cutout.

    The index is at the end of the file: offset and length of each chunk as unsigned 64-bit integers, and a checksum of
    four bytes [1]_.

    References
    ----------
    .. [1] https://zarr-specs.readthedocs.io/en/latest/v3/codecs/sharding-indexed/
    """
    values = shard.read_bytes()
    length = int.from_bytes(values[-12:-4], "little")
    count = (len(values) - 4) // (length + 16)
    index = np.frombuffer(values[-16 * count - 4 : -4], "<u8").reshape(count, 2)
    assert (index[:, 1] == length).all(), "the chunks of the shard differ in length"
    return index[:, 0], length


def _copy_shard_index(path: Path, count: int, per_shard: int) -> None:
    """Create all shards but the first, with the size and the index of the first."""
    first = _locate_shard(path, 0)
    size = first.stat().st_size
    length = 16 * per_shard + 4
    with first.open("rb") as file:
        file.seek(size - length)
        index = file.read(length)
    for number in range(1, -(-count // per_shard)):
        shard = _locate_shard(path, number)
        shard.parent.mkdir(parents=True)
        with shard.open("wb") as file:
            file.truncate(size - length)
            file.seek(size - length)
            file.write(index)
