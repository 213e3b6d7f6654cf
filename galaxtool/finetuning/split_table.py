"""``split.csv``: the split of each item of a run."""

from __future__ import annotations

import csv
import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
from astropy.table import Table

from galaxtool.errors import TrainingError
from galaxtool.finetuning.data import LabeledImages
from galaxtool.tables.write import write_table
from galaxtool.taxonomy.quantities import build_quantity_taxonomy, measure_quantities


def write_split(path: Path, labeled: LabeledImages) -> None:
    """Write a table with a row for each item and the columns id, path, label, split, weight and dataset."""
    table = Table(
        {
            "id": [item.id for item in labeled.items],
            "path": [str(item.ref or "") for item in labeled.items],
            "label": labeled.slugs,
            "split": labeled.splits.tolist(),
            "weight": labeled.weights,
            "dataset": [labeled.datasets[d].name for d, _ in labeled.locations],
        }
    )
    write_table(table, path)


def hash_numbers(labeled: LabeledImages) -> str:
    """Return the SHA-256 of the votes or values that a model learns, which are not in the table; empty without."""
    return "" if labeled.numbers is None else hashlib.sha256(labeled.numbers.tobytes()).hexdigest()


def read_split(path: Path, labeled: LabeledImages, numbers_sha256: str = "") -> LabeledImages:
    """Replace the splits of the items by those in the ``split.csv`` of the run to resume.

    Parameters
    ----------
    path : Path
        The ``split.csv``.
    labeled : LabeledImages
        The items as the data sets are now.
    numbers_sha256 : str
        What `hash_numbers` returned when the run started; empty if that was not recorded.

    Raises
    ------
    TrainingError
        If the items, their labels or the numbers to learn are not those of that run.
    """
    with path.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))  # as text: an id such as 1.10 is not a number
    if [row["id"] for row in rows] != [item.id for item in labeled.items]:
        raise TrainingError(
            f"The data have changed since the run started: '{path}' lists other images.",
            hint="Restore the data, or start a new run.",
        )
    if labeled.numbers is None and any(row["label"] != slug for row, slug in zip(rows, labeled.slugs, strict=True)):
        raise TrainingError(
            f"The classes have changed since the run started: '{path}' has others.",
            hint="Restore the labels, or start a new run.",
        )
    if numbers_sha256 not in ("", hash_numbers(labeled)):
        raise TrainingError(
            "The values to learn have changed since the run started.", hint="Restore the data, or start a new run."
        )
    splits = np.array([row["split"] for row in rows])
    if labeled.values is None:
        return replace(labeled, splits=splits)
    # the center and scale of a quantity are those of the training split
    quantities = measure_quantities(labeled.taxonomy.quantities, labeled.values[splits == "train"])
    return replace(labeled, splits=splits, taxonomy=build_quantity_taxonomy(quantities))
