"""What `cluster` returns; this file imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class ClusterResult:
    """Groups of images, and where they were written.

    Parameters
    ----------
    output : Path
        Folder with the table, the page, the figures and ``metrics.json``.
    name, model, layer : str
        What was grouped, and the model and layer that the features are from.
    count, unreadable : int
        Numbers of images that were grouped, and of those without features.
    clusters : list of dict
        Each cluster: ``cluster``, ``size``, ``name``, and with labels ``matched`` and ``labels``, the number of each.
    in_none : int
        Number of images in no cluster.
    metrics : dict
        Content of ``metrics.json``.
    notes : tuple of str
        What was done, and what to beware of.
    """

    output: Path
    name: str
    model: str
    layer: str
    count: int
    unreadable: int
    clusters: list[dict[str, Any]]
    in_none: int
    metrics: dict[str, Any]
    notes: tuple[str, ...] = field(default=())

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        return {
            "output": str(self.output),
            "name": self.name,
            "model": self.model,
            "layer": self.layer,
            "count": self.count,
            "unreadable": self.unreadable,
            "in_none": self.in_none,
            "clusters": self.clusters,
            "metrics": self.metrics,
            "notes": list(self.notes),
        }
