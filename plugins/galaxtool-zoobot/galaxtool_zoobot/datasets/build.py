"""The data set ``zoobot:PATH``: a catalogue as Zoobot reads it, or a folder that galaxy-datasets has downloaded.

A catalogue has a row for each galaxy, with ``id_str``, the path of its image in ``file_loc``, and any other columns,
such as the numbers of votes. The catalogues inside a downloaded folder have no ``file_loc``: their images are at
``images/<subfolder>/<filename>`` in it. There, ``<name>_train_catalog.parquet`` and ``<name>_test_catalog.parquet``
give the splits.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from galaxtool import Cutout, ImageRef, InputError, Item, read_image, read_table

_ID, _FILE, _FOLDER, _NAME = "id_str", "file_loc", "subfolder", "filename"
_IMAGES = "images"
_LABELS = ("label", "summary")
_POSITIONS = ("ra", "dec")
_SPLIT_OF = {"train": "train", "val": "valid", "valid": "valid", "test": "test"}


@dataclass(frozen=True)
class ZoobotDataset:
    """Galaxies of one or several catalogues.

    Parameters
    ----------
    name : str
        Name of the catalogue or of the folder.
    items : sequence of Item
        One for each row, with its columns.
    notes : tuple of str
        What the user should know.
    """

    name: str
    items: Sequence[Item]
    notes: tuple[str, ...] = ()

    def cutout(self, index: int) -> Cutout:
        """Read an image.

        Raises
        ------
        UnreadableImage
            If it is missing or damaged.
        """
        ref = self.items[index].ref
        if ref is None:
            raise TypeError("Every item of this data set has a reference.")
        return read_image(ref)


def build(*, path: Path | None = None) -> ZoobotDataset:
    """Open a catalogue or a folder.

    Raises
    ------
    InputError
        If there is no catalogue, or it has no identifiers or no paths.
    TableError
        If a catalogue cannot be read.
    """
    if path is None or not Path(path).exists():
        raise InputError(
            f"There is no catalogue or folder at '{path or ''}'.",
            hint="Example: galaxtool finetune zoobot:gz2_train_catalog.parquet --votes gz2",
        )
    path = Path(path)
    if not path.is_dir():
        return _join(path.stem, [*_read_catalogue(path, "")])
    items: list[Item] = []
    for file, split in _find_catalogues(path):
        items += _read_catalogue(file, split)
    return _join(path.name, items)


def _find_catalogues(folder: Path) -> list[tuple[Path, str]]:
    """Return the catalogues of a downloaded folder, each with its split."""
    found = []
    for file in sorted(folder.glob("*_catalog.*")):
        split = file.stem.removesuffix("_catalog").rpartition("_")[2]
        if split in _SPLIT_OF:
            found.append((file, _SPLIT_OF[split]))
    if not found:
        raise InputError(
            f"The folder '{folder}' has no catalogues such as gz2_train_catalog.parquet.",
            hint="Give the folder that galaxy-datasets downloaded to (its root), or one catalogue.",
        )
    return found


def _read_catalogue(file: Path, split: str) -> Iterator[Item]:
    """Yield the galaxies of a catalogue."""
    table = read_table(file)
    names: list[str] = table.colnames
    if _ID not in names:
        raise InputError(
            f"The catalogue '{file}' has no column '{_ID}'.",
            hint="Other catalogues work without zoobot: in front of their path.",
        )
    if _FILE not in names and _NAME not in names:
        raise InputError(
            f"The catalogue '{file}' has neither a column '{_FILE}' nor '{_NAME}'.",
            hint=f"Add '{_FILE}', with the path of each image.",
        )
    columns = {name: table[name].tolist() for name in names}
    labels = next(filter(None, (_name_labels(columns.get(name, [])) for name in _LABELS)), [None] * len(table))
    for row in range(len(table)):
        cells = {name: values[row] for name, values in columns.items()}
        ra, dec = (_to_degrees(cells.get(name)) for name in _POSITIONS)
        yield Item(
            id=str(cells[_ID]),
            ref=ImageRef(_locate(cells, file.parent)),
            label=labels[row],
            split=split,
            ra=ra if dec is not None else None,
            dec=dec if ra is not None else None,
            columns=cells,
        )


def _name_labels(values: Sequence[Any]) -> list[str | None]:
    """Return labels as texts, the numbers of classes too; nothing for a column of other values, or without any."""
    labels: list[str | None] = []
    for value in values:
        if isinstance(value, float) and np.isfinite(value) and not value.is_integer():
            return []
        is_number = isinstance(value, int | float) and np.isfinite(value)
        labels.append(str(int(value)) if is_number else value.strip() or None if isinstance(value, str) else None)
    return labels if any(labels) else []


def _locate(cells: dict[str, Any], folder: Path) -> Path:
    """Return the path of an image."""
    if cells.get(_FILE):
        return folder / str(cells[_FILE])  # an absolute path stays as it is
    return folder.joinpath(_IMAGES, str(cells.get(_FOLDER) or ""), str(cells[_NAME]))


def _to_degrees(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) and np.isfinite(value) else None


def _join(name: str, items: list[Item]) -> ZoobotDataset:
    """Return the data set; of several rows with one identifier, the first is kept."""
    unique: dict[str, Item] = {}
    for item in items:
        unique.setdefault(item.id, item)
    left = len(items) - len(unique)
    notes = (f"Rows that repeat the {_ID} of another: {left}; the first of each is used.",) if left else ()
    return ZoobotDataset(name, list(unique.values()), notes)
