"""Names of numbered classes that a file keeps beside the numbers."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from galaxtool.containers.hdf5.rows import open_hdf5
from galaxtool.containers.hdf5.values import read_hdf5_array
from galaxtool.tables.formats.find import find_table_format
from galaxtool.utils.optional_imports import require

_ATTRIBUTES = ("classes", "class_names", "classnames", "label_names", "labels", "names", "categories", "mapping")
_ARRAYS = ("class_names", "classnames", "label_names", "classes", "categories", "names")


def find_label_names(path: Path, column: str) -> dict[str, str]:
    """Return the name of each class number, as text, from the metadata of a Parquet file; empty if there is none.

    Hugging Face keeps the names of a ``ClassLabel`` there.
    """
    if find_table_format(path) != "parquet":
        return {}
    parquet = require("pyarrow.parquet", why="Reading Parquet files", install="pyarrow")
    try:
        record = json.loads((parquet.read_schema(path).metadata or {})[b"huggingface"])
        names = record["info"]["features"][column]["names"]
    except (KeyError, TypeError, ValueError):
        return {}
    return {str(number): str(name) for number, name in enumerate(names)} if isinstance(names, list) else {}


def find_hdf5_label_names(path: Path, images: str, name: str) -> dict[str, str]:
    """Return the name of each class number in an HDF5 file, as text; empty if there is none.

    Parameters
    ----------
    path : Path
        The file.
    images : str
        Name of the array of images; the array of labels is in the same group.
    name : str
        Name of the array of labels.

    Returns
    -------
    dict of str to str
        From the enumeration that is the type of the array; else from an attribute of the array, its group or the file,
        or an array of texts beside it, called ``classes``, ``class_names`` or the like, which has a name for each of
        the numbers.
    """
    h5py = require("h5py", why="Reading HDF5 files", install="h5py")
    with open_hdf5(path) as file:
        group = file[images].parent if images in file else file
        labels = group.get(name)
        if labels is None or labels.dtype.kind not in "iuf":
            return {}
        members = h5py.check_enum_dtype(labels.dtype)
        if members:
            return {str(number): text for text, number in members.items()}
        numbers = np.unique(read_hdf5_array(labels))
        values = [*_list_attributes(labels), *_list_arrays(group, len(labels))]
        for value in (*values, *_list_attributes(group), *_list_attributes(file)):
            names = _read_names(value)
            if names and all(str(int(number)) in names for number in numbers[np.isfinite(numbers)]):
                return names
    return {}


def _list_attributes(owner: Any) -> list[Any]:
    lower = {name.lower(): name for name in owner.attrs}
    return [owner.attrs[lower[name]] for name in _ATTRIBUTES if name in lower]


def _list_arrays(group: Any, n: int) -> list[Any]:
    """Return the arrays beside the labels that may have the names of classes."""
    lower = {name.lower(): group[name] for name in group}
    arrays = [lower[name] for name in _ARRAYS if name in lower]
    return [read_hdf5_array(array) for array in arrays if getattr(array, "ndim", 0) == 1 and len(array) < n]


def _read_names(value: Any) -> dict[str, str]:
    """Return names by number from a list of texts, a text with commas, or JSON; empty if it is something else."""
    if isinstance(value, bytes | str):
        text = value.decode("utf-8", "replace") if isinstance(value, bytes) else value
        try:
            value = json.loads(text)
        except ValueError:
            value = [part.strip() for part in text.split(",")]
    if isinstance(value, Mapping):
        pairs = {str(key): str(name) for key, name in value.items()}
        is_inverse = bool(pairs) and not all(map(_is_digit, pairs)) and all(map(_is_digit, pairs.values()))
        return {number: name for name, number in pairs.items()} if is_inverse else pairs
    if isinstance(value, np.ndarray | Sequence) and all(isinstance(name, bytes | str) for name in value):
        texts = [name.decode("utf-8", "replace") if isinstance(name, bytes) else str(name) for name in value]
        return {str(number): text for number, text in enumerate(texts)}
    return {}


def _is_digit(text: str) -> bool:
    return text.removeprefix("-").isdigit()
