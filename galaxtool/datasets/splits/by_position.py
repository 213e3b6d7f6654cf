"""Validation sets that share no object with the training set, and subsets that lie in one another."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from astropy import units as u
from astropy.coordinates import SkyCoord, search_around_sky
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from galaxtool.datasets.splits.duplicates import same_content
from galaxtool.datasets.splits.positions import with_header_positions
from galaxtool.errors import ConfigError
from galaxtool.inputs.probe import FileProber
from galaxtool.types import Item


def split_items(
    items: Sequence[Item],
    labels: Sequence[str | int | None],
    *,
    valid_fraction: float = 0.15,
    seed: int = 0,
    separation_arcsec: float = 60.0,
    prober: FileProber | None = None,
) -> np.ndarray:
    """Say which items to train on and which to validate on.

    Parameters
    ----------
    items : sequence of Item
        N of them.
    labels : sequence of str, int or None
        Class of each.
    valid_fraction : float
        Of each class, in [0, 1).
    seed : int
        The same items, labels and seed give the same split.
    separation_arcsec : float
        Items nearer to each other on the sky than this, directly or through others, stay on one side.
    prober : FileProber, optional
        Opens the files for their positions and digests; by default they are opened anew.

    Returns
    -------
    ndarray of str, shape (N,)
        ``train``, ``valid``, ``test`` or ``unused``. A given ``test`` or ``unused`` stays apart. Where the items bring
        a ``valid``, all splits are as given, and an item without one is for training; otherwise validation is drawn
        from all but those apart.

    Raises
    ------
    ConfigError
        If the fraction or the separation is out of range.

    Notes
    -----
    Every class keeps an item to train on, and one of two items or more has one to validate on unless its items all
    belong together. So there may be nothing to validate on: in a set of one image a class, or in a single crowded
    field, where a smaller separation helps.
    """
    if not 0 <= valid_fraction < 1:
        raise ConfigError(f"The validation fraction is {valid_fraction:g}, not at least 0 and below 1.")
    if not separation_arcsec >= 0:
        raise ConfigError(f"The separation is {separation_arcsec:g} arcsec, not at least 0.")
    given = np.array([item.split for item in items], dtype="U6")
    if np.any(given == "") and np.any(np.isin(given, ("valid", "test"))):
        # what shows the same sky as an item of a given split goes with it
        together = leak_groups(items, separation_arcsec=separation_arcsec, prober=prober)
        for part in ("valid", "test"):
            given[(given == "") & np.isin(together, together[given == part])] = part
    splits = np.where(given == "", "train", given)
    free = np.flatnonzero(~np.isin(given, ("test", "unused"))).tolist()
    if free and not np.any(given == "valid"):
        groups = leak_groups([items[i] for i in free], separation_arcsec=separation_arcsec, prober=prober)
        chosen = _draw(groups, [str(labels[i]) for i in free], valid_fraction, seed)
        splits[np.array(free)[chosen]] = "valid"
    return splits


def leak_groups(
    items: Sequence[Item], *, separation_arcsec: float = 60.0, prober: FileProber | None = None
) -> np.ndarray:
    """Find groups of items that show the same piece of sky or are the same file.

    Parameters
    ----------
    items : sequence of Item
        N of them. Those with a position, of their own or in the header of a FITS file, are compared on the sky, those
        with a file by content.
    separation_arcsec : float
        Largest distance between neighbours in a group.
    prober : FileProber, optional
        Opens the files for their positions and digests; by default they are opened anew.

    Returns
    -------
    ndarray of int, shape (N,)
        Equal where two items belong together.
    """
    prober = prober or FileProber()
    placed = with_header_positions(items, prober=prober)
    pairs = [*_neighbours(placed, separation_arcsec), *same_content([item.ref for item in items], prober=prober)]
    first, second = (np.array([pair[k] for pair in pairs], dtype=int) for k in (0, 1))
    links = coo_array((np.ones(len(pairs)), (first, second)), shape=(len(items), len(items)))
    return connected_components(links, directed=False)[1]


def largest_group(items: Sequence[Item], *, separation_arcsec: float = 60.0, prober: FileProber | None = None) -> int:
    """Return the number of items in the largest of the `leak_groups`; 0 without items."""
    groups = leak_groups(items, separation_arcsec=separation_arcsec, prober=prober)
    return int(np.bincount(groups).max(initial=0))


def _neighbours(items: Sequence[Item], separation_arcsec: float) -> list[tuple[int, int]]:
    """Return the pairs that are near each other on the sky."""
    placed = [i for i, item in enumerate(items) if item.ra is not None and item.dec is not None]
    if len(placed) < 2:
        return []
    sky = SkyCoord([items[i].ra for i in placed], [items[i].dec for i in placed], unit="deg")
    a, b, _, _ = search_around_sky(sky, sky, separation_arcsec * u.arcsec)
    return [(placed[i], placed[j]) for i, j in zip(a.tolist(), b.tolist(), strict=True) if i < j]


def _draw(groups: np.ndarray, labels: list[str], fraction: float, seed: int) -> np.ndarray:
    """Return the rows to validate on: whole groups, about the same fraction of every class.

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


def never_validated(labels: Sequence[str], splits: Sequence[str] | np.ndarray) -> list[str]:
    """Return the classes with items to train on and none to validate on, in the order in which they come.

    Parameters
    ----------
    labels : sequence of str
        Class of each of N items; an empty one (no class) is passed over.
    splits : sequence of str
        Split of each.
    """
    held = {label for label, split in zip(labels, splits, strict=True) if split == "valid"}
    trained = dict.fromkeys(label for label, split in zip(labels, splits, strict=True) if split == "train" and label)
    return [label for label in trained if label not in held]


def nested_subset(labels: Sequence[str | int | None], fraction: float, seed: int) -> np.ndarray:
    """Choose a fraction of each class such that smaller fractions lie within larger ones.

    Parameters
    ----------
    labels : sequence of str, int or None
        Class of each of N items.
    fraction : float
        In (0, 1]; every class keeps at least one item.
    seed : int
        Subsets are nested for the same labels and seed.

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
