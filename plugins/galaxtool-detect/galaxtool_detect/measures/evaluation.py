"""Evaluate what finds sources on images with true boxes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from astropy.table import Table

from galaxtool import ConfigError, Progress
from galaxtool_detect.boxes import Detections, FieldImage
from galaxtool_detect.catalog.file_rows import turn_boxes
from galaxtool_detect.catalog.fluxes import estimate_beam_width
from galaxtool_detect.catalog.maps import FieldMap
from galaxtool_detect.catalog.measure_boxes import measure_boxes
from galaxtool_detect.catalog.noise_grid import measure_noise
from galaxtool_detect.catalog.units import find_factor
from galaxtool_detect.measures.average_precision import AveragePrecision, compute_average_precision
from galaxtool_detect.measures.finders import Finder, Found
from galaxtool_detect.measures.flux_bias import compute_flux_bias
from galaxtool_detect.measures.matching import IGNORED, NONE, match_positions
from galaxtool_detect.measures.rates import SNR_EDGES, Rate, compute_rates, find_flux_edges

_FIVE = 5.0


@dataclass(frozen=True, kw_only=True, eq=False)
class FinderScores:
    """How one finder did.

    Parameters
    ----------
    name : str
        Name of the finder.
    threshold : float
        Score from which its detections count in all but the average precisions.
    precision : AveragePrecision
        Average precisions.
    sources, detections : Table
        A row for each true source, and for each detection above the threshold.
    tables : dict of str to Table
        ``completeness_snr``, ``completeness_flux``, ``reliability_snr``, ``reliability_flux``, ``flux_bias``,
        ``peak_bias``.
    unit : str
        Unit of the pixels in which peaks and fluxes are given: that of the first image. Those of images in a unit that
        it cannot be compared with are NaN.
    """

    name: str
    threshold: float
    precision: AveragePrecision
    sources: Table
    detections: Table
    tables: dict[str, Table]
    unit: str = ""

    @property
    def completeness(self) -> Rate:
        """Share of the labelled sources that was found."""
        labelled = self.sources[~np.asarray(self.sources["ignored"], bool)]
        return Rate(int(np.sum(labelled["found"])), len(labelled))

    def completeness_above(self, snr: float) -> Rate:
        """Share of the sources, ignored ones too, at least this bright that was found."""
        bright = self.sources[np.asarray(self.sources["snr"], float) >= snr]
        return Rate(int(np.sum(bright["found"])), len(bright))

    @property
    def reliability(self) -> Rate:
        """Share of the detections that are true; those of ignored sources count neither way."""
        counted = self.detections[np.asarray(self.detections["match"]) != "ignored"]
        return Rate(int(np.sum(np.asarray(counted["match"]) == "true")), len(counted))

    def as_dict(self) -> dict[str, Any]:
        """Return plain values."""
        complete, reliable = self.completeness, self.reliability
        total = complete.n + reliable.n
        return {
            "threshold": self.threshold,
            "unit": self.unit,
            "n_sources": complete.n,
            "n_detections": len(self.detections),
            "completeness": complete.as_dict(),
            "completeness_above_5_sigma": self.completeness_above(_FIVE).as_dict(),
            "reliability": reliable.as_dict(),
            "f1": 2 * complete.hits / total if total else float("nan"),
            "average_precision": self.precision.as_dict(),
            **{name: [dict(zip(table.colnames, map(_to_plain, row), strict=True)) for row in table]
               for name, table in self.tables.items()},
        }  # fmt: skip


def _to_plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value


class Evaluation:
    """Collects what one finder finds in images, and then computes its scores.

    Parameters
    ----------
    finder : Finder
        What finds sources.
    classes : tuple of str
        Classes of the data.
    one_class : bool
        Whether boxes count whatever their class.

    Raises
    ------
    ConfigError
        If the data have classes that the finder does not know.
    """

    def __init__(self, finder: Finder, classes: tuple[str, ...], *, one_class: bool = False) -> None:
        self.finder = finder
        shared = set(classes) & set(finder.classes)
        self.one_class = one_class or len(classes) == 1 or not finder.classes
        self.one_class |= not shared and not finder.knows_no_other
        self.classes = ("source",) if self.one_class else classes
        lacking = finder.knows_no_other and not self.one_class
        missing = [name for name in classes if name not in shared] if lacking else []
        if missing:
            raise ConfigError(
                f"The data have sources of class {', '.join(map(repr, missing))}, which '{finder.name}' does not know; "
                f"it knows {', '.join(finder.classes)}.",
                hint="--one-class measures boxes whatever their class; or train a detector on these classes.",
            )
        self._unit: str | None = None
        self._truth: list[FieldImage] = []
        self._found: list[Detections] = []
        self._sources: list[dict[str, Any]] = []
        self._detections: list[dict[str, Any]] = []

    def add(self, field: FieldImage) -> None:
        """Find the sources of an image and compare them with the true ones."""
        found = self.finder.find(field)
        detections = self._name_labels(found.detections)
        labels = np.zeros(len(field.labels), np.int64) if self.one_class else field.labels
        empty = np.broadcast_to(np.float32(0), (1, *field.shape))
        self._truth.append(replace(field, labels=labels, pixels=empty))
        self._found.append(detections)
        counted = detections.scores >= self.finder.threshold
        self._unit = field.unit if self._unit is None else self._unit
        factor = find_factor(field.unit, self._unit)
        peaks, fluxes, snr = _measure_found(field, found, counted, self.finder.classes)
        peaks, fluxes = factor * peaks, factor * fluxes
        above = detections.select(counted)
        match = match_positions(field, above, estimate_beam_width(FieldMap(field)))
        truth = complete_truth(field)
        truth |= {key: factor * truth[key] for key in ("flux", "peak")}
        n = len(field.boxes)
        every = np.concatenate([field.boxes, field.ignored])
        every, own_boxes = (turn_boxes(boxes, field.shape[0], field.unit) for boxes in (every, above.boxes))
        own = {int(row): i for i, row in enumerate(match.source) if row >= 0}
        for row in range(n + len(field.ignored)):
            i = own.get(row)
            box = every[row]
            self._sources.append({
                "image": field.name, "x": float(box[0] + box[2]) / 2, "y": float(box[1] + box[3]) / 2,
                "ignored": row >= n, **{key: float(values[row]) for key, values in truth.items()},
                "found": i is not None, "score": float(above.scores[i]) if i is not None else np.nan,
                "measured_peak": float(peaks[i]) if i is not None else np.nan,
                "measured_flux": float(fluxes[i]) if i is not None else np.nan,
            })  # fmt: skip
        for i, source in enumerate(match.source.tolist()):
            kind = "false" if source == NONE else "ignored" if source == IGNORED or source >= n else "true"
            box = own_boxes[i]
            self._detections.append({
                "image": field.name, "x": float(box[0] + box[2]) / 2, "y": float(box[1] + box[3]) / 2,
                "score": float(above.scores[i]), "snr": float(snr[i]), "peak": float(peaks[i]),
                "flux": float(fluxes[i]), "match": kind,
            })  # fmt: skip

    def finish(self) -> FinderScores:
        """Return the scores on all images that were added."""
        sources = _make_table(self._sources, _SOURCE_COLUMNS)
        detections = _make_table(self._detections, _DETECTION_COLUMNS)
        known = [self._known(one) for one in self._found]
        precision = compute_average_precision(self._truth, known, self.classes)
        return FinderScores(
            name=self.finder.name,
            threshold=self.finder.threshold,
            precision=precision,
            sources=sources,
            detections=detections,
            tables=_compute_tables(sources, detections),
            unit=self._unit or "",
        )

    def _name_labels(self, found: Detections) -> Detections:
        """Return detections with labels of the data; -1 for a class that the data lack, and for none."""
        if self.one_class:
            return replace(found, labels=np.zeros(len(found), np.int64))
        numbers = [self.classes.index(name) if name in self.classes else -1 for name in self.finder.classes]
        return replace(found, labels=np.array([*numbers, -1], np.int64)[found.labels])  # -1 is the last one

    def _known(self, found: Detections) -> Detections:
        """Return the detections of classes that the data have."""
        return found.select(found.labels >= 0)


_SOURCE_COLUMNS = {
    "image": str, "x": float, "y": float, "ignored": bool, "flux": float, "peak": float, "snr": float, "found": bool,
    "score": float, "measured_peak": float, "measured_flux": float,
}  # fmt: skip
_DETECTION_COLUMNS = {
    "image": str, "x": float, "y": float, "score": float, "snr": float, "peak": float, "flux": float, "match": str,
}  # fmt: skip


def _make_table(rows: Sequence[dict[str, Any]], columns: dict[str, type]) -> Table:
    return Table({name: np.array([row[name] for row in rows], kind) for name, kind in columns.items()})


def complete_truth(field: FieldImage) -> dict[str, np.ndarray]:
    """Return flux, peak and signal-to-noise of all true sources, measured in the image where they are not known."""
    n = len(field.boxes) + len(field.ignored)
    truth = {key: field.truth.get(key, np.full(n, np.nan)) for key in ("flux", "peak", "snr")}
    if n and "snr" not in field.truth and np.isfinite(field.pixels).any():
        image = FieldMap(field)
        noise = measure_noise(image)
        boxes = np.concatenate([field.boxes, field.ignored]).astype(float)
        measured = measure_boxes(image, noise, boxes, [""] * n)
        truth["snr"] = np.array([one.snr for one in measured])
    return truth


def _measure_found(
    field: FieldImage, found: Found, counted: np.ndarray, classes: Sequence[str]
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return peak, flux and signal-to-noise of the detections that count."""
    boxes = found.detections.boxes[counted].astype(float)
    if not len(boxes):
        return np.zeros(0), np.zeros(0), np.zeros(0)
    image = FieldMap(field)
    noise = measure_noise(image)
    if found.peak is not None and found.flux is not None:
        peak, flux = found.peak[counted], found.flux[counted]
        _, rms = noise.at(*((boxes[:, i] + boxes[:, i + 2]) / 2 for i in (0, 1)))
        return peak, flux, peak / np.where(rms > 0, rms, np.nan)
    labels = [classes[label] if classes and label >= 0 else "" for label in found.detections.labels[counted]]
    measured = measure_boxes(image, noise, boxes, labels)
    peak = np.array([one.peak for one in measured]) if found.peak is None else found.peak[counted]
    flux = np.array([one.flux for one in measured]) if found.flux is None else found.flux[counted]
    return peak, flux, np.array([one.snr for one in measured])


def _compute_tables(sources: Table, detections: Table) -> dict[str, Table]:
    """Return the rates and ratios in bins."""
    snr, flux = (np.asarray(sources[key], float) for key in ("snr", "flux"))
    found = np.asarray(sources["found"], bool)
    counted = detections[np.asarray(detections["match"]) != "ignored"]
    true = np.asarray(counted["match"]) == "true"
    own_snr, own_flux = (np.asarray(counted[key], float) for key in ("snr", "flux"))
    return {
        "completeness_snr": compute_rates(snr, found, SNR_EDGES),
        "completeness_flux": compute_rates(flux, found, find_flux_edges(flux)),
        "reliability_snr": compute_rates(own_snr, true, SNR_EDGES),
        "reliability_flux": compute_rates(own_flux, true, find_flux_edges(own_flux)),
        "flux_bias": compute_flux_bias(snr, np.asarray(sources["measured_flux"]), flux, SNR_EDGES),
        "peak_bias": compute_flux_bias(
            snr, np.asarray(sources["measured_peak"]), np.asarray(sources["peak"]), SNR_EDGES
        ),
    }


def evaluate_finders(
    fields: Iterable[FieldImage],
    n: int,
    finders: Sequence[Finder],
    classes: tuple[str, ...],
    *,
    one_class: bool = False,
    progress: Progress,
) -> list[FinderScores]:
    """Evaluate finders on the same images.

    Parameters
    ----------
    fields : iterable of FieldImage
        Images with true boxes.
    n : int
        Number of images.
    finders : sequence of Finder
        What finds sources.
    classes : tuple of str
        Classes of the data.
    one_class : bool
        Whether boxes count whatever their class.
    progress : Progress
        Receives the progress.
    """
    evaluations = [Evaluation(finder, classes, one_class=one_class) for finder in finders]
    progress.start("Evaluating", n)
    for field in fields:
        for evaluation in evaluations:
            evaluation.add(field)
        progress.advance(note=field.name)
    return [evaluation.finish() for evaluation in evaluations]
