"""Taxonomies of classes, answers and quantities, to check heads and methods with."""

from __future__ import annotations

from galaxtool.plugins.specs import HeadSpec
from galaxtool.taxonomy.load import Taxonomy, build_taxonomy, build_vote_taxonomy
from galaxtool.taxonomy.quantities import build_quantity_taxonomy
from galaxtool.taxonomy.quantity import QUANTILES, Quantity
from galaxtool.taxonomy.votes.load import schema_from_dict

CLASS, VOTES, VALUES = "class", "votes", "values"


def find_label_kind(head: HeadSpec) -> str:
    """Return the kind of labels that a head is checked with: classes if it can learn from them."""
    if CLASS in head.label_kinds:
        return CLASS
    return next((kind for kind in (VOTES, VALUES) if kind in head.label_kinds), CLASS)


def fit_outputs(n: int, kind: str) -> int:
    """Return the number of outputs for about `n` classes: quantities have three each."""
    return len(QUANTILES) * max(1, n // len(QUANTILES)) if kind == VALUES else n


def make_taxonomy(n_outputs: int, kind: str = CLASS) -> Taxonomy:
    """Return a taxonomy with this number of outputs.

    Parameters
    ----------
    n_outputs : int
        Number of classes, or of answers to questions with two or three answers each, or of quantiles.
    kind : {"class", "votes", "values"}
        What the outputs are.
    """
    if kind == VALUES:
        return build_quantity_taxonomy([
            Quantity(column=f"q{i}", slug=f"q{i}", unit="arcsec", center=2.0 * i, scale=1.0 + i)
            for i in range(n_outputs // len(QUANTILES))
        ])  # fmt: skip
    if kind == CLASS:
        return build_taxonomy([f"class {i}" for i in range(n_outputs)])
    sizes = [2] * (n_outputs // 2 - 1) + [2 + n_outputs % 2]
    questions = [
        {"slug": f"q{q}", "answers": [{"slug": f"a{a}", "name": f"answer {a}"} for a in range(size)]}
        for q, size in enumerate(sizes)
    ]
    return build_vote_taxonomy(schema_from_dict({"name": "checked", "questions": questions}, "check_head"))
