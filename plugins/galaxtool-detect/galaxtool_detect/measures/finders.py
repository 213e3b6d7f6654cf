"""What finds sources: a detector, a table of detections, or sep as a baseline."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from galaxtool import ConfigError, DependencyMissing
from galaxtool_detect.boxes import Detections, FieldImage
from galaxtool_detect.catalog.maps import FieldMap, beam_pixels
from galaxtool_detect.catalog.noise_grid import measure_noise
from galaxtool_detect.catalog.units import is_per_beam

if TYPE_CHECKING:
    from galaxtool_detect.detectors.engine import DetectionEngine

BASELINE = "sep"
_ISLAND = 0.6  # of the threshold of the peak


@dataclass(frozen=True, kw_only=True, eq=False)
class Found:
    """What was found in an image.

    Parameters
    ----------
    detections : Detections
        Boxes, scores, and labels as indices of `Finder.classes`, -1 for a detection without a class.
    peak, flux : ndarray, shape (N,), optional
        Peak brightness and integrated flux by the finder itself; without them, galaxtool measures them in the boxes.
    """

    detections: Detections
    peak: np.ndarray | None = None
    flux: np.ndarray | None = None


class Finder(Protocol):
    """What finds sources in images.

    Attributes
    ----------
    name : str
        Name in results.
    classes : tuple of str
        Names of the classes that it knows; empty if it tells none apart.
    knows_no_other : bool
        Whether these are all that it can name, as for a trained detector.
    threshold : float
        Score from which a detection counts in completeness and reliability.
    """

    name: str
    classes: tuple[str, ...]
    knows_no_other: bool
    threshold: float

    def find(self, field: FieldImage) -> Found:
        """Return what is in an image."""


class DetectorFinder:
    """A trained detector.

    Parameters
    ----------
    engine : DetectionEngine
        The detector.
    name : str
        Its name.
    threshold : float, optional
        Score from which a detection counts; by default that of the detector.
    upscale : float, optional
        Factor by which images are enlarged; by default as `galaxtool detect run` chooses it.
    """

    knows_no_other = True

    def __init__(
        self, engine: DetectionEngine, name: str, threshold: float | None = None, upscale: float | None = None
    ) -> None:
        self.name = name
        self.classes = tuple(engine.record.network.classes)
        self.threshold = engine.record.threshold if threshold is None else threshold
        self._engine = engine
        self._upscale = upscale

    def find(self, field: FieldImage) -> Found:
        """Return what is in an image, down to the lowest score of the detector."""
        from galaxtool_detect.inference.run import choose_upscale
        from galaxtool_detect.inference.scan import Scan

        image = FieldMap(field)
        scan = Scan(
            engine=self._engine,
            read=image.read,
            shape=field.shape,
            unit=field.unit,
            upscale=self._upscale or choose_upscale(self._engine.record, image),
        )
        return Found(detections=scan.detect())


class SepFinder:
    """Connected pixels above a threshold, deblended, by sep (the algorithm of SExtractor): a finder without a network.

    Parameters
    ----------
    sigmas : float
        Least ratio of peak to noise of a source; pixels above 60 % of it belong to it, as Aegean and PyBDSF have two
        thresholds.

    Raises
    ------
    DependencyMissing
        If sep is not installed.
    """

    name = BASELINE
    classes: tuple[str, ...] = ()
    knows_no_other = False
    threshold = 0.0

    def __init__(self, sigmas: float = 5.0) -> None:
        try:
            import sep  # noqa: F401
        except ImportError as error:
            raise DependencyMissing(
                "sep is not installed.", hint="Install it with: pip install 'galaxtool-detect[baseline]'"
            ) from error
        self.sigmas = sigmas

    def find(self, field: FieldImage) -> Found:
        """Return what is in an image; scores grow with the ratio of peak to noise."""
        import sep

        image = FieldMap(field)
        noise = measure_noise(image)
        ny, nx = field.shape
        rows, columns = np.mgrid[:ny, :nx]
        background, rms = (values.reshape(ny, nx) for values in noise.at(columns.ravel(), rows.ravel()))
        mask = ~np.isfinite(field.pixels[0]) | ~(rms > 0)
        data = np.where(mask, 0.0, field.pixels[0] - background)
        sigma = np.where(mask, 1.0, rms)
        # the peak of the pixels is what counts, so there is no filter
        found = sep.extract(
            data, _ISLAND * self.sigmas, err=sigma, mask=mask, minarea=4, filter_kernel=None,
            deblend_nthresh=32, deblend_cont=0.005, clean=False,
        )  # fmt: skip
        snr = found["peak"] / sigma[found["ypeak"], found["xpeak"]]
        found, snr = found[snr >= self.sigmas], snr[snr >= self.sigmas]
        beam = beam_pixels(image)
        area = math.pi * beam[0] * beam[1] / (4 * math.log(2)) if beam is not None else math.nan
        boxes = np.column_stack([found[key] for key in ("xmin", "ymin", "xmax", "ymax")]).reshape(-1, 4)
        return Found(
            detections=Detections(
                boxes=(boxes + np.array([-0.5, -0.5, 0.5, 0.5])).astype(np.float32),
                scores=(1 - 1 / np.maximum(snr, 1)).astype(np.float32),
                labels=np.zeros(len(found), np.int64),
            ),
            peak=np.asarray(found["peak"], float),
            flux=np.asarray(found["flux"], float) / (area if is_per_beam(field.unit) else 1.0),
        )


def open_finder(name: str, *, threshold: float | None, upscale: float | None, device: str, precision: str) -> Finder:
    """Return a finder by name.

    Parameters
    ----------
    name : str
        ``sep``, or a detector: its name, the folder of a run, or an ONNX file.
    threshold, upscale : float, optional
        See `DetectorFinder`.
    device, precision : str
        As for `galaxtool detect run`.

    Raises
    ------
    UnknownName
        If there is no such detector.
    ConfigError
        If the threshold is not a score.
    """
    if threshold is not None and not 0 <= threshold <= 1:
        raise ConfigError(f"--threshold is {threshold:g}; scores are from 0 to 1.")
    if name == BASELINE:
        return SepFinder()
    from galaxtool_detect.detectors.find import open_engine

    return DetectorFinder(open_engine(name, device, precision), Path(name).name, threshold, upscale)
