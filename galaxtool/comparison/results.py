"""What `compare` returns; this file imports nothing heavy."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

SIGNIFICANT = 0.05
"""Corrected p-value below which one of two is called better."""


@dataclass(frozen=True, kw_only=True)
class ComparedScore:
    """One score of an evaluation, or of several with the same name.

    Parameters
    ----------
    name : str
        Name of the evaluation.
    metric : str
        Name of the score.
    value, low, high : float or None
        The score with its 95 % interval; the mean of several evaluations.
    seeds : int
        Number of evaluations of this name.
    spread, lowest, highest : float or None
        Standard deviation, smallest and greatest value of several evaluations.
    """

    name: str
    metric: str
    value: float | None
    low: float | None
    high: float | None
    seeds: int = 1
    spread: float | None = None
    lowest: float | None = None
    highest: float | None = None


@dataclass(frozen=True, kw_only=True)
class Difference:
    """The difference of one score of two evaluations on the same images.

    Parameters
    ----------
    first, second : str
        Names of the two evaluations.
    metric : str
        Name of the score.
    difference, low, high : float or None
        The score of the second minus that of the first, with its 95 % interval from a paired bootstrap.
    test : {"McNemar", "bootstrap"}
        What the p-value is from.
    p, p_holm : float or None
        Two-sided p-value, and the same corrected for the number of pairs by the method of Holm.
    only_first, only_second : int or None
        Numbers of images that only one of the two has right, for McNemar's test.
    better : str or None
        The better one of the two if `p_holm` is below 0.05, else None.
    """

    first: str
    second: str
    metric: str
    difference: float | None
    low: float | None
    high: float | None
    test: str
    p: float | None
    p_holm: float | None
    only_first: int | None = None
    only_second: int | None = None
    better: str | None = None


@dataclass(frozen=True, kw_only=True)
class CompareResult:
    """The comparison of several evaluations.

    Parameters
    ----------
    n : int
        Number of images.
    evaluations : dict
        Name -> where its predictions are from.
    scores : tuple of ComparedScore
        Every score of every evaluation.
    differences : tuple of Difference
        Every score of every pair.
    resamples, seed : int
        How the intervals were computed.
    notes : tuple of str
        What to know about the images.
    output : Path or None
        Folder with the tables and the figure.
    """

    n: int
    evaluations: dict[str, list[str]]
    scores: tuple[ComparedScore, ...]
    differences: tuple[Difference, ...]
    resamples: int
    seed: int
    notes: tuple[str, ...] = ()
    output: Path | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "n": self.n,
            "evaluations": self.evaluations,
            "scores": [asdict(one) for one in self.scores],
            "differences": [asdict(one) for one in self.differences],
            "resamples": self.resamples,
            "seed": self.seed,
            "notes": list(self.notes),
            "output": None if self.output is None else str(self.output),
        }
