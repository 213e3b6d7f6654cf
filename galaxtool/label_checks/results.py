"""What `doubts` returns; this file imports nothing heavy."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Doubt:
    """One doubtful label: a row of the table.

    Parameters
    ----------
    id, path : str
        Identifier and path of the image; the path is empty for an image that the data set generates.
    label, suggested : str
        Its label, and the class that the cross-validated model finds most probable; empty if it was not judged.
    probability : float or None
        Probability of its label; None if it was not judged.
    reason : str
        Why the label is doubtful, as one or two clauses.
    """

    id: str
    path: str
    label: str
    suggested: str
    probability: float | None
    reason: str


@dataclass(frozen=True, kw_only=True)
class DoubtsResult:
    """The result of `doubts`.

    Parameters
    ----------
    output, html : str
        Paths of the table and of the page; the latter is empty if none was asked for.
    dataset, model : str
        What was checked, and the model whose features were used.
    count : int
        Number of labels that were checked.
    unlabeled, unreadable : int
        Numbers of images without a label, and of images that cannot be read.
    contradicted : int
        Number of labels that the cross-validated model contradicts.
    duplicates : int
        Number of pairs of images of the same object with different labels.
    rows : int
        Number of rows of the table.
    doubts : tuple of Doubt
        The most doubtful labels, at most 100.
    notes : tuple of str
        What to beware of.
    """

    output: str
    html: str
    dataset: str
    model: str
    count: int
    unlabeled: int
    unreadable: int
    contradicted: int
    duplicates: int
    rows: int
    doubts: tuple[Doubt, ...]
    notes: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """Return the result as JSON values."""
        return {**asdict(self), "doubts": [asdict(one) for one in self.doubts], "notes": list(self.notes)}
