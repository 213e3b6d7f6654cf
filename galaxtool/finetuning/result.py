"""The result of a training."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class FinetuneResult:
    """Paths, scores and classes of a finished training.

    Parameters
    ----------
    run, model : Path
        The run directory and the model directory in it.
    metrics : dict
        Scores on the validation split, as in ``metrics.json``.
    classes : list of str
        Slugs of the classes, in the order of the model's outputs.
    """

    run: Path
    model: Path
    metrics: dict[str, Any]
    classes: list[str]

    def as_dict(self) -> dict[str, Any]:
        """Return the result as JSON values."""
        return {"run": str(self.run), "model": str(self.model), "classes": self.classes, "metrics": self.metrics}
