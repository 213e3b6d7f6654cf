"""The folder that images are sorted into, which may hold what an earlier sorting put there."""

from __future__ import annotations

import os
from pathlib import Path

from galaxtool.errors import GalaxtoolError

LISTING = "sorted.csv"
"""List of the sorted files: file relative to the folder, class, and the id and absolute path of the image."""


class SortedBefore:
    """A folder that images were sorted into before, from which none is sorted into itself.

    Parameters
    ----------
    folder : Path
        The folder.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._inside = os.path.realpath(folder)
        self._is_inside: dict[str, bool] = {}

    def refuse(self, path: str | Path) -> None:
        """Raise `GalaxtoolError` if an image is in the folder."""
        parent = os.path.dirname(path)  # noqa: PTH120  fast for a million
        if parent not in self._is_inside:
            self._is_inside[parent] = Path(os.path.realpath(parent)).is_relative_to(self._inside)
        if self._is_inside[parent]:
            raise GalaxtoolError(
                f"'{path}' is in '{self._folder}', where an earlier sorting put it.", hint="Sort into another folder."
            )
