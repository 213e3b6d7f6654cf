"""Run an evaluation: open data and finders, compute scores, write files."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from galaxtool import ConfigError, InputError, OutputExists, Progress, atomic_write, warn, write_table
from galaxtool_detect.boxes import DetectionSet, FieldImage
from galaxtool_detect.datasets.catalogue import CatalogueOptions
from galaxtool_detect.datasets.images import Annotation, read_annotated
from galaxtool_detect.datasets.open import is_image, open_detection_set
from galaxtool_detect.measures.evaluation import FinderScores, evaluate_finders
from galaxtool_detect.measures.figure import draw_scores
from galaxtool_detect.measures.finders import Finder, open_finder
from galaxtool_detect.measures.table_finder import TableFinder
from galaxtool_detect.measures.training_images import count_training_images
from galaxtool_detect.simulation.inject import count_room, inject_points

_SCORES = "scores.json"


@dataclass(frozen=True, kw_only=True)
class EvaluateOptions:
    """What to evaluate; see `galaxtool_detect.commands.evaluate.evaluate`."""

    dataset: str
    model: str
    detections: tuple[Path, ...]
    beside: tuple[str, ...]
    output: Path
    images: Path | None
    split: str | None
    catalogue: CatalogueOptions
    threshold: float | None
    upscale: float | None
    inject: int
    one_class: bool
    seed: int
    device: str
    precision: str
    overwrite: bool


def run_evaluation(options: EvaluateOptions, progress: Progress) -> list[FinderScores]:
    """Evaluate and write the scores.

    Raises
    ------
    OutputExists
        If the folder has scores.
    InputError
        If the data cannot be read, or have no sources.
    """
    if (options.output / _SCORES).exists() and not options.overwrite:
        raise OutputExists(f"'{options.output}' has scores.", hint="Choose another --output, or --overwrite.")
    if options.inject < 0:
        raise ConfigError(f"--inject is {options.inject}; it is a number of sources.")
    if options.inject and options.detections:
        raise ConfigError(
            "--inject adds sources to the images, and a catalogue of --detections cannot have found them.",
            hint="Leave one of the two out; --beside sep is searched with the added sources.",
        )
    data = _open_data(options)
    finders = _open_finders(options)
    for finder in finders:
        if isinstance(finder, TableFinder):
            finder.check_images(len(data))
    classes: tuple[str, ...] = ("compact",) if options.inject else data.classes
    fields = _inject(data, finders[0], options) if options.inject else iter(data)
    n = _count_rounds(data, options) if options.inject else len(data)
    one_class = options.one_class or options.inject > 0
    if not one_class:
        _note_single_class(classes, finders, progress)
    for model in [] if options.inject else [*([] if options.detections else [options.model]), *options.beside]:
        if n_seen := count_training_images(model, data, options.dataset, options.images):
            warn(
                progress,
                f"'{model}' was trained on this data set: its scores are too high, because it was trained or chosen on "
                f"{n_seen} of these {len(data)} images. Score it on others, or give some the split 'test' before the "
                "training.",
            )
    scores = evaluate_finders(fields, n, finders, classes, one_class=one_class, progress=progress)
    if not len(scores[0].sources):
        raise InputError(
            f"'{options.dataset}' has no sources, so there is nothing to compare detections with.",
            hint="Give images with boxes, or --inject 500 to add sources of known flux.",
        )
    write_scores(scores, options)
    return scores


def _note_single_class(classes: tuple[str, ...], finders: list[Finder], progress: Progress) -> None:
    """Say that the only class of the data is not one of a detector, so that its boxes count whatever their class."""
    for finder in finders:
        if len(classes) == 1 and classes != ("source",) and finder.knows_no_other and classes[0] not in finder.classes:
            progress.say(
                f"'{finder.name}' does not know the only class of the data, '{classes[0]}': all its boxes count."
            )


def _open_data(options: EvaluateOptions) -> DetectionSet:
    path = Path(options.dataset).expanduser()
    if path.is_file() and is_image(path):
        if not options.inject:
            raise InputError(
                f"'{path}' is an image without boxes.",
                hint="Give the catalogue of its sources with --images, or --inject 500 to add sources of known flux.",
            )
        nothing = Annotation(path=path, boxes=np.zeros((0, 4)), labels=np.zeros(0, np.int64), source=str(path))
        return DetectionSet(
            name=path.stem, classes=("source",), names=(path.stem,), splits=("",),
            read=lambda _: read_annotated(path.stem, nothing),
        )  # fmt: skip
    data = open_detection_set(options.dataset, images=options.images, catalogue=options.catalogue)
    wanted = options.split or next((split for split in ("test", "valid") if split in data.splits), "")
    if wanted in ("", "all"):
        return data
    if wanted not in data.splits:
        known = ", ".join(sorted(set(data.splits) - {""})) or "none"
        raise ConfigError(f"'{options.dataset}' has no split '{wanted}'.", hint=f"It has {known}; or --split all.")
    return data.take(wanted)


def _open_finders(options: EvaluateOptions) -> list[Finder]:
    """Return the detector or the catalogues, and what is evaluated beside them, with names that differ."""
    finders: list[Finder] = [
        TableFinder(path, options.threshold or 0.0, options.catalogue.size_arcsec) for path in options.detections
    ]
    names = [] if options.detections else [options.model]
    for name in [*names, *options.beside]:
        finders.append(
            open_finder(
                name,
                threshold=options.threshold,
                upscale=options.upscale,
                device=options.device,
                precision=options.precision,
            )
        )
    taken: Counter[str] = Counter()
    for finder in finders:
        taken[finder.name] += 1
        if taken[finder.name] > 1:
            finder.name = f"{finder.name}-{taken[finder.name]}"
    return finders


def _count_rounds(data: DetectionSet, options: EvaluateOptions) -> int:
    return sum(math.ceil(options.inject / len(data) / count_room(field)) for field in data)


def _inject(data: DetectionSet, finder: Finder, options: EvaluateOptions) -> Iterator[FieldImage]:
    """Yield the images with injected sources, each as often as it takes; what the finder finds before is ignored."""
    share = math.ceil(options.inject / len(data))
    for number, field in enumerate(data):
        found = finder.find(field).detections
        known = found.boxes[found.scores >= finder.threshold]
        field = replace(field, ignored=np.concatenate([field.ignored, known]).astype(np.float32))
        left, room = share, count_room(field)
        for turn in range(math.ceil(share / room)):
            round_of = inject_points(field, min(left, room), options.seed + 1000 * number + turn)
            left -= min(left, room)
            yield replace(round_of, name=f"{field.name}-{turn:03d}")


def write_scores(scores: list[FinderScores], options: EvaluateOptions) -> None:
    """Write scores.json, the tables of each finder and the figure."""
    folder = options.output
    folder.mkdir(parents=True, exist_ok=True)
    for one in scores:
        write_table(one.sources, folder / f"{one.name}-sources.csv")
        write_table(one.detections, folder / f"{one.name}-detections.csv")
        for name, table in one.tables.items():
            if len(table):
                write_table(table, folder / f"{one.name}-{name}.csv")
    draw_scores(scores, folder / "scores.png")
    document = {"dataset": options.dataset, "inject": options.inject, "finders": {s.name: s.as_dict() for s in scores}}
    with atomic_write(folder / _SCORES) as temporary:
        text = json.dumps(_replace_nan(document), indent=1, ensure_ascii=False)
        temporary.write_text(text + "\n", encoding="utf-8")


def _replace_nan(value: Any) -> Any:
    """Return a document without NaN and infinity, which JSON has not."""
    if isinstance(value, dict):
        return {key: _replace_nan(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_replace_nan(one) for one in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
