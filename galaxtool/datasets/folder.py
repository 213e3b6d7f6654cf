"""Labelled images in a folder."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from galaxtool.datasets.catalogue import open_catalogue
from galaxtool.datasets.files import FileDataset, find_split
from galaxtool.datasets.tree import (
    Entry,
    LabeledRows,
    NoLabeledImages,
    create_dataset,
    label_by_folders,
    mixed_folders_error,
    no_classes_error,
    no_labels_file_error,
    read_labels_file,
)
from galaxtool.errors import InputError
from galaxtool.images.reading import list_image_suffixes
from galaxtool.inputs.band_files import BandFiles, Pattern, select_bands
from galaxtool.inputs.names import byte_order, without_suffix
from galaxtool.inputs.probe import FileProber
from galaxtool.inputs.walk import TableFinder, walk_images
from galaxtool.tables.column_names import LABELS_FILE
from galaxtool.types import ImageRef, Item
from galaxtool.utils.counts import format_skipped
from galaxtool.utils.files.ignored_names import is_ignored
from galaxtool.utils.suggestions import suggest_path


def open_folder(
    *,
    path: str | Path,
    image_column: str | None = None,
    label_column: str | None = None,
    needs_labels: bool = True,
    pattern: str | None = None,
    bands: Sequence[str] = (),
    prober: FileProber | None = None,
) -> FileDataset:
    """Open a folder of labelled images.

    Parameters
    ----------
    path : str or Path
        A folder that contains a ``labels.csv``; or any of ``train/``, ``valid/``, ``test/``, which are the given splits
        and have one of the other two forms; or a sub-folder for each class, with images at any depth. Images next to
        the class folders have no class and are skipped.
    image_column, label_column : str, optional
        Columns of ``labels.csv``, if they do not have one of the usual names; see
        `galaxtool.datasets.catalogue.open_catalogue`.
    needs_labels : bool
        Whether labels are required; if not, images next to the class folders are included without a label.
    pattern : str, optional
        Pattern of the file names if each band has its own file: ``{id}_{band}.fits``, see
        `galaxtool.inputs.band_files.Pattern`. The folders in ``{id}`` are those of splits and classes. A ``labels.csv``
        gives the value of ``{id}`` relative to its own folder, as the path or the id of an object.
    bands : sequence of str
        Bands of the pattern, in order; by default those found in the file names. Without a pattern, the bands of the
        columns ``{band}_path`` in ``labels.csv``.
    prober : FileProber, optional
        Opens files to find out which ones are tables.

    Returns
    -------
    FileDataset
        Items in byte order of their paths, or in the order of ``labels.csv``.

    Raises
    ------
    InputError
        If the folder does not exist, or has no images or no labels.
    ConfigError
        If a column is named but there is no ``labels.csv``, or the pattern is not valid.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise InputError(f"There is no folder at '{folder}'.", hint=suggest_path(folder))
    if pattern is not None:
        return _open_band_files(folder, Pattern(pattern, bands), image_column, label_column, needs_labels)
    found = _read_folder(
        folder, image_column, label_column, needs_labels, bands, prober.find_tables if prober else None
    )
    return create_dataset(folder.resolve().name or str(folder), found)


def _read_folder(
    folder: Path,
    image_column: str | None,
    label_column: str | None,
    needs_labels: bool,
    bands: Sequence[str],
    find_tables: TableFinder | None,
) -> LabeledRows:
    """Return the items of a folder in any of the three forms."""
    table = folder / LABELS_FILE
    if table.is_file():
        labels = open_catalogue(
            path=table, image_column=image_column, label_column=label_column, needs_labels=needs_labels, bands=bands
        )
        return LabeledRows(list(labels.items), notes=labels.notes)
    below = sorted((f for f in folder.iterdir() if f.is_dir() and not is_ignored(f.name)), key=byte_order)
    splits = [f for f in below if find_split(f.name)]
    if not splits:
        return _read_class_folders(folder, below, image_column or label_column, needs_labels, find_tables)
    strange = [f.name for f in below if f not in splits and walk_images(f, find_tables)[0]]
    if strange:
        raise mixed_folders_error(str(folder), splits[0].name, strange[0])
    return LabeledRows.join_splits(
        [split.name for split in splits],
        lambda name: _read_folder(folder / name, image_column, label_column, needs_labels, bands, find_tables),
    )


def _read_class_folders(
    folder: Path, classes: list[Path], column: str | None, needs_labels: bool, find_tables: TableFinder | None
) -> LabeledRows:
    """Return the items of class folders."""
    if column:
        raise no_labels_file_error(str(folder), column)
    rows: list[Item] = []
    skipped: Counter[str] = Counter()
    suffixes = list_image_suffixes()

    def add(path: Path, name: str, label: str | None) -> None:
        rows.append(Item(id=name, ref=ImageRef(path), label=label))

    for label in classes:
        members, passed = walk_images(label, find_tables)
        skipped.update(passed)
        for member in members:
            add(label / member, f"{label.name}/{without_suffix(member, suffixes)}", label.name)
    every = walk_images(folder, find_tables)[0]
    if not needs_labels:
        # images deeper down belong to a class folder and are listed already
        for member in every:
            if len(member.parts) == 1:
                add(folder / member, without_suffix(member, suffixes), None)
    loose = len(every) - len(rows)
    if not rows and loose:
        raise no_classes_error(str(folder), loose)
    if not rows:
        raise NoLabeledImages(
            f"There is no image in '{folder}'" + (f"; {format_skipped(skipped.total())}." if skipped else "."),
            hint=f"Make a sub-folder for each class; image files end in {', '.join(suffixes)}.",
        )
    if loose:
        skipped["image outside the class folders"] += loose
    return LabeledRows(rows, skipped)


def _open_band_files(
    folder: Path, pattern: Pattern, image_column: str | None, label_column: str | None, needs_labels: bool
) -> FileDataset:
    """Open a folder of images with one file per band."""
    skipped: Counter[str] = Counter()
    files = BandFiles(folder, pattern, skipped)
    files.set_bands(pattern.bands or select_bands(files.bands))
    if not len(files):
        raise InputError(
            f"No file in '{folder}' is called '{pattern.text}'.",
            hint=f"There is for example '{files.example}'." if files.example else "Check the folder.",
        )
    names = [files.name(row) for row in range(len(files))]
    refs = {name: files.item(row, name).ref for row, name in enumerate(names)}

    def read_labels(below: tuple[str, ...]) -> LabeledRows | None:
        table = folder.joinpath(*below, LABELS_FILE)
        if not table.is_file():
            return None
        return read_labels_file(
            table,
            find=lambda text: refs.get("/".join((*below, text))),
            nowhere=table.parent,
            image_column=image_column,
            label_column=label_column,
            needs_labels=needs_labels,
        )

    found = label_by_folders(
        [Entry(tuple(name.split("/")), refs[name]) for name in names],
        where=str(folder),
        read_labels=read_labels,
        column=image_column or label_column,
        needs_labels=needs_labels,
    )
    name = folder.resolve().name or str(folder)
    return create_dataset(name, replace(found, skipped=skipped + found.skipped))
