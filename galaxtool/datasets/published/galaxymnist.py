"""GalaxyMNIST, as published: 10,000 images of four classes in two HDF5 files."""

from __future__ import annotations

import re
from pathlib import Path

from galaxtool.datasets.files import SPLITS
from galaxtool.datasets.published.hdf5 import ImageStack, StackDataset, decode_labels, read_columns
from galaxtool.errors import InputError
from galaxtool.inputs.names import byte_order
from galaxtool.taxonomy.assets import find_symbols_folder
from galaxtool.taxonomy.load import load_taxonomy
from galaxtool.types import Item

_NAME = re.compile(rf"({'|'.join(SPLITS)})([_.-].*)?\.(hdf5|h5|hdf)")
_PLACES = ("", "raw", "GalaxyMNIST/raw", "GalaxyMNISTHighrez/raw")
"""Sub-folders that may contain the files; the last ones are those of the authors' own loader."""


def open_galaxymnist(*, path: str | Path) -> StackDataset:
    """Open GalaxyMNIST (Walmsley; https://github.com/mwalmsley/galaxy_mnist).

    Parameters
    ----------
    path : str or Path
        An HDF5 file with ``images`` (N, ny, nx, 3) or (N, 3, ny, nx), uint8, top row first, of 64 or 224 pixels a
        side, and ``labels`` (N,), the class from 0 to 3. Or a folder with such files, named ``train``, ``test`` or
        another split: ``train.hdf5``, ``test_dataset.hdf5``, ``train.h5``.

    Returns
    -------
    StackDataset
        Labels are slugs of the taxonomy ``galaxymnist``. For a file, the id of an item is its row, from 0, and it has
        no split; for a folder, splits are as given and ids are like ``train/0``.

    Raises
    ------
    InputError
        If it is not such a file, or a folder with none or with several of one split.
    """
    path = Path(path)
    files = _find_split_files(path) if path.is_dir() else {"": path}
    items: list[Item] = []
    where: list[tuple[ImageStack, int]] = []
    taxonomy = load_taxonomy(find_symbols_folder() / "galaxymnist")
    meaning = {item.index: item.slug for item in taxonomy.classes if item.index is not None}
    for split, file in files.items():
        stack, columns = read_columns(file, "images", ("labels",))
        labels = decode_labels(columns["labels"], meaning, "labels", file)
        prefix = f"{split}/" if split else ""
        items += [Item(id=f"{prefix}{row}", label=label, split=split) for row, label in enumerate(labels)]
        where += [(stack, row) for row in range(len(stack))]
    return StackDataset("galaxymnist", items, where)


def _find_split_files(folder: Path) -> dict[str, Path]:
    """Return the file of each split in a folder."""
    found: dict[str, Path] = {}
    places = [folder / place for place in _PLACES]
    members = [file for place in places if place.is_dir() for file in sorted(place.iterdir(), key=byte_order)]
    for file in members:
        match = _NAME.fullmatch(file.name.lower())
        if match is None or not file.is_file():
            continue
        split = SPLITS[match[1]]
        if split in found:
            raise InputError(
                f"'{folder}' has two files of the split '{split}': '{found[split]}' and '{file}'.",
                hint=f"Choose one: galaxymnist:{file}",
            )
        found[split] = file
    if not found:
        packed = next((file for file in members if file.name.lower().endswith((".hdf5.gz", ".h5.gz"))), None)
        raise InputError(
            f"There is no train.hdf5 or test.hdf5 in '{folder}'.",
            hint=f"Unpack them first: gunzip {packed}"
            if packed
            else "Give the folder that contains them, or one file.",
        )
    return found
