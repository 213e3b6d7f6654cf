"""What `evaluate` returns; this file imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class EvaluateResult:
    """The scores of a model, and where they were written.

    Parameters
    ----------
    output : Path
        Evaluation directory.
    model, dataset, split : str
        What was scored, and on what.
    n : int
        Number of images that were scored.
    unlabeled, errors : int
        Numbers of images without a label, and of images that cannot be read.
    metrics : dict
        The content of ``metrics.json``.
    notes : tuple of str
        What to beware of.
    """

    output: Path
    model: str
    dataset: str
    split: str
    n: int
    unlabeled: int
    errors: int
    metrics: dict[str, Any]
    notes: tuple[str, ...] = field(default=())

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "output": str(self.output),
            "model": self.model,
            "dataset": self.dataset,
            "split": self.split,
            "n": self.n,
            "unlabeled": self.unlabeled,
            "errors": self.errors,
            "metrics": self.metrics,
            "notes": list(self.notes),
        }
