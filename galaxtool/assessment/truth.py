"""The true class of each image, in the classes that a model is scored in."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from galaxtool.assessment.unknown_labels import describe_unknown
from galaxtool.datasets.clean_labels import clean_labels, find_measurements
from galaxtool.errors import InputError
from galaxtool.inference.coarse_terms import CoarseTerms
from galaxtool.models.record import ModelRecord
from galaxtool.plugins.registry import get_registry
from galaxtool.taxonomy.choose import choose_classes
from galaxtool.taxonomy.classes import Taxonomy
from galaxtool.taxonomy.coarse_labels import coarsen_labels, describe_left_out
from galaxtool.taxonomy.matching import match_label
from galaxtool.taxonomy.quantities import quantities_from_dict, read_values
from galaxtool.taxonomy.votes.counts import read_votes
from galaxtool.taxonomy.votes.load import schema_from_dict
from galaxtool.types import Item


@dataclass(frozen=True, eq=False)
class Truth:
    """The true classes of N images.

    Parameters
    ----------
    slugs : tuple of str
        The K classes that the model is scored in.
    targets : ndarray of int64, shape (N,)
        Index of the true class of each image; -1 where it has no label.
    notes : tuple of str
        What was done to the labels.
    votes : ndarray of float32, shape (N, A), or None
        Votes for the answers of a model of votes, which has no true classes.
    values : ndarray of float64, shape (N, T), or None
        Values of the quantities of a model of numbers, NaN where there is none.
    """

    slugs: tuple[str, ...]
    targets: np.ndarray
    notes: tuple[str, ...] = ()
    votes: np.ndarray | None = None
    values: np.ndarray | None = None

    @property
    def is_known(self) -> np.ndarray:
        """Whether each image has a label, votes or a value; bool, shape (N,)."""
        if self.values is not None:
            return np.asarray(np.isfinite(self.values).any(axis=1))
        known = self.targets >= 0 if self.votes is None else self.votes.any(axis=1)
        return np.asarray(known)

    @property
    def texts(self) -> list[str]:
        """Slug of each image; empty where it has no label."""
        return [self.slugs[target] if target >= 0 else "" for target in self.targets.tolist()]


def read_vote_truth(items: Sequence[Item], record: ModelRecord) -> Truth:
    """Read the votes of images for the answers of a model of votes.

    Raises
    ------
    InputError
        If the data set has no columns of votes, or no votes in them.
    """
    schema = schema_from_dict(record.votes or {}, record.name)
    votes = read_votes([item.columns for item in items], schema)
    without = int((~votes.any(axis=1)).sum())
    notes = (f"{without} of the {len(items)} images have no votes; they are classified but not scored.",)
    return Truth(tuple(schema.slugs), np.full(len(items), -1), notes if without else (), votes)


def read_value_truth(items: Sequence[Item], record: ModelRecord) -> Truth:
    """Read the values of images for the quantities of a model of numbers.

    Raises
    ------
    InputError
        If the data set lacks one of the columns, or it has no values, or is in a unit that cannot be converted.
    """
    quantities = quantities_from_dict(record.regression or {}, record.name)
    values, notes = read_values([item.columns for item in items], quantities, [item.units for item in items])
    if without := int((~np.isfinite(values).any(axis=1)).sum()):
        notes += (f"{without} of the {len(items)} images have no value; they are classified but not scored.",)
    return Truth(tuple(record.slugs), np.full(len(items), -1), notes, values=values)


def name_truth(written: Sequence[str | None], model: str) -> Truth:
    """Match the labels of images with a registered taxonomy, or take them as they are, for a model without classes.

    Raises
    ------
    InputError
        If there are no labels, they are measurements, or all are the same.
    """
    labels, notes = _clean(written)
    taxonomy, slug_of = choose_classes([label for label in labels if label is not None], None)
    slugs = tuple(slug for slug in taxonomy.slugs if slug in slug_of.values())
    targets = [-1 if label is None else slugs.index(slug_of[label]) for label in labels]
    _check_several(targets, slugs)
    only = f"The model '{model}' was trained without labels and has no classes, so that only retrieval is scored."
    return Truth(slugs, np.array(targets, dtype=np.int64), (only, *notes))


def match_truth(written: Sequence[str | None], record: ModelRecord, model: str, terms: CoarseTerms | None) -> Truth:
    """Match the labels of images with the classes of a model.

    Parameters
    ----------
    written : sequence of str or None
        Label of each image, as the data set has it.
    record : ModelRecord
        Record of the model.
    model : str
        Name of the model in messages.
    terms : CoarseTerms or None
        Coarser classes that the model is scored in.

    Raises
    ------
    InputError
        If labels are not classes of the model, or all images with a label have the same one.
    """
    labels, notes = _clean(written)
    taxonomy = terms.coarse.subset(list(terms.classes)) if terms else record.make_taxonomy()
    counts = Counter(label for label in labels if label is not None)
    slug_of, left_out = _match(counts, taxonomy, terms)
    if unknown := [label for label in counts if label not in slug_of and label not in left_out]:
        raise describe_unknown(unknown, counts, taxonomy, record, model, terms)
    index = {slug: number for number, slug in enumerate(taxonomy.slugs)}
    targets = [index[slug_of[label]] if label in slug_of else -1 for label in labels]
    _check_several(targets, taxonomy.slugs)
    if left_out and terms is not None:
        notes.append(describe_left_out({label: counts[label] for label in left_out}, terms.coarse))
    return Truth(tuple(taxonomy.slugs), np.array(targets, dtype=np.int64), tuple(notes))


def match_gallery(
    truth: Truth,
    written: Sequence[str | None],
    gallery: Sequence[str | None],
    name: str,
    record: ModelRecord,
    model: str,
    terms: CoarseTerms | None,
) -> tuple[Truth, np.ndarray]:
    """Match the labels of a gallery with the classes of a model, or for a model without classes with the other labels.

    Parameters
    ----------
    truth : Truth
        Classes of the N images that are scored.
    written : sequence of str or None
        Their labels, as the data set has them.
    gallery : sequence of str or None
        Label of each of the M images of the gallery.
    name : str
        Name of the gallery in messages.
    record, model, terms
        As for `match_truth`.

    Returns
    -------
    truth : Truth
        Classes of the N images.
    targets : ndarray of int64, shape (M,)
        Class of each image of the gallery; -1 where it has no label.

    Raises
    ------
    InputError
        If labels are not classes of the model, or all images with a label have the same one.
    """
    try:
        if record.has_classes:
            return truth, match_truth(gallery, record, model, terms).targets
        both = name_truth([*written, *gallery], model)
    except InputError as error:
        raise InputError(
            f"In the gallery '{name}': {error.message}", hint="Give a gallery with labels of the same classes."
        ) from error
    n = len(written)
    return replace(both, targets=both.targets[:n], notes=truth.notes), both.targets[n:]


def _clean(written: Sequence[str | None]) -> tuple[list[str | None], list[str]]:
    """Return the label of each image, None where it has none, and what was done to the labels."""
    cleaned = clean_labels(written)
    if numbers := find_measurements(cleaned.labels):
        raise InputError(
            f"The labels are {len(numbers)} different numbers with fractions ({', '.join(numbers[:3])}, ...), which "
            "are measurements rather than classes.",
            hint="Name another column with --label-column.",
        )
    missing = cleaned.labels.count(None)
    if missing == len(written):
        raise InputError(
            f"None of the {len(written)} images has a label, so nothing can be scored.",
            hint="Name the column of the labels with --label-column, or use classify for predictions alone.",
        )
    notes = [*cleaned.notes, *cleaned.warnings]
    if missing:
        notes.append(f"{missing} of the {len(written)} images have no label; they are classified but not scored.")
    return cleaned.labels, notes


def _check_several(targets: Sequence[int], slugs: Sequence[str]) -> None:
    """Raise `InputError` if all images with a label are of one class."""
    present = set(targets) - {-1}
    if len(present) < 2:
        n = sum(target >= 0 for target in targets)
        raise InputError(
            f"All {n} images with a label are of one class, '{slugs[next(iter(present), 0)]}'; scores need two.",
            hint="Check --where, --split and --label-column, or use classify to count its labels.",
        )


def _match(labels: Counter[str], taxonomy: Taxonomy, terms: CoarseTerms | None) -> tuple[dict[str, str], set[str]]:
    """Return the class of each label that has one, and the labels that are left out.

    The class has the name of the label, or contains the class of that name. In coarser terms, labels without a
    counterpart are left out, as are the classes of the model without one.
    """
    found = {label: match_label(label, taxonomy, indices=True) for label in labels}
    slug_of = {label: slug for label, slug in found.items() if slug is not None}
    if len(slug_of) == len(labels):
        return slug_of, set()
    others = [entry.create(entry.spec) for entry in get_registry().taxonomies]
    try:
        coarse = coarsen_labels(list(labels), terms.coarse if terms else taxonomy, others)
    except InputError:
        return slug_of, set()
    pairs = dict(zip(labels, coarse.slugs, strict=True))
    left_out = {label for label, slug in pairs.items() if slug is None} if terms else set()
    return {label: slug for label, slug in pairs.items() if slug in taxonomy.slugs}, left_out
