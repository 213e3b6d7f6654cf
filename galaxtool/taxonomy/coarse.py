"""Scores of fine classes in the terms of coarser ones."""

from __future__ import annotations

from typing import TYPE_CHECKING

from galaxtool.errors import InputError
from galaxtool.taxonomy.classes import Taxonomy

if TYPE_CHECKING:
    import numpy as np


def parents(fine: Taxonomy, coarse: Taxonomy) -> dict[str, str]:
    """Return, for each fine class that has one, the coarse class that holds all of its objects.

    A class that is in both (a subset of the same taxonomy) is its own parent.

    Returns
    -------
    dict
        Fine slug to coarse slug, in the fine taxonomy's order; classes without a counterpart are absent.
    """
    known = set(coarse.slugs)
    found = {}
    for item in fine.classes:
        targets = [f"{coarse.name}:{item.slug}"] if fine.name == coarse.name else item.is_a
        for target in targets:
            name, _, slug = target.partition(":")
            if name == coarse.name and slug in known:
                found[item.slug] = slug
    return found


def coarsen(
    probabilities: np.ndarray, fine: Taxonomy, coarse: Taxonomy
) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Sum the probabilities of fine classes into the coarse classes that hold them.

    Fine classes without a counterpart are dropped and the rest renormalised to a sum of 1.

    Parameters
    ----------
    probabilities : ndarray, shape (N, K)
        One row an object, one column a class of `fine`, in its order; rows sum to 1.
    fine, coarse : Taxonomy
        The classes that the columns are, and those they shall become.

    Returns
    -------
    probabilities : ndarray of float64, shape (N, M)
        One column for each coarse class with at least one fine class in it. A row that has no probability in any
        of them, or a NaN, is NaN.
    dropped : ndarray of float64, shape (N,)
        Probability of the classes without a counterpart, before renormalising.
    kept : tuple of M str
        Slugs of the coarse classes, in the coarse taxonomy's order.

    Raises
    ------
    galaxtool.errors.InputError
        If no fine class has a counterpart.
    ValueError
        If the array has not K columns.
    """
    import numpy as np

    values = np.asarray(probabilities, dtype=np.float64)
    if values.ndim != 2 or values.shape[1] != len(fine):
        raise ValueError(f"probabilities have shape {values.shape}; wanted (N, {len(fine)})")
    parent = parents(fine, coarse)
    if not parent:
        raise InputError(
            f"No class of '{fine.name}' has a counterpart in '{coarse.name}'.",
            hint="A class names its counterparts under is_a in the taxonomy's TOML.",
        )
    kept = tuple(slug for slug in coarse.slugs if slug in parent.values())
    belongs = np.zeros((len(fine), len(kept)))
    for row, slug in enumerate(fine.slugs):
        if slug in parent:
            belongs[row, kept.index(parent[slug])] = 1.0
    summed = values @ belongs
    dropped = values[:, belongs.sum(axis=1) == 0].sum(axis=1)
    total = summed.sum(axis=1, keepdims=True)
    return np.divide(summed, total, out=np.full_like(summed, np.nan), where=total > 0), dropped, kept
