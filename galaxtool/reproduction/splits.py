"""Tables of splits, so that all trainings of a recipe learn from and are scored on the same images."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from galaxtool.assessment.labeled_items import find_image
from galaxtool.datasets.protocols import Dataset
from galaxtool.datasets.splits.by_position import draw_nested_subset, split_items
from galaxtool.types import Item
from galaxtool.utils.digests import hash_json
from galaxtool.utils.files.atomic_write import atomic_write
from galaxtool.utils.files.regular_files import read_regular_text

PROTOCOLS = {
    "given": "as published; the validation images are drawn from the training images",
    "leak-safe": "images closer than 60 arcsec on the sky, and copies of one file, stay in one split",
    "random": "each image by itself, whatever lies beside it on the sky",
    "augmented-first": "each image also turned and mirrored before a random split, so that a test image may have a "
    "turned copy among the training images",
}
"""Way to split a data set -> what it does."""

LEAKS = ("random", "augmented-first")
"""Protocols that let the test images be known before: they show what a leak is worth."""

_SPLIT_SEED = 0


def write_split(
    path: Path,
    dataset: Dataset,
    protocol: str,
    *,
    test_fraction: float,
    valid_fraction: float,
    share: float = 1.0,
) -> str:
    """Write a table with the split of each image; returns a digest of it, the labels and the sizes of the files.

    Parameters
    ----------
    path : Path
        File to write.
    dataset : Dataset
        The images.
    protocol : str
        Key of `PROTOCOLS`.
    test_fraction, valid_fraction : float
        Fractions of each class to draw. Where the data have a test split, that one is taken.
    share : float
        Fraction of each class of the whole data set to use; the rest is left out before anything is split.
    """
    items = list(dataset.items)
    labels = [item.label or "" for item in items]
    used = np.array([label != "" for label in labels])
    if share < 1:
        chosen = np.zeros(len(items), dtype=bool)
        chosen[draw_nested_subset(labels, share, _SPLIT_SEED)] = True
        used &= chosen
    rows = np.flatnonzero(used)
    splits = np.full(len(items), "unused", dtype="U6")
    splits[rows] = _draw(
        [items[row] for row in rows], [labels[row] for row in rows], protocol, test_fraction, valid_fraction
    )
    with atomic_write(path) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("id", "split"))
        writer.writerows((item.id, split) for item, split in zip(items, splits, strict=True))
    # other data may have the same identifiers, such as the numbers of rows
    refs = [find_image(dataset, row) for row in range(len(items))]
    files = {ref.path: ref.path.stat().st_size for ref in refs if ref is not None and ref.path.is_file()}
    content = [read_regular_text(path), labels, list(files.values())]
    return hash_json(content)[:12]


def _draw(
    items: Sequence[Item], labels: Sequence[str], protocol: str, test_fraction: float, valid_fraction: float
) -> np.ndarray:
    """Return the split of each image."""
    if protocol == "given":
        has_test = any(item.split == "test" for item in items)
        return split_items(
            items,
            labels,
            valid_fraction=valid_fraction,
            test_fraction=0.0 if has_test else test_fraction,
            seed=_SPLIT_SEED,
        )
    bare = [replace(item, split="") for item in items]
    if protocol == "leak-safe":
        return split_items(bare, labels, valid_fraction=valid_fraction, test_fraction=test_fraction, seed=_SPLIT_SEED)
    return _draw_each(labels, test_fraction, valid_fraction)


def _draw_each(labels: Sequence[str], test_fraction: float, valid_fraction: float) -> np.ndarray:
    """Return a random split of each class, image by image."""
    names = np.array(labels, dtype=str)
    splits = np.full(len(names), "train", dtype="U6")
    generator = np.random.default_rng(_SPLIT_SEED)
    for name in np.unique(names):
        members = generator.permutation(np.flatnonzero(names == name))
        n_test = round(test_fraction * len(members))
        n_valid = max(1, round(valid_fraction * len(members))) if valid_fraction else 0
        splits[members[:n_test]] = "test"
        splits[members[n_test : n_test + n_valid]] = "valid"
    return splits
