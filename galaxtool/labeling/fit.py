"""From the labels of a log to the scores of all objects."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from galaxtool.errors import ConfigError, InputError
from galaxtool.labeling.log import Answer
from galaxtool.labeling.options import Question
from galaxtool.labeling.rankers import Ranking, rank_grades, rank_kinds
from galaxtool.labeling.remaining import RandomDraw, Remaining, estimate_remaining
from galaxtool.labeling.space import LabelSpace


def fit_labels(
    space: LabelSpace, row_of: Mapping[str, int], labels: Mapping[str, str], question: Question
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
    question : Question
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


def check_labels(answers: Sequence[Answer], question: Question, source: str) -> None:
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


def check_objects(answers: Sequence[Answer], row_of: Mapping[str, int], source: str, name: str) -> int:
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


def list_draws(answers: Sequence[Answer], labels: Mapping[str, str], wanted: str) -> list[RandomDraw]:
    """Return what was drawn at random on each page of a log, with the labels that hold now."""
    page_of: dict[str, int] = {}
    pools: dict[int, int] = {}
    drawn: dict[int, list[str]] = {}
    for answer in answers:
        first = page_of.setdefault(answer.id, answer.page)
        if answer.why == "random" and first == answer.page and answer.id not in drawn.get(answer.page, ()):
            pools[answer.page] = answer.pool
            drawn.setdefault(answer.page, []).append(answer.id)
    draws = []
    for page, names in sorted(drawn.items()):
        answered = [name for name in names if labels.get(name)]
        known = sum(labels.get(name) == wanted for name, first in page_of.items() if first < page)
        hits = sum(labels[name] == wanted for name in answered)
        draws.append(RandomDraw(known, pools[page], len(answered), hits))
    return draws


def estimate_left(
    answers: Sequence[Answer], labels: Mapping[str, str], question: Question, count: int
) -> Remaining | None:
    """Estimate how many objects with the first label of a question are left; None if grades or all are looked for."""
    if question.are_grades or question.all_equal:
        return None
    wanted = question.classes[0]
    found = sum(label == wanted for label in labels.values())
    unlabeled = count - len({answer.id for answer in answers})
    return estimate_remaining(list_draws(answers, labels, wanted), found, unlabeled)
