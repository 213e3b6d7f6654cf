"""Workers: they read the pixels of their objects from the images and hand them to a writer."""

from __future__ import annotations

from collections.abc import Generator, Iterable
from contextlib import closing
from functools import partial

import numpy as np

from galaxtool.cutting.cutout_pixels import CutoutPixels
from galaxtool.cutting.images import HduRef
from galaxtool.cutting.open_images import ImageCache, OpenImage
from galaxtool.cutting.tasks import CutSettings, CutTask, TaskResult
from galaxtool.cutting.writers.formats import WRITERS, Writer
from galaxtool.errors import GalaxtoolError
from galaxtool.executors.cores import resolve_workers
from galaxtool.executors.processes import ProcessExecutor
from galaxtool.images.fits.axes import to_bands
from galaxtool.images.reading import find_quality_flags
from galaxtool.types import BLANK, NAN_PIXELS
from galaxtool.utils.error_text import describe_error

_MANY_OBJECTS = 5000  # fewer are cut in less time than processes need to start


def count_workers(requested: int | None, objects: int, tasks: int) -> int:
    """Return the number of processes: the requested one, or one per core for many objects, else one."""
    workers = resolve_workers(requested) if requested is not None or objects >= _MANY_OBJECTS else 1
    return max(1, min(workers, tasks))


def run_tasks(tasks: Iterable[CutTask], settings: CutSettings, workers: int) -> Generator[TaskResult, None, None]:
    """Yield the result of each task, in order.

    Parameters
    ----------
    tasks : iterable of CutTask
        The tasks.
    settings : CutSettings
        Settings of the job.
    workers : int
        Number of processes; one means this process.

    Raises
    ------
    GalaxtoolError
        If the output cannot be written, or a process is killed.
    """
    if workers == 1:
        with closing(Cutter(settings)) as cutter:
            yield from map(cutter, tasks)
        return
    with closing(ProcessExecutor(workers)) as executor:
        yield from executor.map(partial(Cutter, settings), tasks)


class Cutter:
    """A worker that runs tasks one after another and keeps the images last used open.

    Parameters
    ----------
    settings : CutSettings
        Settings of the job.
    """

    def __init__(self, settings: CutSettings) -> None:
        self.settings = settings
        self._images = ImageCache()
        self._writer: Writer = WRITERS[settings.kind](settings)
        self._problems: dict[HduRef, str] = {}

    def __call__(self, task: CutTask) -> TaskResult:
        """Run one task. An object whose pixels cannot be read becomes an error of its row.

        Raises
        ------
        GalaxtoolError
            If the output cannot be written, e.g. because the disk is full.
        """
        flags, errors = [], []
        try:
            for i in range(len(task.rows)):
                piece, piece_flags, error = self._cut_object(task, i)
                if piece is None:
                    self._writer.write_missing(int(task.slots[i]))
                else:
                    self._writer.write(piece)
                flags.append(" ".join(piece_flags))
                errors.append(error)
        except OSError as error:
            raise GalaxtoolError(
                f"'{self._writer.path}' cannot be written: {error.strerror or error}.",
                hint="Finished cutouts are kept. Fix the problem, then resume with --resume.",
            ) from error
        return TaskResult(number=task.number, rows=task.rows, flags=flags, errors=errors)

    def close(self) -> None:
        """Close all files."""
        self._images.close()
        self._writer.close()

    def _cut_object(self, task: CutTask, i: int) -> tuple[CutoutPixels | None, tuple[str, ...], str]:
        """Return an object with its pixels or None, its flags, and an error message if it has no pixels."""
        nx, ny = int(task.nx[i]), int(task.ny[i])
        first = list(zip(task.x0[i].tolist(), task.y0[i].tolist(), strict=True))
        images: list[OpenImage | None] = []
        parts: list[np.ndarray] = []
        try:
            for number, (x0, y0) in zip(task.image[i].tolist(), first, strict=True):
                image = self._open(task.images[number], len(first)) if number >= 0 else None
                images.append(image)
                if image is not None:
                    part = _read_box(image, x0, y0, nx, ny)
                    parts.append(_to_plane(image, part) if self.settings.bands else part)
        except _UnreadablePixels as problem:
            return None, task.flags[i], str(problem)
        flags = (*task.flags[i], *_find_flags(parts))
        piece = CutoutPixels(
            row=int(task.rows[i]),
            id=task.ids[i],
            path=task.paths[i],
            ra=float(task.ra[i]),
            dec=float(task.dec[i]),
            data=_assemble(parts, images, first, (ny, nx)),
            images=images,
            first=first,
            shift=(float(task.shift[i, 0]), float(task.shift[i, 1])),
            flags=flags,
            slot=int(task.slots[i]),
        )
        return piece, flags, ""

    def _open(self, ref: HduRef, in_use: int) -> OpenImage:
        if ref in self._problems:
            raise _UnreadablePixels(self._problems[ref])
        try:
            return self._images.get(ref, in_use)
        except Exception as error:  # damaged files raise many kinds of exceptions, different in each library
            self._problems[ref] = f"'{ref}' cannot be read ({describe_error(error)})."
            raise _UnreadablePixels(self._problems[ref]) from error


class _UnreadablePixels(Exception):
    """Pixels that cannot be read."""


def _read_box(image: OpenImage, x0: int, y0: int, nx: int, ny: int) -> np.ndarray:
    """Return the pixels of a box that are within the image."""
    height, width = image.shape[-2:]
    try:
        return image.box(max(y0, 0), min(y0 + ny, height), max(x0, 0), min(x0 + nx, width))
    except MemoryError:
        raise
    except Exception as error:
        raise _UnreadablePixels(f"Its pixels in '{image.ref}' cannot be read ({describe_error(error)}).") from error


def _to_plane(image: OpenImage, part: np.ndarray) -> np.ndarray:
    """Return the single band of an image that is stacked, (ny, nx): the mean of its channels, if it has any."""
    return part if part.ndim == 2 else to_bands(image.ref.path, part, image.header, image.primary)[0][0]


def _assemble(
    parts: list[np.ndarray], images: list[OpenImage | None], first: list[tuple[int, int]], sides: tuple[int, int]
) -> np.ndarray:
    """Paste the parts that were read into one array; pixels beyond the images are NaN."""
    dtype = np.result_type(*(_choose_float_dtype(part) for part in parts))
    ny, nx = sides
    if len(images) == 1:
        (part,), ((x0, y0),) = parts, first
        if part.shape[-2:] == sides:
            return part.astype(dtype, copy=False)
        data = np.full((*part.shape[:-2], ny, nx), np.nan, dtype)
        _paste(data, part, x0, y0)
        return data
    data = np.full((len(images), ny, nx), np.nan, dtype)
    remaining = iter(parts)
    for plane, image, (x0, y0) in zip(data, images, first, strict=True):
        if image is not None:
            _paste(plane, next(remaining), x0, y0)
    return data


def _paste(data: np.ndarray, part: np.ndarray, x0: int, y0: int) -> None:
    y, x = max(-y0, 0), max(-x0, 0)
    data[..., y : y + part.shape[-2], x : x + part.shape[-1]] = part


def _choose_float_dtype(part: np.ndarray) -> np.dtype:
    """Return the smallest big-endian floating-point type that holds the values exactly."""
    small = part.dtype.itemsize <= (4 if part.dtype.kind == "f" else 2)
    return np.dtype(">f4" if small else ">f8")


def _find_flags(parts: list[np.ndarray]) -> tuple[str, ...]:
    """Return the quality flags of the pixels: NAN_PIXELS if any band has it, BLANK only if all have it."""
    found = [find_quality_flags(part.reshape(-1, *part.shape[-2:])) for part in parts]
    flags = (NAN_PIXELS,) if any(NAN_PIXELS in flags for flags in found) else ()
    return (*flags, BLANK) if all(BLANK in flags for flags in found) else flags
