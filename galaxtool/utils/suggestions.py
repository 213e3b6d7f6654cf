"""Suggestions for file names that do not exist."""

from __future__ import annotations

import os
from itertools import islice
from pathlib import Path

from galaxtool.errors import suggest_name
from galaxtool.utils.files.ignored_names import UNFINISHED

_RESUME = "Run the command that wrote it again with --resume to complete it."

_MAX_LISTED, _MAX_SHOWN = 2000, 5


def suggest_path(path: Path) -> str:
    """Suggest what the user may have meant by a path that does not exist.

    Parameters
    ----------
    path : Path
        The path.

    Returns
    -------
    str
        One sentence: the most similar name in the same folder, or else some names in that folder.
    """
    folder = path.parent
    if unfinished := explain_unfinished(path):
        return unfinished
    try:
        names = sorted(entry.name for entry in islice(folder.iterdir(), _MAX_LISTED) if not entry.name.startswith("."))
    except OSError:
        missing = next((p for p in (folder, *folder.parents) if p.is_dir() or p.parent.is_dir()), folder)
        return f"The folder '{missing}' {'cannot be read' if missing.is_dir() else 'does not exist either'}."
    if similar := suggest_name(path.name, names):
        return f"Did you mean '{folder / similar}'?"
    alike = [name for name in names if Path(name).suffix == path.suffix] or names
    if not alike:
        return f"The folder '{folder}' is empty."
    where = "This folder" if folder == Path() else f"The folder '{folder}'"
    return f"{where} has {', '.join(alike[:_MAX_SHOWN])}{' and others' if len(alike) > _MAX_SHOWN else ''}."


def explain_unfinished(path: Path) -> str:
    """Return how to complete a path that is the output, or the folder of parts, of an unfinished job; else nothing."""
    if path.name.endswith(UNFINISHED):
        return f"This folder holds the finished parts of '{path.name.removesuffix(UNFINISHED)}'. {_RESUME}"
    parts = path.with_name(path.name + UNFINISHED) if path.name else path
    if path == parts or not os.path.isdir(parts):  # noqa: PTH112  Path.is_dir raises for a name that is too long
        return ""
    return f"It is unfinished: '{parts}' has its finished parts. {_RESUME}"
