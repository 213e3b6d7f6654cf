"""Draw a validation or test split of whole groups, and of blocks of the sky in crowded fields."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from galaxtool.datasets.splits.leaks import Leaks, find_leaks
from galaxtool.datasets.splits.sky_blocks import MIN_CROWD, cut_into_blocks
from galaxtool.errors import TrainingError
from galaxtool.inputs.probe import FileProber
from galaxtool.types import Item

_FEW = 0.5
_MAX_OF_BLOCKS = 0.5
_LARGE_SHARE = 0.25
_COPIES = "copies of one another (files of the same content)"
_NAMES = {"valid": "validation", "test": "test"}


@dataclass(frozen=True, slots=True)
class Drawn:
    """Items of a split.

    Parameters
    ----------
    chosen, left_out : ndarray of int
        Indices of the items in the split, and of those next to them that can be in no split.
    notes : tuple of str
        What the user should know.
    """

    chosen: np.ndarray
    left_out: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=int))
    notes: tuple[str, ...] = ()


def draw_part(
    items: Sequence[Item],
    labels: Sequence[str],
    fraction: float,
    *,
    part: str,
    seed: int,
    separation_arcsec: float,
    prober: FileProber | None,
) -> Drawn:
    """Draw a split.

    Parameters
    ----------
    items : sequence of Item
        The N items to draw from.
    labels : sequence of str
        Class of each item.
    fraction : float
        Fraction of each class to draw, in [0, 1).
    part : {"valid", "test"}
        Name of the split.
    seed : int
        Random seed.
    separation_arcsec : float
        Items that are closer to each other than this must not be divided.
    prober : FileProber, optional
        Opens the files.

    Returns
    -------
    Drawn
        Whole groups of neighbours and copies. If these give less than half of what is wanted because neighbours of
        neighbours hold a field together, blocks of the sky, without the items next to them.
    """
    leaks = find_leaks(items, separation_arcsec=separation_arcsec, prober=prober)
    groups = leaks.groups()
    chosen = draw_groups(groups, list(labels), fraction, seed)
    wanted = int(count_wanted(labels, fraction).sum())
    if fraction == 0 or not wanted:
        return Drawn(chosen)
    largest = int(np.bincount(groups).max())
    if len(chosen) < _FEW * wanted and largest >= max(MIN_CROWD, wanted):
        drawn = _draw_blocks(leaks, groups, labels, fraction, part, seed, separation_arcsec)
        if drawn is not None and len(drawn.chosen) > len(chosen):
            return drawn
    return Drawn(chosen, notes=_describe_large_group(leaks, groups, chosen, wanted, part, separation_arcsec))


def draw_groups(
    groups: np.ndarray, labels: list[str], fraction: float, seed: int, *, tolerance: float = 1.0
) -> np.ndarray:
    """Draw whole groups of items, about the same fraction of every class.

    scikit-learn's StratifiedGroupKFold offers only fractions 1/k and may leave a class without training items.

    Parameters
    ----------
    groups : ndarray of int, shape (N,)
        Number of the group of each item.
    labels : list of str
        Class of each item.
    fraction : float
        Fraction of each class to draw.
    seed : int
        Random seed.
    tolerance : float
        Factor by which the fraction of a class may be exceeded.
    """
    if fraction == 0:
        return np.zeros(0, dtype=int)
    classes, kind = np.unique(labels, return_inverse=True)
    total = np.bincount(kind)
    wanted = count_wanted(labels, fraction)
    most = np.minimum(np.ceil(wanted * tolerance), total - 1) if tolerance > 1 else wanted
    # a matrix of groups and classes would be too large for many of both, such as names of objects
    cells, count = np.unique(groups.astype(np.int64) * len(classes) + kind, return_counts=True)
    of_group, of_class = np.divmod(cells, len(classes))
    edges = np.searchsorted(of_group, np.arange(groups.max() + 2))
    have = np.zeros(len(classes), dtype=int)
    taken = np.zeros(len(edges) - 1, dtype=bool)
    left = wanted.sum()
    for group in np.random.default_rng(seed).permutation(len(taken)):
        if left <= 0:
            break
        own = slice(edges[group], edges[group + 1])
        if np.all(have[of_class[own]] + count[own] <= most[of_class[own]]):
            have[of_class[own]] += count[own]
            left -= count[own].sum()
            taken[group] = True
    return np.flatnonzero(taken[groups])


def count_wanted(labels: Sequence[str], fraction: float) -> np.ndarray:
    """Return the number of items to draw of each class, in sorted order: at least one, but never all."""
    total = np.unique(np.asarray(labels, dtype=str), return_counts=True)[1]
    return np.asarray(np.minimum(np.maximum(np.rint(fraction * total), 1), total - 1))


def explain_empty_split(
    items: Sequence[Item], labels: Sequence[str], *, separation_arcsec: float, prober: FileProber | None = None
) -> TrainingError:
    """Return the error for items of which none can be drawn to validate on: it names the cause and the remedy."""
    counts = Counter(labels)
    if len(items) > 1 and max(counts.values()) == 1:
        shown = ", ".join(f"'{label}'" for label in list(counts)[:3])
        return TrainingError(
            f"Nothing is left to validate on: each of the {len(items)} classes ({shown}, ...) has a single image.",
            hint="If these are names of objects, name the column of classes with --label-column; else add images.",
        )
    leaks = find_leaks(items, separation_arcsec=separation_arcsec, prober=prober)
    groups = leaks.groups()
    largest = int(np.bincount(groups).max(initial=0))
    if largest < 2:
        return TrainingError("Nothing is left to validate on.", hint="Add images, or raise --valid-fraction.")
    cause = _describe_group(leaks, groups, separation_arcsec)
    hint = (
        "Add images that differ."
        if _COPIES in cause
        else f"Lower --separation, e.g. to {separation_arcsec / 10:g}, if the cutouts are that small; or raise "
        "--valid-fraction, or give a --split."
    )
    return TrainingError(
        f"Nothing is left to validate on: {largest} of the {len(items)} images {cause}, and so stay in one split.",
        hint=hint,
    )


def explain_empty_training(splits: np.ndarray) -> TrainingError:
    """Return the error for given splits that leave nothing to train on."""
    shown = ", ".join(f"{count} {split}" for split, count in sorted(Counter(splits.tolist()).items()))
    return TrainingError(
        f"No image is left to train on: the given splits are {shown}.",
        hint="Check the column 'split', the names of the folders, --split and --where.",
    )


def _describe_group(leaks: Leaks, groups: np.ndarray, separation_arcsec: float) -> str:
    """Return what holds the largest group together, after its number of items: ``are copies of one file``."""
    members = groups == np.bincount(groups).argmax()
    of_copies = np.bincount(leaks.groups_of_copies()[members])
    if of_copies.max() == members.sum():
        return f"are {_COPIES}"
    return f'are within {separation_arcsec:g}" of one another, directly or through others'


def _draw_blocks(
    leaks: Leaks,
    groups: np.ndarray,
    labels: Sequence[str],
    fraction: float,
    part: str,
    seed: int,
    separation_arcsec: float,
) -> Drawn | None:
    """Return blocks of the sky; None if blocks do not help."""
    wanted = int(count_wanted(labels, fraction).sum())
    cut = cut_into_blocks(leaks, groups, max(MIN_CROWD, wanted), separation_arcsec)
    if cut is None:
        return None
    blocks, side = cut
    chosen = np.zeros(leaks.n, dtype=bool)
    chosen[draw_groups(blocks, list(labels), fraction, seed, tolerance=1.5)] = True
    beside = leaks.touches(chosen)
    rest = {label for label, gone in zip(labels, chosen | beside, strict=True) if not gone}
    if not chosen.any() or rest != set(labels) or beside.sum() > _MAX_OF_BLOCKS * leaks.n:
        return None
    largest = int(np.bincount(groups).max())
    note = (
        f"{largest} of {leaks.n} images {_describe_group(leaks, groups, separation_arcsec)}, so the {_NAMES[part]} "
        f"split is drawn in blocks of the sky with sides of {side / 60:.1f}'. {int(beside.sum())} images within "
        f'{separation_arcsec:g}" of it are left out. A smaller --separation, if the images are smaller, loses fewer.'
    )
    return Drawn(np.flatnonzero(chosen), np.flatnonzero(beside), (note,))


def _describe_large_group(
    leaks: Leaks, groups: np.ndarray, chosen: np.ndarray, wanted: int, part: str, separation_arcsec: float
) -> tuple[str, ...]:
    """Return a note on a split that is too small, or on a large group that is all for training."""
    largest = int(np.bincount(groups).max())
    together = f"{largest} of {leaks.n} images {_describe_group(leaks, groups, separation_arcsec)}"
    copies = _COPIES in together
    remedy = (
        "Remove the copies."
        if copies
        else f"Lower --separation, e.g. to {separation_arcsec / 10:g}, if the images are that small, or give a --split."
    )
    if 0 < len(chosen) < _FEW * wanted and largest > 1:
        return (
            f"The {_NAMES[part]} split has {len(chosen)} images instead of {wanted}, because {together} and stay in "
            f"one split. {remedy}",
        )
    if len(chosen) and largest >= max(MIN_CROWD, _LARGE_SHARE * leaks.n):
        return (f"{together}, and all of them are in the same split. {remedy}",)
    return ()
