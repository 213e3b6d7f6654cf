"""Stacks: an array of images, with columns of values for each image.

8-bit integers are display values, as in a JPEG; `galaxtool.images.pixel_kind` says when other numbers are. In files,
the first row of a display image is the top one, and the first row of measured data is the bottom one, as in FITS,
unless an attribute ``row0`` of the array says ``"top"`` or ``"bottom"``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np

from galaxtool.containers.array_rows import Rows
from galaxtool.containers.axes import Axes, find_axes
from galaxtool.containers.protocols import Member
from galaxtool.containers.stack_positions import SkyArrays, find_sky_arrays
from galaxtool.containers.stack_values import (
    SCALE_COLUMNS,
    decode_texts,
    list_values,
    parse_bands,
    parse_names,
    parse_number,
)
from galaxtool.containers.streams import MOST_BYTES
from galaxtool.errors import UnreadableImage
from galaxtool.images.pixel_kind import RGB, PixelKind, describe_assumption, guess_pixel_kind
from galaxtool.images.planes import mask_infinite
from galaxtool.images.quality import parse_flags
from galaxtool.images.read_options import AUTO, DATA, PLAIN, ReadOptions
from galaxtool.images.reading import find_quality_flags
from galaxtool.tables.column_names import ID_COLUMNS
from galaxtool.types import Cutout

_IDS = (*ID_COLUMNS, "ids", "object_ids", "names")
PIXEL_KINDS_OF_NUMPY = "iufb"
"""Kinds of NumPy types that pixels may have."""

_MOST_IMAGES, _ROWS_AT_ONCE = 2**28, 4096


@dataclass(frozen=True)
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
    sky : SkyArrays, optional
        Those with the positions.
    sample : ndarray, shape (n, planes, ny, nx)
        Some images, which tell what the pixels are.
    """

    place: str
    axes: Axes
    dtype: np.dtype
    attributes: Mapping[str, Any] = field(default_factory=dict)
    columns: Mapping[str, Any] = field(default_factory=dict)
    sky: SkyArrays | None = None
    sample: np.ndarray = field(default_factory=lambda: np.empty((0, 1, 1, 1), np.float32))
    _kinds: dict[str, PixelKind] = field(default_factory=dict, compare=False, repr=False)

    @classmethod
    def of(cls, place: str, array: Any, attributes: Mapping[str, Any], columns: Mapping[str, Any]) -> Stack:
        """Return the stack of an array, or of an object with a shape and a dtype.

        Parameters
        ----------
        place : str
            Name for messages.
        array : ndarray or an object like it
            The array.
        attributes : mapping
            As in `Stack`; ``axes`` are names of the axes.
        columns : mapping
            Arrays that are columns if they have one value for each image.

        Raises
        ------
        UnreadableImage
            If the array does not hold images; see `galaxtool.containers.axes`.
        """
        what = f"The array '{place}'" if place else "The array"
        if array.dtype.kind not in PIXEL_KINDS_OF_NUMPY:
            hint = "Save its absolute value." if array.dtype.kind == "c" else ""
            hint = f"Save one of its fields: {', '.join(array.dtype.names)}." if array.dtype.names else hint
            raise UnreadableImage(f"{what} has the type {array.dtype}, which is not a type of pixels.", hint=hint)
        axes = find_axes(
            array.shape,
            len(parse_bands(attributes.get("bands"))),
            what,
            names=parse_names(attributes.get("axes")),
            lengths={len(column) for column in columns.values()},
        )
        image = math.prod(array.shape) // (1 if axes.single else max(1, axes.n))
        if image * array.dtype.itemsize > MOST_BYTES or axes.n > _MOST_IMAGES:
            sides = " x ".join(map(str, array.shape))
            raise UnreadableImage(f"{what} has the shape {sides}, which could exhaust memory.")
        kept = {name: column for name, column in columns.items() if len(column) == axes.n}
        return cls(place, axes, array.dtype, attributes, kept, sky=find_sky_arrays(kept))

    def with_sample(self, rows: Rows, numbers: Sequence[int]) -> Stack:
        """Return the stack with a sample of its images, unless their type already says what they are.

        A row that cannot be read is left out, as it is reported when it is its turn.
        """
        if self.dtype == np.bool_ or (self.dtype == np.uint8 and self.axes.planes not in (2, 4)):
            return self
        sample = []
        for number in numbers:
            with suppress(Exception):  # damage takes many forms
                sample.append(self.axes.to_planes(rows.row(number)))
        return replace(self, sample=np.stack(sample)) if sample else self

    def sample_rows(self, count: int) -> list[int]:
        """Return the numbers of some images from all over the stack."""
        return sorted(set(np.linspace(0, self.axes.n - 1, count).astype(int).tolist())) if self.axes.n else []

    def pixel_kind(self, wanted: str = AUTO) -> PixelKind:
        """Return what the pixels are, see `galaxtool.images.pixel_kind`."""
        kind = _guess_kind(self, wanted)
        return replace(kind, is_sure=True) if "row0" in self.attributes and not kind.is_picture else kind

    @property
    def note(self) -> str:
        """What was assumed about the pixels; empty if nothing was."""
        if self.axes.planes == 1 and self.axes.n in (3, 4) and not self.axes.single and not self.columns:
            return (
                f"'{self.place}': an array of {self.axes.n} planes is taken for {self.axes.n} images of one band; one "
                "image of several bands needs a further axis of length 1."
            )
        return describe_assumption(self.pixel_kind(), f"'{self.place}'", self.dtype, self.axes.planes)

    def members(self, prefix: str) -> Iterator[Member]:
        """Yield a member for each image, whose key is `prefix` and its number."""
        identifier = self._column(_IDS)
        used = {identifier, *((self.sky.ra, self.sky.dec) if self.sky else ())}
        others = [name for name in self.columns if name not in used]
        for start in range(0, self.axes.n, _ROWS_AT_ONCE):
            part = slice(start, min(start + _ROWS_AT_ONCE, self.axes.n))
            ids = decode_texts(self.columns[identifier][part]) if identifier else [""] * (part.stop - start)
            alpha, delta = self.positions(part)
            cells = {name: list_values(self.columns[name][part]) for name in others}
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
        if self.sky is not None:
            return self.sky.read(self.columns, part)
        return (np.full(part.stop - part.start, np.nan),) * 2

    def scales(self, part: slice) -> np.ndarray:
        """Return pixel scales in arcsec, NaN where unknown."""
        column = self._column(SCALE_COLUMNS)
        if column is not None and self.columns[column].dtype.kind in "iuf":
            values = np.asarray(self.columns[column][part], dtype=np.float64)
        else:
            values = np.full(part.stop - part.start, parse_number(self.attributes.get("pixel_scale")))
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
            what = f"image '{key}' in '{self.place}', which has {self.axes.n}" if key else f"image in '{self.place}'"
            raise UnreadableImage(f"There is no {what}.")
        return row

    def cutout(self, pixels: np.ndarray, row: int, source: str, options: ReadOptions = PLAIN) -> Cutout:
        """Return an image.

        Parameters
        ----------
        pixels : ndarray
            Pixels with the axes of the array.
        row : int
            Number of the image.
        source : str
            Name of the image for messages.
        options : ReadOptions
            What the pixels are, and whether position and pixel scale are wanted.

        Returns
        -------
        Cutout
            uint8 ``"display"`` values, or float32 with NaN where a value is not finite; row 0 is the bottom row.

        Raises
        ------
        UnreadableImage
            If the image has no finite pixel.
        """
        if (kind := self._kinds.get(options.pixels)) is None:
            kind = self._kinds[options.pixels] = self.pixel_kind(options.pixels)
        planes = self.axes.to_planes(pixels)
        if str(self.attributes.get("row0", "top" if kind.is_picture else "bottom")).lower() == "top":
            planes = planes[:, ::-1]
        finite = True
        if kind.is_picture:
            data = np.array(kind.to_display(planes), dtype=np.uint8, order="C")
        else:
            with np.errstate(over="ignore"):
                data, finite = mask_infinite(np.array(planes, dtype=np.float32, order="C"))
            if not finite and np.isnan(data).all():
                raise UnreadableImage(f"'{source}' has no pixel with a value: all are NaN.")
        part = slice(row, row + 1)
        ra, dec, scale = self._locate(part) if options.position else (None, None, None)
        return Cutout(
            data=data,
            bands=self._name_bands(kind),
            unit="display" if kind.is_picture else self._unit,
            ra=ra,
            dec=dec,
            pixel_scale=scale,
            source=source,
            flags=tuple(dict.fromkeys((*find_quality_flags(data, finite=finite), *self._flags(part)))),
        )

    def _locate(self, part: slice) -> tuple[float | None, ...]:
        """Return right ascension, declination and pixel scale of an image, None where unknown."""
        values = (*self.positions(part), self.scales(part))
        return tuple(float(value[0]) if np.isfinite(value[0]) else None for value in values)

    def _flags(self, part: slice) -> tuple[str, ...]:
        """Return the flags that `galaxtool cutouts` wrote for an image."""
        column = self.columns.get("flags")
        return () if column is None or column.dtype.kind not in "SUOT" else parse_flags(decode_texts(column[part])[0])

    @cached_property
    def _unit(self) -> str:
        """Unit of all bands; empty if they differ."""
        units = set(decode_texts(np.atleast_1d(np.asarray(self.attributes.get("unit", "")))))
        return units.pop() if len(units) == 1 else ""

    @property
    def bands(self) -> tuple[str, ...]:
        """Names of the bands; empty if they are unknown."""
        return self._name_bands(self.pixel_kind())

    @cached_property
    def _names(self) -> tuple[str, ...]:
        """Names of the planes that the file gives, if there is one for each."""
        names = parse_bands(self.attributes.get("bands"))
        return names if len(names) == self.axes.planes else ()

    def _name_bands(self, kind: PixelKind) -> tuple[str, ...]:
        n = kind.n_bands(self.axes.planes)
        if self._names:
            return self._names[:n]
        return RGB if kind.is_picture and n == 3 else ("",) * n

    def _column(self, usual: Sequence[str]) -> str | None:
        by_lower = {name.lower(): name for name in reversed(list(self.columns))}
        return next((by_lower[name] for name in usual if name in by_lower), None)


def _guess_kind(stack: Stack, wanted: str) -> PixelKind:
    """Return what the pixels of a stack are."""
    colors = "".join(stack._names).upper()
    named = bool(stack._names) and colors not in ("RGB", "RGBA")
    if stack.dtype in (np.uint8, np.bool_):
        if wanted == DATA:
            return PixelKind(False)
        if named or not len(stack.sample):
            return PixelKind(True, has_alpha=not named and stack.dtype == np.uint8 and stack.axes.planes in (2, 4))
    if not len(stack.sample):
        return PixelKind(False)
    # names, a unit or the row that FITS has first belong to measured data
    is_measured = named or bool(stack._unit) or str(stack.attributes.get("row0", "")).lower() == "bottom"
    return guess_pixel_kind(stack.sample, wanted=wanted, is_measured=is_measured, source=stack.place)
