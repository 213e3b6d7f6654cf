"""From the labels of a log to the scores of all objects."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from galaxtool.errors import ConfigError, InputError
from galaxtool.labeling.answers import LogEntry, list_standing
from galaxtool.labeling.options import LabelQuestion
from galaxtool.labeling.rankers import Ranking, rank_grades, rank_kinds
from galaxtool.labeling.remaining import RandomDraw, Remaining, estimate_remaining
from galaxtool.labeling.space import LabelSpace


def fit_labels(
    space: LabelSpace, row_of: Mapping[str, int], labels: Mapping[str, str], question: LabelQuestion
) -> Ranking | None:
    """Score all objects by some labels.

    Parameters
    ----------
    space : LabelSpace
        The objects.
    row_of : mapping of str to int
        Identifier of an object -> its row.
    labels : mapping of str to str
        Identifier -> label; those without a label, and objects that do not exist, are left out.
    question : LabelQuestion
        The possible labels.

    Returns
    -------
    Ranking or None
        None if there is no label to learn from.
    """
    pairs = [
        (row_of[name], question.classes.index(label)) for name, label in labels.items() if label and name in row_of
    ]
    if not pairs:
        return None
    rows, kinds = np.array(sorted(pairs)).T
    if question.are_grades:
        grades = np.array([float(grade) for grade in question.classes])
        return rank_grades(space, rows, grades[kinds])
    return rank_kinds(space, rows, kinds, len(question.classes))


def check_labels(answers: Sequence[LogEntry], question: LabelQuestion, source: str) -> None:
    """Raise an error if a log has labels that are not asked for.

    Raises
    ------
    ConfigError
        If it has; the message names them.
    """
    strange = sorted({answer.label for answer in answers if answer.label} - set(question.classes))
    if strange:
        named = ", ".join(strange[:9]) + (", ..." if len(strange) > 9 else "")
        raise ConfigError(
            f"'{source}' has labels that are not asked for now, {named}, beside {', '.join(question.classes)}.",
            hint="Give its classes with --classes, --scale or --wanted, or label into another file with -o.",
        )


def check_objects(answers: Sequence[LogEntry], row_of: Mapping[str, int], source: str, name: str) -> int:
    """Return the number of labelled objects that do not exist.

    Raises
    ------
    InputError
        If there are answers, and none is about an object that exists.
    """
    known = {answer.id for answer in answers}
    missing = sum(one not in row_of for one in known)
    if known and missing == len(known):
        raise InputError(
            f"None of the {missing:,} objects of '{source}' is in '{name}'.",
            hint="Give the index that was labelled, or label into another file with -o.",
        )
    return missing


def list_draws(
    answers: Sequence[LogEntry],
    labels: Mapping[str, str],
    wanted: str,
    count: int,
    touched: Mapping[str, int],
    earlier: Collection[str] = (),
) -> list[RandomDraw]:
    """Return what was drawn at random on each page of a log, with the labels that hold now.

    Parameters
    ----------
    answers : sequence of LogEntry
        The answers that stand.
    labels : mapping of str to str
        Identifier -> the label that holds now.
    wanted : str
        Label that is looked for.
    count : int
        Number of objects. A page that was drawn from others, as before an index grew, says nothing about these, and is
        left out.
    touched : mapping of str to int
        Identifier -> first page of any row of the log, whether it stands or not.
    earlier : collection of str
        Identifiers of objects that were known before all pages.
    """
    page_of: dict[str, int] = {}
    pools: dict[int, int] = {}
    drawn: dict[int, list[str]] = {}
    for answer in answers:
        first = page_of.setdefault(answer.id, answer.page)
        if answer.why == "random" and first == answer.page and answer.id not in drawn.get(answer.page, ()):
            pools[answer.page] = answer.pool
            drawn.setdefault(answer.page, []).append(answer.id)
    before, ever = ({**first, **dict.fromkeys(earlier, -1)} for first in (page_of, touched))
    draws = []
    for page, names in sorted(drawn.items()):
        # those without an answer then, with those of which an answer stood: at least what stands still, at most any
        least, most = (pools[page] + sum(first < page for first in pages.values()) for pages in (before, ever))
        if not least <= count <= most:
            continue
        answered = [name for name in names if labels.get(name)]
        known = sum(labels.get(name) == wanted for name, first in before.items() if first < page)
        hits = sum(labels[name] == wanted for name in answered)
        draws.append(RandomDraw(known, pools[page], len(answered), hits))
    return draws


def estimate_left(
    answers: Sequence[LogEntry],
    labels: Mapping[str, str],
    question: LabelQuestion,
    names: Sequence[str],
    earlier: Collection[str] = (),
) -> Remaining | None:
    """Estimate how many objects with the first label of a question are left.

    Parameters
    ----------
    answers : sequence of LogEntry
        The log; answers about other objects are left out.
    labels : mapping of str to str
        Identifier -> the label that holds now.
    question : LabelQuestion
        The possible labels.
    names : sequence of str
        Identifiers of all N objects.
    earlier : collection of str
        Identifiers of the objects that an earlier table labels, which no page draws at random.

    Returns
    -------
    Remaining or None
        None if grades or all labels are looked for, or nothing was drawn at random.
    """
    if question.are_grades or question.all_equal:
        return None
    wanted, there = question.classes[0], set(names)
    touched: dict[str, int] = {}
    for answer in answers:
        if answer.id in there:
            touched.setdefault(answer.id, answer.page)
    answers = [answer for answer in list_standing(answers) if answer.id in there]
    known = there.intersection(earlier)
    found = sum(label == wanted for name, label in labels.items() if name in there)
    unlabeled = len(names) - len({answer.id for answer in answers} | known)
    return estimate_remaining(list_draws(answers, labels, wanted, len(names), touched, known), found, unlabeled)
