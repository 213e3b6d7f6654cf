"""Images in the cells of FITS tables, such as the VIGNET of SExtractor."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits

from galaxtool.containers.pixel_arrays import make_cutout
from galaxtool.containers.protocols import Member
from galaxtool.containers.streams import BROKEN
from galaxtool.errors import UnreadableImage
from galaxtool.images.fits.bounded_stream import is_packed, open_bounded
from galaxtool.images.image_file import ImageFile
from galaxtool.images.read_options import ReadOptions
from galaxtool.types import Cutout
from galaxtool.utils.error_text import describe_error
from galaxtool.utils.files.local_path import to_local_path
from galaxtool.utils.warning_filter import ignore_warnings

_WORDS = ("vignet", "image", "img", "stamp", "cutout", "postage", "thumb", "pixels", "picture")
_BROKEN = (fits.VerifyError, KeyError, IndexError, TypeError, *BROKEN)


class FitsCells:
    """FITS tables with an image in each cell of a column; used on request.

    The key of an image is its HDU, its column and its row, counted from 0: ``1/VIGNET/12``.
    """

    def members(self, path: Path) -> Iterator[Member]:
        """Yield the images of the first column that has any, named by their row.

        Raises
        ------
        UnreadableImage
            If the file is damaged or has no such column.
        """
        found = find_cells(path)
        if found is None:
            raise UnreadableImage(f"'{path}' has no table with a column of images.")
        hdu, column, rows = found
        for row in range(rows):
            yield Member(key=f"{hdu}/{column}/{row}", name=str(row))

    def open(self, path: Path) -> OpenFitsCells:
        """Open a file."""
        return OpenFitsCells(path)


class OpenFitsCells:
    """A FITS file open for reading; its tables stay on disk unless the file is packed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            with ignore_warnings():
                self._hdus = _open(path)
        except _BROKEN as error:
            raise UnreadableImage(f"'{path}' is not FITS, or is damaged ({describe_error(error)}).") from error
        self._columns: dict[str, Any] = {}

    def read(self, key: str, options: ReadOptions) -> Cutout:
        """Return the image of a cell.

        Raises
        ------
        UnreadableImage
            If the cell does not exist, does not hold an image, or the file is damaged.
        """
        name = f"{self.path}[{key}]"
        where, _, number = key.rpartition("/")
        try:
            if where not in self._columns:
                hdu, _, column = where.partition("/")
                with ignore_warnings():
                    self._columns[where] = self._hdus[int(hdu)].data[column]
            cell = np.array(self._columns[where][int(number)])
        except _BROKEN as error:
            raise UnreadableImage(f"There is no image '{key}' in '{self.path}' ({describe_error(error)}).") from error
        return make_cutout(cell, name, options)

    def close(self) -> None:
        """Close the file."""
        self._columns = {}
        self._hdus.close()


def find_cells(
    path: Path, column: str | None = None, rows: int | None = None, hdu: int | None = None
) -> tuple[int, str, int] | None:
    """Return the number of the HDU, the column and the number of rows of the first table with images in its cells.

    Parameters
    ----------
    path : Path
        FITS file.
    column : str, optional
        Name of the column; by default the first that looks like one of images.
    rows : int, optional
        Number of rows that the table must have.
    hdu : int, optional
        Number of the only HDU to look at.
    """
    try:
        with ignore_warnings(), _open(path) as hdus:
            for number, unit in enumerate(hdus):
                if not isinstance(unit, fits.BinTableHDU) or isinstance(unit, fits.CompImageHDU):
                    continue
                if (hdu is not None and number != hdu) or (rows is not None and unit.header["NAXIS2"] != rows):
                    continue
                shapes = {c.name: _shape(c) for c in unit.columns}
                name = column if column in shapes else choose_cells(shapes) if column is None else None
                if name is not None:
                    return number, name, unit.header["NAXIS2"]
    except _BROKEN:
        return None
    return None


def _open(path: Path) -> fits.HDUList:
    """Open a file whose headers are known to end, and to claim no more than a file can have."""
    file = ImageFile.on_disk(path)
    if is_packed(file):
        return fits.open(open_bounded(file), memmap=False, lazy_load_hdus=True)
    with (
        open_bounded(file) as stream,
        fits.open(stream, memmap=False, lazy_load_hdus=True, disable_image_compression=True) as hdus,
    ):
        len(hdus)  # reads all headers
    return fits.open(to_local_path(path), memmap=True, lazy_load_hdus=True)


def choose_cells(shapes: dict[str, tuple[int, ...]]) -> str | None:
    """Return the column whose cells look like images, going by the shapes of cells; None if there is none.

    A matrix is one if its column is called so, or if it is the only one with both sides of at least 16.
    """
    images = {name: shape for name, shape in shapes.items() if len(shape) in (2, 3) and min(shape[-2:]) > 1}
    for word in _WORDS:
        named = [name for name in images if word in name.lower() and not _is_other(name)]
        if named:
            return named[0]
    large = [name for name, shape in images.items() if sorted(shape)[-2] >= 16 and not _is_other(name)]
    return large[0] if len(large) == 1 else None


def _is_other(name: str) -> bool:
    """Tell whether a matrix with this name is something else than an image of the object."""
    lower = name.lower()
    return any(word in lower for word in ("psf", "cov", "corr", "weight", "mask", "var", "err", "rms", "pdf", "kernel"))


def _shape(column: fits.Column) -> tuple[int, ...]:
    """Return the shape of the cells of a column of numbers; empty for other columns."""
    form = re.fullmatch(r"(\d*)([BIJKED])", str(column.format))
    if form is None:
        return ()
    if column.dim:
        return tuple(int(side) for side in re.findall(r"\d+", str(column.dim)))[::-1]
    side = math.isqrt(int(form[1] or 1))
    is_image = side * side == int(form[1] or 1) and any(word in column.name.lower() for word in _WORDS)
    return (side, side) if is_image else ()
