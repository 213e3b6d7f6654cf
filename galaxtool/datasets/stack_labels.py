"""Labels of the images in a stack: a column of it, an array of vectors, or a file beside it."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from astropy.table import Column

from galaxtool.containers.hdf5.rows import open_hdf5
from galaxtool.containers.hdf5.values import read_hdf5_array
from galaxtool.containers.protocols import Member
from galaxtool.datasets.label_column import ColumnLabels, apply_names, read_cells
from galaxtool.datasets.label_names import find_hdf5_label_names
from galaxtool.errors import ConfigError, InputError
from galaxtool.tables.column_names import LABEL_COLUMNS
from galaxtool.tables.formats.plain_columns import simplify_column
from galaxtool.utils.optional_imports import require

LABEL_ARRAYS = (*LABEL_COLUMNS, "labels", "ans", "classes", "y")
_BESIDE = (("images", "labels"), ("image", "label"), ("cutouts", "labels"), ("data", "labels"), ("x", "y"))


def read_stack_labels(
    path: Path, kind: str, members: Sequence[Member], given: str | None, *, required: bool
) -> tuple[str | None, ColumnLabels]:
    """Read the label of each image in a stack.

    Parameters
    ----------
    path : Path
        Path of the stack.
    kind : str
        Name of its container.
    members : sequence of Member
        The N images.
    given : str or None
        Name of the array of labels; by default the first of the usual names.
    required : bool
        Whether to raise an error if there are no labels.

    Returns
    -------
    name : str or None
        The column of the members that has the labels, if one has.
    labels : ColumnLabels
        Numbers have the names that an HDF5 file gives them; see `galaxtool.datasets.label_names`.

    Raises
    ------
    ConfigError
        If there is no array `given`.
    InputError
        If there are no labels, or not as many as images.
    TableError
        If the labels are vectors that are not one-hot.
    """
    columns = list(members[0].columns)
    by_lower = {name.lower(): name for name in reversed(columns)}
    usual = next((by_lower[name] for name in LABEL_ARRAYS if name in by_lower), None)
    name = given if given in columns else None if given else usual
    images = members[0].key.rpartition("/")[0]
    if name is not None:
        texts = [_format_label(member.columns[name]) for member in members]
        names = find_hdf5_label_names(path, images, name) if kind == "hdf5" else {}
        return name, ColumnLabels(apply_names(texts, names) if names else texts)
    for place, values in _list_arrays(path, kind, images, (given,) if given else LABEL_ARRAYS):
        if len(values) != len(members):
            raise InputError(f"{place} has {len(values)} labels, but '{path}' has {len(members)} images.")
        labels = read_cells(simplify_column(Column(values)), place)
        return None, ColumnLabels(
            labels.texts, (*labels.notes, f"The labels are those of {place[0].lower()}{place[1:]}.")
        )
    if given is not None:
        raise ConfigError(f"'{path}' has no array '{given}' of labels.", hint=_label_array_hint(columns))
    if required:
        raise InputError(f"'{path}' has no labels.", hint=_label_array_hint(columns))
    return None, ColumnLabels([""] * len(members))


def _list_arrays(path: Path, kind: str, images: str, names: Sequence[str]) -> Iterator[tuple[str, np.ndarray]]:
    """Yield arrays of labels that are not columns of the stack, each with its name for messages."""
    if kind == "hdf5":
        h5py = require("h5py", why="Reading HDF5 files", install="h5py")
        with open_hdf5(path) as file:
            groups: list[Any] = [file[images].parent, file] if images in file else [file]
            for group in groups:
                by_lower = {name.lower(): name for name in group}
                for name in (by_lower[name.lower()] for name in names if name.lower() in by_lower):
                    array = group[name]
                    if isinstance(array, h5py.Dataset) and array.ndim in (1, 2) and array.name != f"/{images}":
                        text = h5py.check_string_dtype(array.dtype) is not None
                        values = read_hdf5_array(array)
                        yield f"The array '{name}' of '{path}'", _decode_strings(values) if text else values
    elif path.suffix.lower() == ".npz":
        with np.load(path, allow_pickle=False) as arrays:
            by_lower = {name.lower(): name for name in arrays.files}
            for name in (by_lower[name.lower()] for name in names if name.lower() in by_lower):
                if arrays[name].ndim in (1, 2) and name != images:
                    yield f"The array '{name}' of '{path}'", arrays[name]
    elif path.suffix.lower() == ".npy":
        file = _find_beside(path)
        if file is not None:
            values = np.load(file, allow_pickle=False)
            if values.ndim in (1, 2):
                yield f"'{file}'", values


def _decode_strings(values: np.ndarray) -> np.ndarray:
    texts = np.empty(values.size, dtype=object)
    texts[:] = [one.decode("utf-8", "replace") if isinstance(one, bytes) else one for one in values.flat]
    return texts.reshape(values.shape)


def _find_beside(path: Path) -> Path | None:
    """Return the file of labels beside a stack: ``y_train.npy`` beside ``x_train.npy``, or ``labels.npy``."""
    names = [f"{path.stem}_labels.npy"]
    for word, other in _BESIDE:
        if re.search(rf"(?<![a-z]){word}(?![a-z])", path.stem, re.IGNORECASE):
            names.append(re.sub(rf"(?<![a-z]){word}(?![a-z])", other, path.stem, flags=re.IGNORECASE) + ".npy")
    there = {file.name.lower(): file for file in path.parent.iterdir() if file != path}
    return next((there[name.lower()] for name in [*names, "labels.npy", "label.npy"] if name.lower() in there), None)


def _format_label(value: Any) -> str:
    """Return a label as text, whole numbers without a decimal point; empty if there is none."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value).strip()


def _label_array_hint(columns: Sequence[str]) -> str:
    arrays = f"Its arrays are {', '.join(columns)}" if columns else "It has no other arrays"
    return f"Name an array with one label per image with --label-column. {arrays}."
