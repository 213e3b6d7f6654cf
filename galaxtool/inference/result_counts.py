"""Count what a classification found, and report its errors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import pyarrow.parquet as pq

from galaxtool.errors import InputError
from galaxtool.inference.results import ClassifyResult
from galaxtool.types import Progress

_MOST_NAMED = 10  # unreadable inputs named on the screen; the table names them all


@dataclass
class ResultCounts:
    """Numbers of rows, labels and errors in the parts of a job.

    Parameters
    ----------
    n : int
        Number of rows.
    labels : Counter
        Number of images of each class.
    errors : int
        Number of rows with an error.
    first_errors : list of str
        Messages of the first ten errors.
    """

    n: int = 0
    labels: Counter[str] = field(default_factory=Counter)
    errors: int = 0
    first_errors: list[str] = field(default_factory=list)

    @classmethod
    def from_parts(cls, paths: Sequence[Path]) -> Self:
        """Count over parts, reading only two of their columns."""
        counts = cls()
        for path in paths:
            columns = pq.ParquetFile(path).read(["label", "error"])
            counts.n += len(columns)
            counts.labels.update(label for label in columns["label"].to_pylist() if label)
            errors = [error for error in columns["error"].to_pylist() if error]
            counts.errors += len(errors)
            counts.first_errors += errors[: _MOST_NAMED - len(counts.first_errors)]
        return counts


def report_errors(result: ClassifyResult, counts: ResultCounts, *, strict: bool, progress: Progress) -> None:
    """Report the inputs that were skipped or could not be read.

    Raises
    ------
    InputError
        If no input could be read or, with `strict`, if any could not.
    """
    for reason, n in result.skipped.items():
        progress.say(f"Skipped {n}: {reason}.")
    for error in counts.first_errors:
        progress.say(f"Unreadable: {error}")
    if counts.errors > _MOST_NAMED:
        progress.say(f"Unreadable: {counts.errors - _MOST_NAMED} more; the table's error column names them all.")
    hint = "" if result.shard else f"See the error column of '{result.output}'."
    if result.n and result.errors == result.n:
        subject = "The only input could not" if result.n == 1 else f"None of the {result.n} inputs could"
        raise InputError(f"{subject} be read.", hint=hint)
    if strict and result.errors:
        raise InputError(
            f"{result.errors} of {result.n} inputs could not be read, and --strict was given.",
            hint=hint,
        )
