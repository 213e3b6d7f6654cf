"""A data set whose images are files, or members of archives and stacks."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from galaxtool.datasets.protocols import Dataset
from galaxtool.errors import InputError, TableError, UnreadableImage
from galaxtool.images.read_options import PLAIN, ReadOptions
from galaxtool.inputs.items import InputItem
from galaxtool.inputs.read_item import read_item
from galaxtool.types import Cutout, ImageRef, Item

SPLITS = {
    "train": "train", "training": "train", "valid": "valid", "val": "valid", "validation": "valid", "validate": "valid",
    "dev": "valid", "test": "test", "testing": "test",
}  # fmt: skip
"""Common spellings of splits in lower case, and the names that `galaxtool.types.Item` uses."""

_MISSING = frozenset(("", "nan", "none", "null", "n/a", "na", "<na>", "-", "--"))

_WORDS = "images?|imgs?|data|dataset|set|split|samples?|cutouts?|stamps?|pictures?|rev\\d+"
_EXTRA = re.compile(rf"^(?:{_WORDS})[ _.-]+|[ _.-]+(?:{_WORDS})$|(?<=n)set$")


def find_split(name: str) -> str:
    """Return the split that a folder is called after; empty if it is another folder.

    Examples
    --------
    >>> [find_split(name) for name in ("Val", "train_images", "images_training_rev1", "trainset", "spiral")]
    ['valid', 'train', 'train', 'train', '']
    """
    text, before = name.strip().lower(), ""
    while text not in SPLITS and text != before:
        text, before = _EXTRA.sub("", text), text
    return SPLITS.get(text, "")


@dataclass(frozen=True, slots=True)
class Splits:
    """The split of each row, empty where none is given, and what to tell the user."""

    texts: list[str]
    notes: tuple[str, ...] = ()


def read_splits(written: Sequence[str], what: str) -> Splits:
    """Return the split of each row of a column.

    Parameters
    ----------
    written : sequence of str
        Texts of the rows.
    what : str
        The column as the subject of a sentence.

    Returns
    -------
    Splits
        All empty, with a note, if no text is the name of a split: the column then means something else.

    Raises
    ------
    TableError
        If some texts are names of splits and others are not.
    """
    found = {text: find_split(text) for text in dict.fromkeys(written)}
    strange = [text for text, split in found.items() if not split and text.strip().lower() not in _MISSING]
    if strange and any(found.values()):
        raise TableError(
            f"{what} has the split '{strange[0]}', which is unknown.",
            hint="Splits are train, valid and test; rename the column if it means something else.",
        )
    if strange:
        note = f"{what} has no split such as train or valid, but '{strange[0]}', so it is not used for splits."
        return Splits([""] * len(written), (note,))
    return Splits([found[text] for text in written])


@dataclass(slots=True)
class FileDataset:
    """Labelled images in files; a `galaxtool.datasets.protocols.Dataset`.

    Parameters
    ----------
    name : str
        Name of the data set in messages and manifests.
    items : sequence of Item
        The N items, each with its `Item.ref` unless `refs` is given.
    skipped : Counter
        Number of files that were skipped, by reason.
    refs : sequence of ImageRef, optional
        Images of a stack, whose items have no `Item.ref`.
    reading : ReadOptions
        How to read the images.
    has_hdus : bool
        Whether the files may be FITS files; a stack of arrays has no HDUs.
    notes : tuple of str
        Messages for the user, such as the columns that positions and labels come from.
    """

    name: str
    items: Sequence[Item]
    skipped: Counter[str] = field(default_factory=Counter)
    refs: Sequence[ImageRef] | None = None
    reading: ReadOptions = PLAIN
    has_hdus: bool = True
    notes: tuple[str, ...] = ()

    def cutout(self, index: int) -> Cutout:
        """Read the image of ``items[index]``.

        A position from the labels takes precedence over that in the file's header.

        Raises
        ------
        UnreadableImage
            If the file is missing, damaged, or not an image.
        """
        item = self.items[index]
        ref = item.ref if self.refs is None else self.refs[index]
        if ref is None:
            raise UnreadableImage(f"'{item.id}' of '{self.name}' has no file.")
        return read_item(InputItem(item.id, ref, item.ra, item.dec), self.reading)


def find_notes(dataset: Dataset) -> tuple[str, ...]:
    """Return the messages of a data set for the user, also of one that was wrapped to select some of its images."""
    while not hasattr(dataset, "notes") and hasattr(dataset, "whole"):
        dataset = dataset.whole
    return tuple(getattr(dataset, "notes", ()))


def check_files(dataset: Dataset) -> None:
    """Raise `InputError` if a data set has no items, or names files that do not exist."""
    if not dataset.items:
        raise InputError(f"The data set '{dataset.name}' has no images.")
    archives: dict[Path, bool] = {}
    missing = [item.ref for item in dataset.items if item.ref is not None and not _exists(item.ref, archives)]
    if missing:
        raise InputError(
            f"The data set '{dataset.name}' names {len(missing)} files that do not exist, of {len(dataset.items)}; "
            f"the first is '{missing[0]}'.",
            hint=_find_below(missing[0].path)
            or "Relative paths start at the folder of the labels file or the list; leave rows out with --where.",
        )


def _find_below(path: Path) -> str:
    """Return a hint if a file is in a folder below the one where it was looked for, such as ``train_images/``."""
    folders = sorted(path.parent.iterdir()) if path.parent.is_dir() else []
    found = next((folder for folder in folders if folder.is_dir() and (folder / path.name).is_file()), None)
    return f"There is '{found / path.name}': write the paths in the table as {found.name}/{path.name}." if found else ""


def _exists(ref: ImageRef, archives: dict[Path, bool]) -> bool:
    """Return whether the file of an image exists; each archive is checked once."""
    if not ref.container:
        return ref.path.is_file()
    if ref.path not in archives:
        archives[ref.path] = ref.path.is_file()
    return archives[ref.path]
