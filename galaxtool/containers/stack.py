"""Stacks: an array of images, with columns of values for each image.

8-bit integers are display values, as in a JPEG; any other numbers are measured data. In files, the first row of a
display image is the top one, and the first row of measured data is the bottom one, as in FITS, unless an attribute
``row0`` of the array says ``"top"`` or ``"bottom"``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from galaxtool.containers.axes import Axes, find_axes
from galaxtool.containers.protocols import Member
from galaxtool.containers.streams import MOST_BYTES
from galaxtool.errors import UnreadableImage
from galaxtool.images.reading import find_quality_flags
from galaxtool.tables.column_names import DEC_COLUMNS, ID_COLUMNS, RA_COLUMNS
from galaxtool.types import Cutout

SCALE_COLUMNS = ("pixel_scale", "pxscale", "pixscale")
"""Names of an array or attribute with the pixel scale in arcsec."""

IMAGES = ("images", "cutouts", "image", "data")
"""Names of the array of images in a file with several candidates."""

_IDS = (*ID_COLUMNS, "ids", "object_ids", "names")
_MOST_IMAGES = 2**28
_ROWS_AT_ONCE = 4096


class Rows(Protocol):
    """Access to the images of an array."""

    def row(self, row: int) -> np.ndarray:
        """Return an image with the axes of the array."""

    def close(self) -> None:
        """Close the file."""


class ArrayRows:
    """The images of an array in memory, or of a memory map.

    Parameters
    ----------
    array : ndarray
        The array.
    single : bool
        Whether the array is one image.
    """

    def __init__(self, array: np.ndarray, single: bool) -> None:
        self._array: np.ndarray | None = array
        self._single = single

    def row(self, row: int) -> np.ndarray:
        """Return an image."""
        assert self._array is not None
        return self._array if self._single else self._array[row]

    def close(self) -> None:
        """Release the array."""
        self._array = None


@dataclass(frozen=True, slots=True)
class Stack:
    """An array of images and its columns, not read yet.

    Parameters
    ----------
    place : str
        Name for messages: the path, and the array in brackets; empty for an array in memory.
    axes : Axes
        Axes of the array.
    dtype : dtype
        Type of the array.
    attributes : mapping
        ``bands`` (names), ``row0``, ``unit``, ``pixel_scale`` in arcsec, where the file has them.
    columns : mapping
        Arrays of N values, or objects that return them when sliced.
    """

    place: str
    axes: Axes
    dtype: np.dtype
    attributes: Mapping[str, Any] = field(default_factory=dict)
    columns: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, place: str, array: Any, attributes: Mapping[str, Any], columns: Mapping[str, Any]) -> Stack:
        """Return the stack of an array, or of an object with a shape and a dtype.

        Raises
        ------
        UnreadableImage
            If the array does not hold images; see `galaxtool.containers.axes`.
        """
        what = f"The array '{place}'" if place else "The array"
        if array.dtype.kind not in "iuf":
            raise UnreadableImage(f"{what} has the type {array.dtype}, which is not a type of pixels.")
        axes = find_axes(array.shape, len(_parse_bands(attributes.get("bands"))), what)
        image = math.prod(array.shape if axes.single else array.shape[1:])
        if image * array.dtype.itemsize > MOST_BYTES or axes.n > _MOST_IMAGES:
            sides = " x ".join(map(str, array.shape))
            raise UnreadableImage(f"{what} has the shape {sides}, which could exhaust memory.")
        return cls(place, axes, array.dtype, attributes, {name: c for name, c in columns.items() if len(c) == axes.n})

    def members(self, prefix: str) -> Iterator[Member]:
        """Yield a member for each image, whose key is `prefix` and its number."""
        identifier, ra, dec = (self._column(names) for names in (_IDS, RA_COLUMNS, DEC_COLUMNS))
        others = [name for name in self.columns if name not in (identifier, ra, dec)]
        for start in range(0, self.axes.n, _ROWS_AT_ONCE):
            part = slice(start, min(start + _ROWS_AT_ONCE, self.axes.n))
            ids = decode_texts(self.columns[identifier][part]) if identifier else [""] * (part.stop - start)
            alpha, delta = self.positions(part)
            cells = {name: _values(self.columns[name][part]) for name in others}
            for i, (name, x, y) in enumerate(zip(ids, alpha.tolist(), delta.tolist(), strict=True)):
                known = np.isfinite(x)
                yield Member(
                    key=f"{prefix}{start + i}",
                    name=name or f"{prefix}{start + i}",
                    ra=x if known else None,
                    dec=y if known else None,
                    columns={column: values[i] for column, values in cells.items()},
                )

    def positions(self, part: slice) -> tuple[np.ndarray, np.ndarray]:
        """Return right ascension and declination in degrees, NaN where unknown."""
        names = [self._column(usual) for usual in (RA_COLUMNS, DEC_COLUMNS)]
        n = part.stop - part.start
        if None in names or any(self.columns[str(name)].dtype.kind not in "iuf" for name in names):
            return np.full(n, np.nan), np.full(n, np.nan)
        ra, dec = (np.asarray(self.columns[str(name)][part], dtype=np.float64) for name in names)
        known = np.isfinite(ra) & (np.abs(dec) <= 90)
        return np.where(known, ra, np.nan) % 360, np.where(known, dec, np.nan)

    def scales(self, part: slice) -> np.ndarray:
        """Return pixel scales in arcsec, NaN where unknown."""
        column = self._column(SCALE_COLUMNS)
        if column is not None and self.columns[column].dtype.kind in "iuf":
            values = np.asarray(self.columns[column][part], dtype=np.float64)
        else:
            values = np.full(part.stop - part.start, _parse_number(self.attributes.get("pixel_scale")))
        return np.where(np.isfinite(values) & (values > 0), values, np.nan)

    def row(self, text: str, key: str) -> int:
        """Return the number of an image.

        Raises
        ------
        UnreadableImage
            If there is no image `text`; the message calls it `key`.
        """
        row = int(text) if text.isascii() and text.isdigit() and len(text) < 19 else -1
        if not 0 <= row < self.axes.n:
            what = f"There is no image '{key}' in '{self.place}', which has {self.axes.n}."
            raise UnreadableImage(what if key else f"There is no image in '{self.place}'.")
        return row

    def cutout(self, pixels: np.ndarray, row: int, source: str) -> Cutout:
        """Return an image.

        Parameters
        ----------
        pixels : ndarray
            Pixels with the axes of the array.
        row : int
            Number of the image.
        source : str
            Name of the image for messages.

        Returns
        -------
        Cutout
            uint8 ``"display"`` values, or float32 with NaN where a value is not finite; row 0 is the bottom row.

        Raises
        ------
        UnreadableImage
            If the image has no finite pixel.
        """
        display = self.dtype == np.uint8
        planes = self.axes.to_planes(pixels)
        if str(self.attributes.get("row0", "top" if display else "bottom")).lower() == "top":
            planes = planes[:, ::-1]
        with np.errstate(over="ignore"):
            data = np.array(planes, dtype=np.uint8 if display else np.float32, order="C")
        if not display:
            data[~np.isfinite(data)] = np.nan
            if np.isnan(data).all():
                raise UnreadableImage(f"'{source}' has no pixel with a value: all are NaN.")
        part = slice(row, row + 1)
        (ra,), (dec,), (scale,) = *self.positions(part), self.scales(part)
        return Cutout(
            data=data,
            bands=self.bands,
            unit="display" if display else self._unit,
            ra=float(ra) if np.isfinite(ra) else None,
            dec=float(dec) if np.isfinite(dec) else None,
            pixel_scale=float(scale) if np.isfinite(scale) else None,
            source=source,
            flags=find_quality_flags(data),
        )

    @property
    def _unit(self) -> str:
        """Unit of all bands; empty if they differ."""
        units = set(decode_texts(np.atleast_1d(np.asarray(self.attributes.get("unit", "")))))
        return units.pop() if len(units) == 1 else ""

    @property
    def bands(self) -> tuple[str, ...]:
        """Names of the bands; empty if they are unknown."""
        names = _parse_bands(self.attributes.get("bands"))
        if len(names) == self.axes.planes:
            return names
        return ("R", "G", "B") if self.dtype == np.uint8 and self.axes.planes == 3 else ("",) * self.axes.planes

    def _column(self, usual: Sequence[str]) -> str | None:
        by_lower = {name.lower(): name for name in reversed(list(self.columns))}
        return next((by_lower[name] for name in usual if name in by_lower), None)


def choose_array(arrays: Mapping[str, Any], path: Path) -> str:
    """Return the name of the array of images.

    Parameters
    ----------
    arrays : mapping
        Arrays with three or four axes; groups in a name are separated by ``/``.
    path : Path
        Path of the file, for messages.

    Raises
    ------
    UnreadableImage
        If there is no candidate, or several without exactly one of a usual name.
    """
    found = [name for name, array in arrays.items() if array.dtype.kind in "iuf"]
    for usual in IMAGES:
        named = [name for name in found if name.rpartition("/")[2].lower() == usual]
        if len(named) == 1:
            return named[0]
    if len(found) == 1:
        return found[0]
    hint = "Expected 'images' of N x ny x nx, N x ny x nx x 3 or N x bands x ny x nx."
    if not found:
        raise UnreadableImage(f"'{path}' has no array of images.", hint=hint)
    shown = ", ".join(f"'{name}'" for name in found[:8]) + (", ..." if len(found) > 8 else "")
    raise UnreadableImage(
        f"'{path}' has {len(found)} arrays that could be images: {shown}.", hint="Name the one to read 'images'."
    )


def decode_texts(values: Any) -> list[str]:
    """Return the values of an array as text, with bytes decoded."""
    return ["" if value is None else str(value).strip() for value in _values(values)]


def _values(values: Any) -> list[Any]:
    items = np.asarray(values).reshape(len(values)).tolist()
    return [value.decode("utf-8", "replace") if isinstance(value, bytes) else value for value in items]


def _parse_bands(value: Any) -> tuple[str, ...]:
    """Return names of bands, from ``["g", "r"]``, ``"g,r"`` or ``"gr"``."""
    if value is None:
        return ()
    if isinstance(value, (str, bytes, np.bytes_)):
        text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
        words = text.replace(",", " ").split()
        return tuple(text.strip()) if len(words) == 1 and text.strip().isalpha() else tuple(words)
    return tuple(decode_texts(np.atleast_1d(np.asarray(value))))


def _parse_number(value: Any) -> float:
    try:
        return float(np.asarray(value).reshape(-1)[0])
    except (TypeError, ValueError, IndexError):
        return float("nan")
