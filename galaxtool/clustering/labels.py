"""Labels of the images that are grouped, where there are any."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from galaxtool.assessment.index_labels import read_index_labels
from galaxtool.assessment.labeled_items import find_image, open_labeled
from galaxtool.clustering.options import ClusterOptions
from galaxtool.datasets.clean_labels import clean_labels, find_measurements
from galaxtool.datasets.protocols import Dataset
from galaxtool.errors import GalaxtoolError, InputError
from galaxtool.inference.reading_options import ReadingOptions
from galaxtool.search.features import Features
from galaxtool.search.index.store import Index

_MOST_CLASSES = 200  # more different labels than this are names of objects
_HINT = "Give the folder or table with the labels of these images: --labels DATASET."


@dataclass(frozen=True, eq=False)
class Labels:
    """The labels of N images.

    Parameters
    ----------
    classes : tuple of str
        The C different labels, in order of the alphabet.
    targets : ndarray of int, shape (N,)
        Index of the label of each image; -1 where it has none.
    notes : tuple of str
        What was done to the labels.
    """

    classes: tuple[str, ...]
    targets: np.ndarray
    notes: tuple[str, ...] = ()

    def name(self, row: int) -> str:
        """Return the label of an image; empty if it has none."""
        return self.classes[self.targets[row]] if self.targets[row] >= 0 else ""


def find_labels(
    features: Features, inputs: Sequence[str], options: ClusterOptions, reading: ReadingOptions
) -> Labels | None:
    """Find the labels of images in the data set that the user named, or else in their own folders, catalogue or index.

    Returns
    -------
    Labels or None
        None if no data set is named, and the images have none.

    Raises
    ------
    InputError
        If a data set is named, and it has no labels, or not of these images.
    """
    if options.labels is not None:
        return _match(features, [_open(options.labels, options.label_column, reading)], options.labels)
    if features.source is None:  # a file of embeddings
        if options.label_column is not None:
            raise InputError(
                f"--label-column cannot be used with '{features.name}', which has no column of labels.", hint=_HINT
            )
        return None
    if not features.source.on_demand:
        return _read_index(features.source.index, options.label_column, features.name)
    try:
        return _match(features, [_open(text, options.label_column, reading) for text in inputs], features.name)
    except GalaxtoolError:
        if options.label_column is not None:
            raise
        return None


def _read_index(index: Index, label_column: str | None, name: str) -> Labels | None:
    """Return the labels of the catalogue that an index was built from; None if it has none."""
    found = read_index_labels(index, label_column)
    try:
        return None if found is None else _clean(found, name)
    except GalaxtoolError:
        if label_column is not None:
            raise
        return None


def _open(text: str, label_column: str | None, reading: ReadingOptions) -> Dataset:
    return open_labeled(text, reading, label_column=label_column, needs_labels=False)


def _match(features: Features, datasets: Sequence[Dataset], name: str) -> Labels:
    """Return the labels of images, found by their paths, or else by their identifiers."""
    by_path: dict[str, set[str | None]] = {}
    by_id: dict[str, set[str | None]] = {}
    for dataset in datasets:
        for row, item in enumerate(dataset.items):
            by_id.setdefault(item.id, set()).add(item.label)
            if (ref := find_image(dataset, row)) is not None:
                by_path.setdefault(str(ref), set()).add(item.label)
    # Path.resolve would follow links
    paths = [os.path.abspath(text) if text else "" for text in features.items["path"].to_pylist()]  # noqa: PTH100
    if any(path in by_path for path in paths):
        return _clean([_find_label(by_path, path, name) for path in paths], name)
    ids = features.items["id"].to_pylist()
    if not any(one in by_id for one in ids):
        raise InputError(
            f"None of the {len(ids):,} images is in '{name}', neither by its path nor by its identifier.",
            hint="Give the data set with the labels of these very images as --labels.",
        )
    return _clean([_find_label(by_id, one, name) for one in ids], name)


def _find_label(labels: Mapping[str, set[str | None]], key: str, name: str) -> str | None:
    """Return the label of an image; None if there is none."""
    found = sorted(label for label in labels.get(key, ()) if label)
    if len(found) > 1:
        raise InputError(f"'{name}' gives '{key}' two labels, '{found[0]}' and '{found[1]}'.", hint="Leave out one.")
    return found[0] if found else None


def _clean(found: Sequence[str | None], name: str) -> Labels:
    cleaned = clean_labels(found)
    if numbers := find_measurements(cleaned.labels):
        raise InputError(
            f"The labels in '{name}' are {len(numbers)} different numbers with fractions: measurements, not classes.",
            hint="Name another column with --label-column.",
        )
    counts = Counter(label for label in cleaned.labels if label is not None)
    if not counts:
        raise InputError(f"None of the {len(found):,} images has a label in '{name}'.", hint=_HINT)
    if len(counts) > _MOST_CLASSES:
        raise InputError(
            f"The images have {len(counts):,} different labels in '{name}', which are hardly classes.",
            hint="Name another column with --label-column.",
        )
    classes = tuple(sorted(counts))
    index = {label: number for number, label in enumerate(classes)}
    targets = np.array([-1 if label is None else index[label] for label in cleaned.labels])
    return Labels(classes, targets, (*cleaned.notes, *cleaned.warnings))
