"""Collections: objects that somebody marked, with notes, kept in ``collections.json``."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from galaxtool.errors import ConfigError, GalaxtoolError, InputError
from galaxtool.explorer.maps import save_file
from galaxtool.explorer.objects import Objects, find_lasting_cache_folder
from galaxtool.types import Progress, warn
from galaxtool.utils.files.regular_files import read_regular_text
from galaxtool.webserver.requests import NotThere

FILE = "collections.json"
_SCHEMA = 1
_LONGEST_NAME, _LONGEST_NOTE = 100, 2000
_MOST = 500
_MOST_BYTES = 1 << 30


class Collections:
    """Named sets of objects, each with a note.

    Parameters
    ----------
    objects : Objects
        The objects.
    progress : Progress
        Receiver of notes.

    Notes
    -----
    They are stored by identifier, so that they are those of the same objects after the index was built again. Objects
    that are no longer in the index stay in the file. The file is read again before each change, because several pages
    may be open on the same objects.

    Raises
    ------
    InputError
        If the file is damaged.
    """

    def __init__(self, objects: Objects, progress: Progress) -> None:
        self._objects, self._progress = objects, progress
        self._lock = threading.Lock()
        self._row_of: dict[str, int] | None = None
        self._path = self._find_path()
        self._notes: dict[str, dict[str, str]] = self._read()
        self._is_saved = True

    def describe(self) -> Mapping[str, Any]:
        """Return the collections, with the rows of their objects and the notes on them."""
        with self._lock:
            self._reread()
            found = []
            for name, notes in self._notes.items():
                rows = {row: note for key, note in notes.items() if (row := self._find_row(key)) is not None}
                found.append({"name": name, "rows": list(rows), "notes": list(rows.values())})
            return {"collections": found, "path": str(self._path)}

    def rows(self, name: str) -> tuple[list[int], list[str]]:
        """Return the rows of a collection, and the notes on them."""
        for one in self.describe()["collections"]:
            if one["name"] == name:
                return one["rows"], one["notes"]
        raise NotThere(f"There is no collection '{name}'.")

    def create(self, name: str) -> None:
        """Make an empty collection, unless there is one of this name."""
        name = _check_name(name)
        with self._change():
            if len(self._notes) >= _MOST and name not in self._notes:
                raise ConfigError(f"There are {_MOST} collections already.")
            self._notes.setdefault(name, {})

    def delete(self, name: str) -> None:
        """Remove a collection."""
        with self._change():
            self._get(name)
            del self._notes[name]

    def rename(self, name: str, new: str) -> None:
        """Give a collection another name."""
        new = _check_name(new)
        with self._change():
            self._get(name)
            if new in self._notes and new != name:
                raise ConfigError(f"There is a collection '{new}' already.")
            self._notes = {new if key == name else key: notes for key, notes in self._notes.items()}

    def add(self, name: str, rows: list[int]) -> None:
        """Mark objects."""
        with self._change():
            notes = self._get(name)
            for key in self._ids(rows):
                notes.setdefault(key, "")

    def remove(self, name: str, rows: list[int]) -> None:
        """Remove marks, and the notes on these objects."""
        with self._change():
            notes = self._get(name)
            for key in self._ids(rows):
                notes.pop(key, None)

    def note(self, name: str, row: int, text: str) -> None:
        """Mark an object and put a note on it."""
        if len(text) > _LONGEST_NOTE:
            raise ConfigError(f"A note has at most {_LONGEST_NOTE} characters.")
        with self._change():
            self._get(name)[self._ids([row])[0]] = text

    @contextmanager
    def _change(self) -> Iterator[None]:
        """Change the collections that are in the file now, and save them."""
        with self._lock:
            self._reread()
            yield
            self._is_saved = False
            self._save()
            self._is_saved = True

    def _reread(self) -> None:
        """Read what another page may have saved, unless the latest change could not be saved."""
        if self._is_saved:
            self._notes = self._read()

    def _get(self, name: str) -> dict[str, str]:
        if name not in self._notes:
            raise NotThere(f"There is no collection '{name}'.")
        return self._notes[name]

    def _ids(self, rows: list[int]) -> list[str]:
        return [str(one) for one in self._objects.take(rows)["id"].to_pylist()]

    def _find_row(self, key: str) -> int | None:
        if self._row_of is None:
            self._row_of = {str(one): row for row, one in enumerate(self._objects.items["id"].to_pylist())}
        return self._row_of.get(key)

    def _find_path(self) -> Path:
        beside = self._objects.folder / FILE
        in_cache = find_lasting_cache_folder(self._objects) / FILE
        return in_cache if in_cache.is_file() and not beside.is_file() else beside

    def _read(self) -> dict[str, dict[str, str]]:
        if not self._path.is_file():
            return {}
        try:
            stored = json.loads(read_regular_text(self._path, _MOST_BYTES))
            if stored["schema"] > _SCHEMA:
                raise InputError(
                    f"'{self._path}' was written by a newer galaxtool.", hint="Run: pip install --upgrade galaxtool"
                )
            return {
                str(name): {str(key): str(note) for key, note in notes.items()}
                for name, notes in stored["collections"].items()
            }
        except GalaxtoolError:
            raise
        except Exception as error:  # anything may be in a file
            raise InputError(
                f"'{self._path}', with the collections, is damaged.", hint="Move it away to begin new ones."
            ) from error

    def _save(self) -> None:
        """Write the file whole; beside the objects, else in the cache."""
        content = {"schema": _SCHEMA, "collections": self._notes}
        text = json.dumps(content, ensure_ascii=False, indent=1).encode("utf-8", "backslashreplace")
        if save_file(self._path, text):
            return
        in_cache = find_lasting_cache_folder(self._objects) / FILE
        if in_cache != self._path and save_file(in_cache, text):
            warn(self._progress, f"'{self._path.parent}' cannot be written; the collections are in '{in_cache}'.")
            self._path = in_cache
            return
        raise InputError(f"The collections cannot be written to '{self._path}'.", hint="Export them from the page.")


def _check_name(name: str) -> str:
    name = " ".join(name.split())
    if not name or len(name) > _LONGEST_NAME or not name.isprintable():
        raise ConfigError(f"The name of a collection has from 1 to {_LONGEST_NAME} printable characters.")
    return name
