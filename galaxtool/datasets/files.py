"""A data set whose images are files, or lie in files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from galaxtool.datasets.protocols import Dataset
from galaxtool.errors import InputError, UnreadableImage
from galaxtool.images.read_options import PLAIN, ReadOptions
from galaxtool.inputs.items import InputItem
from galaxtool.inputs.read_item import item_at, read_item
from galaxtool.types import Cutout, Item

SPLITS = {
    "train": "train", "training": "train", "valid": "valid", "val": "valid", "validation": "valid",
    "test": "test", "testing": "test",
}  # fmt: skip
"""Names of splits as people write them, lower case, and as `galaxtool.types.Item` has them."""


@dataclass(slots=True)
class FileDataset:
    """Labelled images in files; a `galaxtool.datasets.protocols.Dataset`.

    Parameters
    ----------
    name : str
        What messages and manifests call it.
    items : sequence of Item
        N of them, each with a path unless there are `places`.
    skipped : Counter
        How many files beside them were passed over, by reason.
    places : sequence of InputItem, optional
        For each item, where its image lies, if that is not simply a file at its path.
    reading : ReadOptions
        What to take from each file.
    has_hdus : bool
        Whether the files may be FITS files; a stack of arrays has no HDUs.
    """

    name: str
    items: Sequence[Item]
    skipped: Counter[str] = field(default_factory=Counter)
    places: Sequence[InputItem] | None = None
    reading: ReadOptions = PLAIN
    has_hdus: bool = True

    def cutout(self, index: int) -> Cutout:
        """Read the image of ``items[index]``.

        A position from the labels goes before that of the file's header.

        Raises
        ------
        UnreadableImage
            If the file is absent, damaged, or no image.
        """
        item = self.items[index]
        if self.places is not None:
            place = self.places[index]
        elif item.path is not None:
            place = InputItem(item.id, item.path)
        else:
            raise UnreadableImage(f"'{item.id}' of '{self.name}' has no file.")
        return read_item(replace(place, ra=item.ra, dec=item.dec), self.reading)


def check_files(dataset: Dataset) -> None:
    """Raise `InputError` if a data set has no items, or names files that do not exist."""
    if not dataset.items:
        raise InputError(f"The data set '{dataset.name}' has no images.")
    archives: set[str] = set()
    missing = [item.path for item in dataset.items if item.path is not None and not _is_there(item.path, archives)]
    if missing:
        raise InputError(
            f"The data set '{dataset.name}' names {len(missing)} files that do not exist, of {len(dataset.items)}; "
            f"the first is '{missing[0]}'.",
            hint="Relative paths start at the folder of the labels file or the list; leave rows out with --where.",
        )


def _is_there(path: Path, archives: set[str]) -> bool:
    """Tell whether a path is a file, or a member of an archive, which are collected."""
    text = str(path)
    if any(text.startswith(archive) for archive in archives) or path.is_file():
        return True
    inside = item_at(text)
    if inside.container:
        archives.add(f"{inside.path}[")
    return bool(inside.container)
