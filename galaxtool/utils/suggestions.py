"""What to type next where a file or folder was named that is not there."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

from galaxtool.errors import suggest_name

_LOOKED_AT, _SHOWN = 2000, 5


def suggest_path(path: Path) -> str:
    """Return a sentence with the name most like it in its folder, or with what there is.

    Parameters
    ----------
    path : Path
        Where nothing is.

    Returns
    -------
    str
        It never fails: of a folder that cannot be listed it says so.
    """
    folder = path.parent
    try:
        names = sorted(entry.name for entry in islice(folder.iterdir(), _LOOKED_AT) if not entry.name.startswith("."))
    except OSError:
        lacking = next((p for p in (folder, *folder.parents) if p.is_dir() or p.parent.is_dir()), folder)
        return f"The folder '{lacking}' {'cannot be read' if lacking.is_dir() else 'is not there either'}."
    if near := suggest_name(path.name, names):
        return f"Did you mean '{folder / near}'?"
    alike = [name for name in names if Path(name).suffix == path.suffix] or names
    if not alike:
        return f"The folder '{folder}' is empty."
    where = "This folder" if folder == Path() else f"The folder '{folder}'"
    return f"{where} has {', '.join(alike[:_SHOWN])}{' and others' if len(alike) > _SHOWN else ''}."
