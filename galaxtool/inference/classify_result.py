"""What a classification wrote, and what is said of it."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from galaxtool.errors import InputError
from galaxtool.types import Progress

if TYPE_CHECKING:
    from astropy.table import Table

_NAMED = 10  # unreadable inputs named on the screen; the table names them all


@dataclass(frozen=True)
class ClassifyResult:
    """What a classification wrote.

    Parameters
    ----------
    output : Path
        The table; of a shard, what `merge` is to be told.
    n : int
        Rows.
    labels : dict
        Class -> how many.
    errors : int
        Rows with an error.
    skipped : dict
        Why members of folders were passed over -> how many.
    engine, model : str
    model_digest : str
    shard : str
        ``2/8`` where only a part was done, and no table written; else empty.
    sorted_into : dict
        Folder -> files, where they were sorted.
    """

    output: Path
    n: int
    labels: dict[str, int]
    errors: int
    skipped: dict[str, int]
    engine: str
    model: str
    model_digest: str
    shard: str = ""
    sorted_into: dict[str, int] = field(default_factory=dict)

    @cached_property
    def table(self) -> Table:
        """The table, read from `output`: an `astropy.table.Table`."""
        from galaxtool.tables.tables import read_table

        return read_table(self.output)

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "output": str(self.output),
            "n": self.n,
            "labels": self.labels,
            "errors": self.errors,
            "skipped": self.skipped,
            "engine": self.engine,
            "model": self.model,
            "model_digest": self.model_digest,
            **({"shard": self.shard} if self.shard else {}),
            **({"sorted_into": self.sorted_into} if self.sorted_into else {}),
        }


@dataclass
class ResultCounts:
    """What there is in the parts of a job.

    Parameters
    ----------
    n : int
        Rows.
    labels : Counter
    errors : int
    first_errors : list of str
        The first ten.
    """

    n: int = 0
    labels: Counter[str] = field(default_factory=Counter)
    errors: int = 0
    first_errors: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, parts: list[Path]) -> ResultCounts:
        """Count over parts, of which only two columns are read."""
        import pyarrow.parquet as pq

        tally = cls()
        for path in parts:
            columns = pq.ParquetFile(path).read(["label", "error"])
            tally.n += len(columns)
            tally.labels.update(label for label in columns["label"].to_pylist() if label)
            errors = [error for error in columns["error"].to_pylist() if error]
            tally.errors += len(errors)
            tally.first_errors += errors[: _NAMED - len(tally.first_errors)]
        return tally


def report_errors(result: ClassifyResult, tally: ResultCounts, strict: bool, progress: Progress) -> None:
    """Say what was skipped and what could not be read.

    Raises
    ------
    InputError
        If nothing could be read; with `strict`, if anything could not.
    """
    for reason, n in result.skipped.items():
        progress.say(f"Skipped {n}: {reason}.")
    for error in tally.first_errors:
        progress.say(f"Unreadable: {error}")
    if tally.errors > _NAMED:
        progress.say(f"Unreadable: {tally.errors - _NAMED} more; the table's error column names them all.")
    hint = "" if result.shard else f"The error column of '{result.output}' says why."
    if result.n and result.errors == result.n:
        what = "The only input" if result.n == 1 else f"None of the {result.n} inputs"
        could = "could not be read" if result.n == 1 else "could be read"
        raise InputError(f"{what} {could}.", hint=hint)
    if strict and result.errors:
        raise InputError(
            f"{result.errors} of {result.n} inputs could not be read, and --strict was given.",
            hint=hint,
        )
