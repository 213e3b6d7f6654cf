"""What was found in each row of windows, as the parts of a job, so that an interrupted run can be resumed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from astropy.table import Table

from galaxtool import Job, JobRecord, Progress
from galaxtool_detect.boxes import Detections
from galaxtool_detect.detectors.record import DetectorRecord
from galaxtool_detect.inference.merging import WindowDetections, merge
from galaxtool_detect.inference.scan import Scan

_SIDES = ("x0", "y0", "x1", "y1")


@dataclass(frozen=True, kw_only=True)
class DetectionRecord(JobRecord):
    """Everything that decides the boxes.

    Parameters
    ----------
    model, inputs : str
        Digests of the detector and of the list of maps.
    hdu : str, optional
        HDU of FITS files.
    upscale : float, optional
        Factor by which maps are enlarged, if it was given.
    overlap : float
        Share of a window that it has in common with the next.
    precision : str
        Precision of backbone and pyramid.
    """

    kind: str = "detections"
    model: str
    inputs: str
    hdu: str | None = None
    upscale: float | None = None
    overlap: float
    precision: str


def digest_maps(paths: Sequence[Path]) -> str:
    """Return a digest of the paths, sizes and times of maps."""
    found = [(path, path.stat()) for path in paths]
    return _digest([[str(path.resolve()), stat.st_size, stat.st_mtime_ns] for path, stat in found])


def digest_detector(name: str, record: DetectorRecord) -> str:
    """Return a digest of what is known of a detector."""
    return _digest([name, record.created, record.network.as_dict(), record.upscale])


def scan_with_parts(job: Job[DetectionRecord], first: int, scan: Scan, name: str, progress: Progress) -> Detections:
    """Return what is in an image; rows of windows that are done are read from their parts.

    Parameters
    ----------
    job : Job
        The job, of which each row of windows is a part.
    first : int
        Number of the part of the first row.
    scan : Scan
        How the image passes through the detector.
    name : str
        Name of the image for the progress.
    progress : Progress
        Receives the progress.
    """
    rows, count = scan.tiling.rows, len(scan.tiling.columns)
    progress.start(f"Detecting in {name}", len(rows) * count)
    missing = set(job.missing)
    parts = []
    for number, bottom in enumerate(rows, start=first):
        if number in missing:
            part = scan.detect_row(bottom)
            job.write(number, _to_table(part))
        else:
            part = _from_table(job.read(number))
        parts.append(part)
        progress.advance(count)
    return merge(WindowDetections.concatenate(parts), scan.tiling.side)


def _to_table(part: WindowDetections) -> Table:
    found = part.found
    sides = {name: found.boxes[:, i] for i, name in enumerate(_SIDES)}
    return Table({**sides, "score": found.scores, "label": found.labels, "cut": part.cut})


def _from_table(table: Table) -> WindowDetections:
    found = Detections(
        boxes=np.stack([np.asarray(table[name], np.float32) for name in _SIDES], axis=1),
        scores=np.asarray(table["score"], np.float32),
        labels=np.asarray(table["label"], np.int64),
    )
    return WindowDetections(found, np.asarray(table["cut"], bool))


def _digest(values: list[Any]) -> str:
    return hashlib.sha256(json.dumps(values, sort_keys=True).encode()).hexdigest()[:16]
