"""The classes of a training: labels read from its data sets, and matched with a taxonomy."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from galaxtool.datasets.clean_labels import clean_labels, find_measurements
from galaxtool.datasets.files import find_notes
from galaxtool.datasets.protocols import Dataset
from galaxtool.errors import InputError
from galaxtool.finetuning.config import FinetuneConfig
from galaxtool.taxonomy.load import Taxonomy
from galaxtool.taxonomy.names import find_lookalikes, is_bare_number, make_slugs

_MAX_LISTED = 5


@dataclass(frozen=True, slots=True)
class Messages:
    """What to tell the user before the training: plain sentences, and warnings."""

    notes: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def read_labels(datasets: Sequence[Dataset], config: FinetuneConfig) -> tuple[list[str | None], Messages]:
    """Return the label of each image of all data sets, None where it has none.

    Raises
    ------
    InputError
        If the labels are measurements rather than classes.
    """
    written = [item.label for dataset in datasets for item in dataset.items]
    told = tuple(note for dataset in datasets for note in find_notes(dataset))
    skipped = tuple(_describe_skipped(dataset) for dataset in datasets if getattr(dataset, "skipped", None))
    if config.learns_numbers:
        return written, Messages(skipped, told)
    cleaned = clean_labels(written)
    if numbers := find_measurements(cleaned.labels):
        raise InputError(
            f"The labels are {len(numbers)} different numbers with fractions ({', '.join(numbers[:3])}, ...), which "
            "are measurements rather than classes.",
            hint="Learn the numbers with --target COLUMN; for classes, name another column with "
            "--label-column, or write the class of each number into one.",
        )
    return cleaned.labels, Messages((*skipped, *cleaned.notes), (*told, *cleaned.warnings))


def _describe_skipped(dataset: Dataset) -> str:
    skipped = getattr(dataset, "skipped", {})
    reasons = "; ".join(f"{count} {reason}" for reason, count in sorted(skipped.items()))
    return f"Skipped in '{dataset.name}': {reasons}."


def describe_classes(taxonomy: Taxonomy, slug_of: Mapping[str, str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return notes and warnings on what became of the labels.

    Parameters
    ----------
    taxonomy : Taxonomy
        The classes.
    slug_of : mapping of str to str
        Slug of the class of each label.
    """
    notes, warnings = [], []
    numbers = [
        label for label in slug_of if is_bare_number(label) and slug_of[label] not in make_slugs([label]).values()
    ]
    if numbers:
        pairs = ", ".join(f"{label} is {slug_of[label]}" for label in sorted(numbers, key=float))
        notes.append(f"Numbers are those of the published classes of '{taxonomy.name}': {pairs}.")
    by_slug: defaultdict[str, list[str]] = defaultdict(list)
    for label, slug in slug_of.items():
        by_slug[slug].append(label)
    if merged := {slug: sorted(labels) for slug, labels in by_slug.items() if len(labels) > 1}:
        pairs = "; ".join(f"{_quote(labels)} are {slug}" for slug, labels in list(merged.items())[:_MAX_LISTED])
        notes.append(f"Labels of the same class: {pairs}.")
    distinct = {labels[0]: slug for slug, labels in by_slug.items()}
    if alike := [group for group in find_lookalikes(distinct) if len({slug_of.get(name, name) for name in group}) > 1]:
        names = {" ".join(label.replace("_", " ").split()): slug for label, slug in distinct.items()}
        groups = "; ".join(
            ", ".join(f"'{name}' ({names.get(name, name)})" for name in group) for group in alike[:_MAX_LISTED]
        )
        warnings.append(
            f"These labels look alike and are classes of their own: {groups}. Write them alike if they mean the same."
        )
    return tuple(notes), tuple(warnings)


def _quote(labels: Sequence[str]) -> str:
    return " and ".join(f"'{label}'" for label in labels[:_MAX_LISTED])
