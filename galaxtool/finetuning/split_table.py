"""``split.csv``: which image was trained on and which validated."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from galaxtool.errors import TrainingError
from galaxtool.finetuning.data import LabeledImages


def write_split(path: Path, labelled: LabeledImages) -> None:
    """Write ``split.csv``: id, path, label, split, weight, a row for each item."""
    from astropy.table import Table

    from galaxtool.tables.tables import write_table

    table = Table(
        {
            "id": [item.id for item in labelled.items],
            "path": [str(item.path or "") for item in labelled.items],
            "label": labelled.slugs,
            "split": labelled.splits.tolist(),
            "weight": labelled.weights,
        }
    )
    write_table(table, path)


def read_split(path: Path, labelled: LabeledImages) -> LabeledImages:
    """Return the items with the splits of an earlier run's ``split.csv``.

    Raises
    ------
    TrainingError
        If the data are not those of that run.
    """
    import csv

    import numpy as np

    with path.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))  # as text: an id such as 1.10 is no number
    if [row["id"] for row in rows] != [item.id for item in labelled.items]:
        raise TrainingError(
            f"The data are no longer those of the run: '{path}' lists other images.",
            hint="Put them back, or start a new run.",
        )
    return replace(labelled, splits=np.array([row["split"] for row in rows]))
