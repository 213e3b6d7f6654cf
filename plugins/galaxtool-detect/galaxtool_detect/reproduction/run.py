"""Computation of the table, training by training; what is finished is not repeated."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from galaxtool import (
    ConfigError,
    DependencyMissing,
    GalaxtoolError,
    OfflineError,
    OutputExists,
    Progress,
    atomic_write,
    read_regular_text,
)
from galaxtool_detect.commands.evaluate import evaluate
from galaxtool_detect.commands.simulate import simulate
from galaxtool_detect.commands.train import train
from galaxtool_detect.datasets.open import open_detection_set
from galaxtool_detect.reproduction.pretraining import pretrain
from galaxtool_detect.reproduction.recipe import Cell, TableRecipe, read_recipe
from galaxtool_detect.reproduction.table import make_row, write_table

SMALL_NOTE = "Simulated fields, and backbones trained on simulated cutouts: the numbers say nothing about the paper's."
TEST_NOTE = "mAP@50 on fields that no training has seen, by the weights of the best epoch on other fields."
FULL_NOTE = "mAP@50 on the split for tests, or where the data have none, on the one that chose the epoch."
_TEST_SEED = 1_000_033
"""Seed of the fields of the tests, which are neither those of the trainings nor those of the backbones."""

_SETTINGS = "settings.json"

DATA = ("rgz", "mgcls")
SCALES = ("tiny", "small", "full")


@dataclass(frozen=True, kw_only=True)
class ReproduceOptions:
    """What is computed; see `galaxtool_detect.commands.reproduce.reproduce`."""

    output: Path
    scale: str = "small"
    data: Mapping[str, str] = dataclasses.field(default_factory=dict)
    seeds: int = 3
    only: str = ""
    epochs: int | None = None
    fields: int | None = None
    device: str = "auto"

    def __post_init__(self) -> None:
        if self.scale not in SCALES:
            raise ConfigError(f"--scale is '{self.scale}'; it must be {', '.join(SCALES[:-1])} or {SCALES[-1]}.")
        if self.scale == "full" and not self.data:
            raise ConfigError(
                "The table needs its data.", hint="Give --data rgz=FOLDER and --data mgcls=FOLDER, or --scale small."
            )
        if self.seeds < 1:
            raise ConfigError(f"--seeds must be at least 1, not {self.seeds}.")


def parse_data(texts: Sequence[str]) -> dict[str, str]:
    """Return the path of each data set from texts ``NAME=PATH``.

    Raises
    ------
    ConfigError
        If a text is something else.
    """
    found = {}
    for text in texts:
        name, equals, path = text.partition("=")
        if not equals or name not in DATA:
            raise ConfigError(f"--data '{text}' does not say what it is.", hint=f"For example: --data {DATA[0]}=FOLDER")
        found[name] = path
    return found


def reproduce_table(options: ReproduceOptions, progress: Progress) -> list[dict[str, Any]]:
    """Train what is missing, and write the table after each cell; return its rows."""
    recipe = read_recipe()
    small = options.scale != "full"
    every = recipe.list_simulated(options.scale) if small else recipe.cells
    cells = [cell for cell in every if small or cell.data in options.data]
    cells = [cell for cell in cells if options.only.lower() in f"{cell.row} {cell.mode} {cell.data}".lower()]
    if not cells:
        raise ConfigError(f"No row of the table has '{options.only}' in its name.", hint="Leave --only out.")
    _keep_settings(options)
    notes = [SMALL_NOTE, TEST_NOTE] if small else [FULL_NOTE]
    rows = [make_row(cell, [], "waiting") for cell in cells]
    for number, cell in enumerate(cells):
        progress.say(f"Cell {number + 1} of {len(cells)}: {cell.row}, {cell.mode}, {cell.data}")
        try:
            rows[number] = _compute(cell, recipe, options, progress)
        except KeyboardInterrupt as interruption:
            interruption.add_note("Finished trainings are kept; the same command continues.")
            raise
        write_table(options.output, recipe, rows, notes)
    return rows


def _keep_settings(options: ReproduceOptions) -> None:
    """Record what decides the trainings of a folder, which would otherwise count for another table.

    Raises
    ------
    OutputExists
        If the folder has trainings with other settings.
    """
    wanted = {"scale": options.scale, "epochs": options.epochs, "fields": options.fields}
    file = options.output / _SETTINGS
    try:
        known = json.loads(read_regular_text(file))
    except (OSError, ValueError):
        known = wanted
    differ = [name for name in wanted if known.get(name) != wanted[name]]
    if differ:
        stated = [f"--{name} {known[name]}" if known.get(name) else f"no --{name}" for name in differ]
        raise OutputExists(
            f"'{options.output}' has the trainings of a table with {' and '.join(stated)}.",
            hint="Choose another --output, or the same settings.",
        )
    options.output.mkdir(parents=True, exist_ok=True)
    with atomic_write(file) as temporary:
        temporary.write_text(json.dumps(wanted) + "\n", encoding="utf-8")


def _compute(cell: Cell, recipe: TableRecipe, options: ReproduceOptions, progress: Progress) -> dict[str, Any]:
    """Return the row of a cell; a cell whose weights are not on this machine says so."""
    scores: list[float] = []
    try:
        given = options.data.get(cell.data)
        dataset = given or _simulate(recipe, options)
        tests = given or _simulate(recipe, options, tests=True)
        backbone = cell.backbone
        if cell.data == "simulated" and cell.mode != "scratch":
            backbone = pretrain(cell.backbone, options.output / "pretraining", _shorten(recipe, options), progress)
        for seed in range(options.seeds):
            run = _train(cell, backbone, dataset, seed, options, progress)
            scores.append(_score(run, tests, None if given else "all", options, progress))
    except (OfflineError, DependencyMissing) as error:
        return make_row(cell, scores, f"missing: {error.message}")
    except GalaxtoolError as error:
        return make_row(cell, scores, f"failed: {error.message}")
    return make_row(cell, scores, "done")


def _shorten(recipe: TableRecipe, options: ReproduceOptions) -> dict[str, Any]:
    settings = dict(recipe.scales[options.scale].pretraining)
    if options.fields is not None:
        settings["fields"] = options.fields
    if options.epochs is not None:
        settings["epochs"] = options.epochs
    return settings


def _simulate(recipe: TableRecipe, options: ReproduceOptions, *, tests: bool = False) -> str:
    """Return the folder of the fields to train on, or of those for the tests."""
    scale = recipe.scales[options.scale]
    n = options.fields or (scale.test_fields if tests else scale.fields["n"])
    folder = options.output / f"{'test-' if tests else ''}fields-{n}"
    if not (folder / "boxes.json").is_file():
        simulate(**{**scale.fields, "n": n}, output=folder, seed=_TEST_SEED if tests else 0, overwrite=True)
    return str(folder)


def _train(cell: Cell, backbone: str, dataset: str, seed: int, options: ReproduceOptions, progress: Progress) -> Path:
    """Return the run of one training, which is resumed or found finished."""
    path = options.output / "runs" / f"{cell.folder}-{seed}"
    try:
        manifest = json.loads(read_regular_text(path / "manifest.json"))
    except (OSError, ValueError):
        manifest = {}
    if manifest.get("status") == "done":
        return path
    if manifest.get("status") in ("running", "interrupted"):
        return train(resume=path, progress=progress).run
    settings = dict(cell.settings)
    if cell.data != "simulated":  # the paper enlarges whole images to this side
        settings["upscale"] = settings["image_size"] / max(open_detection_set(dataset)[0].shape)
    if options.epochs is not None:
        settings["epochs"] = options.epochs
    result = train(
        dataset,
        output=path,
        backbone=backbone,
        mode=cell.mode,
        seed=seed,
        device=options.device,
        overwrite=bool(manifest),
        progress=progress,
        **settings,
    )
    return result.run


def _score(run: Path, dataset: str, split: str | None, options: ReproduceOptions, progress: Progress) -> float:
    """Return mAP@50 of a training on the fields of the tests, which is computed once."""
    folder = options.output / "scores" / run.name
    try:
        finders = json.loads((folder / "scores.json").read_text(encoding="utf-8"))["finders"]
    except (OSError, ValueError):
        finders = evaluate(
            dataset,
            model=str(run),
            output=folder,
            split=split,
            device=options.device,
            overwrite=True,
            progress=progress,
        ).finders
    (scores,) = finders.values()
    return float(scores["average_precision"]["map50"])
