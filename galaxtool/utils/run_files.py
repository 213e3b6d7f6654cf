"""Distinguish the files of a run directory from files that others put there."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

_NAMES = frozenset(
    {
        "manifest.json", "config.toml", "split.csv", "history.csv", "metrics.json", "readouts.npz", "report.html",
        "check_images.npz", "log.txt", "predictions.parquet", "embeddings.parquet", "figures", "checkpoints", "model",
        "tables", "models", "clusters.csv", "clusters.html", "cluster.json", "comparison.json", "lr_sweep.csv",
    }
)  # fmt: skip
_IGNORED = frozenset({".lock", ".DS_Store", "Thumbs.db", "desktop.ini"})
_BEGINNINGS = (".unfinished-", ".nfs", "._")
_JOBS = frozenset({"scores.unfinished", "gallery.unfinished", "perturbed"})
_NOT_READ = frozenset({"output", "split", "recipe"})  # the last two are read before a folder is emptied
_SEPARATORS = "=@:"  # as in NAME=PATH, NETWORK@PATH, DATASET:PATH and RUN:READOUT


def find_foreign_files(folder: Path, manifest: Mapping[str, Any]) -> list[str]:
    """Return the files in a run directory that no run wrote, relative to it and sorted.

    Parameters
    ----------
    folder : Path
        The run directory.
    manifest : mapping
        Its manifest, whose ``outputs`` lists the files of a run that ended. Those of a run that was killed are known by
        their names.
    """
    outputs = manifest.get("outputs") or {}
    return sorted(name for name in _list_files(folder) if not _is_ours(name, outputs))


def find_input_inside(folder: Path, settings: Mapping[str, Any]) -> str:
    """Return the first setting that names something in a folder, or the folder itself; empty if there is none.

    Parameters
    ----------
    folder : Path
        The folder.
    settings : mapping
        Settings of a command: models, inputs and others. Where it writes, and what it reads before that, is left out.
    """
    root = os.path.realpath(folder)
    for name, value in settings.items():
        many = value if isinstance(value, Sequence) and not isinstance(value, str) else (value,)
        for text in (str(one) for one in many if isinstance(one, (str, os.PathLike)) and name not in _NOT_READ):
            places = {os.path.realpath(place) for place in _list_places(text)}
            if any(place == root or place.startswith(root + os.sep) for place in places):
                return text
    return ""


def _list_places(text: str) -> Iterator[str]:
    """Yield the files and folders that exist and that a setting may mean."""
    cuts = [at for at, letter in enumerate(text) if letter in _SEPARATORS]
    for start in (0, *(at + 1 for at in cuts)):
        for end in (*cuts, len(text)):
            place = os.path.expanduser(text[start:end])  # noqa: PTH111
            if place and os.path.exists(place):  # noqa: PTH110
                yield place


def is_known(name: str) -> bool:
    """Tell whether a file, relative to its run directory, is by its name one that commands of galaxtool write."""
    return name.partition("/")[0] in _NAMES


def _list_files(folder: Path) -> Iterator[str]:
    """Yield the files and links below a folder, and its empty folders, relative to it; links are not followed."""
    for where, folders, files in os.walk(folder):
        names = [*files, *(name for name in folders if (Path(where) / name).is_symlink())]
        if not names and not folders and Path(where) != folder:
            yield Path(where).relative_to(folder).as_posix()
        for name in names:
            yield (Path(where) / name).relative_to(folder).as_posix()


def _is_ours(name: str, outputs: Mapping[str, Any]) -> bool:
    first, last = name.partition("/")[0], name.rpartition("/")[2]
    if last in _IGNORED or last.startswith(_BEGINNINGS) or first in _JOBS:
        return True
    if first not in _NAMES:
        return name in outputs
    is_member = first == "models" and last == "manifest.json"
    exported = first == "model" and last.endswith(".onnx")
    return not outputs or name == "manifest.json" or is_member or first == "checkpoints" or exported or name in outputs
