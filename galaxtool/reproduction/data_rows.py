"""The numbers of a figure that shows the data alone: the images of each class."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from galaxtool.datasets.open import open_dataset
from galaxtool.reproduction.recipe import TableRecipe
from galaxtool.reproduction.table_row import TableRow


def count_classes(recipe: TableRecipe, datasets: Mapping[str, str]) -> list[TableRow]:
    """Return a row for each class of each data set that was given: its number of images."""
    rows = []
    for data in recipe.data:
        if data.slot not in datasets:
            continue
        dataset = open_dataset(datasets[data.slot], where=data.where or None)
        counts = Counter(item.label for item in dataset.items if item.label is not None)
        rows += [
            TableRow(
                row=label,
                data=data.title,
                split="",
                readout="",
                at=None,
                score="images",
                published=None,
                published_sd=None,
                ours=float(count),
                trainings=0,
                status="done",
            )
            for label, count in sorted(counts.items())
        ]
    return rows
