"""What a container must be able to do."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from galaxtool.images.image_file import ImageFile
from galaxtool.images.read_options import ReadOptions
from galaxtool.types import Cutout


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """One image in a container.

    Parameters
    ----------
    key : str
        By which `OpenContainer.read` finds it, and which stands in brackets behind the container's path in tables.
    name : str
        What its id is made of; the same as `key` where that says enough.
    ra, dec : float or None
        Degrees, ICRS, where the container has a list of them.
    columns : dict
        What else the container says of it, e.g. a label.
    """

    key: str
    name: str
    ra: float | None = None
    dec: float | None = None
    columns: dict[str, Any] = field(default_factory=dict)


class Container(Protocol):
    """Files of one kind that hold many images."""

    def members(self, path: Path) -> Iterator[Member]:
        """Yield what counts as an image, in an order that does not change.

        Raises
        ------
        galaxtool.errors.UnreadableImage
            If the container as a whole is damaged.
        """

    def open(self, path: Path) -> OpenContainer:
        """Open one for reading; used by one thread at a time, and for many members."""


class OpenContainer(Protocol):
    """A container that is open."""

    def read(self, key: str, options: ReadOptions) -> ImageFile | Cutout:
        """Return a member: a file as some `Reader` takes it, or the image itself.

        Raises
        ------
        galaxtool.errors.UnreadableImage
            If there is no such member, or it is damaged.
        """

    def close(self) -> None:
        """Let go of the file."""
