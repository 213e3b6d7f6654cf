"""Maps that are made once, in the background, and kept beside the objects or in the cache."""

from __future__ import annotations

import io
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from galaxtool.containers.npz_files import BROKEN, read_arrays
from galaxtool.errors import ConfigError, GalaxtoolError
from galaxtool.explorer.object_map import KINDS, ObjectMap
from galaxtool.explorer.objects import Objects, find_cache_folder
from galaxtool.types import Progress
from galaxtool.utils.files.atomic_write import atomic_write
from galaxtool.utils.optional_imports import import_attribute, is_installed
from galaxtool.webserver.requests import NotThere

_VERSION = 1


@dataclass
class _Job:
    """The making of one map."""

    state: str = "computing"
    step: str = "Waiting"
    error: str = ""
    result: ObjectMap | None = None


class MapStore:
    """The maps of some objects.

    Parameters
    ----------
    objects : Objects
        The objects.
    progress : Progress
        Receiver of notes.
    """

    def __init__(self, objects: Objects, progress: Progress) -> None:
        self._objects, self._progress = objects, progress
        self._jobs: dict[str, _Job] = {}
        self._lock = threading.Lock()
        self._working = threading.Lock()  # one map at a time

    def describe(self, kind: str) -> Mapping[str, Any]:
        """Return the state of a map, which is begun if there is none, and its clusters once it is there."""
        job = self._begin(kind)
        values: dict[str, Any] = {"kind": kind, "state": job.state, "step": job.step, "error": job.error}
        values["kinds"] = [one for one in KINDS if one != "umap" or is_installed("umap")]
        if job.result is not None:
            found = zip(job.result.names, job.result.sizes, job.result.centers, strict=True)
            values["clusters"] = [{"name": name, "size": size, "center": center} for name, size, center in found]
        return values

    def get(self, kind: str) -> ObjectMap:
        """Return a map.

        Raises
        ------
        NotThere
            If it is still being made.
        """
        job = self._begin(kind)
        if job.result is None:
            raise NotThere("The map is not there yet.")
        return job.result

    def _begin(self, kind: str) -> _Job:
        if kind not in KINDS:
            raise ConfigError(f"A map is one of {', '.join(KINDS)}.")
        with self._lock:
            if kind not in self._jobs:
                self._jobs[kind] = job = _Job()
                if (stored := self._load(kind)) is not None:
                    job.result, job.state = stored, "ready"
                else:
                    threading.Thread(target=self._make, args=(kind, job), name=f"map-{kind}", daemon=True).start()
            return self._jobs[kind]

    def _make(self, kind: str, job: _Job) -> None:
        def say(text: str) -> None:
            job.step = text

        with self._working:
            try:
                # imported here: the page opens without scikit-learn, and most times a map is stored
                make_map = import_attribute("galaxtool.explorer.projection:make_map")
                result: ObjectMap = make_map(self._objects, kind, say)
                self._save(kind, result)
                job.result, job.state = result, "ready"
            except Exception as error:  # the page shows it; everything else goes on without the map
                message = error.message if isinstance(error, GalaxtoolError) else f"{type(error).__name__}: {error}"
                hint = error.hint if isinstance(error, GalaxtoolError) else ""
                job.error, job.state = f"{message} {hint}".strip(), "failed"

    def _name(self, kind: str) -> str:
        return f"map-{kind}-{self._objects.digest[:16]}-{_VERSION}.npz"

    def _load(self, kind: str) -> ObjectMap | None:
        """Return a stored map, or None if there is none or it is damaged."""
        for folder in (self._objects.folder, find_cache_folder(self._objects)):
            path = folder / self._name(kind)
            if not path.is_file():
                continue
            try:
                stored = read_arrays(path)
                found = ObjectMap(
                    points=stored["points"], clusters=stored["clusters"], names=[str(n) for n in stored["names"]],
                    centers=stored["centers"], sizes=stored["sizes"],
                )  # fmt: skip
            except BROKEN:  # the map is made again
                continue
            count, clusters = len(self._objects), len(found.names)
            shapes = found.points.shape, found.clusters.shape, found.centers.shape, found.sizes.shape
            if shapes == ((count, 2), (count,), (clusters, 2), (clusters,)) and found.points.dtype == np.float32:
                return found
        return None

    def _save(self, kind: str, result: ObjectMap) -> None:
        stream = io.BytesIO()
        np.savez(
            stream, points=result.points, clusters=result.clusters, names=np.array(result.names, dtype=str),
            centers=result.centers, sizes=result.sizes,
        )  # fmt: skip
        for folder in (self._objects.folder, find_cache_folder(self._objects)):
            if save_file(folder / self._name(kind), stream.getvalue()):
                return
        self._progress.say("The map cannot be saved, neither beside the index nor in the cache.")


def save_file(path: Path, content: bytes) -> bool:
    """Write a file whole, and make its folder; return whether that was possible."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic_write(path) as temporary:
            temporary.write_bytes(content)
    except (OSError, GalaxtoolError):
        return False
    return True
