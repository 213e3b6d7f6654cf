"""The split of a training, by which its run is scored on images that it did not learn from."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import PurePath

from galaxtool.datasets.protocols import Dataset
from galaxtool.models.find import ModelFiles


def read_run_split(files: ModelFiles, dataset: Dataset) -> list[str] | None:
    """Return the split of each image of a data set in the training of a model.

    Parameters
    ----------
    files : ModelFiles
        Files of the model; those of a run have a ``split.csv`` beside the model directory.
    dataset : Dataset
        The data set.

    Returns
    -------
    list of str or None
        Empty for an image that the training did not have; None if the model is not in a run, or its training had none
        of the images.
    """
    if files.folder is None or files.folder.name != "model":
        return None
    path = files.folder.parent / "split.csv"
    if not path.is_file():
        return None
    with path.open(newline="", encoding="utf-8") as stream:
        split_of = {(row["id"], _get_name(row["path"])): row["split"] for row in csv.DictReader(stream)}
    names = [(item.id, _get_name(str(item.ref or ""))) for item in dataset.items]
    splits = [split_of.get(name, "") for name in names]
    return splits if any(splits) else None


def list_given_splits(dataset: Dataset) -> Sequence[str]:
    """Return the split of each image as the data set gives it, empty where it gives none."""
    return [item.split for item in dataset.items]


def _get_name(path: str) -> str:
    return PurePath(path).name
