"""The parts of a long job, kept beside its output until the output is complete.

The folder ``<output>.unfinished`` holds ``job.json``, the record of what decides the result, and a table for each part
that is done. All parts together make the output. Several processes can share a job, each with its own shard of the
parts.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Generic, Self, TypeVar

from galaxtool.errors import GalaxtoolError, InputError, OutputExists
from galaxtool.jobs.job_files import LOCK, READING, list_work, remove_job
from galaxtool.jobs.journal import BatchJournal
from galaxtool.jobs.options import JobOptions
from galaxtool.jobs.record import FILE_NAME, JobRecord, load_values, make_damage_error
from galaxtool.jobs.shard import Shard
from galaxtool.utils.config import invocation
from galaxtool.utils.counts import format_count
from galaxtool.utils.files.atomic_write import write_json
from galaxtool.utils.files.ignored_names import UNFINISHED
from galaxtool.utils.files.locks import lock_file, lock_owner
from galaxtool.utils.files.regular_files import open_to_append
from galaxtool.utils.optional_imports import import_attribute
from galaxtool.utils.resume_command import make_resume_command

if TYPE_CHECKING:
    from astropy.table import Table

PARTS = "part-*"
"""Pattern of the names of parts in the folder of a job."""

_LOGGER = logging.getLogger("galaxtool")

_Record = TypeVar("_Record", bound=JobRecord)

_MOST_KILLS = 1000
_MOST_BATCHES = 16
_PARTS_PER_SHARD = 4


def count_batches_per_part(batches: int, shards: int) -> int:
    """Return how many batches make a part: up to 16, and fewer if some shards would otherwise have nothing to do."""
    return max(1, min(_MOST_BATCHES, batches // (_PARTS_PER_SHARD * shards)))


def job_folder(output: Path) -> Path:
    """Return the folder that holds the parts of an output."""
    return output.with_name(output.name + UNFINISHED)


def part_path(folder: Path, number: int) -> Path:
    """Return the path of a part, whether it is done or not."""
    return folder / f"part-{number:06d}.parquet"


def list_part_paths(folder: Path, count: int) -> list[Path]:
    """Return the paths of all parts of a job, in order, whether they are done or not."""
    return [part_path(folder, number) for number in range(count)]


class Job(Generic[_Record]):
    """The parts of one output, locked while a process adds to them.

    Parameters
    ----------
    output : Path
        File that is written at the end.
    record : JobRecord
        Everything that decides the result; a job cannot be resumed with a different record.
    options : JobOptions
        Shard of this process, and what to do with unfinished work.

    Attributes
    ----------
    record : JobRecord
        The record as it is stored: of a job that is resumed, that of its first run.
    journal : BatchJournal
        Finished batches of the part that is not finished yet.
    kills : int
        How many processes in a row have ended without a word while they read images, as one does that an image kills.
    finished : bool
        To be set once the output is written: closing the job then removes its folder.

    Raises
    ------
    OutputExists
        If there is unfinished work that is neither to be resumed nor overwritten, or another process holds the lock.
    InputError
        If the unfinished work belongs to a different job.

    Examples
    --------
    A command of a plugin that does a job part by part::

        with Job(output, MyRecord(parts=len(pieces), model=digest), JobOptions(resume=resume)) as job:
            for number in job.missing:
                job.write(number, compute(pieces[number]))
            write_table(vstack([job.read(number) for number in range(job.count)]), output)
            job.finished = True
    """

    def __init__(self, output: Path, record: _Record, options: JobOptions) -> None:
        self.folder, self.count, self.shard = job_folder(output), record.parts, options.shard
        self.finished = False
        suffix = "" if options.shard.count == 1 else f"-{options.shard.index}"
        self._mark = self.folder / f"{READING}{suffix}"
        self.journal = BatchJournal(self.folder / f"batches{suffix}.log")
        if self.folder.is_symlink():
            raise InputError(
                f"'{self.folder}' is a link, and parts are not written through links.",
                hint="Remove it, or choose another -o.",
            )
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._locks = _lock(self.folder, self.shard, output)
        except OSError as error:
            raise InputError(
                f"The folder '{self.folder.parent}' cannot be written: {error.strerror}.", hint="Choose another -o."
            ) from error
        is_marked = self._mark.is_file() and not self._mark.is_symlink()
        self.kills = min(max(1, self._mark.stat().st_size), _MOST_KILLS) if is_marked else 0
        try:
            self.record = self._take_over(record, output, options)
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        """Unlock the folder, and remove it if the output is finished; else add to the error how to resume."""
        self.close()
        if self.finished:
            remove_job(self.folder)
        elif error is not None and ((done := len(self.done)) or self.journal.has_batches):
            kept = f"{done} of {done + len(self.missing)} parts" if done else "The first images"
            error.add_note(f"{kept} are done and kept in '{self.folder}'. Resume with: {make_resume_command()}")

    @property
    def done(self) -> list[Path]:
        """Paths of this shard's parts that are done, in order."""
        paths = (part_path(self.folder, n) for n in range(self.count) if self.shard.has(n))
        return [path for path in paths if path.exists()]

    @property
    def missing(self) -> list[int]:
        """Numbers of this shard's parts that are not done, in order."""
        return [n for n in range(self.count) if self.shard.has(n) and not part_path(self.folder, n).exists()]

    def place(self, number: int) -> Path:
        """Return the path to which a part is to be written, atomically.

        Raises
        ------
        GalaxtoolError
            If the folder has been removed.
        """
        if not self.folder.is_dir():
            raise GalaxtoolError(
                f"The folder '{self.folder}' was removed, together with all finished parts.",
                hint="Start again on a disk that nothing cleans up.",
            )
        return part_path(self.folder, number)

    def write(self, number: int, table: Table) -> None:
        """Write a part as a table, atomically.

        Raises
        ------
        GalaxtoolError
            If the folder has been removed, or the part cannot be written.
        """
        path = self.place(number)
        write_table = import_attribute("galaxtool.tables.write:write_table")
        write_table(table, path, meta=import_attribute("galaxtool.jobs.part_check:name_part")(path))

    def read(self, number: int) -> Table:
        """Read a part that `write` has written.

        Raises
        ------
        TableError
            If it is not there or cannot be read.
        """
        read: Table = import_attribute("galaxtool.tables.read:read_table")(part_path(self.folder, number))
        return read

    def mark_reading(self) -> None:
        """Note on disk that this process reads images now; `close` removes the note."""
        with suppress(OSError):
            self._mark.unlink(missing_ok=True)
            with open_to_append(self._mark) as stream:
                stream.write(b"x" * (self.kills + 1))

    def close(self) -> None:
        """Unlock the folder and keep it."""
        with suppress(OSError):
            self._mark.unlink(missing_ok=True)
        self.journal.close()
        for lock in self._locks:
            lock.close()

    def _take_over(self, record: _Record, output: Path, options: JobOptions) -> _Record:
        """Check the unfinished work against the record and the options, and remove what is to be overwritten.

        Return the record that is stored.
        """
        file, shared = self.folder / FILE_NAME, self.shard.count > 1
        own = [n for n in range(self.count) if self.shard.has(n) and part_path(self.folder, n).exists()]
        if own and not options.resume and not options.overwrite:
            raise OutputExists(
                f"'{output}' has unfinished work from an earlier run: {len(own)} of "
                f"{len(own) + len(self.missing)} parts are done.",
                hint=f"Resume it with {make_resume_command()}; or start again with --overwrite, which discards them.",
            )
        # such as those of a shard of a longer job
        others = [] if shared else [path for path in list_work(self.folder) if path.match(PARTS)]
        if others and not options.resume and not options.overwrite:
            raise OutputExists(
                f"'{output}' has unfinished work of another job: {format_count(len(others), 'finished part')}.",
                hint="Choose another -o; or start again with --overwrite, which discards them.",
            )
        if not options.resume:
            self.journal.clear()
        if file.exists() and (options.resume or shared):
            stored = _load_same(self.folder, record, output, shared=shared)
            if not options.overwrite:
                list_damaged = import_attribute("galaxtool.jobs.part_check:list_damaged")
                _discard(list_damaged(self.done))
                return stored
        self.journal.clear()
        for path in [part_path(self.folder, n) for n in own] if shared else list_work(self.folder):
            path.unlink()
        command = make_resume_command() if invocation.get().argv else ""
        write_json(file, {**record.to_json(), "resume": command, "folder": os.getcwd()})  # noqa: PTH109
        return record


def _discard(damaged: Mapping[Path, str]) -> None:
    """Remove parts that cannot be used, so that they are done again, and say so."""
    for path in damaged:
        path.unlink()
    if damaged:
        first, damage = next(iter(damaged.items()))
        _LOGGER.warning(
            f"Warning: {format_count(len(damaged), 'finished part')} cannot be used and will be done again: "
            f"'{first.name}' {damage}."
        )


def _lock(folder: Path, shard: Shard, output: Path) -> list[IO[str]]:
    """Lock the folder of a job: exclusively, or for a shard its own lock and a shared one."""
    names = [(folder / LOCK, shard.count > 1)]
    if shard.count > 1:
        names.append((folder / f"{LOCK}-{shard.index}-of-{shard.count}", False))
    locks: list[IO[str]] = []
    for name, shared in names:
        lock = lock_file(name, shared=shared)
        if lock is None:
            for other in locks:
                other.close()
            owner = lock_owner(name)
            raise OutputExists(
                f"Another galaxtool process is writing '{output}'{f': {owner}' if owner else ''}.",
                hint="Wait for it, or choose another -o.",
            )
        locks.append(lock)
    return locks


def _load_same(folder: Path, record: _Record, output: Path, *, shared: bool) -> _Record:
    """Load the record of unfinished work; raise `InputError` if it differs from that of this job."""
    values = load_values(folder)
    differing = record.find_differences(values)
    if differing:
        hint = f"Give all shards the same inputs and options, or remove '{folder}' and start again."
        raise InputError(
            f"The unfinished work on '{output}' has a different {', '.join(differing)}.",
            hint=hint if shared else "Give the same inputs and options as before, or start again with --overwrite.",
        )
    try:
        return type(record).from_json(values)
    except (KeyError, TypeError) as error:
        raise make_damage_error(folder, error) from error
