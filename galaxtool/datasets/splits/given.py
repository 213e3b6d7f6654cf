"""Splits given by a table: a published split, or that of an earlier run."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePath

from galaxtool.datasets.files import find_split
from galaxtool.errors import InputError, TableError
from galaxtool.images.reading import list_image_suffixes
from galaxtool.inputs.cells import list_texts
from galaxtool.inputs.names import without_suffix
from galaxtool.tables.column_names import ID_COLUMNS, PATH_COLUMNS, SPLIT_COLUMNS, find_column, list_columns
from galaxtool.tables.id_columns import find_id_column
from galaxtool.tables.read import read_table
from galaxtool.tables.whole_numbers import format_integer_valued
from galaxtool.types import ImageRef, Item
from galaxtool.utils.suggestions import suggest_path

UNUSED = "unused"
"""Split of items that are neither trained on nor scored."""

_NUMBERED = re.compile(r"\d+:")  # of a data set, before each id in a training of several


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenSplit:
    """Assignment of items to splits.

    Parameters
    ----------
    source : Path
        Path of the table.
    by_id, by_path : mapping of str to str
        Split by identifier and by absolute path: ``train``, ``valid``, ``test``, ``unused``, or empty if the
        table does not say.
    path_of_id : mapping of str to str
        Path of the row of each identifier, as it is written there; empty if the table has no column of paths.
    dataset_of_id : mapping of str to str
        Name of the data set of each identifier; empty if the table has no column of these.
    """

    source: Path
    by_id: Mapping[str, str]
    by_path: Mapping[str, str]
    path_of_id: Mapping[str, str] = field(default_factory=dict)
    dataset_of_id: Mapping[str, str] = field(default_factory=dict)

    def find_all(self, items: Sequence[Item], datasets: Sequence[str] = ()) -> list[str | None]:
        """Return the split of each item, by identifier or else by path; None if the table has neither.

        Identifiers with the number of their data set in front, as in a training of several, count only where there is
        no path: the data sets may have had another order then. If the table names the data set of each row, as
        `datasets` does for those of the items, the number is that of the same name in the table.
        """
        by_path = [None if item.ref is None else self.by_path.get(_absolute_path(item.ref)) for item in items]
        keys = self._find_ids(items, datasets)
        by_id = [self.by_id.get(key) for key in keys]
        if any(split is not None for split in by_path) and all(_NUMBERED.match(item.id) for item in items):
            by_id = [
                None if self._names_another(item, key) else split
                for item, key, split in zip(items, keys, by_id, strict=True)
            ]
        return [other if split is None else split for split, other in zip(by_id, by_path, strict=True)]

    def _find_ids(self, items: Sequence[Item], datasets: Sequence[str]) -> list[str]:
        """Return the identifier that each item has in the table; empty if that is one of another data set."""
        if not datasets or not self.dataset_of_id:
            return [item.id for item in items]
        prefixes = self._list_prefixes()
        found = []
        for item in items:
            number, _, rest = item.id.partition(":") if len(datasets) > 1 else ("0", "", item.id)
            name = datasets[int(number)]
            if name in prefixes:
                found.append(f"{prefixes[name]}{rest}")
            else:  # perhaps it was renamed
                found.append("" if self.dataset_of_id.get(item.id) in prefixes.keys() & set(datasets) else item.id)
        return found

    def _list_prefixes(self) -> dict[str, str]:
        """Return what precedes the identifiers of each data set, such as ``1:``; without data sets of one name."""
        several = len(set(self.dataset_of_id.values())) > 1
        found: dict[str, set[str]] = {}
        for key, name in self.dataset_of_id.items():
            numbered = _NUMBERED.match(key) if several else None
            found.setdefault(name, set()).add(numbered[0] if numbered else "")
        return {name: next(iter(each)) for name, each in found.items() if len(each) == 1}

    def _names_another(self, item: Item, key: str) -> bool:
        """Tell whether the row with the identifier of an item names another file, which is still there."""
        text = self.path_of_id.get(key, "")
        if not text or item.ref is None:
            return bool(text)
        places = [folder / text for folder in (Path(), self.source.parent)]
        is_its_own = _absolute_path(item.ref) in map(_absolute_path, places)
        return not is_its_own and any(ImageRef.parse(str(place)).path.exists() for place in places)


def read_given_split(path: Path) -> GivenSplit:
    """Read a table of splits.

    Parameters
    ----------
    path : Path
        CSV, ECSV, FITS, VOTable or Parquet file with a column ``split`` and one of identifiers or paths, under any of
        their usual names, such as the ``split.csv`` of an earlier run. Splits are ``train``, ``valid``, ``test`` in any
        common spelling, or ``unused``. Relative paths start at the table's folder or at the working folder. A column
        ``dataset`` names the data set of each row. Other columns are ignored.

    Raises
    ------
    TableError
        If the table cannot be read, lacks a column, contains an unknown split, or puts one image into two splits.
    """
    path = Path(path)
    if not path.exists():
        raise TableError(f"There is no table at '{path}'.", hint=suggest_path(path))
    table = read_table(path)
    column = find_column(table, None, SPLIT_COLUMNS, path)
    if column is None:
        raise TableError(
            f"The table '{path}' has no column 'split'; its columns are {list_columns(table)}.",
            hint="Each row names an image, by id or path, and its split: train, valid, test or unused.",
        )
    splits = [_parse_split(text, column, path) for text in list_texts(table[column])]
    id_column = find_column(table, None, ID_COLUMNS, path)
    path_column = find_column(table, None, PATH_COLUMNS, path)
    if id_column is None and path_column is None and len(table):
        id_column = find_id_column(table, None, path)
    if id_column is None and path_column is None:
        raise TableError(
            f"The table '{path}' does not name its images; its columns are {list_columns(table)}.",
            hint="Give it a column 'id' or 'path'.",
        )
    written = list_texts(table[path_column]) if path_column else []
    suffixes = list_image_suffixes()
    # data sets also identify an image without an identifier by its path
    ids = (
        format_integer_valued(table[id_column])
        if id_column
        else [without_suffix(PurePath(p), suffixes) if p else "" for p in written]
    )
    here, beside = (
        _map_splits(
            [_absolute_path(folder / text) if text else "" for text in written],
            splits,
            path,
            are_unique=id_column is None,
        )
        for folder in (Path(), path.parent)
    )
    return GivenSplit(
        source=path,
        by_id=_map_splits(ids, splits, path),
        by_path={**here, **beside},
        path_of_id=dict(zip(ids, written, strict=False)),
        dataset_of_id=dict(zip(ids, list_texts(table["dataset"]), strict=True)) if "dataset" in table.colnames else {},
    )


def apply_given_split(items: Sequence[Item], table: GivenSplit, datasets: Sequence[str] = ()) -> list[Item]:
    """Return items with the splits of a table.

    Parameters
    ----------
    items : sequence of Item
        The N items; their own splits are discarded.
    table : GivenSplit
        The splits; the table may list further images.
    datasets : sequence of str
        Names of the data sets, in the order of their numbers in the identifiers of the items.

    Returns
    -------
    list of Item
        The same items in order; those to leave out have the split ``unused``.

    Raises
    ------
    InputError
        If the table does not list all items.
    """
    splits = table.find_all(items, datasets)
    missing = [item for item, split in zip(items, splits, strict=True) if split is None]
    if missing and len(missing) == len(items):
        first = items[0].id + (f" ({items[0].ref})" if items[0].ref else "")
        raise InputError(
            f"Neither ids nor paths of the {len(items)} images are in the split '{table.source}'.",
            hint=f"The first image is {first}; the table has {next(iter([*table.by_id, *table.by_path]), 'no row')}.",
        )
    if missing:
        raise InputError(
            f"The split '{table.source}' does not list {len(missing)} of the {len(items)} images; the first is "
            f"'{missing[0].id}'.",
            hint=f"Add a row for each (split '{UNUSED}' leaves it out), or leave them out with --where.",
        )
    return [replace(item, split=split or "") for item, split in zip(items, splits, strict=True)]


def _parse_split(text: str, column: str, path: Path) -> str:
    """Return a split by its name in `Item`."""
    if not text or text.lower() == UNUSED:
        return text.lower()
    if not (split := find_split(text)):
        raise TableError(
            f"The column '{column}' of '{path}' has the split '{text}', which is unknown.",
            hint=f"Splits are train, valid, test and {UNUSED}.",
        )
    return split


def _map_splits(keys: Sequence[str], splits: Sequence[str], path: Path, *, are_unique: bool = True) -> dict[str, str]:
    """Return the split of each nonempty key.

    Unless they are unique, a key may be both in a split and unused, as where `--fraction` takes one of two rows of an
    image; such a key is left out.
    """
    found: dict[str, str] = {}
    unclear = set()
    for key, split in zip(keys, splits, strict=False):  # without a column of paths, there are no keys
        if not key or found.setdefault(key, split) == split:
            continue
        if not are_unique and UNUSED in (split, found[key]):
            unclear.add(key)
            found[key] = found[key] if split == UNUSED else split
            continue
        raise TableError(
            f"The split '{path}' puts '{key}' into '{found[key]}' and into '{split}'.", hint="Keep one of the rows."
        )
    return {key: split for key, split in found.items() if key not in unclear}


def _absolute_path(place: Path | ImageRef) -> str:
    return os.path.abspath(str(place))  # noqa: PTH100  Path.resolve follows links and reads the disk
