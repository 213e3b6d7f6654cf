"""Names of classes in figures: those of a registered taxonomy, without the words that all galaxies share."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from galaxtool.errors import InputError
from galaxtool.plotting.labels import name_class
from galaxtool.plugins.registry import get_registry
from galaxtool.taxonomy.matching import choose_taxonomy, match_labels

_SHARED_WORDS = re.compile(r"\s*\b(?:radio\s+)?(?:galaxy|source)\b")
_LONGEST = 26


def name_classes(slugs: Sequence[str]) -> list[str]:
    """Return the names of classes as figures show them.

    Parameters
    ----------
    slugs : sequence of str
        Slugs of classes.

    Returns
    -------
    list of str
        The names in the first registered taxonomy that has all of the slugs, without "galaxy" and "radio source"; or
        the words of the slugs, if there is none or its names are long or not distinct.

    Examples
    --------
    >>> name_classes(["fri", "bent"]), name_classes(["edge_on_with_bulge"]), name_classes(["1c_2p", "my_class"])
    (['FR I', 'bent-tail'], ['edge-on with bulge'], ['1c 2p', 'my class'])
    """
    words = [name_class(slug) for slug in slugs]
    for registered in get_registry().taxonomies:
        known = {item.slug: item.name for item in registered.create(registered.spec).classes}
        if known.keys() >= {*slugs}:
            names = [" ".join(_SHARED_WORDS.sub("", known[slug]).split()) for slug in slugs]
            usable = len({*names}) == len(names) and all(0 < len(name) <= _LONGEST for name in names)
            return names if usable else words
    return words


def find_slugs(labels: Iterable[str]) -> dict[str, str]:
    """Return the slug of each label in the registered taxonomy that all of them fit, or else the labels themselves.

    Examples
    --------
    >>> find_slugs(["FRII", "Compact"]), find_slugs(["ring", "bar"])
    ({'FRII': 'frii', 'Compact': 'compact'}, {'ring': 'ring', 'bar': 'bar'})
    """
    distinct = list(dict.fromkeys(label for label in labels if label.strip()))
    try:
        fitting = choose_taxonomy(distinct, [r.create(r.spec) for r in get_registry().taxonomies])
    except InputError:  # they fit several
        fitting = None
    return {label: label for label in distinct} if fitting is None else match_labels(distinct, fitting)
