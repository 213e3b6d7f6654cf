"""The split of a training, by which its run is scored on images that it did not learn from."""

from __future__ import annotations

import csv
import filecmp
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from galaxtool.datasets.protocols import Dataset
from galaxtool.models.find import ModelFiles
from galaxtool.types import ImageRef, Item

_NUMBERED = re.compile(r"\d+:")  # of a data set, before each id in a training of several


@dataclass(frozen=True, slots=True)
class RunSplit:
    """The splits that a training gave to the N images of a data set.

    Parameters
    ----------
    splits : list of str
        Split of each image; empty for an image that the training did not have.
    note : str
        What the user should know about how the images were recognized; empty if nothing.
    """

    splits: list[str]
    note: str = ""


def read_run_split(files: ModelFiles, dataset: Dataset) -> RunSplit | None:
    """Return the split of each image of a data set in the training of a model.

    Images are recognized by their files. If none of them is where the training found it, those with the same name and
    content are taken, or with the same name where the file of the training is gone.

    Parameters
    ----------
    files : ModelFiles
        Files of the model; those of a run have a ``split.csv`` beside the model directory.
    dataset : Dataset
        The data set.

    Returns
    -------
    RunSplit or None
        None if the model is not in a run, or its training had none of the images.
    """
    if files.folder is None or files.folder.name != "model":
        return None
    path = files.folder.parent / "split.csv"
    if not path.is_file():
        return None
    with path.open(newline="", encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    split_of = {_make_absolute(row["path"]): row["split"] for row in rows if row["path"]}
    splits = [split_of.get(_make_absolute(str(item.ref)), "") if item.ref else "" for item in dataset.items]
    return RunSplit(splits) if any(splits) else _match_names(rows, dataset.items)


def _match_names(rows: Sequence[dict[str, str]], items: Sequence[Item]) -> RunSplit | None:
    """Recognize images by their identifiers and file names, and by their content where the older file is there too."""
    is_numbered = all(_NUMBERED.match(row["id"]) for row in rows)
    row_of = {
        (_NUMBERED.sub("", row["id"], count=1) if is_numbered else row["id"], PurePath(row["path"]).name): row
        for row in rows
    }
    splits, unsure = [""] * len(items), 0
    for number, item in enumerate(items):
        row = row_of.get((item.id, PurePath(str(item.ref or "")).name))
        if row is None:
            continue
        trained = ImageRef.parse(row["path"]).path if row["path"] else None
        if trained is not None and item.ref is not None and trained.is_file():
            if not _is_same(trained, item.ref.path):
                continue
        elif trained is not None:
            unsure += 1
        splits[number] = row["split"]
    if not any(splits):
        return None
    note = (
        f"{unsure} of the {len(items)} images have the names of images of this run, whose files are no longer where "
        "they were: they are taken for the same images, with the splits of the run."
    )
    return RunSplit(splits, note if unsure else "")


def _is_same(one: Path, other: Path) -> bool:
    try:
        return filecmp.cmp(one, other, shallow=False)
    except OSError:
        return False


def list_given_splits(dataset: Dataset) -> Sequence[str]:
    """Return the split of each image as the data set gives it, empty where it gives none."""
    return [item.split for item in dataset.items]


def _make_absolute(path: str) -> str:
    return os.path.abspath(path)  # noqa: PTH100  Path.resolve would follow links
