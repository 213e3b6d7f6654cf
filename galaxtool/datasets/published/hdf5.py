"""Labelled stacks of images in HDF5 files, read on demand."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from galaxtool.containers.hdf5.checks import find_missing_rows
from galaxtool.containers.hdf5.rows import BROKEN, Hdf5Rows, open_hdf5
from galaxtool.containers.hdf5.values import Hdf5Values
from galaxtool.containers.reading import apply_options
from galaxtool.errors import InputError
from galaxtool.images.read_options import PLAIN, ReadOptions
from galaxtool.images.reading import find_quality_flags
from galaxtool.types import Cutout, Item
from galaxtool.utils.error_text import describe_error
from galaxtool.utils.optional_imports import require

_BLOCK_BYTES = 128 * 2**20


class ImageStack(Hdf5Rows):
    """An array of N colour images in an HDF5 file: uint8, (N, ny, nx, 3) or (N, 3, ny, nx).

    Images can be read in any order and by several threads at once; ascending order is the fastest. The file is opened
    when the first image is read.

    Parameters
    ----------
    path : Path
        Path of the file.
    key : str
        Name of the array.

    Attributes
    ----------
    shape : tuple of int
        Shape of the array.

    Raises
    ------
    InputError
        If the array is not of that form.
    """

    def __init__(self, path: Path, key: str) -> None:
        with _open_checked(path) as file:
            array = file[key]
            shape: tuple[int, ...] = array.shape
            if len(shape) != 4 or 3 not in (shape[1], shape[3]) or 0 in shape[1:]:
                raise InputError(
                    f"'{key}' in '{path}' has the shape {_format_shape(shape)}, which is not that of colour images.",
                    hint="The shape must be N x ny x nx x 3.",
                )
            if array.dtype != np.uint8:
                raise InputError(
                    f"'{key}' in '{path}' has the type {array.dtype}, not uint8.",
                    hint="Store display values, 0 to 255.",
                )
            super().__init__(path, key, array, _BLOCK_BYTES)

    def image(self, row: int) -> np.ndarray:
        """Return one image: uint8 (3, ny, nx), row 0 at the bottom.

        Raises
        ------
        UnreadableImage
            If that part of the file is damaged, or the file was removed.
        """
        pixels = self.row(row)
        planes = np.moveaxis(pixels, -1, 0) if self.shape[3] == 3 else pixels
        # files begin with the top row; a copy, so that the block can be freed
        return np.array(planes[:, ::-1], order="C")


@dataclass(slots=True)
class StackDataset:
    """Labelled images in stacks; a `galaxtool.datasets.protocols.Dataset`.

    Parameters
    ----------
    name : str
        Name of the data set in messages and manifests.
    items : sequence of Item
        The N items, without a path.
    where : sequence of (ImageStack, int)
        Stack and row of each item.
    scale_column : str
        Column with the pixel scale in arcsec per pixel; empty if there is none.
    reading : ReadOptions
        Bands to select, and the pixel scale of images that have none.
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
            flags=find_quality_flags(data),
        )
        return apply_options(cutout, self.reading)


@contextmanager
def _open_checked(path: Path) -> Iterator[Any]:
    """Open a file; raise `InputError` if it turns out to be damaged."""
    with open_hdf5(path) as file:
        try:
            yield file
        except BROKEN as error:
            raise InputError(
                f"'{path}' is damaged ({describe_error(error)}).", hint="Download or copy it again."
            ) from error


def read_columns(
    path: Path, images: str, required: Sequence[str], optional: Sequence[str] = ()
) -> tuple[ImageStack, dict[str, np.ndarray]]:
    """Open a stack of N images and read the arrays with one value per image.

    Parameters
    ----------
    path : Path
        Path of the HDF5 file.
    images : str
        Name of the array of images.
    required, optional : sequence of str
        Names of the other arrays.

    Returns
    -------
    stack : ImageStack
        The images.
    columns : dict of ndarray, shape (N,)
        The other arrays, by name.

    Raises
    ------
    InputError
        If the file cannot be read, or lacks a required array; lists the arrays that it has.
    """
    h5py = require("h5py", why="Reading HDF5 files", install="h5py")
    with _open_checked(path) as file:
        there = {name: file[name] for name in file if isinstance(file.get(name), h5py.Dataset)}
        missing = [name for name in (images, *required) if name not in there]
        if missing:
            found = ", ".join(f"'{name}' ({_format_shape(array.shape)})" for name, array in there.items())
            raise InputError(
                f"'{path}' has no {' and no '.join(repr(name) for name in missing)}; it has {found or 'nothing'}.",
                hint=f"Required are {', '.join((images, *required))}. See `galaxtool datasets` for other data sets.",
            )
        n = there[images].shape[0] if there[images].shape else 0
        known = {name: there[name] for name in (*required, *optional) if name in there}
        for name, column in known.items():
            if column.shape not in ((n,), (n, 1)):
                raise InputError(f"'{path}' has {n} images, but '{name}' has {_format_shape(column.shape)}.")
            if column.dtype.kind not in "iuf":
                raise InputError(f"'{name}' in '{path}' has the type {column.dtype}, which is not numeric.")
        for name, array in {images: there[images], **known}.items():
            rows = find_missing_rows(array)
            if why := rows.reason_for_all() or (rows.parts and name != images and rows.parts[0][2]):
                raise InputError(f"The array '{name}' in '{path}' cannot be read: {why}.")
        columns = {name: np.asarray(Hdf5Values(path, name, column)[()]).reshape(-1) for name, column in known.items()}
    return ImageStack(path, images), columns


def decode_labels(codes: np.ndarray, meaning: Mapping[int, str], name: str, path: Path) -> list[str | None]:
    """Translate class numbers to labels; NaN is not a label.

    Parameters
    ----------
    codes : ndarray, shape (N,)
        Class numbers.
    meaning : mapping of int to str
        Label of each class number.
    name : str
        Name of the array, for errors.
    path : Path
        Path of the file, for errors.

    Raises
    ------
    InputError
        If a number is not a class.
    """
    known = sorted(meaning)
    missing = np.isnan(codes)
    strange = np.flatnonzero(~np.isin(codes, known) & ~missing)
    if len(strange):
        raise InputError(
            f"'{name}' in '{path}' is {codes[strange[0]]} for image {strange[0]}, which is not a class.",
            hint=f"Its classes are {', '.join(f'{code} {meaning[code]}' for code in known)}.",
        )
    numbers = np.where(missing, known[0], codes).astype(int).tolist()
    return [None if gone else meaning[code] for code, gone in zip(numbers, missing.tolist(), strict=True)]


def _format_shape(shape: Sequence[int]) -> str:
    return " x ".join(map(str, shape)) if len(shape) != 1 else f"{shape[0]} values"
