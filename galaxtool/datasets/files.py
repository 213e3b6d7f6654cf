"""A data set whose images are files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from galaxtool.errors import InputError, UnreadableImage
from galaxtool.io.readers import read_image
from galaxtool.types import Cutout, Dataset, Item

SPLITS = {
    "train": "train", "training": "train", "valid": "valid", "val": "valid", "validation": "valid",
    "test": "test", "testing": "test",
}  # fmt: skip
"""Names of splits as people write them, lower case, and as `galaxtool.types.Item` has them."""


@dataclass(slots=True)
class FileDataset:
    """Labelled images in files; a `galaxtool.types.Dataset`.

    Parameters
    ----------
    name : str
        What messages and manifests call it.
    items : sequence of Item
        Each with a path.
    skipped : Counter
        How many files beside them were passed over, by reason.
    """

    name: str
    items: Sequence[Item]
    skipped: Counter[str] = field(default_factory=Counter)

    def cutout(self, index: int) -> Cutout:
        """Read the image of ``items[index]``.

        A position from the labels goes before that of the file's header.

        Raises
        ------
        UnreadableImage
            If the file is absent, damaged, or no image.
        """
        item = self.items[index]
        if item.path is None:
            raise UnreadableImage(f"'{item.id}' of '{self.name}' has no file.")
        cutout = read_image(item.path)
        return cutout if item.ra is None else replace(cutout, ra=item.ra, dec=item.dec)


def check_files(dataset: Dataset) -> None:
    """Raise `InputError` if a data set has no items, or names files that do not exist."""
    if not dataset.items:
        raise InputError(f"The data set '{dataset.name}' has no images.")
    missing = [item.path for item in dataset.items if item.path is not None and not item.path.is_file()]
    if missing:
        raise InputError(
            f"The data set '{dataset.name}' names {len(missing)} files that do not exist, of {len(dataset.items)}; "
            f"the first is '{missing[0]}'.",
            hint="Relative paths start at the folder of the labels file; leave rows out with --where.",
        )
