"""Run directories: what was asked, with what, and what came of it."""

from __future__ import annotations

import datetime
import importlib.metadata
import json
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from galaxtool.errors import GalaxtoolError, InputError, OutputExists
from galaxtool.utils.atomic_write import write_json
from galaxtool.utils.config import invocation
from galaxtool.utils.digests import hash_file
from galaxtool.utils.locks import lock_file

MANIFEST_SCHEMA = 1
_REPORTED = (
    "galaxtool",
    "torch",
    "open_clip_torch",
    "timm",
    "astropy",
    "numpy",
    "faiss-cpu",
    "onnxruntime-gpu",
    "onnxruntime",
    "openvino",
    "simplejpeg",
    "kornia_rs",
)


def utc_now() -> str:
    """Return the time as ISO 8601, to the second, in UTC."""
    return datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that decide a result."""
    found = {"python": platform.python_version()}
    for name in _REPORTED:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


class RunDirectory:
    """A run's folder, locked by this process while it is open.

    Parameters
    ----------
    path : Path
        The folder.
    manifest : dict
        As in ``manifest.json``.
    """

    def __init__(self, path: Path, manifest: dict[str, Any]) -> None:
        self.path = path
        self.manifest = manifest
        self._lock: Any = None

    @classmethod
    def create(
        cls,
        path: Path,
        *,
        command: str,
        config: Mapping[str, Any],
        sources: Mapping[str, str] | None = None,
        overwrite: bool = False,
    ) -> RunDirectory:
        """Make a run directory and write its manifest with status ``running``.

        Parameters
        ----------
        path : Path
            The folder.
        command : str
            Its name.
        config : mapping
            Its settings.
        sources : mapping, optional
            Where settings came from that the command's `Invocation` does not know of.
        overwrite : bool
            Empty a run directory that is there.

        Raises
        ------
        OutputExists
            If something stands there and `overwrite` is False, or if another process is using it.
        """
        if path.exists() and not path.is_dir():
            raise OutputExists(f"'{path}' exists and is a file.", hint="Choose another folder with --out.")
        if path.is_dir() and any(path.iterdir()):
            status = _status(path)
            if not overwrite:
                what = f"already holds {_article(status)} run" if status else "exists and is not empty"
                go_on = f", or --resume {path}" if status not in ("", "done") else ""
                raise OutputExists(f"'{path}' {what}.", hint=f"Choose another --out, or --overwrite{go_on}.")
            if not status:
                raise OutputExists(
                    f"'{path}' is not empty and is no run directory, so --overwrite will not empty it.",
                    hint="Choose another --out.",
                )
        call = invocation.get()
        known = {**call.sources, **(sources or {})}
        run = cls(
            path,
            {
                "schema": MANIFEST_SCHEMA,
                "command": command,
                "argv": list(call.argv),
                "config": {
                    k: {"value": _plain(v), "source": known.get(k, "python" if not call.argv else "default")}
                    for k, v in config.items()
                },
                "status": "running",
                "started": utc_now(),
                "finished": None,
                "versions": versions(),
                "seed": config.get("seed"),
                "device": None,
                "inputs": [],
                "outputs": {},
                "metrics": {},
                "citations": [],
            },
        )
        try:
            path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise GalaxtoolError(f"The run directory '{path}' cannot be made: {error.strerror}.") from error
        run._acquire()
        run._empty()
        run.save()
        return run

    @classmethod
    def open(cls, path: Path) -> RunDirectory:
        """Open an unfinished run to go on with it.

        Raises
        ------
        InputError
            If there is no run, or it is finished.
        OutputExists
            If another process is using it.
        """
        file = path / "manifest.json"
        if not file.is_file():
            raise InputError(
                f"'{path}' is no run directory: it has no manifest.json.", hint="Give --resume a run's folder."
            )
        try:
            manifest = json.loads(file.read_text(encoding="utf-8"))
        except ValueError as error:
            raise InputError(
                f"The run's '{file}' is damaged: {error}.", hint="Start the run again with --overwrite."
            ) from error
        if manifest.get("status") == "done":
            raise InputError(f"The run '{path}' is finished.", hint="Start another with `galaxtool finetune`.")
        run = cls(path, manifest)
        run._acquire()
        run.manifest.update(status="running", finished=None)
        run.manifest.setdefault("resumed", []).append(utc_now())
        run.save()
        return run

    def save(self) -> None:
        """Write ``manifest.json`` atomically."""
        write_json(self.path / "manifest.json", self.manifest)

    def finish(self, status: str) -> None:
        """Note how the run ended, list its outputs with their digests, and let go of the lock."""
        self.manifest.update(status=status, finished=utc_now())
        self.manifest["outputs"] = {
            str(file.relative_to(self.path)): {"bytes": file.stat().st_size, "sha256": hash_file(file)}
            for file in sorted(self.path.rglob("*"))
            if file.is_file() and file.name not in ("manifest.json", ".lock") and "checkpoints" not in file.parts
        }
        self.save()
        self.release()

    def release(self) -> None:
        """Let go of the lock."""
        if self._lock is not None:
            (self.path / ".lock").unlink(missing_ok=True)
            self._lock.close()
            self._lock = None

    def _acquire(self) -> None:
        self._lock = lock_file(self.path / ".lock")
        if self._lock is None:
            raise OutputExists(
                f"Another galaxtool process is writing '{self.path}'.", hint="Wait for it, or choose another --out."
            )

    def _empty(self) -> None:
        import shutil

        for child in self.path.iterdir():
            if child.name == ".lock":
                continue
            if child.is_dir() and not child.is_symlink():
                shutil.rmtree(child)
            else:
                child.unlink()


class FollowedRun(RunDirectory):
    """A run directory that another process of the same training writes; this one only reads it."""

    def save(self) -> None:
        """Leave it to the other process."""

    def finish(self, status: str) -> None:
        """Leave it to the other process."""


def _status(path: Path) -> str:
    try:
        return str(json.loads((path / "manifest.json").read_text(encoding="utf-8")).get("status", ""))
    except (OSError, ValueError):
        return ""


def _article(status: str) -> str:
    return {"done": "a finished", "running": "a running or killed", "interrupted": "an interrupted"}.get(
        status, f"a {status}"
    )


def _plain(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    return value
