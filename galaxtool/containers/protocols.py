"""The protocol of containers, and their members."""

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
        Key of the image for `OpenContainer.read`; tables show it in brackets after the path of the container.
    name : str
        Name to make the identifier from; the same as `key` if the container has no better one.
    ra, dec : float or None
        Degrees, ICRS, if the container has columns of positions.
    columns : dict
        Any other values that the container has for the image, such as a label.
    """

    key: str
    name: str
    ra: float | None = None
    dec: float | None = None
    columns: dict[str, Any] = field(default_factory=dict)


class Container(Protocol):
    """Files of one kind that contain many images."""

    def members(self, path: Path) -> Iterator[Member]:
        """Yield the images, in an order that does not change.

        Raises
        ------
        galaxtool.errors.UnreadableImage
            If the whole container is damaged.
        """

    def open(self, path: Path) -> OpenContainer:
        """Open a file to read many members; the result is used by one thread at a time."""


class OpenContainer(Protocol):
    """A container open for reading."""

    def read(self, key: str, options: ReadOptions) -> ImageFile | Cutout:
        """Return a member: a file for a `Reader`, or the image itself.

        Raises
        ------
        galaxtool.errors.UnreadableImage
            If the member does not exist or is damaged.
        """

    def close(self) -> None:
        """Close the file."""
