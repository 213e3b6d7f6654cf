"""The images of a data set that are scored, as items of the inference."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from galaxtool.datasets.open import open_dataset
from galaxtool.datasets.protocols import Dataset
from galaxtool.errors import InputError
from galaxtool.inference.reading_options import ReadingOptions
from galaxtool.inputs.items import InputItem
from galaxtool.types import ImageRef


@dataclass(frozen=True, slots=True)
class DatasetItem(InputItem):
    """An image of a data set.

    Parameters
    ----------
    row : int
        Index of the image in its data set, which reads it.
    """

    row: int = 0


def open_labeled(
    text: str,
    reading: ReadingOptions,
    *,
    label_column: str | None,
    where: str | None = None,
    needs_labels: bool = True,
) -> Dataset:
    """Open a data set whose images are read as those of ``classify``; see `galaxtool.datasets.open.open_dataset`."""
    return open_dataset(
        text,
        image_column=reading.image_column,
        label_column=label_column,
        ra_column=reading.ra_column,
        dec_column=reading.dec_column,
        table=reading.table,
        where=where,
        needs_labels=needs_labels,
        reading=reading.read_options,
        pattern=reading.pattern,
    )


def list_dataset_items(dataset: Dataset, rows: Sequence[int]) -> list[DatasetItem]:
    """Return some images of a data set as items, with absolute paths; generated images have none."""
    items = []
    for row in rows:
        item, ref = dataset.items[row], find_image(dataset, row)
        items.append(DatasetItem(item.id, ref or ImageRef(Path(item.id)), item.ra, item.dec, row))
    return items


def find_image(dataset: Dataset, row: int) -> ImageRef | None:
    """Return where an image of a data set is stored, with absolute paths; None for a generated image."""
    ref, layer, at = dataset.items[row].ref, dataset, row
    while ref is None:
        refs: Any = getattr(layer, "refs", None)
        if refs is not None:
            ref = refs[at]
            break
        whole = getattr(layer, "whole", None)
        if whole is None:
            return None
        rows = getattr(layer, "rows", None)
        layer, at = whole, at if rows is None else rows[at]
    bands = tuple((band, _make_absolute(path)) for band, path in ref.bands)
    return replace(ref, path=_make_absolute(ref.path), bands=bands)


def _make_absolute(path: Path) -> Path:
    text = str(path)
    if ":/" in text:  # an address rather than a file
        return path
    return Path(os.path.abspath(text))  # noqa: PTH100  Path.resolve would follow links


def select_split(dataset: Dataset, splits: Sequence[str], wanted: str | None) -> tuple[list[int], str]:
    """Return the rows of the images of a split, and the name of the split.

    Parameters
    ----------
    dataset : Dataset
        The data set.
    splits : sequence of str
        Split of each image, empty where it has none.
    wanted : str or None
        ``train``, ``valid``, ``test`` or ``all``; None for test, else valid, else all.

    Raises
    ------
    InputError
        If no image is in the split.
    """
    counts = Counter(splits)
    name = wanted or next((split for split in ("test", "valid") if counts[split]), "all")
    rows = [row for row, split in enumerate(splits) if name in ("all", split)]
    if rows:
        return rows, name
    there = ", ".join(f"{split} ({n})" for split, n in sorted(counts.items()) if split)
    raise InputError(
        f"None of the {len(splits)} images of '{dataset.name}' is in the split '{name}'.",
        hint=f"Its splits are {there}; or give --split all."
        if there
        else "It has no splits. Leave --split out to score all images, or give the run that split them as --model.",
    )
