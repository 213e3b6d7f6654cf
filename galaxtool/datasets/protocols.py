"""The interface of data sets."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from galaxtool.types import Cutout, Item


@runtime_checkable
class Dataset(Protocol):
    """Labelled images."""

    name: str
    items: Sequence[Item]

    def cutout(self, index: int) -> Cutout:
        """Read the image of ``items[index]``; raises `UnreadableImage` if that fails."""
