"""Validation splits that share no object with the training set, and nested subsets."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from galaxtool.datasets.splits.draw import draw_part
from galaxtool.datasets.splits.leaks import find_leaks
from galaxtool.datasets.splits.sky_blocks import MIN_CROWD
from galaxtool.errors import ConfigError
from galaxtool.inputs.probe import FileProber
from galaxtool.types import Item

_MAX_JOINING = 0.2


def split_items(
    items: Sequence[Item],
    labels: Sequence[str | int | None],
    *,
    valid_fraction: float = 0.15,
    test_fraction: float = 0.0,
    seed: int = 0,
    separation_arcsec: float = 60.0,
    prober: FileProber | None = None,
    notes: list[str] | None = None,
    sources: Sequence[int] | None = None,
) -> np.ndarray:
    """Split items into training, validation and test.

    Parameters
    ----------
    items : sequence of Item
        The N items.
    labels : sequence of str, int or None
        Class of each item.
    valid_fraction : float
        Fraction of each class to validate on, in [0, 1).
    test_fraction : float
        Fraction of each class to keep for a test, in [0, 1); 0 for no test split other than a given one.
    seed : int
        Random seed; the same items, labels and seed give the same split.
    separation_arcsec : float
        Items that are closer to each other on the sky than this, directly or through others, stay in one split.
    prober : FileProber, optional
        Opens the files for their positions and digests; by default a new one does.
    notes : list of str, optional
        Receives what the user should know: groups of neighbours and copies that make a split small.
    sources : sequence of int, optional
        Number of the data set of each item; by default, all items are of one data set.

    Returns
    -------
    ndarray of str, shape (N,)
        ``train``, ``valid``, ``test`` or ``unused``. Given ``test`` and ``unused`` items keep their split. If items of
        a data set come with a ``valid`` split, its splits are as given, and an item without one is for training.
        Otherwise a validation split is drawn from all its items that are not ``test`` or ``unused``. A test split is
        drawn from the items for training, before the validation split.

    Raises
    ------
    ConfigError
        If the fraction or the separation is out of range.

    Notes
    -----
    Every class keeps an item to train on. A class of two items or more has one to validate on, unless all of its groups
    of items that belong together are larger than its share, such as pairs of a class of 8 at 15 %. The validation split
    may therefore be empty: with one image per class, or in a small crowded field.
    A larger field that neighbours of neighbours hold together is split in blocks, and items next to the blocks of
    another split are ``unused``.
    """
    if not 0 <= valid_fraction < 1:
        raise ConfigError(f"The validation fraction is {valid_fraction:g}, not at least 0 and below 1.")
    if not 0 <= test_fraction < 1 - valid_fraction:
        raise ConfigError(
            f"The test fraction is {test_fraction:g}, not at least 0 and below 1 minus the validation fraction."
        )
    if not separation_arcsec >= 0:
        raise ConfigError(f"The separation is {separation_arcsec:g} arcsec, not at least 0.")
    messages = [] if notes is None else notes
    given = np.array([item.split for item in items], dtype="U6")
    source = np.zeros(len(items), dtype=int) if sources is None else np.asarray(sources, dtype=int)
    has_own = np.isin(source, source[given == "valid"])  # before an item joins the validation split of another data set

    def draw(rows: np.ndarray, fraction: float, part: str) -> None:
        if not len(rows):
            return
        found = draw_part(
            [items[i] for i in rows.tolist()],
            [str(labels[i]) for i in rows.tolist()],
            fraction,
            part=part,
            seed=seed,
            separation_arcsec=separation_arcsec,
            prober=prober,
        )
        splits[rows[found.chosen]] = part
        splits[rows[found.left_out]] = "unused"
        messages.extend(found.notes)

    if np.any(given == "") and np.any(np.isin(given, ("valid", "test"))):
        given = _keep_together(items, given, separation_arcsec, prober, messages)
    splits = np.where(given == "", "train", given)
    if test_fraction:
        # a group with a given validation item stays where it is
        usable = np.flatnonzero(~np.isin(given, ("test", "unused")))
        groups = find_leak_groups(
            [items[i] for i in usable.tolist()], separation_arcsec=separation_arcsec, prober=prober
        )
        rows = usable[~np.isin(groups, groups[given[usable] == "valid"])]
        draw(rows, test_fraction, "test")
        valid_fraction = valid_fraction / (1 - test_fraction)  # of those that are left
    is_open = ~np.isin(splits, ("test", "unused"))
    free = np.flatnonzero(is_open & ~has_own)
    if len(free) and np.any(given == "valid"):
        # an item that shows the same sky as one of a data set with a split of its own stays with it
        usable = np.flatnonzero(is_open)
        groups = find_leak_groups(
            [items[i] for i in usable.tolist()], separation_arcsec=separation_arcsec, prober=prober
        )
        free = np.setdiff1d(free, usable[np.isin(groups, groups[~np.isin(usable, free)])])
    draw(free, valid_fraction, "valid")
    return splits


def _keep_together(
    items: Sequence[Item], given: np.ndarray, separation_arcsec: float, prober: FileProber | None, notes: list[str]
) -> np.ndarray:
    """Return the given splits, with those of items that show the same sky as an item of a given split.

    Such items join that split. In a crowded field, where neighbours of neighbours would all join it, they are unused.
    """
    leaks = find_leaks(items, separation_arcsec=separation_arcsec, prober=prober)
    together, joined, apart = leaks.groups(), given.copy(), given.copy()
    for part in ("valid", "test"):
        joined[(joined == "") & np.isin(together, together[given == part])] = part
        apart[(apart == "") & leaks.touches(given == part)] = "unused"
    free = given == ""
    moved, beside = int((free & (joined != "")).sum()), int((free & (apart != "")).sum())
    if moved < max(MIN_CROWD, _MAX_JOINING * free.sum()):
        return joined
    notes.append(
        f'{beside} of {int(free.sum())} images without a split are within {separation_arcsec:g}" of images of a given '
        "split, or are copies of them, and are left out."
    )
    return apart


def find_leak_groups(
    items: Sequence[Item], *, separation_arcsec: float = 60.0, prober: FileProber | None = None
) -> np.ndarray:
    """Find groups of items that show the same piece of sky or are the same file.

    Parameters
    ----------
    items : sequence of Item
        The N items. Those with a position, given or from the header of a FITS file, are compared on the sky, and those
        with a file by content.
    separation_arcsec : float
        Largest distance between neighbours in a group, in arcsec.
    prober : FileProber, optional
        Opens the files for their positions and digests; by default a new one does.

    Returns
    -------
    ndarray of int, shape (N,)
        Number of the group of each item.
    """
    return find_leaks(items, separation_arcsec=separation_arcsec, prober=prober).groups()


def find_unvalidated_classes(labels: Sequence[str], splits: Sequence[str] | np.ndarray) -> list[str]:
    """Find classes that have training items but no validation items, in order of appearance.

    Parameters
    ----------
    labels : sequence of str
        Class of each of N items; an empty text means no class and is skipped.
    splits : sequence of str
        Split of each item.
    """
    return _find_missing_classes(labels, splits, there="train", missing="valid")


def find_untrained_classes(labels: Sequence[str], splits: Sequence[str] | np.ndarray) -> list[str]:
    """Find classes that have validation items but no training items; see `find_unvalidated_classes`."""
    return _find_missing_classes(labels, splits, there="valid", missing="train")


def _find_missing_classes(
    labels: Sequence[str], splits: Sequence[str] | np.ndarray, *, there: str, missing: str
) -> list[str]:
    known = {label for label, split in zip(labels, splits, strict=True) if split == missing}
    found = dict.fromkeys(label for label, split in zip(labels, splits, strict=True) if split == there and label)
    return [label for label in found if label not in known]


def draw_nested_subset(labels: Sequence[str | int | None], fraction: float, seed: int) -> np.ndarray:
    """Draw a fraction of each class, so that smaller fractions are subsets of larger ones.

    Parameters
    ----------
    labels : sequence of str, int or None
        Class of each of N items.
    fraction : float
        Fraction to draw, in (0, 1]; every class keeps at least one item.
    seed : int
        Random seed; subsets are nested for the same labels and seed.

    Returns
    -------
    ndarray of int
        Indices of the chosen items, ascending.

    Raises
    ------
    ConfigError
        If the fraction is out of range.
    """
    if not 0 < fraction <= 1:
        raise ConfigError(f"The fraction is {fraction:g}, not above 0 and at most 1.")
    names = np.array([str(label) for label in labels], dtype=str)
    order = np.random.default_rng(seed).permutation(len(names))
    kind = np.unique(names, return_inverse=True)[1][order]
    order = order[np.argsort(kind, kind="stable")]
    members_of = np.split(order, np.cumsum(np.bincount(kind))[:-1])
    chosen = [members[: max(1, round(fraction * len(members)))] for members in members_of]
    return np.sort(np.concatenate(chosen)) if chosen else np.zeros(0, dtype=int)
