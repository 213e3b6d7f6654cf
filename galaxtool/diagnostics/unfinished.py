"""Find the work of commands that ended early."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from galaxtool.utils.files.ignored_names import UNFINISHED
from galaxtool.utils.files.regular_files import read_regular_text

_MOST = 2000
_RECORD = "job.json"


def find_unfinished(folder: Path) -> list[str]:
    """Return a note on each unfinished job in a folder or just below it, and one on abandoned temporary files.

    Parameters
    ----------
    folder : Path
        Folder to look into, without following it deeper than two levels.
    """
    places = list(islice(_list_places(folder), _MOST))
    notes = [_describe_job(place) for place in places if place.name.endswith(UNFINISHED) and place.is_dir()]
    temporary = [place for place in places if place.name.startswith(f"{UNFINISHED}-")]
    if temporary:
        notes.append(
            f"{len(temporary)} temporary {'file' if len(temporary) == 1 else 'files'} {UNFINISHED}-* such as "
            f"'{temporary[0]}', of running commands or of killed ones; delete them if nothing runs"
        )
    return notes


def _list_places(folder: Path) -> Iterator[Path]:
    names = (f"*{UNFINISHED}", f"{UNFINISHED}-*")
    with contextlib.suppress(OSError):
        for pattern in [f"{below}{name}" for name in names for below in ("", "*/")]:
            yield from sorted(folder.glob(pattern))


def _describe_job(folder: Path) -> str:
    """Return how far a job is, and how to resume it."""
    values: dict[str, Any] = {}
    with contextlib.suppress(OSError, ValueError):
        values = json.loads(read_regular_text(folder / _RECORD))
    done = len(list(folder.glob("part-*")))
    of = f"{done} of {values['parts']}" if "parts" in values else str(done)
    resume, place = values.get("resume"), values.get("folder")
    how = "by running its command again with --resume"
    if resume:
        how = f"in {place} with: {resume}" if place and Path(place) != Path.cwd() else f"with: {resume}"
    return f"unfinished work: '{folder}', {of} parts; resume it {how} (or delete that folder)"
