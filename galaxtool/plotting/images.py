"""The images of an input, with their classes and catalogue columns, for figures that show or sort images."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from astropy.table import Table

from galaxtool.containers.reading import read_ref
from galaxtool.datasets.open import open_dataset
from galaxtool.datasets.protocols import Dataset
from galaxtool.datasets.subset import create_items_table
from galaxtool.errors import ConfigError, InputError
from galaxtool.images.read_options import ReadOptions
from galaxtool.images.reading import list_image_suffixes
from galaxtool.inference.reading import find_images
from galaxtool.inputs.cells import list_texts
from galaxtool.plotting.charts.projection import UNKNOWN
from galaxtool.tables.column_names import LABEL_COLUMNS, find_column
from galaxtool.tables.read import read_table
from galaxtool.taxonomy.choose import choose_classes
from galaxtool.types import Cutout, Progress
from galaxtool.utils.counts import format_count

TRUTH = "truth"
"""Column of the true class."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class PlotImages:
    """The images of one input.

    Parameters
    ----------
    name : str
        The input, for messages.
    ids, paths : tuple of str
        Identifier and path of each of the N images.
    columns : dict
        Name -> values of the N images: classes under ``truth``, and columns of a catalogue. A missing value is an empty
        text or NaN.
    read : callable
        Takes the number of an image and reading options; returns its `Cutout` or raises `UnreadableImage`.
    """

    name: str
    ids: tuple[str, ...]
    paths: tuple[str, ...]
    columns: dict[str, np.ndarray] = field(default_factory=dict)
    read: Callable[[int, ReadOptions], Cutout]

    def __len__(self) -> int:
        return len(self.ids)

    def take(self, rows: np.ndarray) -> PlotImages:
        """Return only some of the images."""
        chosen = [int(row) for row in rows]
        return replace(
            self,
            ids=tuple(self.ids[row] for row in chosen),
            paths=tuple(self.paths[row] for row in chosen),
            columns={name: values[rows] for name, values in self.columns.items()},
            read=lambda row, options: self.read(chosen[row], options),
        )

    def column(self, name: str) -> np.ndarray:
        """Return the values of a column.

        Raises
        ------
        InputError
            If there is no such column.
        """
        if not self.columns:
            raise InputError(
                f"'{self.name}' has no column '{name}': no table belongs to its images.",
                hint="Give an evaluation directory, a folder with a labels.csv, or --option table=CATALOG.",
            )
        found = find_column(Table(self.columns), name, (), source=Path(self.name))
        return self.columns[str(found)]


def open_images(text: str, log: Progress, *, table: str = "") -> PlotImages:
    """Find the images of a data set, folder, file or catalogue.

    Parameters
    ----------
    text : str
        A data set, as for ``galaxtool finetune``, or any input of ``galaxtool classify``.
    log : Progress
        Receives a note on what was skipped.
    table : str
        Path of a catalogue with further columns; see `add_catalogue`.

    Raises
    ------
    InputError
        If there are no images.
    """
    dataset = _open_dataset(text)
    images = _from_dataset(dataset, text) if dataset is not None else _from_inputs(text, log)
    return add_catalogue(images, table, log) if table else images


def add_catalogue(images: PlotImages, path: str, log: Progress) -> PlotImages:
    """Add the columns of a catalogue, whose rows are found by the identifiers of the images.

    Parameters
    ----------
    images : PlotImages
        The images.
    path : str
        Table with a column ``id``, or whose first column has the identifiers, or the paths or names of the files, with
        or without suffix. Its column of labels gives the classes, if the images have none.
    log : Progress
        Receives a note on images that the catalogue lacks.

    Raises
    ------
    InputError
        If the catalogue has none of the images.
    """
    table = read_table(Path(path))
    usual = ("id", "id_str", "objid", "galaxy_id", "name")
    key = find_column(table, None, usual, source=Path(path)) or table.colnames[0]
    keys = list_texts(table[key])
    row_of = _index_rows(keys)
    suffixes = list_image_suffixes()
    names = [_find_key(images, number, row_of, suffixes) for number in range(len(images))]
    rows = np.array([row_of.get(name, -1) for name in names])
    lacking = int((rows < 0).sum())
    if lacking == len(images):
        raise InputError(
            f"The catalogue '{path}' has none of the {len(images)} images of '{images.name}': its column '{key}' has "
            f"no '{images.ids[0]}'.",
            hint="Its identifiers must be those of the images, or the paths or names of their files.",
        )
    if lacking:
        log.say(f"{format_count(lacking, 'image')} of '{images.name}' not in the catalogue '{path}'.")
    wanted = set(names)
    if several := sum(count > 1 for name, count in Counter(keys).items() if name in wanted):
        log.say(f"{format_count(several, 'image')} more than once in the catalogue '{path}': the last row counts.")
    added = {name: _take_filled(table[name], rows) for name in table.colnames}
    label = find_column(table, None, LABEL_COLUMNS, source=Path(path))
    if label is not None and TRUTH not in {**images.columns, **added}:
        added[TRUTH] = added[label]
    return replace(images, columns={**images.columns, **added})


def fill_column(column: object) -> np.ndarray:
    """Return a column of a table as an array, in which missing values are NaN or an empty text."""
    values: np.ma.MaskedArray = np.ma.asarray(column)
    if values.dtype.kind in "iufb":
        numbers: np.ndarray = np.ma.filled(values.astype(np.float64), np.nan)
        return numbers
    texts: np.ndarray = np.ma.filled(values.astype(object), "").astype(str)
    return texts


def to_texts(values: np.ndarray) -> np.ndarray:
    """Return the values of a column as texts, empty where there is none; whole numbers have no decimal point."""
    if values.dtype.kind != "f":
        return values.astype(str)
    numbers = values.tolist()
    return np.array(["" if math.isnan(x) else f"{x:.0f}" if x.is_integer() else f"{x:g}" for x in numbers], dtype=str)


def index_classes(labels: Sequence[str]) -> tuple[tuple[str, ...], np.ndarray]:
    """Return the slugs of classes, in the order of their taxonomy or else of their names, and the index of each label.

    Parameters
    ----------
    labels : sequence of str
        Label of each image, empty where it has none.

    Returns
    -------
    classes : tuple of str
        Only those that occur.
    indices : ndarray of int, shape (N,)
        `UNKNOWN` for an image without a label.
    """
    distinct = sorted({str(label) for label in labels} - {""})
    if not distinct:
        return (), np.full(len(labels), UNKNOWN)
    try:
        taxonomy, slug_of = choose_classes(distinct, None)
        present = set(slug_of.values())
        classes = tuple(slug for slug in taxonomy.slugs if slug in present)
    except InputError:  # they fit several taxonomies
        classes, slug_of = tuple(distinct), {label: label for label in distinct}
    number = {slug: k for k, slug in enumerate(classes)}
    return classes, np.array([number[slug_of[str(label)]] if label else UNKNOWN for label in labels])


def check_whole(value: object, name: str, least: int) -> int:
    """Return the value of a setting that is a number of things.

    Raises
    ------
    ConfigError
        If it is below `least`.
    """
    number = int(str(value))
    if number < least:
        raise ConfigError(f"{name} is {number}.", hint=f"Give a number of at least {least}.")
    return number


def _open_dataset(text: str) -> Dataset | None:
    """Return the data set that a text names, or None if it names images without labels, or nothing."""
    for needs_labels in (True, False):
        with suppress(InputError):
            return open_dataset(text, needs_labels=needs_labels)
    return None


def _from_dataset(dataset: Dataset, text: str) -> PlotImages:
    items = dataset.items
    table = create_items_table(items)
    columns = {
        name: fill_column(table[name]) for name in dict.fromkeys(name for item in items for name in item.columns)
    }
    columns |= {name: np.array([np.nan if (v := getattr(item, name)) is None else v for item in items], dtype=float)
                for name in ("ra", "dec")}  # fmt: skip
    labels = [item.label or "" for item in items]
    if any(labels):
        columns[TRUTH] = np.array(labels)
    if any(item.split for item in items):
        columns["split"] = np.array([item.split for item in items])

    def read(row: int, options: ReadOptions) -> Cutout:
        ref = items[row].ref
        return dataset.cutout(row) if ref is None else read_ref(ref, options)

    paths = tuple("" if item.ref is None else str(item.ref) for item in items)
    return PlotImages(name=text, ids=tuple(item.id for item in items), paths=paths, columns=columns, read=read)


def _from_inputs(text: str, log: Progress) -> PlotImages:
    items = find_images([text], log).items
    return PlotImages(
        name=text,
        ids=tuple(item.id for item in items),
        paths=tuple(str(item.ref) for item in items),
        read=lambda row, options: read_ref(items[row].ref, options),
    )


def _index_rows(names: Sequence[str]) -> dict[str, int]:
    """Return the row of each name, also without the suffix of an image, and of its last part where only one has it."""
    row_of = {name: row for row, name in enumerate(names)}
    suffixes = list_image_suffixes()
    short = [_strip_suffix(name, suffixes) for name in names]
    last = [name.rpartition("/")[2] for name in short]
    counts = Counter(last)
    for row, (name, part) in enumerate(zip(short, last, strict=True)):
        row_of.setdefault(name, row)
        if counts[part] == 1:
            row_of.setdefault(part, row)
    return row_of


def _find_key(images: PlotImages, number: int, known: dict[str, int], suffixes: Sequence[str]) -> str:
    """Return the name under which a catalogue knows an image, or an empty text."""
    name = images.ids[number]
    file = images.paths[number].rstrip("]").rpartition("[")[2].rpartition("/")[2]
    tried = (name, name.rpartition("/")[2], _strip_suffix(file, suffixes))
    return next((one for one in tried if one in known), "")


def _strip_suffix(name: str, suffixes: Sequence[str]) -> str:
    """Return a name without the suffix of an image; a decimal point in a name is not the beginning of a suffix."""
    longest = max((suffix for suffix in suffixes if name.lower().endswith(suffix)), key=len, default="")
    return name[: len(name) - len(longest)]


def _take_filled(column: object, rows: np.ndarray) -> np.ndarray:
    values = fill_column(column)
    taken: np.ndarray = values[np.maximum(rows, 0)]
    taken[rows < 0] = np.nan if taken.dtype.kind == "f" else ""
    return taken
