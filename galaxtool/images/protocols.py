"""The protocol of readers."""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from galaxtool.images.image_file import ImageFile
from galaxtool.images.read_options import ReadOptions
from galaxtool.types import Cutout


@runtime_checkable
class Reader(Protocol):
    """Reads files of one format."""

    def read(self, file: ImageFile, options: ReadOptions) -> Cutout:
        """Return the image in a file.

        Raises
        ------
        galaxtool.errors.UnreadableImage
            If the file cannot be read; the message says why in one sentence.
        """
