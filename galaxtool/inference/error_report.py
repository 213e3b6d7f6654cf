"""Report the inputs that a classification skipped or could not read."""

from __future__ import annotations

from galaxtool.errors import InputError
from galaxtool.inference.results import ClassifyResult
from galaxtool.jobs.part_counts import MOST_ERRORS, PartCounts
from galaxtool.types import Progress


def report_errors(result: ClassifyResult, counts: PartCounts, *, strict: bool, progress: Progress) -> None:
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
    if counts.errors > MOST_ERRORS:
        progress.say(f"Unreadable: {counts.errors - MOST_ERRORS} more; the table's error column names them all.")
    hint = "" if result.shard else f"See the error column of '{result.output}'."
    if result.n and result.errors == result.n:
        subject = "The only input could not" if result.n == 1 else f"None of the {result.n} inputs could"
        raise InputError(f"{subject} be read.", hint=hint)
    if strict and result.errors:
        raise InputError(
            f"{result.errors} of {result.n} inputs could not be read, and --strict was given.",
            hint=hint,
        )
