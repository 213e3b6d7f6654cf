"""What a data set must be able to do."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from galaxtool.types import Cutout, Item


@runtime_checkable
class Dataset(Protocol):
    """Images with labels."""

    name: str
    items: Sequence[Item]

    def cutout(self, index: int) -> Cutout:
        """Return the image of ``items[index]``; raise `UnreadableImage` where it cannot be read."""
