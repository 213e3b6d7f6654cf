"""The folder that cutouts are written to: what is there, and what of it is ours."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from galaxtool.errors import GalaxtoolError, OutputExists
from galaxtool.utils.files import write_json

MANIFEST = "cutouts.csv"
RECORD = "cutouts.json"
FILES = "images"
STACK_FILES = {"hdf5": "cutouts.h5", "zarr": "cutouts.zarr"}
SUFFIXES = {"fits": ".fits", "png": ".png"}


class OutputFolder:
    """A folder for cutouts.

    Parameters
    ----------
    folder : Path
    kind : str
        A key of `SUFFIXES` or `STACK_FILES`.
    unfinished : Path
        Where a job keeps what it has done so far.

    Raises
    ------
    OutputExists
        If it is a file, or a folder with other things in it.
    """

    def __init__(self, folder: Path, kind: str, unfinished: Path) -> None:
        self.folder, self.kind, self.unfinished = folder, kind, unfinished
        if folder.exists() and not folder.is_dir():
            raise OutputExists(f"'{folder}' exists and is a file.", hint="Choose another -o.")
        self.begun, self.finished = unfinished.is_dir(), (folder / MANIFEST).exists() and self._record() is not None
        if folder.is_dir() and not self.begun and not self.finished and any(folder.iterdir()):
            raise OutputExists(
                f"'{folder}' is not empty, and what is in it is not of `galaxtool cutouts`.", hint="Choose another -o."
            )

    @property
    def manifest(self) -> Path:
        """``cutouts.csv``."""
        return self.folder / MANIFEST

    @property
    def files(self) -> Path:
        """Where single files go."""
        return self.folder / FILES

    @property
    def stack(self) -> Path:
        """Where the stack stands in the end; of no meaning for single files."""
        return self.folder / STACK_FILES.get(self.kind, "")

    @property
    def growing_stack(self) -> Path:
        """Where the stack is while it is filled."""
        return self.unfinished / STACK_FILES.get(self.kind, "")

    def check(self, about: dict[str, Any], *, resume: bool, overwrite: bool) -> dict[str, Any] | None:
        """Return the record of the same job where it is finished and was to be gone on with; else None.

        Raises
        ------
        OutputExists
            If cutouts stand there that are not to be overwritten.
        """
        if not self.finished or overwrite or self.begun:
            return None
        record = self._record() or {}
        if resume and record.get("about") == json.loads(json.dumps(about)):
            return record
        what = "finished cutouts, of another catalogue, images or options" if resume else "finished cutouts"
        raise OutputExists(f"'{self.folder}' already holds {what}.", hint="Choose another -o, or --overwrite.")

    def clear(self) -> None:
        """Remove the cutouts of an earlier run, and nothing else."""
        self.manifest.unlink(missing_ok=True)
        (self.folder / RECORD).unlink(missing_ok=True)
        for suffix in SUFFIXES.values():
            for depth in ("", "[0-9]*/"):
                for old in self.files.glob(f"{depth}*{suffix}"):
                    old.unlink()
        for name in STACK_FILES.values():
            for folder in (self.folder, self.unfinished):
                if (folder / name).is_dir():
                    shutil.rmtree(folder / name)
                (folder / name).unlink(missing_ok=True)

    def make_folders(self, paths: Iterable[str]) -> None:
        """Make the folders that some files will be in.

        Raises
        ------
        GalaxtoolError
            If they cannot be made.
        """
        try:
            for folder in {Path(path).parent for path in paths}:
                (self.files / folder).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise GalaxtoolError(f"Nothing can be written to '{self.files}': {error.strerror}.") from error

    def place_stack(self) -> None:
        """Move the stack to where it stands in the end, unless that is done."""
        if self.kind in STACK_FILES and self.growing_stack.exists():
            self.growing_stack.replace(self.stack)

    def places(self, wanted: np.ndarray, paths: Sequence[str], errors: Sequence[str]) -> list[str]:
        """Return where each row's cutout is, relative to the folder; empty where there is none.

        Parameters
        ----------
        wanted : ndarray of int
            Rows that have a place in a stack.
        paths : sequence of str
            Of single files, of all rows.
        errors : sequence of str
            Of all rows.
        """
        if self.kind not in STACK_FILES:
            return ["" if error else f"{FILES}/{path}" for error, path in zip(errors, paths, strict=True)]
        found = [""] * len(errors)
        for number, row in enumerate(wanted):
            found[row] = "" if errors[row] else f"{self.stack.name}[images/{number}]"
        return found

    def write_record(self, values: dict[str, Any]) -> dict[str, Any]:
        """Write ``cutouts.json``, last of all, and return what is in it."""
        record = {"schema": 1, **values}
        write_json(self.folder / RECORD, record)
        return record

    def _record(self) -> dict[str, Any] | None:
        try:
            found = json.loads((self.folder / RECORD).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return found if isinstance(found, dict) else None
