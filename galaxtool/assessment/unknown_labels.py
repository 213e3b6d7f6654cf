"""The error about labels that are not classes of a model: what they are, and what to do about them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from galaxtool.errors import GalaxtoolError, InputError
from galaxtool.inference.coarse_terms import CoarseTerms
from galaxtool.models.find import find_model
from galaxtool.models.record import ModelRecord
from galaxtool.plugins.registry import get_registry
from galaxtool.search.source import read_record
from galaxtool.taxonomy.classes import Taxonomy
from galaxtool.taxonomy.coarse import find_parents
from galaxtool.taxonomy.matching import find_unmatched
from galaxtool.utils.counts import format_count

_MOST_LISTED = 6


def describe_unknown(
    unknown: Sequence[str],
    counts: Counter[str],
    taxonomy: Taxonomy,
    record: ModelRecord,
    model: str,
    terms: CoarseTerms | None,
) -> InputError:
    """Return the error about labels that are not classes of the model."""
    ordered = sorted(unknown, key=lambda label: -counts[label])
    listed = ", ".join(f"'{label}' ({format_count(counts[label], 'image')})" for label in ordered[:_MOST_LISTED])
    more = f" and {len(unknown) - _MOST_LISTED} more" if len(unknown) > _MOST_LISTED else ""
    n = len(unknown)
    where = f"'{terms.coarse.name}' as the model '{model}' can tell it" if terms else f"the model '{model}'"
    known = ", ".join(taxonomy.slugs)
    fitting = [] if terms else _find_common_terms(counts, record.make_taxonomy())
    labels = ", ".join(f"'{label}'" for label in ordered[:2])
    others = f'leave these images out with --where "label not in ({labels}{", ..." if n > 2 else ""})".'
    if n == len(counts):
        bundled = _find_models(counts)
        which = f", such as --model {bundled[0]}." if bundled else " with --model, which `galaxtool finetune` trains."
        others = f"give a model of these classes{which}"
    hint = f"score it in coarser terms with --coarse {fitting[0]}; or {others}" if fitting else others
    return InputError(
        f"{n} {'label is not a class' if n == 1 else 'labels are not classes'} of {where}: {listed}{more}. "
        f"Its classes are {known}.",
        hint=hint[0].upper() + hint[1:],
    )


def _find_common_terms(labels: Counter[str], fine: Taxonomy) -> list[str]:
    """Return the registered taxonomies in which a model can be scored against labels."""
    fitting = []
    for entry in get_registry().taxonomies:
        coarse = entry.create(entry.spec)
        kept = set(find_parents(fine, coarse).values()) if coarse.name != fine.name else set()
        if kept and not find_unmatched(labels, coarse.subset([slug for slug in coarse.slugs if slug in kept])):
            fitting.append(entry.spec.name)
    return fitting


def _find_models(labels: Counter[str]) -> list[str]:
    """Return the registered models whose classes the labels are."""
    fitting = []
    for entry in get_registry().models:
        try:
            record = read_record(find_model(entry.spec.name))
        except GalaxtoolError:  # of a plugin, say, whose files are not there
            continue
        if record.has_classes and not find_unmatched(labels, record.make_taxonomy()):
            fitting.append(entry.spec.name)
    return fitting
