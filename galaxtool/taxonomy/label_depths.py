"""Matching of labels that are finer or coarser than the classes of a taxonomy."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from galaxtool.errors import InputError
from galaxtool.taxonomy.classes import Taxonomy
from galaxtool.taxonomy.coarse import find_children, find_parents
from galaxtool.taxonomy.matching import find_unmatched, match_labels

_MAX_LISTED = 6


@dataclass(frozen=True, slots=True)
class LabelDepths:
    """What the labels of a data set say about the classes of a taxonomy.

    Parameters
    ----------
    terms : Taxonomy
        Taxonomy of the labels.
    slug_of : dict
        Slug of each label in `terms`.
    classes_of : dict
        For each slug in `terms` that a label has, the classes of which an object with this label is one; empty if
        there is none. A single class does not mean that the label is that class; see `is_class`.
    is_class : frozenset of str
        Slugs in `terms` that are a class, or finer than one.
    """

    terms: Taxonomy
    slug_of: dict[str, str]
    classes_of: dict[str, tuple[str, ...]]
    is_class: frozenset[str]


def match_at_any_depth(labels: Iterable[str], chosen: Taxonomy, taxonomies: Iterable[Taxonomy]) -> LabelDepths:
    """Match labels with the classes of a taxonomy, or with those of another one that is coarser or finer.

    Parameters
    ----------
    labels : iterable of str
        Labels of a data set, in any order and any number of times. They may have the name of their taxonomy in front:
        ``gz1-coarse:spiral``.
    chosen : Taxonomy
        Taxonomy of the classes.
    taxonomies : iterable of Taxonomy
        Other taxonomies to which the labels may belong.

    Returns
    -------
    LabelDepths
        If all labels fit `chosen`, they are its classes. Otherwise they belong to the one other taxonomy that they all
        fit and that is related to `chosen` by ``is_a``. A label with a parent in `chosen` is that class, and any other
        stands for its children in `chosen`.

    Raises
    ------
    galaxtool.errors.InputError
        If the labels fit neither `chosen` nor a related taxonomy, or fit several of different meaning.
    """
    given = list(labels)
    distinct = list(dict.fromkeys(given))
    if not find_unmatched(distinct, chosen, indices=True):
        slug_of = match_labels(distinct, chosen, indices=True)
        own = dict.fromkeys(slug_of.values())
        return LabelDepths(chosen, slug_of, {slug: (slug,) for slug in own}, frozenset(own))
    others = [taxonomy for taxonomy in taxonomies if taxonomy.name != chosen.name]
    found = [depths for other in others if (depths := _relate(distinct, chosen, other)) is not None]
    if not found:
        match_labels(given, chosen, indices=True)  # says which labels do not fit
    meanings = {tuple((label, depths.classes_of[slug]) for label, slug in depths.slug_of.items()) for depths in found}
    if len(meanings) > 1:
        shown = ", ".join(distinct[:_MAX_LISTED]) + (", ..." if len(distinct) > _MAX_LISTED else "")
        names = ", ".join(depths.terms.name for depths in found)
        raise InputError(
            f"The labels ({shown}) are not classes of '{chosen.name}', and fit several taxonomies related to it: "
            f"{names}.",
            hint=f"Write the taxonomy in front of each label, e.g. {found[0].terms.name}:{distinct[0]}.",
        )
    return found[0]


def _relate(labels: Sequence[str], chosen: Taxonomy, other: Taxonomy) -> LabelDepths | None:
    """Return what labels of another taxonomy mean in the chosen one; None if they are not of it, or mean nothing."""
    prefix = f"{other.name}:"
    plain = {label: label.removeprefix(prefix) for label in labels}
    if find_unmatched(plain.values(), other):
        return None
    slugs = match_labels(plain.values(), other)
    slug_of = {label: slugs[text] for label, text in plain.items()}
    parents, children = find_parents(other, chosen), find_children(other, chosen)
    own = [slug for slug in other.slugs if slug in slug_of.values()]
    classes_of = {slug: (parents[slug],) if slug in parents else children.get(slug, ()) for slug in own}
    if not any(classes_of.values()):
        return None
    return LabelDepths(other, slug_of, classes_of, frozenset(slug for slug in classes_of if slug in parents))
