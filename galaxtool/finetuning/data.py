"""The labeled images of a training: opened, matched with classes and split."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from galaxtool.datasets.open import open_datasets
from galaxtool.datasets.protocols import Dataset
from galaxtool.datasets.splits.by_position import draw_nested_subset, split_items
from galaxtool.datasets.splits.draw import explain_empty_split, explain_empty_training
from galaxtool.datasets.splits.given import apply_given_split, read_given_split
from galaxtool.datasets.splits.positions import add_header_positions
from galaxtool.errors import ConfigError, InputError, TrainingError, UnknownName
from galaxtool.evaluation.class_scores import describe_small_classes
from galaxtool.finetuning.config import FinetuneConfig
from galaxtool.finetuning.labels import Messages, choose_classes, describe_classes, read_labels
from galaxtool.finetuning.missing_classes import describe_missing_classes
from galaxtool.inputs.probe import FileProber
from galaxtool.taxonomy.load import Taxonomy, build_taxonomy, build_vote_taxonomy
from galaxtool.taxonomy.votes.counts import read_votes, select_answered
from galaxtool.taxonomy.votes.load import load_schema
from galaxtool.types import Item

DEFAULT_DATASET = "sample:n=1200"
"""The data set of a training that names none; two cores learn from it within five minutes."""

UNLABELED = "unlabelled"
"""The only class of a model that has learned without labels."""

_READING = ("hdu", "bands", "mask_hdu", "weight_hdu", "pixel_scale", "pixels", "pattern")


@dataclass(frozen=True, kw_only=True)
class LabeledImages:
    """The N labeled items of all data sets together.

    Parameters
    ----------
    datasets : list of Dataset
        The opened data sets.
    locations : list of (int, int)
        For each item, the index of its data set and its index there.
    items : list of Item
        The items, with ids that are unique across the data sets.
    slugs : list of str
        Class of each item, empty where it has no label.
    splits : ndarray of str, shape (N,)
        ``train``, ``valid``, ``test``, or ``unused`` for items that ``--fraction`` left out.
    weights : ndarray of float64, shape (N,)
        How often each item is seen in an epoch, on average.
    taxonomy : Taxonomy
        The classes to train, in order; with votes, the answers.
    votes : ndarray of float32, shape (N, A), or None
        Votes for each answer, if the model learns from votes.
    warnings : tuple of str
        Messages for the user before the training starts.
    notes : tuple of str
        Sentences on how the labels and splits were read.
    """

    datasets: list[Dataset]
    locations: list[tuple[int, int]]
    items: list[Item]
    slugs: list[str]
    splits: np.ndarray
    weights: np.ndarray
    taxonomy: Taxonomy
    votes: np.ndarray | None = None
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def targets(self) -> np.ndarray:
        """Return the target of each item, in the form that `galaxtool.training.task.PictureSet` has."""
        if self.votes is not None:
            return self.votes
        index = {slug: k for k, slug in enumerate(self.taxonomy.slugs)}
        return np.array([index.get(slug, -1) for slug in self.slugs], dtype=np.int64)

    def counts(self) -> dict[str, dict[str, int]]:
        """Return the number of items by split and class."""
        counter = Counter(zip(self.splits.tolist(), self.slugs, strict=True))
        return {
            split: {slug: counter[split, slug] for slug in (*self.taxonomy.slugs, "") if counter[split, slug]}
            for split in ("train", "valid", "test", "unused")
            if any(s == split for s, _ in counter)
        }


@dataclass(frozen=True)
class _Targets:
    """The classes (or answers), the class of each item (empty where it has none), and the votes if there are any."""

    taxonomy: Taxonomy
    slugs: list[str]
    votes: np.ndarray | None = None
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def gather_labeled(config: FinetuneConfig, *, needs_labels: bool = True) -> LabeledImages:
    """Open the data sets, match the labels with classes, and split.

    Parameters
    ----------
    config : FinetuneConfig
        The settings of the training.
    needs_labels : bool
        Whether the method learns from classes. If it does not, or if ``config.votes`` is given, items without a class
        are kept.

    Raises
    ------
    InputError
        If a data set does not exist or is empty, or if no class fits its labels.
    TrainingError
        If there is only one class, or nothing to validate on.
    """
    keeps_all = config.votes is not None or not needs_labels
    hdu = config.reading_options().read_options.hdu
    prober = FileProber(hdu)
    datasets, locations, items, messages = _open_items(config, prober, keeps_all=keeps_all)
    targets = _find_targets(items, config)
    placed = items if hdu is None else add_header_positions(items, hdu=hdu, prober=prober)
    if config.test_fraction and (given := sum(item.split == "test" for item in items)):
        raise ConfigError(
            f"--test-fraction is given, and {given} of the images have the split 'test' already.",
            hint="Leave it out: these are scored once, at the end.",
        )
    split_notes: list[str] = []
    splits = split_items(
        placed,
        targets.slugs,
        valid_fraction=config.valid_fraction,
        test_fraction=config.test_fraction,
        seed=config.seed,
        separation_arcsec=config.separation,
        prober=prober,
        notes=split_notes,
    ).astype("U6")
    labeled_splits = {split for slug, split in zip(targets.slugs, splits, strict=True) if slug}
    if keeps_all and targets.votes is None and any(targets.slugs) and not {"train", "valid"} <= labeled_splits:
        # there are too few labels to compute any score
        targets = _Targets(build_taxonomy([UNLABELED]), [""] * len(items))
    if config.fraction < 1:
        training = np.flatnonzero(splits == "train")
        kept = training[draw_nested_subset([targets.slugs[i] for i in training], config.fraction, config.seed)]
        splits[np.setdiff1d(training, kept)] = "unused"
    present = _check_splits(placed, targets.slugs, splits, config, prober, keeps_all=keeps_all)
    taxonomy = targets.taxonomy
    if targets.votes is None and not config.all_classes and present:
        taxonomy = taxonomy.subset([slug for slug in taxonomy.slugs if slug in present])
    return LabeledImages(
        datasets=datasets,
        locations=locations,
        items=items,
        slugs=targets.slugs,
        splits=splits,
        weights=_parse_item_weights(datasets, locations, config.weight),
        taxonomy=taxonomy,
        votes=targets.votes,
        warnings=(
            *messages.warnings,
            *targets.warnings,
            *split_notes,
            *describe_missing_classes(targets.slugs, splits),
            *describe_small_classes(targets.slugs, splits, targets.taxonomy.slugs),
        ),
        notes=(*messages.notes, *targets.notes),
    )


def _check_splits(
    placed: Sequence[Item],
    slugs: Sequence[str],
    splits: np.ndarray,
    config: FinetuneConfig,
    prober: FileProber,
    *,
    keeps_all: bool,
) -> set[str]:
    """Return the classes that are present; raise `TrainingError` if nothing is left to train or to validate on."""
    present = {slug for slug, split in zip(slugs, splits, strict=True) if slug and split in ("train", "valid")}
    if not (splits == "train").any():
        raise explain_empty_training(splits)
    if not keeps_all and len(present) < 2:
        raise TrainingError(
            f"All {len(placed)} images are of one class, '{next(iter(present), '')}'; a classifier needs two.",
            hint="Check --label-column, --where and the folder's sub-folders.",
        )
    if not (splits == "valid").any():
        raise explain_empty_split(placed, slugs, separation_arcsec=config.separation, prober=prober)
    return present


def _open_items(
    config: FinetuneConfig, prober: FileProber, *, keeps_all: bool
) -> tuple[list[Dataset], list[tuple[int, int]], list[Item], Messages]:
    """Open the data sets; return them, the location and the item of each image to use, and what to tell the user."""
    datasets = open_datasets(
        [str(name) for name in config.dataset] or [DEFAULT_DATASET],
        image_column=config.image_column,
        label_column=config.label_column,
        ra_column=config.ra_column,
        dec_column=config.dec_column,
        table=config.table,
        where=config.where,
        needs_labels=not keeps_all,
        reading=config.reading_options().read_options,
        pattern=config.pattern,
        prober=prober,
    )
    everywhere = [(d, i) for d, dataset in enumerate(datasets) for i in range(len(dataset.items))]
    labels, messages = read_labels(datasets, config)
    locations = [place for place, label in zip(everywhere, labels, strict=True) if keeps_all or label is not None]
    if not locations:
        raise InputError(
            messages.notes[-1],
            hint="Name the column with --label-column, or use class folders.",
        )
    items = [
        _make_item(datasets, d, i, label)
        for (d, i), label in zip(everywhere, labels, strict=True)
        if keeps_all or label is not None
    ]
    if config.split is not None:
        items = apply_given_split(items, read_given_split(config.split))
    return datasets, locations, items, messages


def _make_item(datasets: Sequence[Dataset], d: int, i: int, label: str | None) -> Item:
    """Return an item with this label and an id that no item of another data set has."""
    item = datasets[d].items[i]
    if item.label != label:
        item = replace(item, label=label)
    return item if len(datasets) == 1 else replace(item, id=f"{d}:{item.id}")


def _find_targets(items: Sequence[Item], config: FinetuneConfig) -> _Targets:
    """Match each item with a class of a taxonomy, or with its votes if those are to be learned."""
    if config.votes is not None:
        rows = [item.columns for item in items]
        schema = select_answered(load_schema(config.votes), rows)
        return _Targets(build_vote_taxonomy(schema), [""] * len(items), read_votes(rows, schema))
    labels = [str(item.label) for item in items if item.label is not None]
    if not labels:
        return _Targets(build_taxonomy([UNLABELED]), [""] * len(items))
    taxonomy, slug_of = choose_classes(labels, config.taxonomy, config.symbols)
    notes, warnings = describe_classes(taxonomy, slug_of)
    slugs = ["" if item.label is None else slug_of[str(item.label)] for item in items]
    return _Targets(taxonomy, slugs, notes=notes, warnings=warnings)


def _parse_item_weights(
    datasets: Sequence[Dataset], locations: Sequence[tuple[int, int]], given: Sequence[str]
) -> np.ndarray:
    """Return the weight of each item from the ``NAME=WEIGHT`` texts of its data set."""
    weights: dict[str, float] = {dataset.name: 1.0 for dataset in datasets}
    for text in given:
        name, equals, value = text.rpartition("=")
        if not equals or name not in weights:
            raise UnknownName("data set in --weight", name or text, weights, note="Write --weight NAME=2.")
        try:
            weights[name] = float(value)
        except ValueError:
            raise ConfigError(f"--weight {text}: '{value}' is not a number.") from None
        if not 0 < weights[name] < np.inf:
            raise ConfigError(f"--weight {text}: the weight must be a number above 0.")
    return np.array([weights[datasets[d].name] for d, _ in locations])


def describe_data(labeled: LabeledImages, config: FinetuneConfig) -> dict[str, Any]:
    """Return the entry ``data`` of ``model.json``: the data sets, their counts and the reading options given."""
    options = config.reading_options()
    values = {**options.read_options.as_dict(), "pattern": options.pattern}
    reading = {name: values[name] for name in _READING if values.get(name) not in (None, [])}
    return {
        "names": [dataset.name for dataset in labeled.datasets],
        "where": config.where,
        "counts": labeled.counts(),
        **({"reading": reading} if reading else {}),
    }
