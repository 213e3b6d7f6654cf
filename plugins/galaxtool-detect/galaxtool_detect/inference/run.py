"""Detection in files: maps of any size, one after the other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from galaxtool import ConfigError, InputError, Job, JobOptions, Progress, SkyMap, UnreadableImage, open_map, warn
from galaxtool_detect.boxes import Detections
from galaxtool_detect.catalog.maps import PixelMap
from galaxtool_detect.catalog.write import CatalogueOutputs
from galaxtool_detect.detectors.engine import DetectionEngine
from galaxtool_detect.detectors.find import open_engine
from galaxtool_detect.detectors.record import DetectorRecord
from galaxtool_detect.inference.merging import drop_weak_frames
from galaxtool_detect.inference.parts import DetectionRecord, digest_detector, digest_maps, scan_with_parts
from galaxtool_detect.inference.scan import Scan

_SUFFIXES = (".fits", ".fit", ".fts", ".fits.gz", ".fits.fz", ".png", ".jpg", ".jpeg")
_SIMILAR = 1.4
"""Ratio of beams, in pixels of the network, up to which a map is enlarged as in the training."""
_UPSCALES = (0.25, 8.0)


@dataclass(frozen=True, kw_only=True)
class RunSettings:
    """How maps pass through a detector.

    Parameters
    ----------
    model : str
        Name or path of the detector.
    hdu : int or str, optional
        HDU of FITS files.
    threshold : float, optional
        Least score; by default that of the detector.
    upscale : float, optional
        Factor by which maps are enlarged; by default that of the training, corrected for the width of the beam.
    overlap : float
        Share of a window that it has in common with the next.
    batch_size : int
        Windows at once.
    device, precision : str
        As for ``galaxtool classify``.
    """

    model: str
    hdu: int | str | None = None
    threshold: float | None = None
    upscale: float | None = None
    overlap: float = 0.25
    batch_size: int = 8
    device: str = "auto"
    precision: str = "auto"

    def __post_init__(self) -> None:
        if self.threshold is not None and not 0.05 <= self.threshold <= 1:
            raise ConfigError(f"--threshold must be from 0.05 to 1, not {self.threshold:g}.")
        if self.upscale is not None and not _UPSCALES[0] <= self.upscale <= _UPSCALES[1]:
            raise ConfigError(f"--upscale must be from 0.25 to 8, not {self.upscale:g}.")
        if self.batch_size < 1:
            raise ConfigError(f"--batch-size must be at least 1, not {self.batch_size}.")


@dataclass(frozen=True, kw_only=True)
class MapDetections:
    """What was found in one map, which is open.

    Parameters
    ----------
    path : Path
        File of the map.
    map : SkyMap
        The map.
    found : Detections
        Sources in pixels of the map, above the threshold.
    upscale : float
        Factor by which the map was enlarged.
    """

    path: Path
    map: SkyMap
    found: Detections
    upscale: float


def gather_maps(inputs: Sequence[str | Path], outputs: CatalogueOutputs | None = None) -> list[Path]:
    """Return the files of the inputs: files as they are, and the FITS files and pictures in folders.

    What an earlier run has written into a folder under the names of the outputs is left out.

    Raises
    ------
    InputError
        If an input does not exist, or there is no image.
    """
    found: list[Path] = []
    for one in inputs:
        path = Path(one).expanduser()
        if path.is_dir():
            files = sorted(p for p in path.rglob("*") if p.is_file() and p.name.lower().endswith(_SUFFIXES))
            files = [file for file in files if outputs is None or not _is_output(file, outputs)]
            if not files:
                raise InputError(f"The folder '{path}' has no image.", hint="Give FITS files, PNG or JPEG.")
            found += files
        elif path.exists():
            found.append(path)
        else:
            raise InputError(f"'{path}' does not exist.", hint="Check the path; a folder of maps can be given too.")
    if not found:
        raise InputError("There is no map to look at.", hint="Give one: galaxtool detect run map.fits -o sources.csv")
    return list(dict.fromkeys(found))


def _is_output(file: Path, outputs: CatalogueOutputs) -> bool:
    """Tell whether a file has the name of an output, or of the figure of one of several maps."""
    if file.resolve() in [one.resolve() for one in outputs.list_files()]:
        return True
    overlay = outputs.overlay
    return (
        overlay is not None
        and file.parent.resolve() == overlay.parent.resolve()
        and file.suffix == overlay.suffix
        and file.stem.startswith(f"{overlay.stem}-")
    )


@dataclass(frozen=True)
class _MapPlan:
    """A map that can be read: its file, the number of its first part, and how many it has."""

    path: Path
    first: int
    parts: int


class DetectionRun:
    """Maps that pass through a detector, one after the other.

    Parameters
    ----------
    paths : sequence of Path
        Files of the maps.
    settings : RunSettings
        How they pass through the detector.
    progress : Progress
        Receives the progress, and a warning for each map that cannot be read.

    Attributes
    ----------
    failed : list of Path
        Maps that cannot be read.

    Raises
    ------
    UnreadableImage
        If no map can be read.
    UnknownName
        If there is no such detector.
    """

    def __init__(self, paths: Sequence[Path], settings: RunSettings, progress: Progress) -> None:
        self.paths = paths
        self.failed: list[Path] = []
        self.settings = settings
        self.progress = progress
        self.engine = open_engine(settings.model, settings.device, settings.precision)
        self.classes = self.engine.record.network.classes
        given = settings.threshold
        self.threshold = self.engine.record.threshold if given is None else given
        self._plans = self._plan()

    def start(self, output: Path, options: JobOptions) -> Job[DetectionRecord]:
        """Open the job with the rows of windows of all maps as its parts.

        Raises
        ------
        OutputExists
            If there is unfinished work that is neither to be resumed nor overwritten.
        InputError
            If the unfinished work has other inputs or settings.
        """
        settings = self.settings
        record = DetectionRecord(
            parts=sum(plan.parts for plan in self._plans),
            model=digest_detector(settings.model, self.engine.record),
            inputs=digest_maps(self.paths),
            hdu=None if settings.hdu is None else str(settings.hdu),
            upscale=settings.upscale,
            overlap=settings.overlap,
            precision=settings.precision,
        )
        return Job(output, record, options)

    def maps(self, job: Job[DetectionRecord]) -> Iterator[MapDetections]:
        """Yield what is in each map, which is closed afterwards.

        A map that cannot be read is warned about and added to `failed`; the others go on.

        Raises
        ------
        UnreadableImage
            If no map can be read.
        """
        for plan in self._plans:
            try:
                with open_map(plan.path, hdu=self.settings.hdu) as sky:
                    scan = make_scan(self.engine, sky, self.settings)
                    found = scan_with_parts(job, plan.first, scan, str(plan.path), self.progress)
                    kept = drop_weak_frames(found.select(found.scores >= self.threshold))
                    yield MapDetections(path=plan.path, map=sky, found=kept, upscale=scan.upscale)
            except UnreadableImage as error:
                self._note_failure(plan.path, error)

    def _plan(self) -> list[_MapPlan]:
        """Open each map once, to count its rows of windows."""
        plans: list[_MapPlan] = []
        first = 0
        for path in self.paths:
            try:
                with open_map(path, hdu=self.settings.hdu) as sky:
                    rows = len(make_scan(self.engine, sky, self.settings).tiling.rows)
            except UnreadableImage as error:
                self._note_failure(path, error)
                continue
            plans.append(_MapPlan(path, first, rows))
            first += rows
        return plans

    def _note_failure(self, path: Path, error: UnreadableImage) -> None:
        """Warn about a map that cannot be read; raise the error if it was the last one."""
        self.failed.append(path)
        if len(self.failed) == len(self.paths):
            raise error
        warn(self.progress, error.message)


def make_scan(engine: DetectionEngine, sky: SkyMap, settings: RunSettings) -> Scan:
    """Return how a map passes through a detector."""
    return Scan(
        engine=engine,
        read=sky.read,
        shape=sky.shape[1:],
        unit=sky.unit,
        upscale=settings.upscale or choose_upscale(engine.record, sky),
        overlap=settings.overlap,
        batch_size=settings.batch_size,
    )


def choose_upscale(record: DetectorRecord, sky: PixelMap) -> float:
    """Return the factor by which a map is enlarged: that of the training, unless its beam has quite another width.

    A detector knows sources of a certain size in pixels. A map whose beam is more than 1.4 times wider or narrower, in
    pixels, than those of the training is enlarged or reduced so that its beam has the width of the training's.
    """
    if record.beam_pixels is None or sky.beam is None or not sky.pixel_scale:
        return record.upscale
    own = float(np.sqrt(sky.beam.major * sky.beam.minor)) / sky.pixel_scale
    ratio = record.beam_pixels / own
    if 1 / _SIMILAR <= ratio <= _SIMILAR:
        return record.upscale
    return float(np.clip(round(4 * record.upscale * ratio) / 4, *_UPSCALES))
