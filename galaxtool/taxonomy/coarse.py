"""Convert the probabilities of fine classes to those of coarser classes."""

from __future__ import annotations

import numpy as np

from galaxtool.errors import InputError
from galaxtool.taxonomy.classes import Taxonomy


def find_parents(fine: Taxonomy, coarse: Taxonomy) -> dict[str, str]:
    """Return the parent of each fine class: the coarse class that contains all of its objects.

    A class that is in both taxonomies (a subset of the same taxonomy) is its own parent.

    Returns
    -------
    dict
        Fine slug -> coarse slug, in the order of the fine taxonomy; classes without a parent are omitted.
    """
    known = set(coarse.slugs)
    by_slug = {}
    for item in fine.classes:
        targets = [f"{coarse.name}:{item.slug}"] if fine.name == coarse.name else item.is_a
        for target in targets:
            name, _, slug = target.partition(":")
            if name == coarse.name and slug in known:
                by_slug[item.slug] = slug
    return by_slug


def find_children(coarse: Taxonomy, fine: Taxonomy) -> dict[str, tuple[str, ...]]:
    """Return the fine classes that each coarse class contains, in the order of both taxonomies.

    Returns
    -------
    dict
        Coarse slug -> fine slugs; coarse classes without a fine one are omitted.
    """
    parent = find_parents(fine, coarse)
    children = {slug: tuple(own for own, above in parent.items() if above == slug) for slug in coarse.slugs}
    return {slug: own for slug, own in children.items() if own}


def coarsen(
    probabilities: np.ndarray, fine: Taxonomy, coarse: Taxonomy
) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Sum the probabilities of fine classes into the coarse classes that contain them.

    Fine classes without a parent are dropped, and the rest is renormalized to a sum of 1.

    Parameters
    ----------
    probabilities : ndarray, shape (N, K)
        One row per object and one column per class of `fine`, in its order; rows sum to 1.
    fine, coarse : Taxonomy
        Taxonomies to convert from and to.

    Returns
    -------
    probabilities : ndarray of float64, shape (N, M)
        One column for each coarse class that contains a fine class. A row is NaN if it contains NaN, or has no
        probability in any of these classes.
    dropped : ndarray of float64, shape (N,)
        Probability of the dropped classes, before renormalization.
    kept : tuple of M str
        Slugs of the coarse classes, in the order of the coarse taxonomy.

    Raises
    ------
    galaxtool.errors.InputError
        If no fine class has a parent.
    ValueError
        If the array does not have K columns.
    """
    values = np.asarray(probabilities, dtype=np.float64)
    if values.ndim != 2 or values.shape[1] != len(fine):
        raise ValueError(f"probabilities have shape {values.shape}; expected (N, {len(fine)})")
    parent = find_parents(fine, coarse)
    if not parent:
        raise InputError(
            f"No class of '{fine.name}' has a counterpart in '{coarse.name}'.",
            hint="A class names its counterparts under is_a in the taxonomy's TOML.",
        )
    kept = tuple(slug for slug in coarse.slugs if slug in parent.values())
    membership = np.zeros((len(fine), len(kept)))
    for row, slug in enumerate(fine.slugs):
        if slug in parent:
            membership[row, kept.index(parent[slug])] = 1.0
    summed = values @ membership
    dropped = values[:, membership.sum(axis=1) == 0].sum(axis=1)
    total = summed.sum(axis=1, keepdims=True)
    return np.divide(summed, total, out=np.full_like(summed, np.nan), where=total > 0), dropped, kept
