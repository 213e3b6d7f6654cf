"""A worker: takes the pixels of its objects out of the images and hands them to a writer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np

from galaxtool.cutting.images import HduRef
from galaxtool.cutting.open_images import OpenImage, ImageCache
from galaxtool.cutting.tasks import STACKS, CutoutPixels, CutTask, TaskResult, CutSettings
from galaxtool.cutting.writers.fits import FitsWriter
from galaxtool.cutting.writers.hdf5 import StackWriter
from galaxtool.cutting.writers.png import PngWriter
from galaxtool.cutting.writers.zarr import ZarrWriter
from galaxtool.errors import GalaxtoolError
from galaxtool.images.reading import quality_flags, say
from galaxtool.types import BLANK, NAN_PIXELS


class Writer(Protocol):
    """Writes cutouts of one kind."""

    def write(self, piece: CutoutPixels) -> None:
        """Write one, perhaps later."""

    def missing(self, slot: int) -> None:
        """Note that one could not be read."""

    def finish(self) -> None:
        """Write what is still to be written: the task ends."""

    def close(self) -> None:
        """Let go of files."""


WRITERS: dict[str, Callable[[CutSettings], Writer]] = {
    "fits": FitsWriter,
    "png": PngWriter,
    "hdf5": StackWriter,
    "zarr": ZarrWriter,
}
"""Kind of output -> its writer."""


class Cutter:
    """Does tasks one after another, with the images last used kept open.

    Parameters
    ----------
    settings : Settings
    """

    def __init__(self, settings: CutSettings) -> None:
        self.settings = settings
        self._images = ImageCache()
        self._writer: Writer = WRITERS[settings.kind](settings)
        self._broken: dict[HduRef, str] = {}

    def __call__(self, task: CutTask) -> TaskResult:
        """Do one.

        Raises
        ------
        GalaxtoolError
            If nothing can be written, e.g. because the disk is full. What cannot be read is an error of its row.
        """
        flags, errors = [], []
        try:
            for i in range(len(task.rows)):
                piece, earned, error = self._cut(task, i)
                if piece is None:
                    self._writer.missing(int(task.slots[i]))
                else:
                    self._writer.write(piece)
                flags.append(" ".join(earned))
                errors.append(error)
            self._writer.finish()
        except OSError as error:
            where = self.settings.stack if self.settings.kind in STACKS else self.settings.folder
            raise GalaxtoolError(
                f"'{where}' cannot be written: {error.strerror or error}.",
                hint="What is done is kept. Put that right, and go on with --resume.",
            ) from error
        return TaskResult(number=task.number, rows=task.rows, flags=flags, errors=errors)

    def close(self) -> None:
        """Let go of all files."""
        self._images.close()
        self._writer.close()

    def _cut(self, task: CutTask, i: int) -> tuple[CutoutPixels | None, tuple[str, ...], str]:
        """Return an object with its pixels, its flags, and why there are none."""
        nx, ny = int(task.nx[i]), int(task.ny[i])
        first = list(zip(task.x0[i].tolist(), task.y0[i].tolist(), strict=True))
        images: list[OpenImage | None] = []
        parts: list[np.ndarray] = []
        try:
            for number, (x0, y0) in zip(task.image[i].tolist(), first, strict=True):
                image = self._open(task.images[number], len(first)) if number >= 0 else None
                images.append(image)
                if image is not None:
                    parts.append(_part(image, x0, y0, nx, ny))
        except _Unreadable as problem:
            return None, task.flags[i], str(problem)
        data = _assembled(parts, images, first, (ny, nx))
        flags = (*task.flags[i], *_quality(parts))
        piece = CutoutPixels(
            row=int(task.rows[i]),
            id=task.ids[i],
            path=task.paths[i],
            ra=float(task.ra[i]),
            dec=float(task.dec[i]),
            data=data,
            images=images,
            first=first,
            shift=(float(task.shift[i, 0]), float(task.shift[i, 1])),
            flags=flags,
            slot=int(task.slots[i]),
        )
        return piece, flags, ""

    def _open(self, place: HduRef, together: int) -> OpenImage:
        if place in self._broken:
            raise _Unreadable(self._broken[place])
        try:
            return self._images.get(place, together)
        except Exception as error:  # damage has no end of forms, and each library its own exceptions
            self._broken[place] = f"'{place}' cannot be read ({say(error)})."
            raise _Unreadable(self._broken[place]) from error


class _Unreadable(Exception):
    """Pixels that cannot be read."""


def make_cutter(settings: CutSettings) -> Cutter:
    """Make a worker."""
    return Cutter(settings)


def _part(image: OpenImage, x0: int, y0: int, nx: int, ny: int) -> np.ndarray:
    """Return what an image has of a box."""
    height, width = image.shape[-2:]
    try:
        return image.box(max(y0, 0), min(y0 + ny, height), max(x0, 0), min(x0 + nx, width))
    except MemoryError:
        raise
    except Exception as error:
        raise _Unreadable(f"Its pixels in '{image.place}' cannot be read ({say(error)}).") from error


def _assembled(
    parts: list[np.ndarray], images: list[OpenImage | None], first: list[tuple[int, int]], sides: tuple[int, int]
) -> np.ndarray:
    """Put parts in their places, NaN around them."""
    dtype = np.result_type(*(_floating(part) for part in parts))
    ny, nx = sides
    if len(images) == 1:
        (part,), ((x0, y0),) = parts, first
        if part.shape[-2:] == sides:
            return part.astype(dtype, copy=False)
        data = np.full((*part.shape[:-2], ny, nx), np.nan, dtype)
        _paste(data, part, x0, y0)
        return data
    data = np.full((len(images), ny, nx), np.nan, dtype)
    left = iter(parts)
    for plane, image, (x0, y0) in zip(data, images, first, strict=True):
        if image is not None:
            part = next(left)
            _paste(plane, part.reshape(part.shape[-2:]), x0, y0)
    return data


def _paste(data: np.ndarray, part: np.ndarray, x0: int, y0: int) -> None:
    y, x = max(-y0, 0), max(-x0, 0)
    data[..., y : y + part.shape[-2], x : x + part.shape[-1]] = part


def _floating(part: np.ndarray) -> np.dtype:
    """Return the type of floating-point numbers, big-endian, that holds these exactly."""
    small = part.dtype.itemsize <= (4 if part.dtype.kind == "f" else 2)
    return np.dtype(">f4" if small else ">f8")


def _quality(parts: list[np.ndarray]) -> tuple[str, ...]:
    """Return what the pixels within the images earn; blank are only those of which every band is."""
    found = [quality_flags(part.reshape(-1, *part.shape[-2:])) for part in parts]
    flags = (NAN_PIXELS,) if any(NAN_PIXELS in flags for flags in found) else ()
    return (*flags, BLANK) if all(BLANK in flags for flags in found) else flags
