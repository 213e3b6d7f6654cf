"""Match the labels of a data set to the classes of a taxonomy, and choose the taxonomy."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

from galaxtool.errors import InputError, suggest_name
from galaxtool.taxonomy.classes import Taxonomy
from galaxtool.taxonomy.names import clean_name, is_bare_number, match_key, slugify

_MAX_LABELS = 5
"""Number of labels that an error lists."""


def match_label(label: str, taxonomy: Taxonomy, *, indices: bool = False) -> str | None:
    """Return the slug of the class that a label means, or None.

    Slugs, names and aliases match regardless of case, plural and separators.

    Parameters
    ----------
    label : str
        Label of a data set, such as ``Disturbed Galaxies``, ``FR-I`` or ``smooth round``; surrounding space is
        ignored.
    taxonomy : Taxonomy
        Taxonomy with the classes.
    indices : bool
        Whether a number (``5``, ``5.0``) may mean a class by its published index. Set it only if the user named the
        taxonomy, because a number matches any taxonomy.

    Examples
    --------
    >>> from galaxtool.taxonomy.load import build_taxonomy
    >>> match_label("Ring Galaxies", build_taxonomy(["ring", "lens"]))
    'ring'
    """
    return _LabelMatcher(taxonomy, indices).find_slug(str(label))


def match_labels(labels: Iterable[str | None], taxonomy: Taxonomy, *, indices: bool = False) -> dict[str, str]:
    """Return the slug for each distinct label.

    Parameters
    ----------
    labels : iterable of str or None
        The label of each image; or each distinct label once, in which case an error does not count the images.
    taxonomy, indices
        As for `match_label`.

    Raises
    ------
    galaxtool.errors.InputError
        If labels match no class; it lists the most frequent ones, each with the nearest class.
    """
    all_labels = list(labels)
    matcher = _LabelMatcher(taxonomy, indices)
    slugs = {label: matcher.find_slug(label) for label in _list_distinct(all_labels)}
    unknown = [label for label, slug in slugs.items() if slug is None]
    if unknown:
        raise _describe_unknown(taxonomy, unknown, matcher, Counter(str(label) for label in all_labels))
    return {label: slug for label, slug in slugs.items() if slug is not None}


def _describe_unknown(
    taxonomy: Taxonomy, unknown: list[str], matcher: _LabelMatcher, count: Counter[str]
) -> InputError:
    """Return the error about labels that match no class."""
    has_counts = any(n > 1 for n in count.values())
    descriptions = []
    for label in sorted(unknown, key=lambda label: -count[label])[:_MAX_LABELS]:
        near = matcher.find_nearest(label)
        notes = [f"{count[label]} image{'s' if count[label] > 1 else ''}"] if has_counts else []
        notes += [f"did you mean '{near}'?"] if near else []
        descriptions.append(f"'{label}'" + (f" ({'; '.join(notes)})" if notes else ""))
    n = len(unknown)
    more = f" and {n - _MAX_LABELS} more" if n > _MAX_LABELS else ""
    return InputError(
        f"{n} {'label is' if n == 1 else 'labels are'} not in the taxonomy '{taxonomy.name}': "
        f"{', '.join(descriptions)}{more}.",
        hint=f"Rename them, leave them out with --where, or name another --taxonomy. The classes of this one are "
        f"{', '.join(taxonomy.slugs)}.",
    )


def find_matches(labels: Iterable[str], taxonomy: Taxonomy, *, indices: bool = False) -> dict[str, str]:
    """Return the slug of each distinct label that matches a class; the others are omitted.

    The parameters are those of `match_labels`.
    """
    matcher = _LabelMatcher(taxonomy, indices)
    slugs = {label: matcher.find_slug(label) for label in dict.fromkeys(labels)}
    return {label: slug for label, slug in slugs.items() if slug is not None}


def find_unmatched(
    labels: Iterable[str | None], taxonomy: Taxonomy, *, indices: bool = False
) -> list[tuple[str, str | None]]:
    """Return each distinct label that matches no class, with the slug of the nearest class or None."""
    matcher = _LabelMatcher(taxonomy, indices)
    return [
        (label, matcher.find_nearest(label)) for label in _list_distinct(labels) if matcher.find_slug(label) is None
    ]


def choose_taxonomy(labels: Iterable[str | None], taxonomies: Iterable[Taxonomy]) -> Taxonomy | None:
    """Return the one taxonomy that matches all labels.

    Parameters
    ----------
    labels : iterable of str or None
        Class names; None and blank labels (unlabelled items) are skipped.
    taxonomies : iterable of Taxonomy
        Candidates.

    Returns
    -------
    Taxonomy or None
        None if no taxonomy matches all labels, if there are no labels, or if a label is a number: numbers have no
        meaning until the user names the taxonomy.

    Raises
    ------
    galaxtool.errors.InputError
        If several taxonomies match; it lists them.
    """
    distinct = _list_distinct(labels)
    if not distinct or any(is_bare_number(label) for label in distinct):
        return None
    matches = [taxonomy for taxonomy in taxonomies if not find_unmatched(distinct, taxonomy)]
    if len(matches) > 1:
        names = ", ".join(taxonomy.name for taxonomy in matches)
        shown = ", ".join(distinct[:6]) + (", ..." if len(distinct) > 6 else "")
        raise InputError(
            f"The labels ({shown}) fit several taxonomies: {names}.",
            hint=f"Choose one with --taxonomy NAME, e.g. --taxonomy {matches[0].name}.",
        )
    return matches[0] if matches else None


def _list_distinct(labels: Iterable[str | None]) -> list[str]:
    named = (str(label) for label in labels if label is not None)
    return [label for label in dict.fromkeys(named) if label.strip()]


class _LabelMatcher:
    """Tables of the names of the classes, from the strictest comparison to the loosest."""

    def __init__(self, taxonomy: Taxonomy, indices: bool) -> None:
        exact, slugs, names, keys = (defaultdict[str, set[str]](set) for _ in range(4))
        for item in taxonomy.classes:
            slugs[item.slug].add(item.slug)
            for text in (item.slug, item.name, *item.aliases):
                exact[clean_name(text)].add(item.slug)
                names[slugify(text)].add(item.slug)
                keys[match_key(text)].add(item.slug)
        self._exact, self._slugs, self._names, self._keys = exact, slugs, names, keys
        self._by_index = {item.index: item.slug for item in taxonomy.classes if indices and item.index is not None}

    def find_slug(self, label: str) -> str | None:
        slug, key = slugify(label), match_key(label)
        tables = ((self._exact, clean_name(label)), (self._slugs, slug), (self._names, slug), (self._keys, key))
        for table, name in tables:
            # a name that two classes share does not identify either
            if name and len(table.get(name, ())) == 1:
                return next(iter(table[name]))
        if self._by_index and is_bare_number(label) and float(label).is_integer():
            return self._by_index.get(int(float(label)))
        return None

    def find_nearest(self, label: str) -> str | None:
        key = suggest_name(match_key(label), self._keys)
        return min(self._keys[key]) if key else None
