"""The current labels in a log of ``galaxtool label``, where later rows of an object replace earlier ones."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from astropy.table import Table

from galaxtool.inputs.cells import list_texts
from galaxtool.utils.counts import format_count

COLUMNS = ("id", "path", "ra", "dec", "label", "by", "time", "action", "star", "why", "page", "pool")
"""Columns of a log, in order."""

_TELLING = {"id", "label", "by", "time", "action"}


def is_label_log(table: Table) -> bool:
    """Tell whether a table is a log of labels, by its columns."""
    return set(table.colnames) >= _TELLING


def find_valid_labels(table: Table) -> tuple[dict[int, str], tuple[str, ...]]:
    """Find the labels that hold in a log.

    Parameters
    ----------
    table : Table
        A log of labels.

    Returns
    -------
    labels : dict
        Row -> label, in order: the last row of each object that has a label. Of several people's labels of an object,
        the most frequent counts.
    notes : tuple of str
        How many objects have no label, or different labels of equally many people.
    """
    ids, people, texts = (list_texts(table[name]) for name in ("id", "by", "label"))
    last = {(one, by): row for row, (one, by) in enumerate(zip(ids, people, strict=True))}
    votes = [(one, texts[row]) for (one, _), row in last.items()]
    labels = choose_labels(votes)
    rows = {ids[row]: row for row in sorted(last.values()) if texts[row] and labels.get(ids[row]) == texts[row]}
    unlabeled = len({one for one, _ in votes} - set(labels))
    disputed = sum(not label for label in labels.values())
    notes = []
    if unlabeled:
        notes.append(f"{format_count(unlabeled, 'object')} of the log without a label, left out.")
    if disputed:
        notes.append(f"{format_count(disputed, 'object')} that people label differently, left out.")
    return {row: texts[row] for row in sorted(rows.values())}, tuple(notes)


def choose_labels(votes: Iterable[Sequence[str]]) -> dict[str, str]:
    """Return the most frequent label of each object.

    Parameters
    ----------
    votes : iterable of (str, str)
        Identifier of an object, and one person's label of it, or an empty text.

    Returns
    -------
    dict
        Identifier -> label; empty where several are equally frequent. Objects without any label are missing.

    Examples
    --------
    >>> choose_labels([("a", "ring"), ("a", ""), ("b", "ring"), ("b", "lens"), ("c", "")])
    {'a': 'ring', 'b': ''}
    """
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for name, label in votes:
        if label:
            counts[name][label] += 1
    chosen = {}
    for name, found in counts.items():
        most = found.most_common(2)
        chosen[name] = "" if len(most) > 1 and most[0][1] == most[1][1] else most[0][0]
    return chosen
