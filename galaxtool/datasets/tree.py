"""Labels from a tree of folders, on disk or in an archive: splits, classes, ``labels.csv``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from galaxtool.datasets.catalogue import open_catalogue
from galaxtool.datasets.files import FileDataset, find_split
from galaxtool.datasets.label_log import find_valid_labels, is_label_log
from galaxtool.errors import ConfigError, InputError
from galaxtool.inputs.cells import list_texts
from galaxtool.inputs.names import make_unique
from galaxtool.tables.column_names import ID_COLUMNS, LABELS_FILE, PATH_COLUMNS, find_column
from galaxtool.tables.read import read_table
from galaxtool.types import ImageRef, Item


@dataclass(frozen=True, slots=True)
class Entry:
    """An image in a tree of folders.

    Parameters
    ----------
    parts : tuple of str
        Names of its folders, and its own name without suffix.
    ref : ImageRef
        Reference to the image.
    """

    parts: tuple[str, ...]
    ref: ImageRef


class NoLabeledImages(InputError):
    """A folder has no images at all, or none that has a class."""


@dataclass(frozen=True, slots=True)
class LabeledRows:
    """Labelled images.

    Parameters
    ----------
    rows : list of Item
        The images.
    skipped : Counter
        Number of files that were skipped, by reason.
    notes : tuple of str
        Sentences for the user on how labels and splits were read.
    """

    rows: list[Item]
    skipped: Counter[str] = field(default_factory=Counter)
    notes: tuple[str, ...] = ()

    @classmethod
    def join_splits(cls, splits: Sequence[str], read: Callable[[str], LabeledRows]) -> LabeledRows:
        """Return the images of folders of splits, whose names come before the identifiers.

        Parameters
        ----------
        splits : sequence of str
            Names of the folders. One without images is left out with a note, and so is a test split without classes.
        read : callable
            Returns the images of a folder.

        Raises
        ------
        NoLabeledImages
            If a split other than the test has no classes, or if no folder has images.
        """
        parts: dict[str, LabeledRows] = {}
        problems: list[NoLabeledImages] = []
        for name in splits:
            try:
                parts[name] = read(name)
            except NoLabeledImages as error:
                if "no image" not in error.message and find_split(name) != "test":
                    raise
                problems.append(error)
        if not parts:
            raise problems[0]
        rows = [
            replace(item, id=f"{name}/{item.id}", split=find_split(name))
            for name, part in parts.items()
            for item in part.rows
        ]
        notes = [note for part in parts.values() for note in part.notes]
        notes += [f"{problem.message} This split is not used." for problem in problems]
        skipped = sum((part.skipped for part in parts.values()), Counter[str]())
        return cls(rows, skipped, tuple(dict.fromkeys(notes)))


def label_by_folders(
    entries: Sequence[Entry],
    *,
    where: str,
    read_labels: Callable[[tuple[str, ...]], LabeledRows | None],
    column: str | None,
    needs_labels: bool,
    below: tuple[str, ...] = (),
) -> LabeledRows:
    """Return the items of a tree of folders, in any of the forms of `galaxtool.datasets.folder.open_folder`.

    Parameters
    ----------
    entries : sequence of Entry
        All images; their order is kept within a split.
    where : str
        Name of the tree in messages.
    read_labels : callable
        Returns the items in the ``labels.csv`` of a folder, or None if there is none.
    column : str or None
        Column given by the user, which requires a ``labels.csv``.
    needs_labels : bool
        Whether to skip images outside the class folders.
    below : tuple of str
        Folder to look in.

    Returns
    -------
    LabeledRows
        The labelled images.

    Raises
    ------
    InputError, ConfigError
        As `galaxtool.datasets.folder.open_folder`.
    """
    named = read_labels(below)
    if named is not None:
        return named
    depth = len(below)
    inside = [entry for entry in entries if entry.parts[:depth] == below]
    deeper = dict.fromkeys(entry.parts[depth] for entry in inside if len(entry.parts) > depth + 1)
    splits = [name for name in deeper if find_split(name)]
    if not splits:
        return _label_by_class(inside, where, column, needs_labels, depth)
    strange = [name for name in deeper if name not in splits]
    if strange:
        raise mixed_folders_error(where, splits[0], strange[0])
    return LabeledRows.join_splits(
        splits,
        lambda split: label_by_folders(
            inside,
            where=where,
            read_labels=read_labels,
            column=column,
            needs_labels=needs_labels,
            below=(*below, split),
        ),
    )


def _label_by_class(
    entries: Sequence[Entry], where: str, column: str | None, needs_labels: bool, depth: int
) -> LabeledRows:
    """Return the images, with the first folder below `depth` as class."""
    if column:
        raise no_labels_file_error(where, column)
    rows: list[Item] = []
    loose = 0
    for entry in entries:
        label = entry.parts[depth] if len(entry.parts) > depth + 1 else None
        if label is None and needs_labels:
            loose += 1
            continue
        rows.append(Item(id="/".join(entry.parts[depth:]), ref=entry.ref, label=label))
    if not rows:
        raise no_classes_error("/".join((where, *entries[0].parts[:depth])), loose)
    return LabeledRows(rows, Counter({"image outside the class folders": loose} if loose else {}))


def read_labels_file(
    table: Path,
    *,
    find: Callable[[str], ImageRef | None],
    nowhere: Path,
    image_column: str | None,
    label_column: str | None,
    needs_labels: bool,
) -> LabeledRows:
    """Read the items in a ``labels.csv``.

    Parameters
    ----------
    table : Path
        The file.
    find : callable
        Returns the image that has a name in the table, or None if it does not exist, which
        `galaxtool.datasets.files.check_files` reports later.
    nowhere : Path
        Folder that is reported for an image that does not exist.
    image_column, label_column, needs_labels
        As for `galaxtool.datasets.folder.open_folder`; identifiers may replace paths.

    Raises
    ------
    TableError
        As `galaxtool.datasets.catalogue.open_catalogue`.
    """
    cells = read_table(table)
    named = find_column(cells, image_column, (*PATH_COLUMNS, *ID_COLUMNS), table)
    labels = open_catalogue(path=table, image_column=named, label_column=label_column, needs_labels=needs_labels)
    valid = find_valid_labels(cells)[0] if is_label_log(cells) else range(len(cells))
    texts = [text for row, text in enumerate(list_texts(cells[named])) if row in valid]
    rows = [
        replace(item, ref=find(text) or ImageRef(nowhere / (text or "(no path)")))
        for item, text in zip(labels.items, texts, strict=True)
    ]
    return LabeledRows(rows, notes=labels.notes)


def create_dataset(name: str, found: LabeledRows) -> FileDataset:
    """Create a data set from images, and make their ids unique."""
    ids = make_unique(item.id for item in found.rows)
    items = [replace(item, id=new) for item, new in zip(found.rows, ids, strict=True)]
    return FileDataset(name, items, found.skipped, notes=found.notes)


def mixed_folders_error(where: str, split: str, other: str) -> InputError:
    """Return the error for a folder of images next to those of splits."""
    return InputError(
        f"'{where}' has the split '{split}' next to the folder of images '{other}'.",
        hint="Keep either splits or classes in one folder.",
    )


def no_labels_file_error(where: str, column: str) -> ConfigError:
    """Return the error for a column name without a labels file."""
    return ConfigError(f"The column '{column}' was given, but '{where}' has no {LABELS_FILE}.")


def no_classes_error(where: str, loose: int) -> NoLabeledImages:
    """Return the error for images without a class."""
    return NoLabeledImages(
        f"The {loose} images in '{where}' have no classes.",
        hint=f"Sort them into a sub-folder for each class, or add a {LABELS_FILE} with the columns path,label.",
    )
