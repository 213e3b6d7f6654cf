"""Convert the labels of a data set to the classes of a coarser taxonomy."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from galaxtool.errors import InputError
from galaxtool.taxonomy.classes import Taxonomy
from galaxtool.taxonomy.label_depths import match_at_any_depth
from galaxtool.utils.counts import format_count

_MAX_LISTED = 6


@dataclass(frozen=True, slots=True)
class CoarseLabels:
    """The labels of N objects in the classes of a coarser taxonomy.

    Parameters
    ----------
    coarse : Taxonomy
        The coarser taxonomy.
    terms : Taxonomy
        Taxonomy of the labels as they are written.
    slugs : tuple of N (str or None)
        Class of each object; None where it has no label, or one without a counterpart.
    parents : dict
        Coarse class of each class that a label has, named as in `galaxtool.taxonomy.label_depths.LabelDepths`.
    without_parent : dict
        Number of objects of each class without a counterpart.
    """

    coarse: Taxonomy
    terms: Taxonomy
    slugs: tuple[str | None, ...]
    parents: Mapping[str, str]
    without_parent: Mapping[str, int]

    def describe(self) -> tuple[str, ...]:
        """Return a sentence on what the labels became, if they changed, and one on those without a counterpart."""
        sentences = []
        if self.terms.name != self.coarse.name:
            pairs = "; ".join(f"{slug} is {own}" for slug, own in self.parents.items() if ":" not in slug)
            sentences.append(f"Labels of '{self.terms.name}' in the classes of '{self.coarse.name}': {pairs}.")
        if self.without_parent:
            sentences.append(describe_left_out(self.without_parent, self.coarse))
        return tuple(sentences)


def coarsen_labels(
    labels: Sequence[str | None], coarse: Taxonomy, taxonomies: Iterable[Taxonomy], *, min_classes: int = 1
) -> CoarseLabels:
    """Convert labels to the classes of a taxonomy that contain all objects with the label.

    Parameters
    ----------
    labels : sequence of N (str or None)
        Labels as written in a data set; None where an object has none.
    coarse : Taxonomy
        Taxonomy to convert to. Labels that are its own classes stay what they are.
    taxonomies : iterable of Taxonomy
        Other taxonomies to which the labels may belong.
    min_classes : int
        Number of different classes that must remain.

    Returns
    -------
    CoarseLabels
        A label that is broader than a class, such as ``spiral`` for a taxonomy with two kinds of spirals, has no
        counterpart.

    Raises
    ------
    galaxtool.errors.InputError
        If the labels fit no taxonomy that is related to `coarse`, or too few classes remain; it names and counts the
        labels without a counterpart.
    """
    written = [label for label in labels if label is not None]
    if not written:
        raise InputError(
            f"There are no labels to convert to the classes of '{coarse.name}'.",
            hint="Name the column of the labels with --label-column, or use class folders.",
        )
    depths = match_at_any_depth(written, coarse, taxonomies)
    parents = {slug: classes[0] for slug, classes in depths.classes_of.items() if slug in depths.is_class}
    without = {slug: n for slug, n in depths.count(written).items() if slug not in parents}
    found = CoarseLabels(
        coarse=coarse,
        terms=depths.terms,
        slugs=tuple(None if label is None else parents.get(depths.slug_of[label]) for label in labels),
        parents=parents,
        without_parent=without,
    )
    if (n := len(set(parents.values()))) < min_classes:
        raise InputError(
            f"The labels give {format_count(n, 'class', 'classes')} of '{coarse.name}', and {min_classes} are needed"
            + (f": {_list_counts(without)} have no counterpart there." if without else "."),
            hint=f"The classes of '{coarse.name}' are {', '.join(coarse.slugs)}; docs/taxonomies.md lists the "
            "counterparts of each class under 'is a'.",
        )
    return found


def describe_left_out(counts: Mapping[str, int], taxonomy: Taxonomy) -> str:
    """Return a sentence on the images whose labels have no counterpart, with the number of each label."""
    n = sum(counts.values())
    return (
        f"{format_count(n, 'image')} {'is' if n == 1 else 'are'} left out, because '{taxonomy.name}' has no class for "
        f"the label: {_list_counts(counts)}."
    )


def _list_counts(counts: Mapping[str, int]) -> str:
    shown = ", ".join(f"{slug} ({n})" for slug, n in [*counts.items()][:_MAX_LISTED])
    more = len(counts) - _MAX_LISTED
    return shown + (f" and {more} more labels" if more > 0 else "")
