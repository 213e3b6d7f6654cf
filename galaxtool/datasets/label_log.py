"""The current labels in a log of ``galaxtool label``, where later rows of an object replace earlier ones."""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

from astropy.table import Table

from galaxtool.containers.find import locate_image
from galaxtool.datasets.splits.duplicates import find_identical_files
from galaxtool.inputs.cells import list_texts
from galaxtool.inputs.names import strip_number
from galaxtool.types import ImageRef
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
        the most frequent counts. Objects are those of `number_objects`.
    notes : tuple of str
        How many objects have no label, or different labels of equally many people.
    """
    names, people, texts = (list_texts(table[name]) for name in ("id", "by", "label"))
    ids = number_objects(names, list_texts(table["path"]) if "path" in table.colnames else [""] * len(names))
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


def number_objects(ids: Sequence[str], paths: Sequence[str]) -> list[str]:
    """Return a name for the object of each row of a log, the same for rows of one object.

    Parameters
    ----------
    ids, paths : sequence of str
        Identifier and path of the image in each row; a path may be empty.

    Notes
    -----
    Rows with one identifier are of one object, whose image may have moved or been copied. If several images of theirs
    are still there and differ, as where an index was merged with one that has the same identifiers, each is of another
    object. Rows of one image are of one object if one of their identifiers is the other with a number at its end.
    """
    object_of: dict[tuple[str, str], int] = {}
    by_id = defaultdict[str, list[tuple[str, str]]](list)
    named = defaultdict[tuple[str, str], list[tuple[str, str]]](list)  # by path and identifier
    made_from = defaultdict[tuple[str, str], list[tuple[str, str]]](list)  # by path and identifier without its number
    for pair in dict.fromkeys(zip(ids, paths, strict=True)):
        name, path = pair
        alike = _find_alike(path, by_id[name])
        base = strip_number(name)
        alike += [*named[path, name], *named[path, base], *made_from[path, name]] if path else []
        known = {object_of[other] for other in alike}
        object_of[pair] = min(known, default=len(object_of))
        for other, number in object_of.items() if len(known) > 1 else ():
            object_of[other] = object_of[pair] if number in known else number
        by_id[name].append(pair)
        named[path, name].append(pair)
        made_from[path, base].append(pair)
    return [str(object_of[pair]) for pair in zip(ids, paths, strict=True)]


def _find_alike(path: str, others: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Return which rows of an identifier are of the object with the image at a path."""
    if not others:
        return []
    image, there = _find_image(path), {pair: ref for pair in others if (ref := _find_image(pair[1]))}
    if image is None or not there:
        return others[:1]
    return [pair for pair, ref in there.items() if find_identical_files([image, ref])]


def _find_image(path: str) -> ImageRef | None:
    """Return the image at a path, None if its file is no longer there."""
    ref = locate_image(path)
    return ref if os.path.isfile(ref.path) else None  # noqa: PTH113  Path.is_file raises where a name is too long


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
