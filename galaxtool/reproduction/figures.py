"""The figures of a recipe, drawn from its trainings by the kinds of ``galaxtool plot``."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from galaxtool.datasets.open import open_dataset
from galaxtool.errors import GalaxtoolError, InputError
from galaxtool.plotting.charts.confusion import draw_confusion
from galaxtool.plotting.request import PlotRequest
from galaxtool.plotting.save import save_figure
from galaxtool.plotting.style import use_style
from galaxtool.plugins.options import parse_options
from galaxtool.plugins.registry import get_registry
from galaxtool.reproduction.evaluations import evaluate_training
from galaxtool.reproduction.plan import Line, Training
from galaxtool.reproduction.recipe import DataSlot, FigureRecipe, TableRecipe
from galaxtool.types import Progress, warn
from galaxtool.utils.files.atomic_write import atomic_write
from galaxtool.utils.files.regular_files import read_regular_text

_CLUSTERS = "clusters"

_JOINING = ("training-size", "data-fraction", "class-f1")
"""Kinds that draw trainings of one name together: their mean, perhaps with bars."""


def draw_figures(
    recipe: TableRecipe, lines: Sequence[Line], datasets: Mapping[str, str], folder: Path, progress: Progress
) -> None:
    """Draw the figures of a recipe as PNG and PDF; one that cannot be drawn becomes a warning.

    The files are ``KIND-SLOT.png`` and ``.pdf`` in the folder of the table. Only the first way to split is drawn, and
    only trainings that are finished.
    """
    for figure in recipe.figures:
        there = [d for d in recipe.data if d.slot in datasets and (not figure.data or d.slot in figure.data)]
        for group in [there] if figure.together else [[data] for data in there]:
            name = "-".join([figure.kind, *(data.slot for data in group)])
            try:
                drawn = _draw(figure, group, lines, datasets, folder, progress)
                with use_style(None):
                    save_figure(drawn, folder / f"{name}.png", folder / f"{name}.pdf")
            except GalaxtoolError as error:
                warn(progress, f"The figure '{name}' is not drawn: {error.message}")


def _draw(
    figure: FigureRecipe,
    group: Sequence[DataSlot],
    lines: Sequence[Line],
    datasets: Mapping[str, str],
    folder: Path,
    progress: Progress,
) -> Figure:
    chosen = [found for data in group for found in _choose_trainings(figure, data, lines)]
    if figure.kind == _CLUSTERS:
        return _draw_clusters(figure, [training for _, training in chosen])
    registered = get_registry().plots.find(figure.kind)
    spec = registered.spec
    if figure.of == "data":
        inputs = [_select_data(figure, data, datasets[data.slot], folder) for data in group]
        labels = [data.title for data in group]
    elif not chosen:
        raise InputError("No training that it draws is finished.", hint="See the reasons in table.csv.")
    else:
        labels = [name for name, _ in chosen]
        inputs = [str(training.path) for _, training in chosen]
        if figure.of == "evaluations":
            inputs = [str(evaluate_training(training, progress)) for _, training in chosen]
        elif figure.of == "images":
            inputs, labels = [datasets[group[0].slot]], []
    request = PlotRequest(
        kind=spec.name,
        inputs=tuple(inputs),
        label=tuple(labels) if "label" in spec.takes and len(labels) > 1 else (),
        columns=figure.columns,
        model=str(chosen[0][1].path) if figure.of == "images" else None,
        options=parse_options(f"the plot '{spec.name}'", spec.options, _fill_options(figure, chosen)),
        log=progress,
    )
    with use_style(None):
        drawn: Figure = registered.create(request)
    return drawn


def _fill_options(figure: FigureRecipe, chosen: Sequence[tuple[str, Training]]) -> list[str]:
    """Return the settings of a kind with what stands in for names; one of a training that is missing is left out."""
    values = {f"{{run:{name}}}": str(training.path) for name, training in reversed(chosen)}
    if chosen:
        values["{backbone}"] = chosen[0][1].config.backbone
    filled = []
    for text in figure.options:
        for name, value in values.items():
            text = text.replace(name, value)
        if "{" not in text:
            filled.append(text)
    return filled


def _select_data(figure: FigureRecipe, data: DataSlot, dataset: str, folder: Path) -> str:
    """Return what to draw of a data set: itself, or the table of its classes where only some images are used."""
    if figure.kind != "class-counts" or not data.where:
        return dataset
    file = folder / f"classes-{data.slot}.csv"
    with atomic_write(file) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(("id", "truth"))
        writer.writerows((item.id, item.label) for item in open_dataset(dataset, where=data.where).items)
    return str(file)


def _choose_trainings(figure: FigureRecipe, data: DataSlot, lines: Sequence[Line]) -> list[tuple[str, Training]]:
    """Return the names of rows and their finished trainings, each once.

    Trainings that differ only in their seed are there if the kind joins them; else the first of them alone.
    """
    found: dict[Path, tuple[str, Training]] = {}
    for line in lines:
        if line.data is not data or line.protocol != line.row.protocols.get(data.slot, data.protocols)[0]:
            continue
        if figure.rows and line.row.name not in figure.rows:
            continue
        trainings = line.trainings if figure.of == "runs" and figure.kind in _JOINING else line.trainings[:1]
        for training in trainings:
            if _is_done(training, figure.kind):
                found.setdefault(training.path, (line.row.name, training))
    return list(found.values())


def _is_done(training: Training, kind: str) -> bool:
    if kind == _CLUSTERS:
        return (training.path / "cluster.json").is_file()
    return training.trains and (training.path / "metrics.json").is_file()


def _draw_clusters(figure: FigureRecipe, trainings: Sequence[Training]) -> Figure:
    """Draw the confusion matrix of clusters, each matched with a class."""
    if not trainings:
        raise InputError("No clusters are there.", hint="See the reasons in table.csv.")
    found = json.loads(read_regular_text(trainings[0].path / "cluster.json"))
    counts = np.array(found["confusion"])
    pairs = np.argwhere(counts >= 0)
    targets, predicted = np.repeat(pairs, counts.ravel(), axis=0).T
    return draw_confusion(targets, predicted, found["classes"], columns=figure.columns)
