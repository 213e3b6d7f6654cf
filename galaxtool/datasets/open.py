"""From what a user types to a data set."""

from __future__ import annotations

import glob
import inspect
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from galaxtool.containers.find import container_name, container_suffixes
from galaxtool.datasets.archive import archive_dataset
from galaxtool.datasets.catalogue import catalogue_dataset
from galaxtool.datasets.files import check_files
from galaxtool.datasets.folder import folder_dataset
from galaxtool.datasets.glob import named_dataset
from galaxtool.datasets.protocols import Dataset
from galaxtool.datasets.subset import matching
from galaxtool.datasets.unsupported_options import refuse_unheeded, unsupported_options, with_reading
from galaxtool.errors import ConfigError, InputError, suggest_name
from galaxtool.images.read_options import PLAIN, ReadOptions
from galaxtool.inputs.probe import FileProber
from galaxtool.plugins.registry import Registry, get_registry
from galaxtool.tables.formats.find import table_format, table_suffixes
from galaxtool.utils.suggestions import suggest_path

_NEEDS_LABELS = "needs_labels"
_PROBER = "prober"
_MAY_LACK = (_NEEDS_LABELS, _PROBER, "pattern", "bands")


def open_dataset(
    text: str | os.PathLike[str],
    *,
    image_column: str | None = None,
    label_column: str | None = None,
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
        In this order: a registered name (``sample``, ``sample:n=500,seed=3``), ``name:PATH`` for one that reads a
        local file, a folder, a catalogue, an archive or stack; a glob or ``@list.txt``, whose images have the name of
        their folder for a class. ``./sample`` is always a path.
    image_column, label_column : str, optional
        Columns of a catalogue or of the ``labels.csv`` of a folder or archive; of a stack, the array of labels.
    where : str, optional
        Only items for which this holds; see `galaxtool.tables.filter`. It knows the columns of the labels file and each
        item's ``id``, ``path``, ``label``, ``split``, ``ra``, ``dec``.
    needs_labels : bool
        Whether there must be labels; a data set that always has them need not know of it.
    reading : ReadOptions
        How images are read. Whatever the data set, its bands and its pixel scale are heeded; HDUs are those of files.
    pattern : str, optional
        How the files of a folder are called where each band has its own, see
        `galaxtool.datasets.folder.folder_dataset`; the bands are those of `reading`.
    **options
        Handed to the data set's factory.

    Returns
    -------
    Dataset
        At least one item, all of whose files exist.

    Raises
    ------
    InputError
        If there is nothing of that name, no image in it, no item for which `where` holds, or a file is absent.
    ConfigError
        If the data set has no such option, needs a path, or takes none; or has neither HDUs nor files for each band,
        and is asked for them.
    """
    columns = {"image_column": image_column, "label_column": label_column}
    return open_datasets(
        [text], where=where, needs_labels=needs_labels, reading=reading, pattern=pattern, **columns, **options
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

    HDUs, or a file for each band, that only some of them have may be asked for all the same. A `prober` opens the
    files of folders and globs, and remembers what it found for the split.
    """
    names = [os.fspath(text) for text in texts]
    given = {**options, "pattern": pattern, "bands": reading.bands or None}
    if not needs_labels:
        given[_NEEDS_LABELS] = False
    given = {key: value for key, value in {**given, _PROBER: prober}.items() if value is not None}
    opened, ignored = [], []
    for name in names:
        dataset, knows_pattern = _opened(name, given)
        dataset = with_reading(dataset, reading)
        ignored.append(
            (*unsupported_options(dataset, reading), *([] if pattern is None or knows_pattern else ["pattern"]))
        )
        opened.append(dataset)
    refuse_unheeded(names, ignored)
    if where:
        opened = [matching(dataset, where) for dataset in opened]
    for dataset in opened:
        check_files(dataset)
    return opened


def _opened(text: str, options: dict[str, Any]) -> tuple[Dataset, bool]:
    """Return the data set that a text stands for, and whether it has been told of a pattern."""
    registry = get_registry()
    names = {name for entry in registry.datasets for name in (entry.spec.name, entry.qualified)}
    if text in names:
        return _registered(registry, text, None, options)
    for at in (i for i, letter in enumerate(text) if letter == ":"):
        if text[:at] in names:
            return _registered(registry, text[:at], text[at + 1 :], options)
    path = Path(text)
    if path.is_dir():
        return _made(folder_dataset, text, {"path": path, **options})
    if path.is_file() and table_format(path):
        return _made(catalogue_dataset, text, {"path": path, **options})
    if path.is_file() and container_name(path):
        return _made(archive_dataset, text, {"path": path, **options})
    if path.exists():
        raise InputError(
            f"'{path}' is neither a folder nor a table, nor an archive or stack of images.",
            hint=f"Tables end in {', '.join(table_suffixes())}; archives in {', '.join(container_suffixes())}.",
        )
    if text.startswith("@") or glob.has_magic(text):
        return _made(named_dataset, text, {"path": text, **options})
    near = suggest_name(text.partition(":")[0], names)
    raise InputError(
        f"There is no data set called '{text}', nor a folder or file of that name."
        + (f" Did you mean '{near}'?" if near else ""),
        hint=f"{suggest_path(path)} Else see `galaxtool datasets`, or name a folder with a sub-folder for each class.",
    )


def _registered(registry: Registry, name: str, path: str | None, options: dict[str, Any]) -> tuple[Dataset, bool]:
    """Return a registered data set, as `_opened`."""
    entry = registry.datasets.find(name)
    needs_path = entry.spec.needs_path
    if needs_path and not path:
        raise ConfigError(f"The data set '{name}' reads a local file or folder.", hint=f"Say {name}:PATH.")
    if path and not needs_path:
        return _made(entry.load(), name, {**_spelled_out(name, path), **options})
    # the shell leaves a ~ behind a colon as it is
    return _made(entry.load(), name, {"path": Path(path).expanduser() if path else None, **options})


def _spelled_out(name: str, text: str) -> dict[str, int | float]:
    """Read the options in ``sample:n=500,seed=3``."""
    found: dict[str, int | float] = {}
    for part in text.split(","):
        option, _, value = part.partition("=")
        try:
            found[option.strip()] = float(value) if "." in value else int(value)
        except ValueError:
            raise ConfigError(
                f"The data set '{name}' reads no local file, and '{part}' is no option with a number.",
                hint=f"Say {name}, or {name}:n=500,seed=3.",
            ) from None
    return found


def _made(factory: Any, name: str, options: dict[str, Any]) -> tuple[Dataset, bool]:
    """Call a data set's factory, with only the options that it has; return whether `pattern` is one of them."""
    known = inspect.signature(factory).parameters
    takes_any = any(parameter.kind is parameter.VAR_KEYWORD for parameter in known.values())
    if _PROBER not in known:  # which no plugin knows of
        options = {option: value for option, value in options.items() if option != _PROBER}
    if not takes_any:
        options = {option: value for option, value in options.items() if option in known or option not in _MAY_LACK}
        for option in options:
            if option not in known:
                flag = option.replace("_", "-")
                raise ConfigError(f"The data set '{name}' has no option --{flag}.", hint=f"Leave --{flag} out.")
    dataset: Dataset = factory(**options)
    return dataset, takes_any or "pattern" in known
