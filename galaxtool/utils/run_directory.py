"""Run directories: the settings, the software versions and the results of one run."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from galaxtool.errors import GalaxtoolError, InputError, OutputExists
from galaxtool.utils.config import invocation
from galaxtool.utils.digests import hash_file
from galaxtool.utils.files.atomic_write import check_writable, forget_writes, watch_writes, write_json
from galaxtool.utils.files.locks import lock_file
from galaxtool.utils.files.regular_files import read_regular_text
from galaxtool.utils.resume_command import describe_resuming
from galaxtool.utils.run_files import find_foreign_files, find_input_inside, is_known
from galaxtool.utils.run_manifest import find_versions, is_manifest, read_manifest, utc_now

MANIFEST_SCHEMA = 1


def check_run_path(path: Path, *, command: str, settings: Mapping[str, Any], overwrite: bool) -> None:
    """Check that a run directory can be created here; call it before long work begins.

    Parameters
    ----------
    path : Path
        The folder.
    command : str
        Name of the command.
    settings : mapping
        Its settings, which may name what it reads.
    overwrite : bool
        Whether a run that is there may be emptied.

    Raises
    ------
    OutputExists
        If something else is there, or a run that may not be overwritten, or from which the command reads.
    GalaxtoolError
        If the folder cannot be written to.
    """
    if path.exists() and not path.is_dir():
        raise OutputExists(f"'{path}' exists and is a file.", hint="Choose another folder with --output.")
    check_writable(path / "manifest.json" if path.is_dir() else path)
    if path.is_dir() and any(path.iterdir()):
        status = str(read_manifest(path).get("status", ""))
        if status and (read := find_input_inside(path, settings)):
            raise OutputExists(
                f"'{read}' is read from the run '{path}', which would have to be emptied.",
                hint="Choose another --output.",
            )
        if not overwrite:
            what = f"already contains {_describe_status(status)} run" if status else "exists and is not empty"
            is_own = status not in ("", "done") and read_manifest(path)["command"] == command
            resume = describe_resuming(path, command) if is_own else ""
            raise OutputExists(f"'{path}' {what}.", hint=f"Choose another --output, or --overwrite{resume}.")
        if not status:
            raise OutputExists(
                f"'{path}' is not empty and is not a run directory, so --overwrite does not empty it.",
                hint="Choose another --output.",
            )
        if foreign := find_foreign_files(path, read_manifest(path)):
            raise OutputExists(
                f"The run '{path}' also contains '{foreign[0]}', which galaxtool did not write there, so it is not "
                "emptied.",
                hint="Move that elsewhere, or choose another --output.",
            )


class RunDirectory:
    """The folder of a run, locked by this process while it is open.

    Parameters
    ----------
    path : Path
        The folder.
    manifest : dict
        Content of ``manifest.json``.
    """

    def __init__(self, path: Path, manifest: dict[str, Any]) -> None:
        self.path = path
        self.manifest = manifest
        self._lock: TextIO | None = None
        self._written: set[str] = set()

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
        """Create a run directory and write its manifest with status ``running``.

        Parameters
        ----------
        path : Path
            The folder.
        command : str
            Name of the command.
        config : mapping
            Settings of the command.
        sources : mapping, optional
            Sources of settings that the command's `Invocation` does not have.
        overwrite : bool
            Empty an existing run directory first.

        Raises
        ------
        OutputExists
            If the folder exists and is not empty and `overwrite` is False, the command reads from it, or another
            process is using it.
        """
        check_run_path(path, command=command, settings=config, overwrite=overwrite)
        call = invocation.get()
        known = {**call.sources, **(sources or {})}
        run = cls(
            path,
            {
                "schema": MANIFEST_SCHEMA,
                "command": command,
                "argv": list(call.argv),
                "config": {
                    k: {"value": _to_plain(v), "source": known.get(k, "python" if not call.argv else "default")}
                    for k, v in config.items()
                },
                "status": "running",
                "started": utc_now(),
                "finished": None,
                "versions": find_versions(),
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
            raise GalaxtoolError(
                f"Cannot create the run directory '{path}': {error.strerror}.", hint="Choose another --output."
            ) from error
        run._acquire()
        run._empty()
        run.save()
        return run

    @classmethod
    def open(cls, path: Path, *, command: str = "") -> RunDirectory:
        """Open an unfinished run to resume it.

        Parameters
        ----------
        path : Path
            The folder.
        command : str
            Name of the command that must have begun the run; empty for any.

        Raises
        ------
        InputError
            If the folder is not a run directory, the run is finished, or another command began it.
        OutputExists
            If another process is using it.
        """
        file = path / "manifest.json"
        if not file.is_file():
            raise InputError(
                f"'{path}' is not a run directory: it has no manifest.json.",
                hint="Pass the folder of a run to --resume.",
            )
        try:
            manifest = json.loads(read_regular_text(file))
            if not is_manifest(manifest):
                raise ValueError("it is not that of a run")
        except (ValueError, RecursionError) as error:
            raise InputError(
                f"The manifest '{file}' is damaged: {error}.", hint="Start the run again with --overwrite."
            ) from error
        begun = manifest["command"]
        if command not in ("", begun):
            raise InputError(
                f"The run '{path}' was begun by `galaxtool {begun}`, not by `galaxtool {command}`.",
                hint=f"Give a run of `galaxtool {command}` to --resume.",
            )
        if manifest.get("status") == "done":
            raise InputError(f"The run '{path}' is finished.", hint=f"Start a new run with `galaxtool {begun}`.")
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
        """Record the status and the digests of all outputs, and release the lock."""
        self.manifest.update(status=status, finished=utc_now())
        self.manifest["outputs"] = {
            str(file.relative_to(self.path)): {"bytes": file.stat().st_size, "sha256": hash_file(file)}
            for file in sorted(self.path.rglob("*"))
            if self._is_output(file)
        }
        self.save()
        self.release()

    def _is_output(self, file: Path) -> bool:
        """Tell whether a file is of this run: what somebody else put there meanwhile is not."""
        name = file.relative_to(self.path).as_posix()
        if not file.is_file() or file.name in ("manifest.json", ".lock") or name.startswith("checkpoints/"):
            return False
        return is_known(name) or name in self.manifest["outputs"] or os.path.abspath(file) in self._written  # noqa: PTH100

    @contextmanager
    def recording(self) -> Iterator[None]:
        """Finish after the work, with the status ``done``, ``interrupted`` (Ctrl-C) or ``failed``."""
        status = "failed"
        try:
            yield
            status = "done"
        except KeyboardInterrupt:
            status = "interrupted"
            raise
        finally:
            self.finish(status)

    def release(self) -> None:
        """Release the lock."""
        if self._lock is not None:
            (self.path / ".lock").unlink(missing_ok=True)
            self._lock.close()
            self._lock = None
        forget_writes(self.path)

    def _acquire(self) -> None:
        """Lock the folder, and note what is written to it from now on."""
        self._written = watch_writes(self.path)
        try:
            self._lock = lock_file(self.path / ".lock")
        except OSError as error:
            raise GalaxtoolError(
                f"Cannot write to the folder '{self.path}': {error.strerror}.", hint="Choose another --output."
            ) from error
        if self._lock is None:
            raise OutputExists(
                f"Another galaxtool process is writing '{self.path}'.", hint="Wait for it, or choose another --output."
            )

    def _empty(self) -> None:
        """Delete everything but the lock."""
        for child in self.path.iterdir():
            if child.name == ".lock":
                continue
            if child.is_dir() and not child.is_symlink():
                shutil.rmtree(child)
            else:
                child.unlink()


class FollowedRun(RunDirectory):
    """A run directory that another process of the same training writes to; this one only reads it."""

    def save(self) -> None:
        """Do nothing; the other process does it."""

    def finish(self, status: str) -> None:
        """Do nothing; the other process does it."""


def _describe_status(status: str) -> str:
    return {"done": "a finished", "running": "a running or killed", "interrupted": "an interrupted"}.get(
        status, f"a {status}"
    )


def _to_plain(value: Any) -> Any:
    """Return a setting as a value that JSON can hold."""
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, (list, tuple)):
        return [_to_plain(v) for v in value]
    return value
