"""The result of ``plot``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class PlotResult:
    """A figure that was drawn.

    Parameters
    ----------
    kind : str
        Name of the kind.
    output : Path
        File of the figure.
    inputs : tuple of str
        What was drawn.
    """

    kind: str
    output: Path
    inputs: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the fields as plain values."""
        return {"kind": self.kind, "output": str(self.output), "inputs": list(self.inputs)}
