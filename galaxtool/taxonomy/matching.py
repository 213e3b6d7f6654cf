"""Which class a data set's label means, and which taxonomy its labels belong to."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable

from galaxtool.errors import InputError, suggest_name
from galaxtool.taxonomy.classes import Taxonomy
from galaxtool.taxonomy.names import is_bare_number, match_key, slugify

__all__ = ["choose_taxonomy", "match_label", "match_labels", "slugify", "unmatched"]

_TOLD = 5
"""How many labels an error names."""


def match_label(label: str, taxonomy: Taxonomy, *, indices: bool = False) -> str | None:
    """Return the slug of the class that a label means, or None.

    A slug, name or alias is recognised whatever the case, the plural and the separators.

    Parameters
    ----------
    label : str
        As a data set writes it: ``Disturbed Galaxies``, ``FR-I``, ``smooth round``. Surrounding space is ignored.
    taxonomy : Taxonomy
        The classes to look among.
    indices : bool
        Whether a bare number (``5``, ``5.0``) may mean a class by its published index. Set it only where the user
        named the taxonomy: a number fits any.

    Examples
    --------
    >>> from galaxtool.taxonomy.load import own_taxonomy
    >>> match_label("Ring Galaxies", own_taxonomy(["ring", "lens"]))
    'ring'
    """
    return _Matcher(taxonomy, indices).slug(str(label))


def match_labels(labels: Iterable[str | None], taxonomy: Taxonomy, *, indices: bool = False) -> dict[str, str]:
    """Return the slug for each distinct label.

    Parameters
    ----------
    labels : iterable of str or None
        The label of each image; or each distinct label once, and then an error cannot tell how many images it is about.
    taxonomy, indices
        As of `match_label`.

    Raises
    ------
    galaxtool.errors.InputError
        If some fit no class; each is named, the most frequent first, with the nearest class.
    """
    every = list(labels)
    given = _distinct(every)
    matcher = _Matcher(taxonomy, indices)
    found = {label: matcher.slug(label) for label in given}
    strangers = [label for label, slug in found.items() if slug is None]
    if strangers:
        raise _not_in(taxonomy, strangers, matcher, Counter(str(label) for label in every))
    return {label: slug for label, slug in found.items() if slug is not None}


def _not_in(taxonomy: Taxonomy, strangers: list[str], matcher: _Matcher, count: Counter[str]) -> InputError:
    """Return the error about labels that fit no class."""
    counted = any(n > 1 for n in count.values())
    told = []
    for label in sorted(strangers, key=lambda label: -count[label])[:_TOLD]:
        near = matcher.near(label)
        notes = [f"{count[label]} image{'s' if count[label] > 1 else ''}"] if counted else []
        notes += [f"did you mean '{near}'?"] if near else []
        told.append(f"'{label}'" + (f" ({'; '.join(notes)})" if notes else ""))
    n = len(strangers)
    more = f" and {n - _TOLD} more" if n > _TOLD else ""
    return InputError(
        f"{n} {'label is' if n == 1 else 'labels are'} not in the taxonomy '{taxonomy.name}': {', '.join(told)}{more}.",
        hint=f"Rename them, leave them out with --where, or name another --taxonomy. The classes of this one are "
        f"{', '.join(taxonomy.slugs)}.",
    )


def unmatched(
    labels: Iterable[str | None], taxonomy: Taxonomy, *, indices: bool = False
) -> list[tuple[str, str | None]]:
    """Return each distinct label that fits no class, with the slug of the nearest class or None."""
    matcher = _Matcher(taxonomy, indices)
    return [(label, matcher.near(label)) for label in _distinct(labels) if matcher.slug(label) is None]


def choose_taxonomy(labels: Iterable[str | None], taxonomies: Iterable[Taxonomy]) -> Taxonomy | None:
    """Return the one taxonomy that all the labels fit.

    Parameters
    ----------
    labels : iterable of str or None
        Class names; None and blank ones (unlabelled items) are passed over.
    taxonomies : iterable of Taxonomy
        The candidates.

    Returns
    -------
    Taxonomy or None
        None where no taxonomy fits all of them, where there is no label, and where one is a bare number: numbers
        mean nothing until the user names the taxonomy.

    Raises
    ------
    galaxtool.errors.InputError
        If several fit; they are listed.
    """
    given = _distinct(labels)
    if not given or any(is_bare_number(label) for label in given):
        return None
    fitting = [taxonomy for taxonomy in taxonomies if not unmatched(given, taxonomy)]
    if len(fitting) > 1:
        names = ", ".join(taxonomy.name for taxonomy in fitting)
        shown = ", ".join(given[:6]) + (", ..." if len(given) > 6 else "")
        raise InputError(
            f"The labels ({shown}) fit several taxonomies: {names}.",
            hint=f"Say which with --taxonomy NAME, e.g. --taxonomy {fitting[0].name}.",
        )
    return fitting[0] if fitting else None


def _distinct(labels: Iterable[str | None]) -> list[str]:
    named = (str(label) for label in labels if label is not None)
    return [label for label in dict.fromkeys(named) if label.strip()]


class _Matcher:
    """The names of a taxonomy's classes, from the strictest reading to the loosest."""

    def __init__(self, taxonomy: Taxonomy, indices: bool) -> None:
        slugs, names, keys = (defaultdict[str, set[str]](set) for _ in range(3))
        for item in taxonomy.classes:
            slugs[item.slug].add(item.slug)
            for text in (item.slug, item.name, *item.aliases):
                names[slugify(text)].add(item.slug)
                keys[match_key(text)].add(item.slug)
        self._slugs, self._names, self._keys = slugs, names, keys
        self._by_index = {item.index: item.slug for item in taxonomy.classes if indices and item.index is not None}

    def slug(self, label: str) -> str | None:
        spelled, key = slugify(label), match_key(label)
        for table, name in ((self._slugs, spelled), (self._names, spelled), (self._keys, key)):
            # A reading that two classes share is no answer.
            if name and len(table.get(name, ())) == 1:
                return next(iter(table[name]))
        if self._by_index and is_bare_number(label) and float(label).is_integer():
            return self._by_index.get(int(float(label)))
        return None

    def near(self, label: str) -> str | None:
        key = suggest_name(match_key(label), self._keys)
        return min(self._keys[key]) if key else None
