"""Count the rows, labels and errors of parts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Self

MOST_ERRORS = 10
"""Error messages that are kept; the output contains them all."""


@dataclass
class PartCounts:
    """Numbers of rows, labels and errors in one or several parts.

    Parameters
    ----------
    rows : int
        Number of rows.
    labels : Counter
        Number of images of each class.
    errors : int
        Number of rows with an error.
    first_errors : list of str
        Messages of the first `MOST_ERRORS` errors.
    flags : Counter
        Number of images with each flag.
    dropped : float
        Sum of the probabilities of classes without a counterpart in the coarser terms.
    """

    rows: int = 0
    labels: Counter[str] = field(default_factory=Counter)
    errors: int = 0
    first_errors: list[str] = field(default_factory=list)
    flags: Counter[str] = field(default_factory=Counter)
    dropped: float = 0.0

    @classmethod
    def of(
        cls,
        errors: Sequence[str | None],
        labels: Sequence[str | None] = (),
        flags: Sequence[str | None] = (),
        *,
        dropped: float = 0.0,
    ) -> Self:
        """Count rows by their errors, labels and flags, which are empty or None where there is none."""
        messages = [error for error in errors if error]
        found = Counter(label for label in labels if label)
        flagged = Counter(flag for joined in flags if joined for flag in dict.fromkeys(joined.split()))
        return cls(len(errors), found, len(messages), messages[:MOST_ERRORS], flagged, dropped)

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Return the counts that `to_dict` wrote."""
        return cls(**{**values, "labels": Counter(values["labels"]), "flags": Counter(values.get("flags", {}))})

    def to_dict(self) -> dict[str, Any]:
        """Return the counts as values for JSON."""
        return {**asdict(self), "labels": dict(self.labels), "flags": dict(self.flags)}

    def add(self, other: PartCounts) -> None:
        """Add the counts of a later part."""
        self.rows += other.rows
        self.labels.update(other.labels)
        self.errors += other.errors
        self.first_errors += other.first_errors[: MOST_ERRORS - len(self.first_errors)]
        self.flags.update(other.flags)
        self.dropped += other.dropped

    def order_flags(self, known: Iterable[str]) -> dict[str, int]:
        """Return the numbers of images by flag: the known flags in their order, then any others."""
        names = [flag for flag in known if flag in self.flags]
        return {flag: self.flags[flag] for flag in [*names, *sorted(set(self.flags) - set(names))]}
