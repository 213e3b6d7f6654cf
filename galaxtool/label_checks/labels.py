"""The labels to check, and those that cannot be checked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from galaxtool.datasets.clean_labels import clean_labels, find_measurements
from galaxtool.datasets.protocols import Dataset
from galaxtool.errors import InputError
from galaxtool.taxonomy.names import make_slugs

_MOST_LISTED = 5


@dataclass(frozen=True, eq=False)
class CheckedLabels:
    """The labels of a data set.

    Parameters
    ----------
    rows : ndarray of int, shape (N,)
        Items of the data set with a label.
    slugs : tuple of str
        The K classes.
    targets : ndarray of int, shape (N,)
        Index of the class of each of these items.
    unlabeled : int
        Number of items without a label.
    notes : tuple of str
        What was done to the labels.
    """

    rows: np.ndarray
    slugs: tuple[str, ...]
    targets: np.ndarray
    unlabeled: int
    notes: tuple[str, ...] = ()


def read_checked_labels(dataset: Dataset, folds: int) -> CheckedLabels:
    """Return the labels of a data set.

    Raises
    ------
    InputError
        If no image has a label, all have the same one, or a class has fewer images than there are folds.
    """
    cleaned = clean_labels([item.label for item in dataset.items])
    labels = cleaned.labels
    if numbers := find_measurements(labels):
        raise InputError(
            f"The labels are {len(numbers)} different numbers with fractions ({', '.join(numbers[:3])}, ...), which "
            "are measurements rather than classes.",
            hint="Name another column with --label-column.",
        )
    rows = np.array([row for row, label in enumerate(labels) if label is not None], dtype=int)
    if not len(rows):
        raise InputError(
            f"None of the {len(labels)} images of '{dataset.name}' has a label, so there is nothing to doubt.",
            hint="Name the column of the labels with --label-column, or use class folders.",
        )
    slug_of = make_slugs(dict.fromkeys(label for label in labels if label is not None))
    own = [slug_of[str(labels[row])] for row in rows.tolist()]
    check_classes(own, folds)
    slugs = tuple(sorted(set(own)))
    number = {slug: k for k, slug in enumerate(slugs)}
    targets = np.array([number[slug] for slug in own], dtype=int)
    return CheckedLabels(rows, slugs, targets, len(labels) - len(rows), (*cleaned.notes, *cleaned.warnings))


def check_classes(labels: Sequence[str], folds: int) -> None:
    """Raise `InputError` if labels cannot be cross-validated: with one class, or fewer images of a class than folds."""
    counts = Counter(labels)
    if len(counts) < 2:
        raise InputError(
            (f"All {len(labels)} labels are" if len(labels) > 1 else "The only label is")
            + f" '{next(iter(counts))}'; a label can only be doubted in favour of another.",
            hint="Check --label-column and --where.",
        )
    small = {label: n for label, n in counts.items() if n < folds}
    if not small:
        return
    least = min(small.values())
    listed = ", ".join(f"'{label}' ({n})" for label, n in list(small.items())[:_MOST_LISTED])
    more = f" and {len(small) - _MOST_LISTED} more" if len(small) > _MOST_LISTED else ""
    names = ", ".join(f"'{label}'" for label in list(small)[:_MOST_LISTED])
    hint = f'Leave these images out, as with --where "label not in ({names})".'
    if len(counts) - len(small) < 2:
        hint = f"Add images until two classes or more have at least {folds}."
    if least > 1:
        hint = f"Give --folds {least}. {hint}"
    raise InputError(
        f"{'This class has' if len(small) == 1 else 'These classes have'} fewer images than the {folds} folds: "
        f"{listed}{more}.",
        hint=hint,
    )
