"""The classes of labels for which the user names no taxonomy."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from galaxtool.plugins.registry import get_registry
from galaxtool.taxonomy.classes import Taxonomy
from galaxtool.taxonomy.load import build_taxonomy
from galaxtool.taxonomy.matching import choose_taxonomy, match_labels
from galaxtool.taxonomy.names import is_bare_number, make_slugs


def choose_classes(labels: Sequence[str], symbols: Path | None) -> tuple[Taxonomy, dict[str, str]]:
    """Find the taxonomy of labels, and the class of each label, where the user names no taxonomy.

    Parameters
    ----------
    labels : sequence of str
        Labels, in any order and any number of times.
    symbols : Path or None
        Folder of symbols of the user's own classes. With it, the labels are classes of their own; without it, they are
        those of the registered taxonomy that they all fit, if there is one.

    Returns
    -------
    taxonomy : Taxonomy
    slug_of : dict
        Slug of the class of each label.
    """
    distinct = list(dict.fromkeys(labels))
    if symbols is None:
        known = [r.create(r.spec) for r in get_registry().taxonomies]
        fitting = choose_taxonomy(distinct, known)
        if fitting is not None:
            return fitting, match_labels(distinct, fitting)
    ordered = _sort_labels(distinct)
    return build_taxonomy(ordered, symbols), make_slugs(ordered)


def _sort_labels(labels: Sequence[str]) -> list[str]:
    """Return labels in alphabetical order; numbers with a sign, such as T-types, in order of size."""
    signed = any(label.startswith("-") for label in labels) and all(map(is_bare_number, labels))
    return sorted(labels, key=lambda label: (float(label) if signed else 0, label))
