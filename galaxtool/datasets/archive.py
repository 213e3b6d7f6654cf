"""Labelled images in one file: an archive, which is read in place, or a stack of arrays with labels."""

from __future__ import annotations

import posixpath
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from galaxtool.containers.find import find_container_name, list_container_suffixes, make_container
from galaxtool.containers.member_names import strip_dot_slash
from galaxtool.containers.protocols import Member
from galaxtool.containers.reading import get_image_file
from galaxtool.datasets.files import FileDataset, find_split, read_splits
from galaxtool.datasets.stack_labels import read_stack_labels
from galaxtool.datasets.tree import Entry, LabeledRows, create_dataset, label_by_folders, read_labels_file
from galaxtool.errors import ConfigError, InputError, TableError, UnreadableImage
from galaxtool.images.image_file import ImageFile
from galaxtool.images.reading import list_image_suffixes
from galaxtool.inputs.names import without_suffix
from galaxtool.tables.column_names import LABELS_FILE, SPLIT_COLUMNS
from galaxtool.types import ImageRef, Item
from galaxtool.utils.counts import format_skipped

_WHOLE = "Download or copy it again; or unpack what can be unpacked, and give the folder."


def open_archive(
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
        An archive (tar, zip) laid out like a folder (see `galaxtool.datasets.folder.open_folder`), perhaps inside
        a single top folder; paths in its ``labels.csv`` are relative to that file. Or a stack (HDF5, NumPy) with an
        array of N labels: ``labels``, ``label``, ``class``, ``ans`` or the like.
    image_column, label_column : str, optional
        Columns of ``labels.csv``, if they do not have one of the usual names; for a stack, the array of labels.
    needs_labels : bool
        Whether labels are required.
    pattern : str, optional
        Refused, because files of bands are combined in folders only.

    Returns
    -------
    FileDataset
        Items in the order of the archive or of ``labels.csv``. In a stack, an array ``split`` gives the split, and
        other arrays of N values are columns. Labels that are whole numbers become texts such as ``3``; an empty text or
        NaN is not a label.

    Raises
    ------
    InputError
        If the file is damaged, contains no image, or has no labels.
    ConfigError
        If a column does not exist, or a pattern is given.
    """
    path = Path(path)
    if pattern is not None:
        raise ConfigError(
            f"--pattern cannot be used with '{path}', which is not a folder.",
            hint="Patterns apply to folders; unpack the archive first.",
        )
    archive = _list_archive(path)
    if archive.is_stack:
        if image_column:
            raise ConfigError(f"The column '{image_column}' was given, but '{path}' is a stack, which has no paths.")
        found = _read_stack(archive, label_column, needs_labels)
        refs = [archive.ref(member) for member in archive.members]
    else:
        refs = None
        labels = _LabelsFiles(archive, image_column, label_column, needs_labels)
        found = label_by_folders(
            archive.entries(),
            where=str(path),
            read_labels=labels.read,
            column=image_column or label_column,
            needs_labels=needs_labels,
            below=labels.find_top(),
        )
    found = replace(found, skipped=archive.skipped + found.skipped)
    dataset = create_dataset(without_suffix(path.name, list_container_suffixes()), found)
    return replace(dataset, refs=refs, has_hdus=not archive.is_stack, notes=(*dataset.notes, *archive.notes))


@dataclass(frozen=True, slots=True)
class _Archive:
    """The contents of an archive or a stack."""

    path: Path
    kind: str
    members: Sequence[Member]
    skipped: Counter[str]
    notes: tuple[str, ...] = ()

    @property
    def is_stack(self) -> bool:
        """Whether it is a stack, whose images have no file names."""
        return not self.members[0].key.lower().endswith(list_image_suffixes())

    def ref(self, member: Member) -> ImageRef:
        return ImageRef(self.path, self.kind, member.key)

    def entries(self) -> list[Entry]:
        """Return the images with their normalized paths in the archive."""
        suffixes = list_image_suffixes()
        return [
            Entry(PurePosixPath(without_suffix(_normalize_name(member.key), suffixes)).parts, self.ref(member))
            for member in self.members
        ]

    def file(self, name: str) -> ImageFile | None:
        """Return a file that is not an image, or None if it does not exist."""
        for key in (name, f"./{name}"):
            try:
                return get_image_file(ImageRef(self.path, self.kind, key))
            except UnreadableImage:
                continue
        return None


def _list_archive(path: Path) -> _Archive:
    """List a file, which must be complete."""
    kind = find_container_name(path)
    if not kind:
        raise InputError(
            f"'{path}' {'is not an archive or stack of images' if path.exists() else 'does not exist'}.",
            hint=f"Their names end in {', '.join(list_container_suffixes())}.",
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
            f"There is no image in '{path}'" + (f"; {format_skipped(skipped.total())}." if skipped else "."),
            hint=f"Image files end in {', '.join(list_image_suffixes())}.",
        )
    return _Archive(path, kind, members, skipped, tuple(getattr(container, "notes", ())))


class _LabelsFiles:
    """Reader of the ``labels.csv`` files in an archive."""

    def __init__(
        self, archive: _Archive, image_column: str | None, label_column: str | None, needs_labels: bool
    ) -> None:
        self.archive = archive
        self.image_column, self.label_column, self.needs_labels = image_column, label_column, needs_labels
        self.by_name = {_normalize_name(member.key): archive.ref(member) for member in archive.members}

    def find_top(self) -> tuple[str, ...]:
        """Return the single top folder that contains the data set, if there is one."""
        entries = [entry.parts for entry in self.archive.entries()]
        top: tuple[str, ...] = ()
        while self._file(top) is None:
            depth = len(top)
            names = {parts[depth] if len(parts) > depth + 1 else "" for parts in entries}
            name = names.pop()
            below = (*top, name)
            if names or not name or find_split(name):
                break
            # a folder that contains only images is a class
            if not any(len(parts) > depth + 2 for parts in entries) and self._file(below) is None:
                break
            top = below
        return top

    def read(self, folder: tuple[str, ...]) -> LabeledRows | None:
        """Return the images in the ``labels.csv`` of a folder, or None if there is none."""
        file = self._file(folder)
        if file is None:
            return None
        with file.as_path() as copy:
            try:
                return read_labels_file(
                    copy,
                    find=lambda text: self.by_name.get(_normalize_name("/".join((*folder, text)))) if text else None,
                    nowhere=self.archive.path.joinpath(*folder),
                    image_column=self.image_column,
                    label_column=self.label_column,
                    needs_labels=self.needs_labels,
                )
            except TableError as error:
                raise TableError(error.message.replace(str(copy), file.name), hint=error.hint) from error

    def _file(self, folder: tuple[str, ...]) -> ImageFile | None:
        return self.archive.file("/".join((*folder, LABELS_FILE)))


def _read_stack(archive: _Archive, label_column: str | None, needs_labels: bool) -> LabeledRows:
    """Return the items of a stack."""
    name, labels = read_stack_labels(archive.path, archive.kind, archive.members, label_column, required=needs_labels)
    by_lower = {column.lower(): column for column in reversed(list(archive.members[0].columns))}
    split = next((by_lower[usual] for usual in SPLIT_COLUMNS if usual in by_lower and by_lower[usual] != name), None)
    written = [str(member.columns[split]) if split else "" for member in archive.members]
    splits = read_splits(written, f"The array '{split}' of '{archive.path}'")
    rows = [
        Item(
            id=member.name,
            label=labels.texts[row] or None,
            split=splits.texts[row],
            ra=member.ra,
            dec=member.dec,
            columns={column: value for column, value in member.columns.items() if column not in (name, split)},
        )
        for row, member in enumerate(archive.members)
    ]
    return LabeledRows(rows, notes=(*labels.notes, *splits.notes))


def _normalize_name(name: str) -> str:
    return posixpath.normpath(strip_dot_slash(name))
