"""Sequences whose values are made on access, so that millions of rows take no memory for them."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import TypeVar, overload

T = TypeVar("T")


class LazySequence(Sequence[T]):
    """A sequence whose values are made on access; a slice is a list."""

    @abstractmethod
    def get(self, row: int) -> T:
        """Return the value of a row, from 0."""

    @overload
    def __getitem__(self, row: int) -> T: ...
    @overload
    def __getitem__(self, row: slice) -> list[T]: ...
    def __getitem__(self, row: int | slice) -> T | list[T]:
        rows = range(len(self))[row]
        return self.get(rows) if isinstance(rows, int) else [self.get(i) for i in rows]
