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
from galaxtool.utils.run_manifest import read_manifest

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


def read_run_split(files: ModelFiles, dataset: Dataset, source: str) -> RunSplit | None:
    """Return the split of each image of a data set in the training of a model.

    Images are recognized by their files. If none of them is where the training found it, those with the same name and
    content are taken, or with the same name where the file of the training is gone. Images without a file of their own,
    such as those of a stack, are recognized by their identifiers if the data set is that of the training.

    Parameters
    ----------
    files : ModelFiles
        Files of the model; those of a run have a ``split.csv`` beside the model directory.
    dataset : Dataset
        The data set.
    source : str
        What the user named it by.

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
    if any(splits):
        return RunSplit(splits)
    trained = [compare_sources(text, source) for text in _read_sources(path.parent)]
    return _match_names(rows, dataset.items, trained)


def _read_sources(run: Path) -> list[str]:
    """Return the data sets of a training, as the user named them; empty if its manifest does not say."""
    entry = read_manifest(run).get("config", {}).get("dataset")
    value = entry.get("value") if isinstance(entry, dict) else None
    return [str(text) for text in (value if isinstance(value, list) else [value])] if value else []


def _match_names(
    rows: Sequence[dict[str, str]], items: Sequence[Item], trained: Sequence[bool | None]
) -> RunSplit | None:
    """Recognize images by their identifiers and file names, and by their content where the older file is there too.

    Parameters
    ----------
    rows : sequence of dict
        Rows of ``split.csv``.
    items : sequence of Item
        The images.
    trained : sequence of bool or None
        Whether they are of each data set of the training; see `compare_sources`.
    """
    is_numbered = all(_NUMBERED.match(row["id"]) for row in rows)
    row_of: dict[tuple[str, str], tuple[dict[str, str], bool]] = {}
    for row in rows:
        name = _NUMBERED.sub("", row["id"], count=1) if is_numbered else row["id"]
        number = int(row["id"].partition(":")[0]) if is_numbered else 0
        is_its_own = trained[number] if number < len(trained) else None
        key = name, PurePath(row["path"]).name
        if row["path"]:
            row_of[key] = row, True
        elif is_its_own or (is_its_own is None and key not in row_of):
            row_of[key] = row, bool(is_its_own)
    splits, unsure = [""] * len(items), 0
    for number, item in enumerate(items):
        row, is_sure = row_of.get((item.id, PurePath(str(item.ref or "")).name), ({}, True))
        if not row:
            continue
        file = ImageRef.parse(row["path"]).path if row["path"] else None
        if file is not None and item.ref is not None and file.is_file():
            if not _is_same(file, item.ref.path):
                continue
        elif file is not None or not is_sure:
            unsure += 1
        splits[number] = row["split"]
    if not any(splits):
        return None
    note = (
        f"{unsure} of the {len(items)} images have the names of images of this run, whose files are no longer where "
        "they were: they are taken for the same images, with the splits of the run."
    )
    return RunSplit(splits, note if unsure else "")


def compare_sources(trained: str, source: str) -> bool | None:
    """Tell whether two data sets, as users name them, are the same.

    Returns
    -------
    bool or None
        None if the files of the first are no longer there, and those of the other have the same name.
    """
    ours, theirs = _find_place(source), _find_place(trained)
    if theirs is None:
        names = [PurePath(text.rpartition(":")[2]).name for text in (trained, source)]
        return trained == source if ours is None else None if names[0] == names[1] else False
    if ours is None:
        return False
    if ours.is_dir() and theirs.is_dir():
        return ours.samefile(theirs) or _list_files(ours) == _list_files(theirs)
    return ours.samefile(theirs) or _is_same(theirs, ours)


def _find_place(text: str) -> Path | None:
    """Return the file or folder of a data set, also of one such as ``galaxy10:FILE``; None if there is none."""
    while text:
        place = Path(text).expanduser()
        if place.exists():
            return place
        text = text.partition(":")[2]
    return None


def _list_files(folder: Path) -> list[tuple[str, int]]:
    """Return the files in a folder and their sizes."""
    return sorted((str(one.relative_to(folder)), one.stat().st_size) for one in folder.rglob("*") if one.is_file())


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
