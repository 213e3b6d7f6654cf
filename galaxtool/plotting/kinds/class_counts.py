"""The kind ``class-counts``."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from galaxtool.datasets.open import open_dataset
from galaxtool.errors import InputError
from galaxtool.plotting.charts.class_counts import draw_class_counts
from galaxtool.plotting.class_names import find_slugs, name_classes
from galaxtool.plotting.request import PlotRequest
from galaxtool.plotting.scored import PREDICTIONS, read_labels
from galaxtool.plotting.trainings import open_training
from galaxtool.plugins.registry import get_registry
from galaxtool.tables.formats.find import find_table_format

SPLITS = ("train", "valid", "test")


def plot_class_counts(request: PlotRequest) -> Figure:
    """Draw the number of images of each class of a data set, an evaluation, a table, or the splits of a run."""
    counts = _match(_count(request))
    if not any(counts.values()):
        raise InputError(f"No image of '{request.inputs[0]}' has a class.", hint="Name the column with --truth COLUMN.")
    classes = _sort({slug for own in counts.values() for slug in own})
    if request.options["order"] == "count":
        total = Counter[str]()
        for own in counts.values():
            total.update(own)
        classes.sort(key=lambda slug: -total[slug])
    series = {name: np.array([own.get(slug, 0) for slug in classes]) for name, own in counts.items() if own}
    return draw_class_counts(series, name_classes(classes), columns=request.columns)


def _count(request: PlotRequest) -> dict[str, Mapping[str, int]]:
    """Return the number of images of each class in each split; one split where there are none."""
    text = str(request.single_input())
    path = Path(text)
    if (path / "split.csv").is_file():
        found = open_training(path).count_classes()
        return {split: {k: n for k, n in found.get(split, {}).items() if k} for split in SPLITS}
    table = path / PREDICTIONS if (path / PREDICTIONS).is_file() else path
    if table.is_file() and find_table_format(table):
        return {"": Counter(read_labels(table, request.truth, request.log))}
    dataset = open_dataset(text)
    splits: dict[str, Counter[str]] = {split: Counter() for split in (*SPLITS, "")}
    for item in dataset.items:
        if item.label is not None:
            splits.setdefault(item.split, Counter())[item.label] += 1
    return {split: own for split, own in splits.items() if own}


def _match(counts: Mapping[str, Mapping[str, int]]) -> dict[str, Counter[str]]:
    """Return counts by the slugs of the classes, whatever the labels of a data set are."""
    slug_of = find_slugs(label for own in counts.values() for label in own)
    matched: dict[str, Counter[str]] = {split: Counter() for split in counts}
    for split, own in counts.items():
        for label, number in own.items():
            matched[split][slug_of.get(label, label)] += number
    return matched


def _sort(classes: set[str]) -> list[str]:
    """Return classes in the order of a registered taxonomy that has all of them, else of their names."""
    for registered in get_registry().taxonomies:
        slugs = registered.create(registered.spec).slugs
        if classes <= {*slugs}:
            return [slug for slug in slugs if slug in classes]
    return sorted(classes)
