"""Classify in the classes of a coarser taxonomy: the work of ``classify --terms``."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from galaxtool.errors import InputError, UnknownName
from galaxtool.models.record import ModelRecord
from galaxtool.plugins.registry import get_registry
from galaxtool.taxonomy.coarse import coarsen, find_parents
from galaxtool.taxonomy.load import Taxonomy

MOSTLY = 0.5
"""Dropped probability above which a row is flagged ``NO_COUNTERPART``."""


@dataclass(frozen=True)
class CoarseTerms:
    """A coarser taxonomy, and the classes of a model that it contains.

    Parameters
    ----------
    fine : Taxonomy
        Classes of the model.
    coarse : Taxonomy
        The coarser taxonomy.
    """

    fine: Taxonomy
    coarse: Taxonomy

    @property
    def classes(self) -> dict[str, str]:
        """Names of the coarse classes that contain a class of the model, by slug."""
        parents = set(find_parents(self.fine, self.coarse).values())
        return {one.slug: one.name for one in self.coarse.classes if one.slug in parents}

    @property
    def dropped_classes(self) -> tuple[str, ...]:
        """Slugs of the classes of the model without a counterpart."""
        kept = find_parents(self.fine, self.coarse)
        return tuple(slug for slug in self.fine.slugs if slug not in kept)

    def convert(self, probabilities: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Convert probabilities of the model's classes.

        Parameters
        ----------
        probabilities : ndarray, shape (N, K)
            NaN throughout a row without a prediction.

        Returns
        -------
        probabilities : ndarray of float32, shape (N, M)
            One column for each of `classes`; rows sum to 1. NaN in rows without a prediction or without any
            probability in these classes.
        dropped : ndarray of float32, shape (N,)
            Probability of `dropped_classes`.
        """
        summed, dropped, _ = coarsen(probabilities, self.fine, self.coarse)
        return summed.astype(np.float32), dropped.astype(np.float32)

    def describe_dropped(self) -> str:
        """Return a note on the classes that are dropped; empty if there are none."""
        if not self.dropped_classes:
            return ""
        return (
            f"Classes without a counterpart in {self.coarse.name} are dropped, and the other probabilities scaled to "
            f"a sum of 1: {', '.join(self.dropped_classes)}. Their probability is in the column dropped."
        )


def find_terms(record: ModelRecord, name: str | None) -> CoarseTerms | None:
    """Return the coarser taxonomy of a name for a model; None if `name` is None or empty.

    Raises
    ------
    UnknownName
        If there is no taxonomy of this name; the known ones are those that fit the model.
    InputError
        If no class of the model has a counterpart in it.
    """
    if not name:
        return None
    if record.votes is not None or record.regression is not None:
        what = "votes" if record.regression is None else "numbers"
        raise InputError(
            f"The model '{record.name}' predicts {what}, which --terms cannot convert.",
            hint="Leave --terms out, or use a model of classes.",
        )
    fine, taxonomies = record.make_taxonomy(), get_registry().taxonomies
    fitting = _find_fitting(fine)
    if name not in taxonomies:
        raise UnknownName("taxonomy", name, fitting or taxonomies.names())
    found = taxonomies.find(name)
    terms = CoarseTerms(fine, found.create(found.spec))
    if not terms.classes:
        raise InputError(
            f"No class of the model '{record.name}' has a counterpart in the taxonomy '{name}'.",
            hint=f"Its classes have counterparts in: {', '.join(fitting)}."
            if fitting
            else "Its classes name no coarser ones; see docs/taxonomies.md on is_a.",
        )
    return terms


def _find_fitting(fine: Taxonomy) -> list[str]:
    """Return the registered taxonomies in which a class has a counterpart."""
    targets = {target.partition(":")[0] for one in fine.classes for target in one.is_a} | {fine.name}
    return [name for name in get_registry().taxonomies.names() if name in targets]
