"""What was found in each row of windows, in a folder beside the output, so that an interrupted run can be resumed."""

from __future__ import annotations

import hashlib
import json
import shutil
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from galaxtool import OutputExists, Progress, atomic_write
from galaxtool_detect.boxes import Detections
from galaxtool_detect.inference.merging import WindowDetections, merge
from galaxtool_detect.inference.scan import Scan

_JOB = "job.json"


class PartFolder:
    """The folder of the parts of a run; made anew, or that of an interrupted run with the same settings.

    Parameters
    ----------
    path : Path
        The folder.
    settings : mapping
        What decides the parts, as plain values.
    overwrite : bool
        Whether to delete the parts of a run with other settings.

    Raises
    ------
    OutputExists
        If there are parts of a run with other settings.
    """

    def __init__(self, path: Path, settings: Mapping[str, Any], *, overwrite: bool = False) -> None:
        self.path = path
        text = json.dumps(settings, sort_keys=True, indent=1)
        stored = path / _JOB
        if path.is_dir() and not stored.is_file() and any(path.iterdir()):
            raise OutputExists(
                f"'{path}' has files that detect run did not write.", hint="Move it, or choose another --output."
            )
        if stored.is_file() and stored.read_text(encoding="utf-8") != text:
            if not overwrite and any(path.glob("*.npz")):
                raise OutputExists(
                    f"'{path}' has the parts of a run with other inputs or settings.",
                    hint="Repeat that command to resume it, or start anew with --overwrite.",
                )
            shutil.rmtree(path)
        if not stored.is_file():
            with atomic_write(stored) as temporary:
                temporary.write_text(text, encoding="utf-8")

    def scan(self, name: str, scan: Scan, progress: Progress) -> Detections:
        """Return what is in an image; rows of windows that were done before are read from their parts."""
        rows = scan.tiling.rows
        count = len(scan.tiling.columns)
        progress.start(f"Detecting in {name}", len(rows) * count)
        parts = []
        for number, bottom in enumerate(rows):
            file = self.path / f"{_digest(name)}-{number:05d}.npz"
            part = _read(file)
            if part is None:
                part = scan.detect_row(bottom)
                _write(file, part)
            parts.append(part)
            progress.advance(count)
        return merge(WindowDetections.concatenate(parts), scan.tiling.side)

    def remove_if_empty(self) -> None:
        """Delete the folder if it has no part yet."""
        if not any(self.path.glob("*.npz")):
            self.remove()

    def remove(self) -> None:
        """Delete the parts, once the output is written."""
        shutil.rmtree(self.path, ignore_errors=True)


def _digest(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()[:12]


def _read(file: Path) -> WindowDetections | None:
    """Return a part; None if it is missing or damaged."""
    try:
        with np.load(file) as content:
            found = Detections(boxes=content["boxes"], scores=content["scores"], labels=content["labels"])
            return WindowDetections(found, content["cut"])
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile):
        return None


def _write(file: Path, part: WindowDetections) -> None:
    found = part.found
    with atomic_write(file) as temporary, temporary.open("wb") as stream:
        np.savez(stream, boxes=found.boxes, scores=found.scores, labels=found.labels, cut=part.cut)
