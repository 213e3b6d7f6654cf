"""The images to work on: one, wherever it lies, and all of them, made when they are asked for."""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, overload

import numpy as np

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
        Degrees, ICRS, from a catalogue; None where there is none or it does not say.
    """

    id: str
    ref: ImageRef
    ra: float | None = None
    dec: float | None = None


class InputPart(Protocol):
    """What one INPUT stands for: so many items, of which the identifiers may not be unique yet."""

    def __len__(self) -> int: ...

    def name(self, row: int) -> str:
        """Return what a row is to be called, if no other has that name."""

    def item(self, row: int, name: str) -> InputItem:
        """Return a row as an item of that name."""


class Items(Sequence[InputItem]):
    """The items of several parts, each made when it is asked for; a slice is a list of them.

    Parameters
    ----------
    parts : sequence of Part
        Names that come twice are made different, see `repeated`.
    """

    def __init__(self, parts: Sequence[InputPart]) -> None:
        self._parts = [part for part in parts if len(part)]
        self._starts = array("q")
        count = 0
        for part in self._parts:
            self._starts.append(count)
            count += len(part)
        self._count = count
        self._rows, self._numbers = repeated(self._name, count)

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> InputItem: ...
    @overload
    def __getitem__(self, index: slice) -> list[InputItem]: ...
    def __getitem__(self, index: int | slice) -> InputItem | list[InputItem]:
        if isinstance(index, slice):
            return [self[row] for row in range(self._count)[index]]
        row = range(self._count)[index]
        at = bisect_right(self._starts, row) - 1
        part, row_there = self._parts[at], row - self._starts[at]
        return part.item(row_there, self._different(part.name(row_there), row))

    def _name(self, row: int) -> str:
        at = bisect_right(self._starts, row) - 1
        return self._parts[at].name(row - self._starts[at])

    def _different(self, name: str, row: int) -> str:
        at = bisect_right(self._rows, row) - 1
        return f"{name}-{self._numbers[at]}" if at >= 0 and self._rows[at] == row else name


def repeated(name: Callable[[int], str], count: int) -> tuple[array[int], array[int]]:
    """Return which of many names came before, and the number that makes each of these different from all.

    Parameters
    ----------
    name : callable
        Returns the name of a row.
    count : int
        Number of rows.

    Returns
    -------
    rows, numbers : array of int
        Rows, ascending, whose name is to be followed by ``-`` and the number: 2 for the second of a name, 3 for the
        third, but for numbers that would make a name that is there already.

    Notes
    -----
    Needs 25 bytes a row on the way, whatever the names, and as much again for each name that comes twice.
    """
    digests = np.fromiter((hash(name(row)) for row in range(count)), dtype=np.int64, count=count)
    order = np.argsort(digests, kind="stable")
    digests = digests[order]

    def is_there(wanted: str) -> bool:
        digest = hash(wanted)
        at = int(np.searchsorted(digests, digest))
        while at < count and digests[at] == digest:
            if name(int(order[at])) == wanted:
                return True
            at += 1
        return False

    rows, numbers = array("q"), array("q")
    same = np.flatnonzero(digests[1:] == digests[:-1])
    first = 0
    while first < len(same):
        behind = first + 1
        while behind < len(same) and same[behind] == same[behind - 1] + 1:
            behind += 1
        last: dict[str, int] = {}
        for row in order[same[first] : same[behind - 1] + 2].tolist():
            text = name(row)
            if text in last:
                last[text] += 1
                while is_there(f"{text}-{last[text]}"):
                    last[text] += 1
                rows.append(row)
                numbers.append(last[text])
            else:
                last[text] = 1
        first = behind
    ascending = np.argsort(rows)
    return array("q", np.asarray(rows)[ascending].tobytes()), array("q", np.asarray(numbers)[ascending].tobytes())
