"""Classes that a split leaves without images to learn from or to score."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from galaxtool.datasets.splits.by_position import find_untrained_classes, find_unvalidated_classes

_MAX_LISTED = 10


def describe_missing_classes(slugs: Sequence[str], splits: Sequence[str] | np.ndarray) -> list[str]:
    """Return a sentence on the classes without validation images, and one on those without training images.

    Parameters
    ----------
    slugs : sequence of str
        Class of each of N images, empty where it has none.
    splits : sequence of str, shape (N,)
        Split of each image.
    """
    unscored, unlearned = find_unvalidated_classes(slugs, splits), find_untrained_classes(slugs, splits)
    sentences = []
    if unscored:
        unknown = "its score is" if len(unscored) == 1 else "their scores are"
        sentences.append(f"No image of {_quote(unscored)} is left to validate on, so {unknown} not known.")
    if unlearned:
        these = "this class" if len(unlearned) == 1 else "these classes"
        sentences.append(
            f"No image of {_quote(unlearned)} is in the training split, so the model cannot learn {these}."
        )
    return sentences


def describe_unseen_classes(
    labels: Sequence[str], splits: Sequence[str] | np.ndarray, coarse: Mapping[str, Sequence[str]], order: Sequence[str]
) -> list[str]:
    """Return a sentence on the classes that are learned only through coarser labels, if there are any.

    Parameters
    ----------
    labels, splits
        Label and split of each of N images.
    coarse : mapping of str to sequence of str
        The classes that each coarser label contains.
    order : sequence of str
        All classes, in the order in which they are named.
    """
    trained = {label for label, split in zip(labels, splits, strict=True) if label and split == "train"}
    through = {slug for label in coarse if label in trained for slug in coarse[label]} - trained
    unseen = [slug for slug in order if slug in through]
    if not unseen:
        return []
    these = "it" if len(unseen) == 1 else "them"
    return [
        f"No training image has the label {_quote(unseen)}: only coarser or noisy labels contain {these}, so the model "
        f"may confuse {these} with other classes of these labels."
    ]


def _quote(slugs: Sequence[str]) -> str:
    """Return classes as text, such as ``'bar', 'ring'``."""
    more = f" and {len(slugs) - _MAX_LISTED} more classes" if len(slugs) > _MAX_LISTED else ""
    return ", ".join(f"'{slug}'" for slug in slugs[:_MAX_LISTED]) + more
