"""The images that several evaluations share, and their classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from galaxtool.comparison.inputs import EvaluationPredictions
from galaxtool.errors import InputError
from galaxtool.utils.counts import format_count


@dataclass(frozen=True, eq=False)
class PairedPredictions:
    """What several classifiers said about the same N images.

    Parameters
    ----------
    names : tuple of G str
        Names of the groups; a group has several classifiers where trainings differ only in their seed.
    groups : list of G list of ndarray of float64, shape (N, K)
        Probabilities of the classes by each classifier; 0 for a class that it does not have.
    sources : list of G list of str
        Where each is from.
    ids : list of str
        Identifiers of the images.
    targets : ndarray of int64, shape (N,)
        Indices of their true classes.
    classes : tuple of str
        The K classes: those of all classifiers and of the images.
    has_probabilities : bool
        Whether all classifiers have probabilities and not only a predicted class.
    notes : tuple of str
        What to know about the images.
    """

    names: tuple[str, ...]
    groups: list[list[np.ndarray]]
    sources: list[list[str]]
    ids: list[str]
    targets: np.ndarray
    classes: tuple[str, ...]
    has_probabilities: bool
    notes: tuple[str, ...]


def pair_predictions(found: Sequence[EvaluationPredictions], *, common: bool) -> PairedPredictions:
    """Pair the predictions of several classifiers by the identifiers of the images.

    Parameters
    ----------
    found : sequence of EvaluationPredictions
        At least two.
    common : bool
        Use the images that all have in common, where they differ.

    Raises
    ------
    InputError
        If the images differ and `common` is False, if none is in all, or if their true classes differ.
    """
    first = found[0]
    shared = set(first.ids).intersection(*(one.ids for one in found[1:]))
    if any(len(one.ids) > len(shared) for one in found):
        _check_images(found, len(shared), common=common)
    ids = [name for name in first.ids if name in shared]
    aligned = [_select(one, ids) for one in found]
    _check_truth(aligned)
    classes = tuple(dict.fromkeys([slug for one in found for slug in one.classes] + first.truth))
    index = {slug: k for k, slug in enumerate(classes)}
    groups: dict[str, list[np.ndarray]] = {}
    sources: dict[str, list[str]] = {}
    for one in aligned:
        whole = np.zeros((len(ids), len(classes)))
        whole[:, [index[slug] for slug in one.classes]] = one.probabilities
        groups.setdefault(one.name, []).append(whole)
        sources.setdefault(one.name, []).append(one.source)
    return PairedPredictions(
        names=tuple(groups),
        groups=list(groups.values()),
        sources=list(sources.values()),
        ids=ids,
        targets=np.array([index[slug] for slug in aligned[0].truth], dtype=np.int64),
        classes=classes,
        has_probabilities=all(one.has_probabilities for one in found),
        notes=tuple(_describe_rows(found, len(ids))),
    )


def _select(one: EvaluationPredictions, ids: Sequence[str]) -> EvaluationPredictions:
    """Return the predictions of these images, in this order."""
    row_of = {name: row for row, name in enumerate(one.ids)}
    rows = [row_of[name] for name in ids]
    return replace(one, ids=list(ids), truth=[one.truth[row] for row in rows], probabilities=one.probabilities[rows])


def _check_images(found: Sequence[EvaluationPredictions], shared: int, *, common: bool) -> None:
    """Raise an error if evaluations of different images cannot or should not be compared on those they share."""
    counts = ", ".join(f"{len(one.ids):,} in {one.source}" for one in found)
    if not shared:
        raise InputError(
            f"No image is in all of the evaluations ({counts}): such as '{found[0].ids[0]}' in {found[0].source} and "
            f"'{found[1].ids[0]}' in {found[1].source}.",
            hint="Images are paired by the column id. Score all models on the same DATASET, written in the same way.",
        )
    if not common:
        raise InputError(
            f"The evaluations are of different images: {counts}, of which they share {shared:,}.",
            hint=f"Compare them on the {format_count(shared, 'image')} with --common, or score all on the same images.",
        )


def _check_truth(aligned: Sequence[EvaluationPredictions]) -> None:
    """Raise an error if the evaluations do not have the same true classes."""
    first = aligned[0]
    for other in aligned[1:]:
        differ = [i for i, (a, b) in enumerate(zip(first.truth, other.truth, strict=True)) if a != b]
        if differ:
            i = differ[0]
            raise InputError(
                f"{format_count(len(differ), 'image')} of {len(first.ids):,} {'has' if len(differ) == 1 else 'have'} "
                f"another true class in {other.source} than in {first.source}: '{first.ids[i]}' is "
                f"'{other.truth[i]}' there and '{first.truth[i]}' here.",
                hint="Score all models against the same labels; models of different classes with the same --coarse "
                "TAXONOMY.",
            )


def _describe_rows(found: Sequence[EvaluationPredictions], n: int) -> list[str]:
    """Return sentences on the images that are left out, and on classes that a classifier does not have."""
    notes = []
    for one in found:
        left_out = [
            f"{one.unlabeled:,} without a true class" if one.unlabeled else "",
            f"{one.unread:,} without a prediction" if one.unread else "",
            f"{len(one.ids) - n:,} that are not in all evaluations" if len(one.ids) > n else "",
        ]
        if any(left_out):
            notes.append(f"Left out of {one.source}: {', '.join(filter(None, left_out))}.")
        if lacking := [slug for slug in dict.fromkeys(one.truth) if slug not in one.classes]:
            notes.append(f"{one.source} never predicts {', '.join(lacking)}, which some images are.")
    return notes
