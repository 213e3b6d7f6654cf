"""What a long job has done so far, kept beside its output until that stands.

``<output>.unfinished`` has ``job.json``, which says what decides the result, and a table for each part that is done:
`Job.parts` of them make the output. Several processes may share a job, each with its shard of the parts.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from galaxtool.errors import GalaxtoolError, InputError, OutputExists
from galaxtool.jobs.shard import Shard
from galaxtool.utils.atomic_write import write_json
from galaxtool.utils.locks import lock_file, lock_owner

if TYPE_CHECKING:
    from astropy.table import Table

_RECORD = "job.json"
_DERIVED = ("count", "rows a part", "parts", "classes", "calibration", "preprocess")
LOCK = ".lock"
"""Held by a process that does all of a job, and shared by those that do a part."""

_MOST_BATCHES = 16
_PARTS_A_SHARD = 4


def batches_a_part(batches: int, shards: int) -> int:
    """Return how many batches make a part: up to 16, and fewer where shards would have nothing to do."""
    return max(1, min(_MOST_BATCHES, batches // (_PARTS_A_SHARD * shards)))


def folder_of(output: Path) -> Path:
    """Return where the parts of an output are."""
    return output.with_name(output.name + ".unfinished")


class Job:
    """The parts of one output, locked while a process adds to them.

    Parameters
    ----------
    output : Path
        What is to be written at the end.
    about : mapping
        What decides the result; going on is refused where it differs. ``meta`` in it goes into the output's header.
    count : int
        Number of parts.
    shard : Shard
        Which of them this process does.
    resume : bool
        Go on with what is there.
    overwrite : bool
        Throw away what is there.

    Attributes
    ----------
    finished : bool
        Set once the output stands: the folder then goes when the job is closed.

    Raises
    ------
    OutputExists
        If there is unfinished work and neither was asked for, or another process is at it.
    InputError
        If the unfinished work is of another job.
    """

    def __init__(
        self,
        output: Path,
        about: Mapping[str, Any],
        *,
        count: int,
        shard: Shard | None = None,
        resume: bool = False,
        overwrite: bool = False,
    ) -> None:
        self.folder, self.count, self.shard = folder_of(output), count, shard or Shard()
        self.finished = False
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._locks = _held(self.folder, self.shard, output)
        except OSError as error:
            raise InputError(f"The folder '{self.folder.parent}' cannot be written: {error.strerror}.") from error
        try:
            described = {**about, "parts": count, "shards": self.shard.count}
            self._take_over(json.loads(json.dumps(described)), output, resume=resume, overwrite=overwrite)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Job:
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of the folder; remove it where the output stands."""
        self.close()
        if self.finished:
            shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def done(self) -> list[Path]:
        """The parts of this shard that are done, in order."""
        paths = (part(self.folder, n) for n in range(self.count) if self.shard.has(n))
        return [path for path in paths if path.exists()]

    @property
    def missing(self) -> list[int]:
        """The numbers of this shard's parts that are not done, in order."""
        return [n for n in range(self.count) if self.shard.has(n) and not part(self.folder, n).exists()]

    def place(self, number: int) -> Path:
        """Return where a part is to be written, atomically.

        Raises
        ------
        GalaxtoolError
            If the folder is gone.
        """
        if not self.folder.is_dir():
            raise GalaxtoolError(
                f"The folder '{self.folder}' is gone, and with it what was done.",
                hint="Start anew, on a disk that stays.",
            )
        return part(self.folder, number)

    def close(self) -> None:
        """Let go of the folder and keep it."""
        for lock in self._locks:
            lock.close()

    def _take_over(self, about: dict[str, Any], output: Path, *, resume: bool, overwrite: bool) -> None:
        record = self.folder / _RECORD
        mine = [n for n in range(self.count) if self.shard.has(n) and part(self.folder, n).exists()]
        begun = bool(mine) if self.shard.count > 1 else record.exists()
        if begun and not resume and not overwrite:
            raise OutputExists(
                f"'{output}' was begun before and not finished.",
                hint="Go on with --resume, or start anew with --overwrite.",
            )
        if record.exists() and (resume or self.shard.count > 1):
            _check(record, about, output, shared=self.shard.count > 1)
            if not overwrite:
                return
        for number in mine if self.shard.count > 1 else []:
            part(self.folder, number).unlink()
        if self.shard.count == 1:
            for old in self.folder.glob("part-*"):
                old.unlink()
        write_json(record, about)


def part(folder: Path, number: int) -> Path:
    """Return where a part is, or will be."""
    return folder / f"part-{number:06d}.parquet"


def read_record(folder: Path) -> dict[str, Any]:
    """Return what ``job.json`` says.

    Raises
    ------
    InputError
        If it is not there, or damaged.
    """
    try:
        about: dict[str, Any] = json.loads((folder / _RECORD).read_text(encoding="utf-8"))
        about["parts"], about["shards"]
    except FileNotFoundError:
        raise InputError(
            f"There is no unfinished work in '{folder}'.",
            hint="Name the output, as in the -o of the jobs: galaxtool merge predictions.fits",
        ) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"'{folder / _RECORD}' is damaged ({error}).", hint="Run the jobs anew, with --overwrite."
        ) from error
    return about


def begun_with(output: Path, engine: str, precision: str) -> tuple[str, str]:
    """Return engine and precision as a job was begun with, where they are left open.

    Parameters
    ----------
    output : Path
        Of the job.
    engine, precision : str
        As on the command line; they stay where nothing was begun, or by another engine, or a precision is named.
    """
    record = folder_of(output) / _RECORD
    if precision != "auto" or not record.exists():
        return engine, precision
    before = read_record(record.parent)
    begun = str(before.get("engine", engine))
    if engine not in ("auto", begun):
        return engine, precision
    return begun, str(before.get("precision", precision)) if begun != "onnx" else precision


def read_parts(folder: Path, count: int) -> Iterator[Table]:
    """Yield the tables of all parts, in order; read anew at each call."""
    from galaxtool.tables.tables import read_table

    for number in range(count):
        yield read_table(part(folder, number))


def _held(folder: Path, shard: Shard, output: Path) -> list[Any]:
    """Return the locks of a process: a shard has its own, and shares that of the whole with the other shards."""
    names = [(folder / LOCK, shard.count > 1)]
    if shard.count > 1:
        names.append((folder / f"{LOCK}-{shard.index}-of-{shard.count}", False))
    locks: list[Any] = []
    for name, shared in names:
        lock = lock_file(name, shared=shared)
        if lock is None:
            for held in locks:
                held.close()
            who = lock_owner(name)
            raise OutputExists(
                f"Another galaxtool process is writing '{output}'{f': {who}' if who else ''}.",
                hint="Wait for it, or choose another -o.",
            )
        locks.append(lock)
    return locks


def _check(record: Path, about: dict[str, Any], output: Path, *, shared: bool) -> None:
    before = read_record(record.parent)
    differing = [key for key in about if key != "meta" and before.get(key) != about[key]]
    if differing:
        # what follows from something else is named only where it alone differs
        differing = [key for key in differing if key not in _DERIVED] or differing
        hint = f"Give all shards the same inputs and options, or remove '{record.parent}' and start anew."
        raise InputError(
            f"The unfinished work on '{output}' was done with another {', '.join(differing)}.",
            hint=hint if shared else "Give the same inputs and options as before, or start anew with --overwrite.",
        )
