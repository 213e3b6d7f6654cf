"""Labelled images in one file: an archive, read in place, or a stack of arrays with labels."""

from __future__ import annotations

import math
import posixpath
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import Any

from galaxtool.containers.find import container_name, container_suffixes, make_container
from galaxtool.containers.member_names import plain
from galaxtool.containers.protocols import Member
from galaxtool.containers.reading import get_image_file
from galaxtool.datasets.files import SPLITS, FileDataset
from galaxtool.datasets.tree import Entry, by_folders, labelled_dataset, rows_of_labels
from galaxtool.errors import ConfigError, InputError, TableError, UnreadableImage
from galaxtool.images.image_file import ImageFile
from galaxtool.images.reading import image_suffixes
from galaxtool.inputs.walk import without_suffix
from galaxtool.tables.column_names import LABEL_COLUMNS, LABELS_FILE, SPLIT_COLUMNS
from galaxtool.types import ImageRef, Item

_WHOLE = "Fetch or copy it again; or unpack what there is, and name the folder."
_STACK_LABELS = (*LABEL_COLUMNS, "labels", "ans", "classes", "y")


def archive_dataset(
    *,
    path: str | Path,
    image_column: str | None = None,
    label_column: str | None = None,
    needs_labels: bool = True,
    pattern: str | None = None,
) -> FileDataset:
    """Open a file that holds many labelled images.

    Parameters
    ----------
    path : str or Path
        An archive (tar, zip) of any of the forms of a folder (`galaxtool.datasets.folder.folder_dataset`), all of it
        perhaps in a folder that is alone at the top; a path in its ``labels.csv`` starts at the folder of that. Or a
        stack (HDF5, NumPy) with an array of N labels: ``labels``, ``label``, ``class``, ``ans`` or the like.
    image_column, label_column : str, optional
        Columns of a ``labels.csv``, where they do not have one of the usual names; of a stack, the array of labels.
    needs_labels : bool
        Whether there must be labels.
    pattern : str, optional
        Refused: files of bands are put together in folders only.

    Returns
    -------
    FileDataset
        Items in the order of the archive, or of ``labels.csv``. An array ``split`` of a stack is taken as the given
        split, its other arrays of N values are columns. Labels that are whole numbers become texts such as ``3``; an
        empty text or NaN is no label.

    Raises
    ------
    InputError
        If the file is damaged, holds no image, or nothing says the classes.
    ConfigError
        If a column is named that is not there, or a pattern is given.
    """
    path = Path(path)
    if pattern is not None:
        raise ConfigError(
            f"--pattern was given, and '{path}' is not a folder.",
            hint="The pattern is looked for in folders; unpack the archive first.",
        )
    archive = _listed(path)
    if archive.stacked:
        if image_column:
            raise ConfigError(f"The column '{image_column}' was named, but '{path}' is a stack, which has no paths.")
        rows, skipped = _stack(archive, label_column, needs_labels), Counter[str]()
        refs = [archive.ref(member) for member in archive.members]
    else:
        refs = None
        labels = _Labels(archive, image_column, label_column, needs_labels)
        rows, skipped = by_folders(
            archive.entries(),
            where=str(path),
            labels_of=labels.of,
            column=image_column or label_column,
            needs_labels=needs_labels,
            below=labels.top(),
        )
    made = labelled_dataset(without_suffix(path.name, container_suffixes()), rows, archive.skipped + skipped)
    return replace(made, refs=refs, has_hdus=not archive.stacked)


@dataclass(frozen=True, slots=True)
class _Archive:
    """What is in a file of a kind of container."""

    path: Path
    kind: str
    members: Sequence[Member]
    skipped: Counter[str]

    @property
    def stacked(self) -> bool:
        """Whether its images have no names of files."""
        return not self.members[0].key.lower().endswith(image_suffixes())

    def ref(self, member: Member) -> ImageRef:
        return ImageRef(self.path, self.kind, member.key)

    def entries(self) -> list[Entry]:
        """Return the images by where they lie, the folders ``.`` and those left again by ``..`` taken out."""
        suffixes = image_suffixes()
        return [
            Entry(PurePosixPath(without_suffix(_normal(member.key), suffixes)).parts, self.ref(member))
            for member in self.members
        ]

    def file(self, name: str) -> ImageFile | None:
        """Return a file of another kind, or None where there is none."""
        for key in (name, f"./{name}"):
            try:
                return get_image_file(ImageRef(self.path, self.kind, key))
            except UnreadableImage:
                continue
        return None


def _listed(path: Path) -> _Archive:
    """Return what is in a file, which must be whole."""
    kind = container_name(path)
    if not kind:
        raise InputError(
            f"'{path}' is {'no archive or stack of images' if path.exists() else 'not there'}.",
            hint=f"Their names end in {', '.join(container_suffixes())}.",
        )
    container = make_container(kind)
    try:
        members = list(container.members(path))
    except UnreadableImage as error:
        raise InputError(error.message, hint=error.hint or _WHOLE) from error
    if problem := getattr(container, "problem", ""):
        raise InputError(problem, hint=_WHOLE)
    skipped = Counter(getattr(container, "skipped", {}))
    if not members:
        raise InputError(
            f"There is no image in '{path}'" + (f"; {skipped.total()} files were skipped." if skipped else "."),
            hint=f"Wanted files in {', '.join(image_suffixes())}.",
        )
    return _Archive(path, kind, members, skipped)


class _Labels:
    """The ``labels.csv`` in the folders of an archive."""

    def __init__(
        self, archive: _Archive, image_column: str | None, label_column: str | None, needs_labels: bool
    ) -> None:
        self.archive = archive
        self.image_column, self.label_column, self.needs_labels = image_column, label_column, needs_labels
        self.by_name = {_normal(member.key): archive.ref(member) for member in archive.members}

    def top(self) -> tuple[str, ...]:
        """Return the folder that is alone at the top and holds the data set, if there is one."""
        entries = [entry.parts for entry in self.archive.entries()]
        top: tuple[str, ...] = ()
        while self._file(top) is None:
            depth = len(top)
            names = {parts[depth] if len(parts) > depth + 1 else "" for parts in entries}
            name = names.pop()
            below = (*top, name)
            if names or not name or name.lower() in SPLITS:
                break
            # what holds only images is a class
            if not any(len(parts) > depth + 2 for parts in entries) and self._file(below) is None:
                break
            top = below
        return top

    def of(self, folder: tuple[str, ...]) -> list[Item] | None:
        """Return the images that the ``labels.csv`` of a folder names, or None where it has none."""
        file = self._file(folder)
        if file is None:
            return None
        with file.as_path() as copy:
            try:
                return rows_of_labels(
                    copy,
                    find=lambda text: self.by_name.get(_normal("/".join((*folder, text)))) if text else None,
                    nowhere=self.archive.path.joinpath(*folder),
                    image_column=self.image_column,
                    label_column=self.label_column,
                    needs_labels=self.needs_labels,
                )
            except TableError as error:
                raise TableError(error.message.replace(str(copy), file.name), hint=error.hint) from error

    def _file(self, folder: tuple[str, ...]) -> ImageFile | None:
        return self.archive.file("/".join((*folder, LABELS_FILE)))


def _stack(archive: _Archive, label_column: str | None, needs_labels: bool) -> list[Item]:
    """Return the images of a stack."""
    columns = list(archive.members[0].columns)
    by_lower = {name.lower(): name for name in reversed(columns)}
    if label_column is not None and label_column not in columns:
        raise ConfigError(f"'{archive.path}' has no array '{label_column}' of labels.", hint=_arrays(columns))
    labelled = label_column or next((by_lower[name] for name in _STACK_LABELS if name in by_lower), None)
    if labelled is None and needs_labels:
        raise InputError(f"Nothing says the classes of the images in '{archive.path}'.", hint=_arrays(columns))
    split = next((by_lower[name] for name in SPLIT_COLUMNS if name in by_lower), None)
    rows = []
    for member in archive.members:
        others = {name: value for name, value in member.columns.items() if name not in (labelled, split)}
        item = Item(
            id=member.name,
            label=_label(member.columns[labelled]) if labelled else None,
            split=_split(member.columns[split], archive.path) if split else "",
            ra=member.ra,
            dec=member.dec,
            columns=others,
        )
        rows.append(item)
    return rows


def _arrays(columns: Sequence[str]) -> str:
    there = f"It has {', '.join(columns)}" if columns else "It has none"
    return f"Name an array of as many labels as there are images with --label-column. {there}."


def _label(value: Any) -> str | None:
    """Return a label as text, whole numbers without a point."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return None
    return (str(int(value)) if isinstance(value, float) and value.is_integer() else str(value).strip()) or None


def _split(value: Any, path: Path) -> str:
    text = str(value).strip().lower()
    if text and text not in SPLITS:
        raise InputError(
            f"The array of splits in '{path}' has '{value}', which is not known.",
            hint="Splits are train, valid and test; rename the array if it means something else.",
        )
    return SPLITS.get(text, "")


def _normal(name: str) -> str:
    return posixpath.normpath(plain(name))
