"""Labelled images in a folder."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from galaxtool.datasets.catalogue import catalogue_dataset
from galaxtool.datasets.files import SPLITS, FileDataset
from galaxtool.datasets.tree import (
    Entry,
    by_folders,
    labelled_dataset,
    mixed,
    no_classes,
    no_labels_file,
    rows_of_labels,
)
from galaxtool.errors import InputError
from galaxtool.images.reading import image_suffixes
from galaxtool.inputs.band_files import BandFiles, Pattern, bands_among
from galaxtool.inputs.probe import FileProber
from galaxtool.inputs.walk import TableFinder, byte_order, walk_images, without_suffix
from galaxtool.tables.column_names import LABELS_FILE
from galaxtool.types import ImageRef, Item
from galaxtool.utils.suggestions import suggest_path


def folder_dataset(
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
        A folder with a ``labels.csv``; or with ``train/``, ``valid/``, ``test/`` (any of them), taken as the given
        splits, each of which is such a folder itself; or with a sub-folder for each class, whose images may lie
        deeper. Images beside the class folders have no class and are passed over.
    image_column, label_column : str, optional
        Columns of the ``labels.csv``, where they do not have one of the usual names; see
        `galaxtool.datasets.catalogue.catalogue_dataset`.
    needs_labels : bool
        Whether there must be labels; without, the images beside the class folders are taken too, unlabelled.
    pattern : str, optional
        How files are called where each band has its own: ``{id}_{band}.fits``, see
        `galaxtool.inputs.band_files.Pattern`. The folders that ``{id}`` begins with are those of splits and classes; a
        ``labels.csv`` names an object by what stands for ``{id}``, below its own folder, as its path or its id.
    bands : sequence of str
        The bands of the pattern, in the order wanted; by default those that the files' names show. Without a pattern,
        those of the columns ``{band}_path`` of a ``labels.csv``.
    prober : FileProber, optional
        Opens files to find out which ones are tables.

    Returns
    -------
    FileDataset
        Items in byte order of their paths, or in the order of ``labels.csv``.

    Raises
    ------
    InputError
        If the folder does not exist, has no images, or has images but nothing that says their classes.
    ConfigError
        If a column is named and there is no ``labels.csv``, or the pattern is none.
    """
    folder = Path(path)
    if not folder.is_dir():
        raise InputError(f"There is no folder at '{folder}'.", hint=suggest_path(folder))
    if pattern is not None:
        return _of_bands(folder, Pattern(pattern, bands), image_column, label_column, needs_labels)
    rows, skipped = _labelled(folder, image_column, label_column, needs_labels, bands, prober and prober.find_tables)
    return labelled_dataset(folder.resolve().name or str(folder), rows, skipped)


def _labelled(
    folder: Path,
    image_column: str | None,
    label_column: str | None,
    needs_labels: bool,
    bands: Sequence[str],
    find_tables: TableFinder | None,
) -> tuple[list[Item], Counter[str]]:
    """Return the labelled images of a folder of any of the three forms."""
    table = folder / LABELS_FILE
    if table.is_file():
        labels = catalogue_dataset(
            path=table, image_column=image_column, label_column=label_column, needs_labels=needs_labels, bands=bands
        )
        return list(labels.items), Counter()
    below = sorted((f for f in folder.iterdir() if f.is_dir() and not f.name.startswith(".")), key=byte_order)
    splits = [f for f in below if f.name.lower() in SPLITS]
    if not splits:
        return _classes(folder, below, image_column or label_column, needs_labels, find_tables)
    strange = [f.name for f in below if f not in splits and walk_images(f, find_tables)[0]]
    if strange:
        raise mixed(str(folder), splits[0].name, strange[0])
    rows: list[Item] = []
    skipped: Counter[str] = Counter()
    for split in splits:
        found, passed = _labelled(split, image_column, label_column, needs_labels, bands, find_tables)
        skipped.update(passed)
        given = SPLITS[split.name.lower()]
        rows += [replace(item, id=f"{split.name}/{item.id}", split=given) for item in found]
    return rows, skipped


def _classes(
    folder: Path, classes: list[Path], column: str | None, needs_labels: bool, find_tables: TableFinder | None
) -> tuple[list[Item], Counter[str]]:
    """Return the images of class folders."""
    if column:
        raise no_labels_file(str(folder), column)
    rows: list[Item] = []
    skipped: Counter[str] = Counter()
    suffixes = image_suffixes()

    def add(path: Path, name: str, label: str | None) -> None:
        rows.append(Item(id=name, ref=ImageRef(path), label=label))

    for label in classes:
        members, passed = walk_images(label, find_tables)
        skipped.update(passed)
        for member in members:
            add(label / member, f"{label.name}/{without_suffix(member, suffixes)}", label.name)
    every = walk_images(folder, find_tables)[0]
    if not needs_labels:
        # what lies deep in a class folder is in it already
        for member in every:
            if len(member.parts) == 1:
                add(folder / member, without_suffix(member, suffixes), None)
    loose = len(every) - len(rows)
    if not rows and loose:
        raise no_classes(str(folder), loose)
    if not rows:
        raise InputError(
            f"There is no image in '{folder}'" + (f"; {skipped.total()} files were skipped." if skipped else "."),
            hint=f"Wanted a sub-folder for each class with files in {', '.join(suffixes)}.",
        )
    if loose:
        skipped["image outside the class folders"] += loose
    return rows, skipped


def _of_bands(
    folder: Path, pattern: Pattern, image_column: str | None, label_column: str | None, needs_labels: bool
) -> FileDataset:
    """Return a data set of images with a file for each band."""
    skipped: Counter[str] = Counter()
    files = BandFiles(folder, pattern, skipped)
    files.settle(pattern.bands or bands_among(files.bands))
    if not len(files):
        raise InputError(
            f"No file in '{folder}' is called '{pattern.text}'.",
            hint=f"There is for example '{files.example}'." if files.example else "Check the folder.",
        )
    names = [files.name(row) for row in range(len(files))]
    refs = {name: files.item(row, name).ref for row, name in enumerate(names)}

    def labels_of(below: tuple[str, ...]) -> list[Item] | None:
        table = folder.joinpath(*below, LABELS_FILE)
        if not table.is_file():
            return None
        return rows_of_labels(
            table,
            find=lambda text: refs.get("/".join((*below, text))),
            nowhere=table.parent,
            image_column=image_column,
            label_column=label_column,
            needs_labels=needs_labels,
        )

    rows, passed = by_folders(
        [Entry(tuple(name.split("/")), refs[name]) for name in names],
        where=str(folder),
        labels_of=labels_of,
        column=image_column or label_column,
        needs_labels=needs_labels,
    )
    name = folder.resolve().name or str(folder)
    return labelled_dataset(name, rows, skipped + passed)
