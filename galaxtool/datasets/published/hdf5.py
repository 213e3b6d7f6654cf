"""Labelled stacks of images in HDF5 files, read as they are asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from galaxtool.containers.hdf5_rows import BROKEN, Hdf5Rows, open_hdf5
from galaxtool.containers.reading import apply_options
from galaxtool.errors import InputError
from galaxtool.images.read_options import PLAIN, ReadOptions
from galaxtool.images.reading import quality_flags, say
from galaxtool.types import Cutout, Item
from galaxtool.utils.optional_imports import require

_BLOCK_BYTES = 128 * 2**20


class ImageStack(Hdf5Rows):
    """The colour images of an HDF5 file: an array of uint8, (N, ny, nx, 3) or (N, 3, ny, nx).

    Images may be asked for in any order and by several threads at once; rising order is the fastest. The file is
    opened when the first one is.

    Parameters
    ----------
    path : Path
        The file.
    key : str
        The array's name in it.

    Attributes
    ----------
    shape : tuple of int
        Of the array.

    Raises
    ------
    InputError
        If there is no such array of that form.
    """

    def __init__(self, path: Path, key: str) -> None:
        with _reading(path) as file:
            array = file[key]
            shape: tuple[int, ...] = array.shape
            if len(shape) != 4 or 3 not in (shape[1], shape[3]) or 0 in shape[1:]:
                raise InputError(
                    f"'{key}' in '{path}' is of {_size(shape)}, which are no colour images.",
                    hint="Wanted N x ny x nx x 3.",
                )
            if array.dtype != np.uint8:
                raise InputError(
                    f"'{key}' in '{path}' is of type {array.dtype}, not uint8.", hint="Store display values, 0 to 255."
                )
            super().__init__(path, key, array, _BLOCK_BYTES)

    def image(self, row: int) -> np.ndarray:
        """Return one image: uint8 (3, ny, nx), row 0 at the bottom.

        Raises
        ------
        UnreadableImage
            If that part of the file is damaged, or the file has gone.
        """
        pixels = self.row(row)
        planes = np.moveaxis(pixels, -1, 0) if self.shape[3] == 3 else pixels
        return np.array(planes[:, ::-1], order="C")  # a copy, that the block may go; files have the top row first


@dataclass(slots=True)
class StackDataset:
    """Labelled images in stacks; a `galaxtool.datasets.protocols.Dataset`.

    Parameters
    ----------
    name : str
        What messages and manifests call it.
    items : sequence of Item
        N of them, without a path.
    where : sequence of (ImageStack, int)
        For each item, its stack and its place there.
    scale_column : str
        Which of an item's columns holds arcsec per pixel; empty where none does.
    reading : ReadOptions
        Its bands are taken, and its pixel scale where there is none.
    """

    has_hdus: ClassVar[bool] = False

    name: str
    items: Sequence[Item]
    where: Sequence[tuple[ImageStack, int]]
    scale_column: str = ""
    reading: ReadOptions = PLAIN

    def cutout(self, index: int) -> Cutout:
        """Read the image of ``items[index]``: uint8 (3, ny, nx), row 0 at the bottom, bands R, G, B.

        Raises
        ------
        UnreadableImage
            If that part of the file is damaged.
        """
        item = self.items[index]
        stack, row = self.where[index]
        data = stack.image(row)
        scale = item.columns.get(self.scale_column)
        cutout = Cutout(
            data=data,
            bands=("R", "G", "B"),
            unit="display",
            ra=item.ra,
            dec=item.dec,
            pixel_scale=scale if scale is not None and scale > 0 else None,
            source=f"{stack.path}[{row}]",
            flags=quality_flags(data),
        )
        return apply_options(cutout, self.reading)


@contextmanager
def _reading(path: Path) -> Iterator[Any]:
    """Give an open file, and raise `InputError` where it turns out to be damaged."""
    with open_hdf5(path) as file:
        try:
            yield file
        except BROKEN as error:
            raise InputError(f"'{path}' is damaged ({say(error)}).", hint="Fetch or copy it again.") from error


def read_columns(
    path: Path, images: str, wanted: Sequence[str], also: Sequence[str] = ()
) -> tuple[ImageStack, dict[str, np.ndarray]]:
    """Open a stack of N images and read what is known of each.

    Parameters
    ----------
    path : Path
        The HDF5 file.
    images : str
        Name of the array of images.
    wanted, also : sequence of str
        Names of columns that must be there, and of those that may.

    Returns
    -------
    stack : ImageStack
    columns : dict of ndarray, shape (N,)
        As the file has them; those of `also` that are not there are left out.

    Raises
    ------
    InputError
        If the file cannot be read, or lacks something; what is there is named.
    """
    h5py = require("h5py", why="Reading HDF5 files", install="h5py")
    with _reading(path) as file:
        there = {name: file[name] for name in file if isinstance(file.get(name), h5py.Dataset)}
        missing = [name for name in (images, *wanted) if name not in there]
        if missing:
            found = ", ".join(f"'{name}' ({_size(array.shape)})" for name, array in there.items())
            raise InputError(
                f"'{path}' has no {' and no '.join(repr(name) for name in missing)}; it has {found or 'nothing'}.",
                hint=f"Wanted are {', '.join((images, *wanted))}. See `galaxtool datasets` for what reads other files.",
            )
        n = there[images].shape[0] if there[images].shape else 0
        known = {name: there[name] for name in (*wanted, *also) if name in there}
        for name, column in known.items():
            if column.shape not in ((n,), (n, 1)):
                raise InputError(f"'{path}' has {n} images, but '{name}' is of {_size(column.shape)}.")
            if column.dtype.kind not in "iuf":
                raise InputError(f"'{name}' in '{path}' is of type {column.dtype}, where numbers are wanted.")
        columns = {name: np.asarray(column[()]).reshape(-1) for name, column in known.items()}
    return ImageStack(path, images), columns


def class_labels(codes: np.ndarray, meaning: Mapping[int, str], name: str, path: Path) -> list[str]:
    """Return the class that each number stands for.

    Parameters
    ----------
    codes : ndarray, shape (N,)
        Numbers, as the column `name` of `path` has them.
    meaning : mapping of int to str
        The classes.

    Raises
    ------
    InputError
        If a number stands for none.
    """
    known = sorted(meaning)
    strange = np.flatnonzero(~np.isin(codes, known))
    if len(strange):
        raise InputError(
            f"'{name}' in '{path}' is {codes[strange[0]]} for image {strange[0]}, which stands for no class.",
            hint=f"Its classes are {', '.join(f'{code} {meaning[code]}' for code in known)}.",
        )
    return [meaning[code] for code in codes.astype(int).tolist()]


def _size(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape)) if len(shape) != 1 else f"{shape[0]} values"
