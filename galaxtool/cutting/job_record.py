"""The record of a job of ``cutouts``."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from galaxtool.jobs.record import JobRecord, stored_as


@dataclass(frozen=True, kw_only=True)
class CutJobRecord(JobRecord):
    """Everything that decides the cutouts of a job.

    Parameters
    ----------
    images : str
        Digest of the images.
    objects : str
        Digest of the objects and of the boxes that are cut around them.
    kind : str
        Kind of output.
    stretch : dict or None
        Values of the stretch of PNG files.
    """

    images: str = field(metadata=stored_as("set of images"))
    objects: str = field(metadata=stored_as("catalogue or size"))
    kind: str
    stretch: dict[str, Any] | None

    def describe_result(self) -> dict[str, Any]:
        """Return what decides the result, as ``cutouts.json`` stores it; the keys name the inputs in error messages."""
        return {key: value for key, value in self.to_json().items() if key not in ("parts", "shards")}
