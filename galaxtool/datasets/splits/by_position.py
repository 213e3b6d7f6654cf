"""Validation splits that share no object with the training set, and nested subsets."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord, search_around_sky
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from galaxtool.datasets.splits.duplicates import find_identical_files
from galaxtool.datasets.splits.positions import add_header_positions
from galaxtool.errors import ConfigError
from galaxtool.inputs.probe import FileProber
from galaxtool.types import Item


def split_items(
    items: Sequence[Item],
    labels: Sequence[str | int | None],
    *,
    valid_fraction: float = 0.15,
    test_fraction: float = 0.0,
    seed: int = 0,
    separation_arcsec: float = 60.0,
    prober: FileProber | None = None,
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

    Returns
    -------
    ndarray of str, shape (N,)
        ``train``, ``valid``, ``test`` or ``unused``. Given ``test`` and ``unused`` items keep their split. If the items
        come with a ``valid`` split, all splits are as given, and an item without one is for training. Otherwise the
        validation split is drawn from all items that are not ``test`` or ``unused``. A test split is drawn from the
        items for training, before the validation split.

    Raises
    ------
    ConfigError
        If the fraction or the separation is out of range.

    Notes
    -----
    Every class keeps an item to train on. A class of two items or more has one to validate on, unless its items all
    belong together. The validation split may therefore be empty: with one image per class, or in a single crowded
    field, where a smaller separation helps.
    """
    if not 0 <= valid_fraction < 1:
        raise ConfigError(f"The validation fraction is {valid_fraction:g}, not at least 0 and below 1.")
    if not 0 <= test_fraction < 1 - valid_fraction:
        raise ConfigError(
            f"The test fraction is {test_fraction:g}, not at least 0 and below 1 minus the validation fraction."
        )
    if not separation_arcsec >= 0:
        raise ConfigError(f"The separation is {separation_arcsec:g} arcsec, not at least 0.")
    given = np.array([item.split for item in items], dtype="U6")
    if np.any(given == "") and np.any(np.isin(given, ("valid", "test"))):
        # items that show the same sky as an item of a given split join that split
        together = find_leak_groups(items, separation_arcsec=separation_arcsec, prober=prober)
        for part in ("valid", "test"):
            given[(given == "") & np.isin(together, together[given == part])] = part
    splits = np.where(given == "", "train", given)
    if test_fraction:
        # a group with a given validation item stays where it is
        usable = np.flatnonzero(~np.isin(given, ("test", "unused"))).tolist()
        groups = find_leak_groups([items[i] for i in usable], separation_arcsec=separation_arcsec, prober=prober)
        bound = np.isin(groups, groups[given[usable] == "valid"])
        rows = np.array(usable, dtype=int)[~bound]
        if len(rows):
            drawn = _draw_groups(
                np.unique(groups[~bound], return_inverse=True)[1], [str(labels[i]) for i in rows], test_fraction, seed
            )
            given[rows[drawn]] = splits[rows[drawn]] = "test"
            valid_fraction = valid_fraction / (1 - test_fraction)  # of those that are left
    free = np.flatnonzero(~np.isin(given, ("test", "unused"))).tolist()
    if free and not np.any(given == "valid"):
        groups = find_leak_groups([items[i] for i in free], separation_arcsec=separation_arcsec, prober=prober)
        chosen = _draw_groups(groups, [str(labels[i]) for i in free], valid_fraction, seed)
        splits[np.array(free)[chosen]] = "valid"
    return splits


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
    prober = prober or FileProber()
    placed = add_header_positions(items, prober=prober)
    pairs = [
        *_find_neighbors(placed, separation_arcsec),
        *find_identical_files([item.ref for item in items], prober=prober),
    ]
    first, second = (np.array([pair[k] for pair in pairs], dtype=int) for k in (0, 1))
    links = coo_array((np.ones(len(pairs)), (first, second)), shape=(len(items), len(items)))
    groups: np.ndarray = connected_components(links, directed=False)[1]
    return groups


def measure_largest_group(
    items: Sequence[Item], *, separation_arcsec: float = 60.0, prober: FileProber | None = None
) -> int:
    """Return the number of items in the largest of the `find_leak_groups`; 0 without items."""
    groups = find_leak_groups(items, separation_arcsec=separation_arcsec, prober=prober)
    return int(np.bincount(groups).max(initial=0))


def _find_neighbors(items: Sequence[Item], separation_arcsec: float) -> list[tuple[int, int]]:
    """Return the pairs of items that are close to each other on the sky."""
    placed = [i for i, item in enumerate(items) if item.ra is not None and item.dec is not None]
    if len(placed) < 2:
        return []
    sky = SkyCoord([items[i].ra for i in placed], [items[i].dec for i in placed], unit="deg")
    a, b, _, _ = search_around_sky(sky, sky, separation_arcsec * u.arcsec)
    return [(placed[i], placed[j]) for i, j in zip(a.tolist(), b.tolist(), strict=True) if i < j]


def _draw_groups(groups: np.ndarray, labels: list[str], fraction: float, seed: int) -> np.ndarray:
    """Draw whole groups of items to validate on, about the same fraction of every class.

    scikit-learn's StratifiedGroupKFold offers only fractions 1/k and may leave a class without training items.
    """
    if fraction == 0:
        return np.zeros(0, dtype=int)
    classes, kind = np.unique(labels, return_inverse=True)
    total = np.bincount(kind)
    wanted = np.minimum(np.maximum(np.rint(fraction * total), 1), total - 1)
    count = np.zeros((groups.max() + 1, len(classes)), dtype=int)
    np.add.at(count, (groups, kind), 1)
    have = np.zeros(len(classes), dtype=int)
    taken = np.zeros(len(count), dtype=bool)
    for group in np.random.default_rng(seed).permutation(len(count)):
        if np.all(have + count[group] <= wanted):
            have += count[group]
            taken[group] = True
    return np.flatnonzero(taken[groups])


def find_unvalidated_classes(labels: Sequence[str], splits: Sequence[str] | np.ndarray) -> list[str]:
    """Find classes that have training items but no validation items, in order of appearance.

    Parameters
    ----------
    labels : sequence of str
        Class of each of N items; an empty text means no class and is skipped.
    splits : sequence of str
        Split of each item.
    """
    held = {label for label, split in zip(labels, splits, strict=True) if split == "valid"}
    trained = dict.fromkeys(label for label, split in zip(labels, splits, strict=True) if split == "train" and label)
    return [label for label in trained if label not in held]


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
    chosen = []
    for name in np.unique(names):
        members = order[names[order] == name]
        chosen.append(members[: max(1, round(fraction * len(members)))])
    return np.sort(np.concatenate(chosen)) if chosen else np.zeros(0, dtype=int)
