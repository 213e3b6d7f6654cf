"""Open data sets by name, path, glob or list."""

from __future__ import annotations

import glob
import inspect
import os
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from galaxtool.containers.find import find_container_name, list_container_suffixes
from galaxtool.datasets.archive import open_archive
from galaxtool.datasets.catalogue import open_catalogue
from galaxtool.datasets.files import check_files
from galaxtool.datasets.folder import open_folder
from galaxtool.datasets.glob import open_glob
from galaxtool.datasets.protocols import Dataset
from galaxtool.datasets.shards import open_shards
from galaxtool.datasets.subset import select_items
from galaxtool.datasets.unsupported_options import (
    apply_reading_options,
    find_unsupported_options,
    refuse_ignored_options,
)
from galaxtool.errors import ConfigError, InputError, suggest_name
from galaxtool.images.read_options import PLAIN, ReadOptions
from galaxtool.inputs.probe import FileProber
from galaxtool.inputs.shards import list_shards
from galaxtool.plugins.dataset_names import list_dataset_names, split_dataset_name
from galaxtool.plugins.own_plugins import explain_missing_plugin
from galaxtool.plugins.registry import Registry, get_registry
from galaxtool.tables.formats.content import has_table_suffix
from galaxtool.tables.formats.find import list_table_suffixes
from galaxtool.utils.suggestions import suggest_path

_NEEDS_LABELS = "needs_labels"
_PROBER = "prober"
_MAY_LACK = (_NEEDS_LABELS, _PROBER, "pattern", "bands")


def open_dataset(
    text: str | os.PathLike[str],
    *,
    image_column: str | None = None,
    label_column: str | None = None,
    ra_column: str | None = None,
    dec_column: str | None = None,
    where: str | None = None,
    needs_labels: bool = True,
    reading: ReadOptions = PLAIN,
    pattern: str | None = None,
    **options: Any,
) -> Dataset:
    """Open a data set.

    Parameters
    ----------
    text : str or Path
        The first of these that fits: a registered name (``sample``, ``sample:n=500,seed=3``); ``name:PATH`` for a
        data set that reads a local file; a folder, catalogue, archive or stack; a glob or ``@list.txt``, where the
        class of an image is the name of its folder. ``./sample`` is always a path.
    image_column, label_column : str, optional
        Columns of a catalogue or of the ``labels.csv`` in a folder or archive; for a stack, the array of labels.
    ra_column, dec_column : str, optional
        Columns of positions of a catalogue, if their names do not say so.
    where : str, optional
        SQL condition that selects items, see `galaxtool.tables.filter`. Its columns are those of the labels file and
        ``id``, ``path``, ``label``, ``split``, ``ra``, ``dec``.
    needs_labels : bool
        Whether labels are required. A data set that always has labels may lack this option.
    reading : ReadOptions
        How to read the images. Bands and pixel scale apply to any data set, HDUs to files only.
    pattern : str, optional
        Pattern of the file names in a folder if each band has its own file, see
        `galaxtool.datasets.folder.open_folder`; the bands are those of `reading`.
    **options
        Options of the data set, passed to its factory.

    Returns
    -------
    Dataset
        A data set with at least one item, all of whose files exist.

    Raises
    ------
    InputError
        If nothing has that name, it contains no images, `where` selects none, or a file is missing.
    ConfigError
        If the data set does not have an option, needs a path, or does not take one; or if an option of HDUs or bands
        would have no effect.
    """
    return open_datasets(
        [text],
        where=where,
        needs_labels=needs_labels,
        reading=reading,
        pattern=pattern,
        image_column=image_column,
        label_column=label_column,
        ra_column=ra_column,
        dec_column=dec_column,
        **options,
    )[0]


def open_datasets(
    texts: Sequence[str | os.PathLike[str]],
    *,
    where: str | None = None,
    needs_labels: bool = True,
    reading: ReadOptions = PLAIN,
    pattern: str | None = None,
    prober: FileProber | None = None,
    **options: Any,
) -> list[Dataset]:
    """Open several data sets in the same way, see `open_dataset`.

    Options of HDUs or of files per band are allowed if at least one of the data sets has these. A `prober` opens the
    files of folders and globs once, and keeps what it found for the split. Data sets that would have the same name are
    called by their texts.
    """
    names = [os.fspath(text) for text in texts]
    given = {**options, "pattern": pattern, "bands": reading.bands or None}
    if not needs_labels:
        given[_NEEDS_LABELS] = False
    given = {key: value for key, value in {**given, _PROBER: prober}.items() if value is not None}
    datasets, ignored = [], []
    for name in names:
        dataset, knows_pattern = _open_text(name, given)
        dataset = apply_reading_options(dataset, reading)
        ignored.append(
            (*find_unsupported_options(dataset, reading), *([] if pattern is None or knows_pattern else ["pattern"]))
        )
        datasets.append(dataset)
    refuse_ignored_options(names, ignored)
    if where:
        datasets = [select_items(dataset, where) for dataset in datasets]
    for dataset in datasets:
        check_files(dataset)
    _tell_apart(datasets, names)
    return datasets


def _tell_apart(datasets: Sequence[Dataset], texts: Sequence[str]) -> None:
    """Name data sets of the same name, such as ``first/cutouts`` and ``second/cutouts``, as the user wrote them."""
    counts = Counter(dataset.name for dataset in datasets)
    for dataset, text in zip(datasets, texts, strict=True):
        if counts[dataset.name] > 1:
            with suppress(AttributeError):  # a plugin's may be read-only
                dataset.name = text.rstrip("/") or text


def _open_text(text: str, options: dict[str, Any]) -> tuple[Dataset, bool]:
    """Return the data set that a text names, and whether it supports a pattern."""
    registry = get_registry()
    if (named := split_dataset_name(text)) is not None:
        return _open_registered(registry, *named, options)
    path = Path(text)
    if (path.is_dir() or glob.has_magic(text)) and not path.is_file() and (shards := list_shards(text)):
        return _call_factory(open_shards, text, {"path": text, "shards": shards, **options})
    if path.is_dir():
        return _call_factory(open_folder, text, {"path": path, **options})
    if path.is_file() and has_table_suffix(path):
        return _call_factory(open_catalogue, text, {"path": path, **options})
    if path.is_file() and find_container_name(path):
        return _call_factory(open_archive, text, {"path": path, **options})
    if path.exists():
        raise InputError(
            f"'{path}' is not a folder, a table, an archive or a stack of images.",
            hint=f"Tables end in {', '.join(list_table_suffixes())}; archives and stacks in "
            f"{', '.join(list_container_suffixes())}.",
        )
    if text.startswith("@") or glob.has_magic(text):
        return _call_factory(open_glob, text, {"path": text, **options})
    missing, hint = explain_missing_plugin("dataset", text.partition(":")[0])
    if missing:
        raise InputError(f"There is no data set, folder or file called '{text}'. {missing}", hint=hint)
    near = suggest_name(text.partition(":")[0], list_dataset_names())
    raise InputError(
        f"There is no data set, folder or file called '{text}'." + (f" Did you mean '{near}'?" if near else ""),
        hint=f"{suggest_path(path)} `galaxtool datasets` lists the names; a folder has a sub-folder for each class.",
    )


def _open_registered(registry: Registry, name: str, path: str | None, options: dict[str, Any]) -> tuple[Dataset, bool]:
    """Open a registered data set; returns the same as `_open_text`."""
    entry = registry.datasets.find(name)
    needs_path = entry.spec.needs_path
    if needs_path and not path:
        own = f", or ./{name} for the folder of this name" if Path(name).exists() else ""
        raise ConfigError(f"The data set '{name}' reads a local file or folder.", hint=f"Write {name}:PATH{own}.")
    if path and not needs_path:
        return _call_factory(entry.load(), name, {**_parse_options(name, path), **options})
    # the shell does not expand a ~ after a colon
    return _call_factory(entry.load(), name, {"path": Path(path).expanduser() if path else None, **options})


def _parse_options(name: str, text: str) -> dict[str, int | float]:
    """Parse the options in ``sample:n=500,seed=3``."""
    found: dict[str, int | float] = {}
    for part in text.split(","):
        option, _, value = part.partition("=")
        try:
            found[option.strip()] = float(value) if "." in value else int(value)
        except ValueError:
            raise ConfigError(
                f"The data set '{name}' does not read a local file, and '{part}' is not an option with a number.",
                hint=f"Write {name}, or {name}:n=500,seed=3.",
            ) from None
    return found


def _call_factory(factory: Any, name: str, options: dict[str, Any]) -> tuple[Dataset, bool]:
    """Call a factory with the options that it has; returns the data set, and whether it has the option `pattern`."""
    known = inspect.signature(factory).parameters
    takes_any = any(parameter.kind is parameter.VAR_KEYWORD for parameter in known.values())
    if _PROBER not in known:  # no plugin has this option
        options = {option: value for option, value in options.items() if option != _PROBER}
    if not takes_any:
        options = {option: value for option, value in options.items() if option in known or option not in _MAY_LACK}
        for option in options:
            if option not in known:
                flag = option.replace("_", "-")
                raise ConfigError(f"The data set '{name}' has no option --{flag}.", hint=f"Leave --{flag} out.")
    dataset: Dataset = factory(**options)
    return dataset, takes_any or "pattern" in known
