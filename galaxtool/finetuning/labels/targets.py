"""What each item of a training is labelled with: a class, a coarser label, or votes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from galaxtool.errors import InputError
from galaxtool.finetuning.config import FinetuneConfig
from galaxtool.finetuning.labels.classes import describe_classes
from galaxtool.plugins.registry import get_registry
from galaxtool.taxonomy.choose import choose_classes
from galaxtool.taxonomy.coarse import find_parents
from galaxtool.taxonomy.coarse_labels import describe_left_out
from galaxtool.taxonomy.label_depths import LabelDepths, match_at_any_depth
from galaxtool.taxonomy.load import Taxonomy, build_taxonomy, build_vote_taxonomy
from galaxtool.taxonomy.matching import choose_taxonomy
from galaxtool.taxonomy.names import slugify
from galaxtool.taxonomy.quantities import build_quantity_taxonomy, parse_targets, read_values
from galaxtool.taxonomy.quantity_units import adopt_units
from galaxtool.taxonomy.votes.counts import read_votes, select_answered
from galaxtool.taxonomy.votes.load import load_schema
from galaxtool.training.dataset_scores import LabelTerms
from galaxtool.training.losses.label_noise import NoisyLabels
from galaxtool.types import Item

UNLABELED = "unlabelled"
"""The only class of a model that has learned without labels."""


@dataclass(frozen=True)
class Targets:
    """The classes (or answers) of a training, and what each item is labelled with.

    Parameters
    ----------
    taxonomy : Taxonomy
        The classes, or with votes the answers.
    labels : list of str
        Label of each item: the slug of a class, a coarser label as ``taxonomy:slug``, or empty where there is none.
    votes : ndarray of float32, shape (N, A), or None
        Votes for each answer.
    values : ndarray of float32, shape (N, T), or None
        Values of each quantity, NaN where there is none.
    coarse : mapping of str to tuple of str
        The classes that each coarser label contains.
    terms : tuple of Taxonomy
        For each data set, the taxonomy of its own labels; empty if all are labelled with classes.
    left_out : tuple of bool
        For each item, whether its label is coarser and contains no class, so that it cannot be used; may be empty.
    notes, warnings : tuple of str
        What to tell the user.
    """

    taxonomy: Taxonomy
    labels: list[str]
    votes: np.ndarray | None = None
    values: np.ndarray | None = None
    coarse: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    terms: tuple[Taxonomy, ...] = ()
    left_out: tuple[bool, ...] = ()
    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()

    @property
    def numbers(self) -> np.ndarray | None:
        """The votes or the values; None if each item has a class."""
        return self.votes if self.values is None else self.values

    def use(self, rows: Sequence[int]) -> Targets:
        """Return the targets of some of the items."""
        values = self.values if self.values is None else self.values[list(rows)]
        return replace(self, labels=[self.labels[row] for row in rows], values=values)

    def find_present(self, labels: Iterable[str]) -> set[str]:
        """Return the classes that some of these labels are or contain."""
        return {slug for label in set(labels) if label for slug in self.coarse.get(label, (label,))}

    def keep(self, present: set[str]) -> Targets:
        """Return the targets with only these classes."""
        kept = {label: tuple(s for s in slugs if s in present) for label, slugs in self.coarse.items()}
        return replace(
            self,
            taxonomy=self.taxonomy.subset([slug for slug in self.taxonomy.slugs if slug in present]),
            coarse={label: slugs for label, slugs in kept.items() if slugs},
        )


def find_targets(
    items: Sequence[Item], sources: Sequence[int], names: Sequence[str], config: FinetuneConfig
) -> Targets:
    """Match each item with a class of a taxonomy or with a coarser label, or with its votes if those are learned.

    Parameters
    ----------
    items : sequence of Item
        Items with their labels as written.
    sources : sequence of int
        Number of the data set of each item.
    names : sequence of str
        Names of the data sets.
    config : FinetuneConfig
        Settings of the training.
    """
    if config.votes is not None:
        rows = [item.columns for item in items]
        schema = select_answered(load_schema(config.votes), rows)
        return Targets(build_vote_taxonomy(schema), [""] * len(items), read_votes(rows, schema))
    if config.target:
        return _read_quantities(items, config.target)
    labels = [str(item.label) for item in items if item.label is not None]
    if not labels:
        return Targets(build_taxonomy([UNLABELED]), [""] * len(items))
    if config.taxonomy is not None:
        return _match_datasets(items, sources, names, config.taxonomy)
    taxonomy, slug_of = choose_classes(labels, config.symbols)
    notes, warnings = describe_classes(taxonomy, slug_of)
    found = ["" if item.label is None else slug_of[str(item.label)] for item in items]
    if config.symbols is None and len(names) > 1:
        warnings = (*warnings, *_describe_mixture(items, sources, names))
    terms = (taxonomy,) * len(names) if len(names) > 1 else ()
    return Targets(taxonomy, found, terms=terms, notes=notes, warnings=warnings)


def _read_quantities(items: Sequence[Item], target: Sequence[str]) -> Targets:
    """Read the numbers of the items; those without any are left out."""
    units = [item.units for item in items]
    quantities, unit_notes = adopt_units(parse_targets(target), units)
    values, notes = read_values([item.columns for item in items], quantities, units)
    without = ~np.isfinite(values).any(axis=1)
    names = " and ".join(f"'{quantity.column}'" for quantity in quantities)
    if n := int(without.sum()):
        notes += (f"{n} of the {len(items)} images have no value of {names}, and were left out.",)
    return Targets(
        build_quantity_taxonomy(quantities),
        [""] * len(items),
        values=values.astype(np.float32),
        left_out=tuple(without.tolist()),
        notes=(*unit_notes, *notes),
    )


def _match_datasets(items: Sequence[Item], sources: Sequence[int], names: Sequence[str], name: str) -> Targets:
    """Match the labels of each data set with the chosen taxonomy, or with a coarser or finer one."""
    registry = get_registry()
    chosen_entry = registry.taxonomies.find(name)
    chosen = chosen_entry.create(chosen_entry.spec)
    others = [entry.create(entry.spec) for entry in registry.taxonomies]
    depths: list[LabelDepths | None] = []
    written: list[list[str]] = [[] for _ in names]
    for item, source in zip(items, sources, strict=True):
        if item.label is not None:
            written[source].append(str(item.label))
    for dataset, own in zip(names, written, strict=True):
        try:
            depths.append(match_at_any_depth(own, chosen, others) if own else None)
        except InputError as error:
            if len(names) > 1:
                raise InputError(f"{dataset}: {error.message}", hint=error.hint) from None
            raise
    found = [_translate(depths[source], item) for item, source in zip(items, sources, strict=True)]
    notes, warnings = _describe_depths(chosen, names, depths, written)
    coarse = {
        f"{own.terms.name}:{slug}": classes
        for own in depths
        if own is not None
        for slug, classes in own.classes_of.items()
        if classes and slug not in own.is_class
    }
    terms = tuple(
        own.terms if own is not None and not own.is_class >= set(own.classes_of) else chosen for own in depths
    )
    return Targets(
        chosen,
        [label or "" for label in found],
        coarse=coarse,
        terms=terms if coarse or len(names) > 1 else (),
        left_out=tuple(label is None for label in found),
        notes=notes,
        warnings=warnings,
    )


def _translate(depths: LabelDepths | None, item: Item) -> str | None:
    """Return the class or the coarse label of an item, empty without a label, None if the label contains no class."""
    if depths is None or item.label is None:
        return ""
    slug = depths.slug_of[str(item.label)]
    classes = depths.classes_of[slug]
    if not classes:
        return None
    return classes[0] if slug in depths.is_class else f"{depths.terms.name}:{slug}"


def _describe_depths(
    chosen: Taxonomy, names: Sequence[str], depths: Sequence[LabelDepths | None], labels: Sequence[Sequence[str]]
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return notes on what the labels of each data set stand for, and warnings about those that stand for nothing."""
    notes: dict[str, None] = {}
    warnings: list[str] = []
    for dataset, own, written in zip(names, depths, labels, strict=True):
        if own is None:
            continue
        if own.terms.name == chosen.name:
            told, warned = describe_classes(chosen, own.slug_of)
            notes |= dict.fromkeys(told)
            warnings += warned
            continue
        same = [
            f"{slug} is {own.classes_of[slug][0]}"
            for slug in own.classes_of
            if slug in own.is_class and ":" not in slug
        ]
        wide = {slug: classes for slug, classes in own.classes_of.items() if classes and slug not in own.is_class}
        if same:
            notes[
                f"{dataset}: labels of '{own.terms.name}' that are classes of '{chosen.name}': {'; '.join(same)}."
            ] = None
        if wide:
            stand = "label stands" if len(wide) == 1 else "labels stand"
            pairs = "; ".join(f"{slug} is {' or '.join(classes)}" for slug, classes in wide.items())
            notes[f"{dataset}: {len(wide)} coarse {stand} for classes of '{chosen.name}': {pairs}."] = None
        if lost := {slug: n for slug, n in own.count(written).items() if not own.classes_of[slug]}:
            warnings.append(f"{dataset}: {describe_left_out(lost, chosen)}")
    return tuple(notes), tuple(warnings)


def _describe_mixture(items: Sequence[Item], sources: Sequence[int], names: Sequence[str]) -> list[str]:
    """Return a warning if the data sets are labelled in the terms of different taxonomies."""
    registry = get_registry()
    known = [entry.create(entry.spec) for entry in registry.taxonomies]
    found: dict[str, str] = {}
    for number, dataset in enumerate(names):
        own = [item.label for item, source in zip(items, sources, strict=True) if source == number]
        try:
            taxonomy = choose_taxonomy(own, known)
        except InputError:  # several fit
            continue
        if taxonomy is not None:
            found[dataset] = taxonomy.name
    if len(set(found.values())) < 2:
        return []
    pairs = ", ".join(f"{dataset} in those of {name}" for dataset, name in found.items())
    return [
        f"The data sets are labelled in different terms ({pairs}), and every label is a separate class. --taxonomy "
        "NAME makes them labels of the same classes."
    ]


def make_label_sets(
    taxonomy: Taxonomy, coarse: Mapping[str, tuple[str, ...]], noisy: Sequence[NoisyLabels] = ()
) -> np.ndarray | None:
    """Return the label sets of `galaxtool.training.task.Task`, float32 (L, K); None if every label is a class."""
    if not coarse:
        return None
    start = {label: row for own in noisy for label, row in zip(own.labels, own.start.T.tolist(), strict=True)}
    rows = [
        start.get(label) or [float(slug in classes) for slug in taxonomy.slugs] for label, classes in coarse.items()
    ]
    return np.concatenate([np.eye(len(taxonomy)), np.array(rows)]).astype(np.float32)


def make_terms(
    taxonomy: Taxonomy, coarse: Mapping[str, tuple[str, ...]], terms: Sequence[Taxonomy], names: Sequence[str]
) -> tuple[LabelTerms, ...]:
    """Return the terms in which each data set is scored by itself."""
    made: list[LabelTerms] = []
    for own, dataset in zip(terms, names, strict=True):
        parent = find_parents(taxonomy, own)
        slugs = tuple(slug for slug in own.slugs if slug in parent.values())
        index = {slug: m for m, slug in enumerate(slugs)}
        membership = np.zeros((len(taxonomy), len(slugs)))
        for k, slug in enumerate(taxonomy.slugs):
            if slug in parent:
                membership[k, index[parent[slug]]] = 1
        of_class = [index.get(parent.get(slug, ""), -1) for slug in taxonomy.slugs]
        of_coarse = [index.get(label.removeprefix(f"{own.name}:").removeprefix(f"{dataset}/"), -1) for label in coarse]
        column = slugify(dataset) or "data"
        while column in {"mean", "macro", *(other.column for other in made)}:  # or valid_f1_macro would be overwritten
            column += "_2"
        made.append(
            LabelTerms(
                dataset=dataset,
                column=column,
                taxonomy=own.name,
                slugs=slugs,
                membership=membership,
                of_label=np.array(of_class + of_coarse, dtype=np.int64),
            )
        )
    return tuple(made)
