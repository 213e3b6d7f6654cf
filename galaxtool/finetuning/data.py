"""The labelled images of a training: opened, matched with classes and split."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from galaxtool.datasets.open import open_datasets
from galaxtool.datasets.protocols import Dataset
from galaxtool.datasets.splits.by_position import draw_nested_subset, split_items
from galaxtool.datasets.splits.draw import explain_empty_split, explain_empty_training
from galaxtool.datasets.splits.given import apply_given_split, read_given_split
from galaxtool.datasets.splits.positions import add_header_positions
from galaxtool.errors import ConfigError, InputError, TrainingError
from galaxtool.evaluation.class_scores import describe_small_classes
from galaxtool.finetuning.config import FinetuneConfig
from galaxtool.finetuning.labels.classes import Messages, read_labels
from galaxtool.finetuning.labels.missing_classes import describe_missing_classes, describe_unseen_classes
from galaxtool.finetuning.labels.noisy import find_noisy, parse_noisy, separate_noisy
from galaxtool.finetuning.labels.targets import UNLABELED, Targets, find_targets, make_label_sets, make_terms
from galaxtool.finetuning.labels.weights import parse_item_weights, use_names
from galaxtool.inputs.probe import FileProber
from galaxtool.taxonomy.load import Taxonomy, build_taxonomy
from galaxtool.taxonomy.quantities import build_quantity_taxonomy, measure_quantities
from galaxtool.training.dataset_scores import LabelTerms
from galaxtool.training.losses.label_noise import NoisyLabels
from galaxtool.types import Item

DEFAULT_DATASET = "sample:n=250"
"""The data set of a training that names none; two cores learn from it within five minutes."""


@dataclass(frozen=True, kw_only=True)
class LabeledImages:
    """The N labelled items of all data sets together.

    Parameters
    ----------
    datasets : list of Dataset
        The opened data sets.
    locations : list of (int, int)
        For each item, the index of its data set and its index there.
    items : list of Item
        The items, with ids that are unique across the data sets.
    slugs : list of str
        Label of each item: the slug of its class, or a coarser label as ``taxonomy:slug``; empty where it has none.
    splits : ndarray of str, shape (N,)
        ``train``, ``valid``, ``test``, or ``unused`` for items that ``--fraction`` left out.
    weights : ndarray of float64, shape (N,)
        How often each item is seen in an epoch, on average.
    taxonomy : Taxonomy
        The classes to train, in order; with votes, the answers.
    votes : ndarray of float32, shape (N, A), or None
        Votes for each answer, if the model learns from votes.
    values : ndarray of float32, shape (N, T), or None
        Values of each quantity, NaN where there is none, if the model learns numbers.
    coarse : mapping of str to tuple of str
        The classes that each coarser label contains.
    noisy : tuple of NoisyLabels
        The labels of data sets that are noisy, which are the last of the coarser labels.
    terms : tuple of LabelTerms
        The terms in which each data set is scored by itself; empty if that says nothing new.
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
    values: np.ndarray | None = None
    coarse: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    noisy: tuple[NoisyLabels, ...] = ()
    terms: tuple[LabelTerms, ...] = ()
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def numbers(self) -> np.ndarray | None:
        """The votes or the values; None if each item has a class."""
        return self.votes if self.values is None else self.values

    @property
    def label_names(self) -> tuple[str, ...]:
        """The names of the labels, in the order of the targets: the classes, then the coarser labels."""
        return (*self.taxonomy.slugs, *self.coarse)

    def label_sets(self) -> np.ndarray | None:
        """Return the label sets of `galaxtool.training.task.Task`, or None if every label is a class."""
        return make_label_sets(self.taxonomy, self.coarse, self.noisy)

    def targets(self) -> np.ndarray:
        """Return the target of each item, in the form that `galaxtool.training.task.PictureSet` has."""
        if self.numbers is not None:
            return self.numbers
        index = {label: number for number, label in enumerate(self.label_names)}
        return np.array([index.get(slug, -1) for slug in self.slugs], dtype=np.int64)

    def counts(self) -> dict[str, dict[str, int]]:
        """Return the number of items by split and label."""
        counter = Counter(zip(self.splits.tolist(), self.slugs, strict=True))
        return {
            split: {slug: counter[split, slug] for slug in (*self.label_names, "") if counter[split, slug]}
            for split in ("train", "valid", "test", "unused")
            if any(s == split for s, _ in counter)
        }


def gather_labeled(config: FinetuneConfig, *, needs_labels: bool = True) -> LabeledImages:
    """Open the data sets, match the labels with classes, and split.

    Parameters
    ----------
    config : FinetuneConfig
        The settings of the training.
    needs_labels : bool
        Whether the method learns from classes. If it does not, or if numbers are learned, items without a class are
        kept.

    Raises
    ------
    InputError
        If a data set does not exist or is empty, or if no class fits its labels.
    TrainingError
        If there is only one class, or nothing to validate on.
    """
    keeps_all = config.learns_numbers or not needs_labels
    hdu = config.reading_options().read_options.hdu
    prober = FileProber(hdu)
    datasets, locations, items, messages = _open_items(config, prober, keeps_all=keeps_all)
    names = [dataset.name for dataset in datasets]
    targets = find_targets(items, [d for d, _ in locations], names, config)
    rates = parse_noisy(use_names(config.noisy, config.dataset, names), names)
    targets = separate_noisy(targets, [d for d, _ in locations], names, rates)
    if any(targets.left_out):
        used = [i for i, left_out in enumerate(targets.left_out) if not left_out]
        items, locations = [items[i] for i in used], [locations[i] for i in used]
        targets = targets.use(used)
    placed = items if hdu is None else add_header_positions(items, hdu=hdu, prober=prober)
    splits, split_notes = _draw_splits(config, placed, targets.labels, [d for d, _ in locations], prober)
    labeled_splits = {split for slug, split in zip(targets.labels, splits, strict=True) if slug}
    if keeps_all and targets.numbers is None and any(targets.labels) and not {"train", "valid"} <= labeled_splits:
        # there are too few labels to compute any score
        targets = Targets(build_taxonomy([UNLABELED]), [""] * len(items))
    _leave_out(splits, targets.labels, config)
    present = _check_splits(placed, targets, splits, config, prober, keeps_all=keeps_all)
    if targets.values is not None:
        quantities = measure_quantities(targets.taxonomy.quantities, targets.values[splits == "train"])
        targets = replace(targets, taxonomy=build_quantity_taxonomy(quantities))
    if targets.numbers is None and not config.all_classes and present:
        targets = targets.keep(present)
    return LabeledImages(
        datasets=datasets,
        locations=locations,
        items=items,
        slugs=targets.labels,
        splits=splits,
        weights=parse_item_weights(datasets, locations, use_names(config.weight, config.dataset, names)),
        taxonomy=targets.taxonomy,
        votes=targets.votes,
        values=targets.values,
        coarse=targets.coarse,
        noisy=find_noisy(targets.taxonomy, targets.coarse, rates, names),
        terms=make_terms(targets.taxonomy, targets.coarse, targets.terms, names) if targets.terms else (),
        warnings=(
            *messages.warnings,
            *targets.warnings,
            *split_notes,
            *describe_missing_classes(targets.labels, splits),
            *describe_unseen_classes(targets.labels, splits, targets.coarse, targets.taxonomy.slugs),
            *describe_small_classes(targets.labels, splits, [*targets.taxonomy.slugs, *targets.coarse]),
        ),
        notes=(*messages.notes, *targets.notes),
    )


def _draw_splits(
    config: FinetuneConfig, placed: Sequence[Item], labels: Sequence[str], sources: Sequence[int], prober: FileProber
) -> tuple[np.ndarray, list[str]]:
    """Return the split of each item, given or drawn, and notes for the user; `sources` numbers their data sets."""
    if config.test_fraction and (given := sum(item.split == "test" for item in placed)):
        raise ConfigError(
            f"--test-fraction cannot be used: {given} of the images have the split 'test' already.",
            hint="Leave it out; these images are scored once, at the end.",
        )
    notes: list[str] = []
    splits = split_items(
        placed,
        labels,
        valid_fraction=config.valid_fraction,
        test_fraction=config.test_fraction,
        seed=config.seed,
        separation_arcsec=config.separation,
        prober=prober,
        notes=notes,
        # a table of splits says all that there is to say on them
        sources=None if config.split is not None else sources,
    )
    return splits.astype("U6"), notes


def _leave_out(splits: np.ndarray, labels: Sequence[str], config: FinetuneConfig) -> None:
    """Mark the training images as unused that ``--fraction`` leaves out."""
    if config.fraction == 1:
        return
    training = np.flatnonzero(splits == "train")
    kept = training[draw_nested_subset([labels[i] for i in training.tolist()], config.fraction, config.seed)]
    splits[np.setdiff1d(training, kept)] = "unused"


def _check_splits(
    placed: Sequence[Item],
    targets: Targets,
    splits: np.ndarray,
    config: FinetuneConfig,
    prober: FileProber,
    *,
    keeps_all: bool,
) -> set[str]:
    """Return the classes that are present; raise `TrainingError` if nothing is left to train or to validate on."""
    used = {label for label, split in zip(targets.labels, splits, strict=True) if label and split in ("train", "valid")}
    present = targets.find_present(used)
    if not (splits == "train").any():
        raise explain_empty_training(splits)
    if not keeps_all and (len(present) < 2 or len(used) < 2):
        raise TrainingError(
            f"All {len(placed)} images are of one class, '{next(iter(used), '')}'; a classifier needs two.",
            hint=" ".join((*targets.warnings[:1], "Choose another --taxonomy."))
            if any(targets.left_out)
            else "Check --label-column, --where and the folder's sub-folders.",
        )
    if not (splits == "valid").any():
        raise explain_empty_split(placed, targets.labels, separation_arcsec=config.separation, prober=prober)
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
        items = apply_given_split(items, read_given_split(config.split), [dataset.name for dataset in datasets])
    return datasets, locations, items, messages


def _make_item(datasets: Sequence[Dataset], d: int, i: int, label: str | None) -> Item:
    """Return an item with this label and an id that no item of another data set has."""
    item = datasets[d].items[i]
    if item.label != label:
        item = replace(item, label=label)
    return item if len(datasets) == 1 else replace(item, id=f"{d}:{item.id}")
