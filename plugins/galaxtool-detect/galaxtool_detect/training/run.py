"""A training in its run directory, new or resumed."""

from __future__ import annotations

import dataclasses
import datetime
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from astropy.wcs.utils import proj_plane_pixel_scales

from galaxtool import Progress, RunDirectory, Trainer, choose_training_device, is_main_process, share_run, warn
from galaxtool_detect import __version__
from galaxtool_detect.boxes import DetectionSet
from galaxtool_detect.datasets.open import open_detection_set
from galaxtool_detect.detectors.files import save_detector
from galaxtool_detect.detectors.record import DetectorRecord
from galaxtool_detect.networks.freezing import count_weights, describe_weights
from galaxtool_detect.training.config import TrainConfig
from galaxtool_detect.training.pieces import divide_large
from galaxtool_detect.training.sweep import sweep_rates
from galaxtool_detect.training.task import Setup, make_stage, make_task, prepare
from galaxtool_detect.training.windows import FieldCache


@dataclass(frozen=True, kw_only=True)
class TrainOutcome:
    """What a training led to.

    Parameters
    ----------
    run, model : Path
        Folder of the run, and that of the detector in it.
    record : DetectorRecord
        What the detector is.
    """

    run: Path
    model: Path
    record: DetectorRecord


def start_training(config: TrainConfig, output: Path, progress: Progress, *, overwrite: bool) -> TrainOutcome:
    """Create a run directory and train in it."""
    setup = prepare(config, _open(config, progress))

    def make() -> RunDirectory:
        return RunDirectory.create(output, command="detect train", config=config.as_dict(), overwrite=overwrite)

    with share_run(make) as run, _explain_interruption(output):
        return _train(run, config, setup, progress, resume=False)


def resume_training(path: Path, progress: Progress) -> TrainOutcome:
    """Resume an unfinished run with its own settings."""
    with share_run(lambda: RunDirectory.open(path, command="detect train")) as run, _explain_interruption(path):
        config = TrainConfig.from_dict({name: entry["value"] for name, entry in run.manifest["config"].items()})
        return _train(run, config, prepare(config, _open(config, progress)), progress, resume=True)


def _open(config: TrainConfig, progress: Progress) -> DetectionSet:
    images = None if config.images is None else Path(config.images)
    return divide_large(open_detection_set(config.dataset, images=images), progress)


@contextmanager
def _explain_interruption(path: Path) -> Iterator[None]:
    """Add to an interruption how to resume the run."""
    try:
        yield
    except KeyboardInterrupt as error:
        error.add_note(f"Resume with: galaxtool detect train --resume {path}")
        raise


def _train(run: RunDirectory, config: TrainConfig, setup: Setup, progress: Progress, *, resume: bool) -> TrainOutcome:
    setup.detector.to(choose_training_device(config.device))
    _describe(setup, progress)
    lr = config.lr or sweep_rates(config, setup, run.path / "lr_sweep.csv", progress)
    config = dataclasses.replace(config, lr=lr)
    run.manifest["config"]["lr"]["value"] = lr
    task = make_task(config, setup, lr)
    run.manifest["device"] = f"{task.device}, {task.options.precision}"
    run.manifest["citations"] = list(setup.credits.citations)
    run.save()
    outcome = Trainer(task, [make_stage(config, setup, epochs=config.epochs)], run.path, progress).fit(resume=resume)
    record = _make_record(config, setup, outcome.best)
    run.manifest["metrics"] = record.scores
    if is_main_process():
        save_detector(run.path / "model", setup.detector, record)
    return TrainOutcome(run=run.path, model=run.path / "model", record=record)


def _describe(setup: Setup, progress: Progress) -> None:
    """Say what learns from what."""
    patch = setup.detector.body.patch
    network = setup.detector.config
    progress.say(
        f"{len(setup.train)} fields to train on ({setup.sizes.empty} without sources), {len(setup.valid)} to validate; "
        f"classes: {', '.join(network.classes)}."
    )
    progress.say(f"{network.backbone} at {network.image_size} pixels. {describe_weights(setup.detector)}")
    progress.say(setup.sizes.describe(setup.upscale, patch))
    if problem := setup.sizes.find_problem(setup.upscale, patch):
        warn(progress, problem)


def _make_record(config: TrainConfig, setup: Setup, best: dict[str, Any]) -> DetectorRecord:
    detector = setup.detector
    scores = {key: value for key, value in best.items() if key.startswith("valid_")}
    return DetectorRecord(
        network=detector.config,
        upscale=setup.upscale,
        threshold=round(float(best["threshold"]), 4),
        beam_pixels=find_beam_pixels(setup.train),
        sources=setup.sizes.as_dict(),
        training={
            **{key: value for key, value in config.as_dict().items() if key not in ("dataset", "start")},
            "backbone": config.backbone if config.start is None else detector.config.backbone,
            "head": detector.config.head,
            "start": None if config.start is None else Path(config.start).name,
            "dataset": setup.train.fields.name,
            "fields": len(setup.train),
            "best_epoch": best["epoch"],
            "weights": count_weights(detector, learning=False),
            "learning_weights": count_weights(detector),
        },
        scores=scores,
        licence=setup.credits.licence,
        citations=[dict(one) for one in setup.credits.citations],
        created=datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        version=__version__,
    )


def find_beam_pixels(fields: FieldCache) -> float | None:
    """Return the median width of the beam in pixels of the fields; None if no field has a beam and a pixel scale."""
    widths = []
    for index in range(min(len(fields), 200)):
        field = fields[index]
        if field.beam is None or field.wcs is None:
            continue
        scale = 3600 * float(np.sqrt(np.prod(proj_plane_pixel_scales(field.wcs))))
        widths.append(float(np.sqrt(field.beam.major * field.beam.minor)) / scale)
    return round(float(np.median(widths)), 3) if widths else None
