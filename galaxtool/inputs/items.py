"""The images to work on, created on demand."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from galaxtool.inputs.lazy_sequence import LazySequence
from galaxtool.inputs.names import number_repeats
from galaxtool.types import ImageRef


@dataclass(frozen=True, slots=True)
class InputItem:
    """One image to work on.

    Parameters
    ----------
    id : str
        Unique among the inputs: the catalogue's identifier, else the path relative to the INPUT without suffix.
    ref : ImageRef
        Where the image is stored. The file need not exist or be readable.
    ra, dec : float or None
        Degrees, ICRS, from a catalogue; None if no catalogue gives them.
    """

    id: str
    ref: ImageRef
    ra: float | None = None
    dec: float | None = None


class InputPart(Protocol):
    """The items of one INPUT, whose identifiers may not be unique yet."""

    def __len__(self) -> int: ...

    def name(self, row: int) -> str:
        """Return the identifier of a row, which other rows may share."""

    def item(self, row: int, name: str) -> InputItem:
        """Return a row as an item with that identifier."""


class Items(LazySequence[InputItem]):
    """The items of several parts, created on access; a slice is a list of items.

    Parameters
    ----------
    parts : sequence of InputPart
        Repeated names are made unique, see `galaxtool.inputs.names.number_repeats`.
    """

    def __init__(self, parts: Sequence[InputPart]) -> None:
        self._parts = [part for part in parts if len(part)]
        self._starts = array("q")
        count = 0
        for part in self._parts:
            self._starts.append(count)
            count += len(part)
        self._count = count
        self._rows, self._numbers = number_repeats(self._name, count)

    def __len__(self) -> int:
        return self._count

    def get(self, row: int) -> InputItem:
        """Return an item, with its unique identifier."""
        at = bisect_right(self._starts, row) - 1
        part, row_in_part = self._parts[at], row - self._starts[at]
        return part.item(row_in_part, self._make_unique(part.name(row_in_part), row))

    def _name(self, row: int) -> str:
        at = bisect_right(self._starts, row) - 1
        return self._parts[at].name(row - self._starts[at])

    def _make_unique(self, name: str, row: int) -> str:
        at = bisect_right(self._rows, row) - 1
        return f"{name}-{self._numbers[at]}" if at >= 0 and self._rows[at] == row else name
