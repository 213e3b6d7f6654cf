"""The folder that cutouts are written to, and which of its files belong to `galaxtool cutouts`."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from galaxtool.errors import GalaxtoolError, OutputExists
from galaxtool.utils.files.atomic_write import write_json
from galaxtool.utils.files.regular_files import read_regular_text

MANIFEST = "cutouts.csv"
RECORD = "cutouts.json"
FILES = "images"
SUFFIXES = {"fits": ".fits", "png": ".png"}
STACK_FILES = {"hdf5": "cutouts.h5", "zarr": "cutouts.zarr"}
KINDS = (*SUFFIXES, *STACK_FILES)


@dataclass(frozen=True, slots=True, kw_only=True)
class CutoutsRecord:
    """The content of ``cutouts.json``.

    Parameters
    ----------
    about : dict
        Everything that decides the cutouts, see `galaxtool.cutting.job_record.CutJobRecord.describe_result`.
    catalogue : str
        Path of the catalogue.
    images : list of str
        Path and HDU of each image.
    unreadable : list of str
        The problem of each image that could not be used.
    bands : list of str
        Bands that were stacked; empty if none were.
    n, cut : int
        Number of rows of the catalogue, and of cutouts.
    flags : dict of str to int
        Number of rows with each flag.
    finished : str
        Time in UTC.
    versions : dict of str to str
        Versions of the packages in use.
    """

    about: dict[str, Any]
    catalogue: str
    images: list[str]
    unreadable: list[str]
    bands: list[str]
    n: int
    cut: int
    flags: dict[str, int]
    finished: str
    versions: dict[str, str]


class OutputFolder:
    """A folder for cutouts.

    Parameters
    ----------
    folder : Path
        Path of the folder.
    kind : str
        One of `KINDS`.
    job_folder : Path
        Folder in which the job stores its progress.

    Raises
    ------
    OutputExists
        If it is a file, or a folder that contains other files.
    """

    def __init__(self, folder: Path, kind: str, job_folder: Path) -> None:
        self.folder, self.kind, self.job_folder = folder, kind, job_folder
        if folder.exists() and not folder.is_dir():
            raise OutputExists(f"'{folder}' is a file.", hint="Choose another -o.")
        if link := next((path for path in (self.files, *self.files.glob("[0-9]*")) if path.is_symlink()), None):
            raise OutputExists(
                f"'{link}' is a link, and cutouts are not written through links.", hint="Choose another -o."
            )
        self.has_unfinished_job = job_folder.is_dir()
        self.is_finished = self.manifest.exists() and self._read_record() is not None
        ours = self.has_unfinished_job or self.is_finished
        if folder.is_dir() and not ours and any(folder.iterdir()):
            raise OutputExists(
                f"'{folder}' is not empty, and its files were not written by `galaxtool cutouts`.",
                hint="Choose another -o.",
            )

    @property
    def manifest(self) -> Path:
        """Path of ``cutouts.csv``."""
        return self.folder / MANIFEST

    @property
    def files(self) -> Path:
        """Folder of the single files."""
        return self.folder / FILES

    @property
    def is_stack(self) -> bool:
        """Whether the output is one stack instead of single files."""
        return self.kind in STACK_FILES

    @property
    def stack(self) -> Path:
        """Final path of the stack; not used for single files."""
        return self.folder / STACK_FILES.get(self.kind, "")

    @property
    def unfinished_stack(self) -> Path:
        """Path of the stack while it is filled."""
        return self.job_folder / STACK_FILES.get(self.kind, "")

    def find_record(self, about: dict[str, Any], *, resume: bool, overwrite: bool) -> CutoutsRecord | None:
        """Return the record of a finished job with the same result if it is to be resumed, else None.

        Parameters
        ----------
        about : dict
            Everything that decides the cutouts, as in `CutoutsRecord`.
        resume, overwrite : bool
            Options of the command.

        Raises
        ------
        OutputExists
            If the folder has finished cutouts that must not be overwritten.
        """
        if not self.is_finished or overwrite or self.has_unfinished_job:
            return None
        record = self._read_record()
        if resume and record and record.about == about:
            return record
        content = "finished cutouts" + (" of another catalogue, other images or other options" if resume else "")
        raise OutputExists(f"'{self.folder}' already holds {content}.", hint="Choose another -o, or add --overwrite.")

    def clear(self) -> None:
        """Remove the cutouts of an earlier run, and nothing else.

        Those of a run that was killed are known by their places and suffixes.
        """
        written = self._list_written() if self.manifest.is_file() else self._list_likely()
        for file in written:
            file.unlink(missing_ok=True)
        self.manifest.unlink(missing_ok=True)
        (self.folder / RECORD).unlink(missing_ok=True)
        for name in STACK_FILES.values():
            for folder in (self.folder, self.job_folder):
                if (folder / name).is_dir():
                    shutil.rmtree(folder / name)
                (folder / name).unlink(missing_ok=True)

    def _list_likely(self) -> list[Path]:
        return [
            old
            for suffix in SUFFIXES.values()
            for depth in ("", "[0-9]*/")
            for old in self.files.glob(f"{depth}*{suffix}")
        ]

    def _list_written(self) -> list[Path]:
        """Return the single files that the manifest names."""
        with self.manifest.open(newline="", encoding="utf-8", errors="surrogateescape") as stream:
            names = [PurePosixPath(row.get("path") or "") for row in csv.DictReader(stream)]
        inside = [name for name in names if name.parts[:1] == (FILES,) and ".." not in name.parts]
        return [self.folder / name for name in inside if name.suffix in SUFFIXES.values()]

    def make_folders(self, paths: Iterable[str]) -> None:
        """Create the folders of some files, given relative to `files`.

        Raises
        ------
        GalaxtoolError
            If a folder cannot be created.
        """
        try:
            for folder in {Path(path).parent for path in paths}:
                (self.files / folder).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise GalaxtoolError(
                f"'{self.files}' cannot be written: {error.strerror}.", hint="Choose another -o."
            ) from error

    def publish_stack(self) -> None:
        """Move the stack to its final path, unless it is already there."""
        if self.is_stack and self.unfinished_stack.exists():
            self.unfinished_stack.replace(self.stack)

    def locate_cutouts(self, wanted: np.ndarray, paths: Sequence[str], errors: Sequence[str]) -> list[str]:
        """Return the path of each row's cutout, relative to the folder; empty where there is none.

        Parameters
        ----------
        wanted : ndarray of int
            Rows that have a slot in a stack.
        paths : sequence of str
            Paths of single files, for all rows.
        errors : sequence of str
            Errors of all rows.
        """
        if not self.is_stack:
            return ["" if error else f"{FILES}/{path}" for error, path in zip(errors, paths, strict=True)]
        members = [""] * len(errors)
        for number, row in enumerate(wanted):
            members[row] = "" if errors[row] else f"{self.stack.name}[images/{number}]"
        return members

    def write_record(self, record: CutoutsRecord) -> None:
        """Write ``cutouts.json``, which marks the cutouts as finished."""
        write_json(self.folder / RECORD, {"schema": 1, **asdict(record)})

    def _read_record(self) -> CutoutsRecord | None:
        try:
            values = json.loads(read_regular_text(self.folder / RECORD))
            del values["schema"]
            return CutoutsRecord(**values)
        except (OSError, ValueError, KeyError, TypeError):
            return None
