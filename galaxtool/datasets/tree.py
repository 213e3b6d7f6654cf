"""Trees of labelled images that need not be folders on disk: splits, classes, ``labels.csv``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from galaxtool.datasets.catalogue import catalogue_dataset
from galaxtool.datasets.files import SPLITS, FileDataset
from galaxtool.errors import ConfigError, InputError
from galaxtool.inputs.catalogue import texts
from galaxtool.inputs.walk import unique
from galaxtool.tables.column_names import ID_COLUMNS, LABELS_FILE, PATH_COLUMNS, find_column
from galaxtool.tables.read import read_table
from galaxtool.types import ImageRef, Item


@dataclass(frozen=True, slots=True)
class Entry:
    """An image that need not be a file of its own.

    Parameters
    ----------
    parts : tuple of str
        The folders it lies in, and its name without suffix.
    ref : ImageRef
        Where it is read.
    """

    parts: tuple[str, ...]
    ref: ImageRef


def by_folders(
    entries: Sequence[Entry],
    *,
    where: str,
    labels_of: Callable[[tuple[str, ...]], list[Item] | None],
    column: str | None,
    needs_labels: bool,
    below: tuple[str, ...] = (),
) -> tuple[list[Item], Counter[str]]:
    """Return the labelled images of a tree of folders of any of the forms that a data set's folder has.

    Parameters
    ----------
    entries : sequence of Entry
        All images; their order is kept within a split.
    where : str
        What messages call the tree.
    labels_of : callable
        Returns what the ``labels.csv`` in a folder names, or None where it has none.
    column : str or None
        A column that was named, for which there must be a ``labels.csv``.
    needs_labels : bool
        Whether images outside the class folders are left out.
    below : tuple of str
        The folder to look in.

    Returns
    -------
    rows : list of Item
    skipped : Counter

    Raises
    ------
    InputError, ConfigError
        As of `galaxtool.datasets.folder.folder_dataset`.
    """
    named = labels_of(below)
    if named is not None:
        return named, Counter()
    depth = len(below)
    inside = [entry for entry in entries if entry.parts[:depth] == below]
    deeper = dict.fromkeys(entry.parts[depth] for entry in inside if len(entry.parts) > depth + 1)
    splits = [name for name in deeper if name.lower() in SPLITS]
    if not splits:
        return _entries_by_class(inside, where, column, needs_labels, depth)
    strange = [name for name in deeper if name not in splits]
    if strange:
        raise mixed(where, splits[0], strange[0])
    rows: list[Item] = []
    skipped: Counter[str] = Counter()
    for split in splits:
        found, passed = by_folders(
            inside, where=where, labels_of=labels_of, column=column, needs_labels=needs_labels, below=(*below, split)
        )
        skipped.update(passed)
        given = SPLITS[split.lower()]
        rows += [replace(item, id=f"{split}/{item.id}", split=given) for item in found]
    return rows, skipped


def _entries_by_class(
    entries: Sequence[Entry], where: str, column: str | None, needs_labels: bool, depth: int
) -> tuple[list[Item], Counter[str]]:
    """Return images with the first folder below `depth` as their class."""
    if column:
        raise no_labels_file(where, column)
    rows: list[Item] = []
    loose = 0
    for entry in entries:
        label = entry.parts[depth] if len(entry.parts) > depth + 1 else None
        if label is None and needs_labels:
            loose += 1
            continue
        rows.append(Item(id="/".join(entry.parts[depth:]), ref=entry.ref, label=label))
    if not rows:
        raise no_classes(where, loose)
    return rows, Counter({"image outside the class folders": loose} if loose else {})


def rows_of_labels(
    table: Path,
    *,
    find: Callable[[str], ImageRef | None],
    nowhere: Path,
    image_column: str | None,
    label_column: str | None,
    needs_labels: bool,
) -> list[Item]:
    """Return the images that a ``labels.csv`` names.

    Parameters
    ----------
    table : Path
        The file.
    find : callable
        Returns where the image lies that the table calls so; None where there is none, which
        `galaxtool.datasets.files.check_files` then says.
    nowhere : Path
        What is said to hold an image that is not there.
    image_column, label_column, needs_labels
        As of `galaxtool.datasets.folder.folder_dataset`; an identifier will do for a path.

    Raises
    ------
    TableError
        As of `galaxtool.datasets.catalogue.catalogue_dataset`.
    """
    cells = read_table(table)
    named = find_column(cells, image_column, (*PATH_COLUMNS, *ID_COLUMNS), table)
    labels = catalogue_dataset(path=table, image_column=named, label_column=label_column, needs_labels=needs_labels)
    rows = []
    for item, text in zip(labels.items, texts(cells[named]), strict=True):
        rows.append(replace(item, ref=find(text) or ImageRef(nowhere / (text or "(no path)"))))
    return rows


def labelled_dataset(name: str, rows: Sequence[Item], skipped: Counter[str]) -> FileDataset:
    """Return a data set of images with what is known of them, their ids made different."""
    ids = unique(item.id for item in rows)
    return FileDataset(name, [replace(item, id=new) for item, new in zip(rows, ids, strict=True)], skipped)


def mixed(where: str, split: str, other: str) -> InputError:
    """Return the error about a folder of images beside those of splits."""
    return InputError(
        f"'{where}' has the split '{split}' beside the folder of images '{other}'.",
        hint="Keep either splits or classes in one folder.",
    )


def no_labels_file(where: str, column: str) -> ConfigError:
    """Return the error about a column that was named where there is no table."""
    return ConfigError(f"The column '{column}' was named, but '{where}' has no {LABELS_FILE}.")


def no_classes(where: str, loose: int) -> InputError:
    """Return the error about images without a class."""
    return InputError(
        f"Nothing says the classes of the {loose} images in '{where}'.",
        hint=f"Sort them into a sub-folder for each class, or add a {LABELS_FILE} with the columns path,label.",
    )
