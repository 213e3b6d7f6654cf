"""Match labels that are finer or coarser than the classes of a taxonomy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from galaxtool.errors import InputError
from galaxtool.taxonomy.classes import Taxonomy
from galaxtool.taxonomy.coarse import find_children, find_parents
from galaxtool.taxonomy.matching import find_matches, match_labels
from galaxtool.taxonomy.names import is_bare_number
from galaxtool.utils.counts import format_count

_MAX_LISTED = 6


@dataclass(frozen=True, slots=True)
class LabelDepths:
    """What the labels of a data set say about the classes of a taxonomy.

    Parameters
    ----------
    terms : Taxonomy
        Taxonomy of the labels.
    slug_of : dict
        Slug of each label in `terms`. Where these labels are mixed with labels that are classes, the latter are
        ``taxonomy:slug``.
    classes_of : dict
        For each of these slugs, the classes of which an object with this label is one; empty if
        there is none. A single class does not mean that the label is that class; see `is_class`.
    is_class : frozenset of str
        Slugs that are a class, or finer than one.
    """

    terms: Taxonomy
    slug_of: dict[str, str]
    classes_of: dict[str, tuple[str, ...]]
    is_class: frozenset[str]

    def count(self, labels: Iterable[str]) -> dict[str, int]:
        """Return the number of labels of each slug, in the order of `classes_of`."""
        counts = Counter(self.slug_of[label] for label in labels)
        return {slug: counts[slug] for slug in self.classes_of if slug in counts}


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
        If all labels fit `chosen`, they are its classes. Otherwise they belong to the one other taxonomy that fits all
        of them, or all that are not classes, and is related to `chosen` by ``is_a``. A label with a parent in `chosen`
        is that class, and any other stands for its children in `chosen`.

    Raises
    ------
    galaxtool.errors.InputError
        If the labels fit neither `chosen` nor a related taxonomy, or fit several of different meaning.
    """
    given = list(labels)
    distinct = list(dict.fromkeys(given))
    same = _match_terms(distinct, chosen, indices=True)
    if len(same) == len(distinct):
        own = dict.fromkeys(same.values())
        return LabelDepths(chosen, same, {slug: (slug,) for slug in own}, frozenset(own))
    others = [taxonomy for taxonomy in taxonomies if taxonomy.name != chosen.name]
    found = [depths for other in others if (depths := _relate(distinct, chosen, other)) is not None]
    if not found:  # some labels may be finer, and the others classes
        rest = [label for label in distinct if label not in same]
        related = [other for other in others if same and _is_related(chosen, other)]
        mixed = [one for other in related if (one := _relate(rest, chosen, other, only_some=True)) is not None]
        found = [_add_classes(depths, same, chosen) for depths in mixed]
    if not found:
        _check_odd_labels(Counter(given), same, chosen, others)
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


def _relate(labels: Sequence[str], chosen: Taxonomy, other: Taxonomy, *, only_some: bool = False) -> LabelDepths | None:
    """Return what labels of another taxonomy mean in the chosen one.

    None if they are not all of it; or if none means anything, unless they are only some of the labels.
    """
    slug_of = _match_terms(labels, other)
    if len(slug_of) < len(labels):
        return None
    parents, children = find_parents(other, chosen), find_children(other, chosen)
    own = [slug for slug in other.slugs if slug in slug_of.values()]
    classes_of = {slug: (parents[slug],) if slug in parents else children.get(slug, ()) for slug in own}
    if not only_some and not any(classes_of.values()):
        return None
    return LabelDepths(other, slug_of, classes_of, frozenset(slug for slug in classes_of if slug in parents))


def _add_classes(depths: LabelDepths, slug_of: Mapping[str, str], chosen: Taxonomy) -> LabelDepths:
    """Return the meaning of labels together with that of labels that are classes of the chosen taxonomy."""
    own = {label: f"{chosen.name}:{slug}" for label, slug in slug_of.items()}
    return replace(
        depths,
        slug_of={**depths.slug_of, **own},
        classes_of={**depths.classes_of, **{name: (slug_of[label],) for label, name in own.items()}},
        is_class=depths.is_class | set(own.values()),
    )


def _match_terms(labels: Iterable[str], terms: Taxonomy, *, indices: bool = False) -> dict[str, str]:
    """Return the slug of each label that belongs to a taxonomy, with or without its name in front.

    A number does only with the name in front, unless `indices` says that the user has chosen the taxonomy.
    """
    prefix = f"{terms.name}:"
    plain = {label: label.removeprefix(prefix) for label in labels}
    by_name = find_matches([text for label, text in plain.items() if text == label], terms, indices=indices)
    named = find_matches([text for label, text in plain.items() if text != label], terms, indices=True)
    slugs = {label: (by_name if text == label else named).get(text) for label, text in plain.items()}
    return {label: slug for label, slug in slugs.items() if slug is not None}


def _check_odd_labels(
    counts: Mapping[str, int], classes: Mapping[str, str], chosen: Taxonomy, others: Sequence[Taxonomy]
) -> None:
    """Raise an error if most labels are classes or belong to a related taxonomy: it names those that do not."""
    related = [other for other in others if _is_related(chosen, other)]
    if all(map(is_bare_number, counts)):
        _check_numbers(counts, chosen, related)
    known = [(other, {**_match_terms(counts, other), **classes}) for other in related]
    other, fitting = max(known, key=lambda pair: len(pair[1]), default=(chosen, {}))
    odd = {label: n for label, n in counts.items() if label not in fitting}
    if len(odd) >= len(fitting):
        return
    if not odd:
        raise InputError(
            f"No label has a counterpart in '{chosen.name}': {_list_counts(counts)}.",
            hint=f"They are classes of '{other.name}'. Train on these with --taxonomy {other.name}; docs/taxonomies.md "
            "lists the counterparts of each class under 'is a'.",
        )
    raise InputError(
        f"{format_count(len(odd), 'label')} {'is' if len(odd) == 1 else 'are'} neither in '{chosen.name}' nor in "
        f"'{other.name}', to which the others belong: {_list_counts(odd)}.",
        hint="Rename them, or leave them out with --where.",
    )


def _check_numbers(counts: Mapping[str, int], chosen: Taxonomy, related: Sequence[Taxonomy]) -> None:
    """Raise an error about labels that are the published numbers of a related taxonomy."""
    for other in related:
        slugs = find_matches(counts, other, indices=True)
        if len(slugs) == len(counts):
            label = next(iter(counts))
            raise InputError(
                f"The labels are numbers, and '{chosen.name}' has no classes of these numbers: {_list_counts(counts)}.",
                hint=f"If they are those of '{other.name}', write its name in front: {other.name}:{label} is "
                f"{slugs[label]}.",
            )


def _is_related(chosen: Taxonomy, other: Taxonomy) -> bool:
    return bool(find_parents(other, chosen) or find_parents(chosen, other))


def _list_counts(counts: Mapping[str, int]) -> str:
    shown = ", ".join(f"'{label}' ({format_count(n, 'image')})" for label, n in [*counts.items()][:_MAX_LISTED])
    return shown + (f" and {len(counts) - _MAX_LISTED} more" if len(counts) > _MAX_LISTED else "")
