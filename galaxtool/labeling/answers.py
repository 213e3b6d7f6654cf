"""What people answered in `galaxtool label`, and what stands of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from galaxtool.datasets.label_log import COLUMNS, choose_labels

LABEL, UNLABEL, SKIP, STAR, UNSTAR, UNDO = ACTIONS = ("label", "unlabel", "skip", "star", "unstar", "undo")
"""What a person can do with an object."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LogEntry:
    """A row of the log.

    Parameters
    ----------
    id, path : str
        Identifier and path of the object.
    ra, dec : float or None
        Its position in degrees, ICRS.
    label : str
        Its label by this person from now on; empty for none.
    by : str
        The person.
    time : str
        When, in UTC, ISO 8601.
    action : str
        One of `ACTIONS`.
    star : bool
        Whether it is starred from now on.
    why : str
        Why it was shown: see `galaxtool.labeling.page`; empty if it was not chosen by a model.
    page : int
        Number of the page that it was shown on, from 1.
    pool : int
        Number of objects from which the random ones of this page were drawn.
    """

    id: str
    path: str = ""
    ra: float | None = None
    dec: float | None = None
    label: str = ""
    by: str = ""
    time: str = ""
    action: str = LABEL
    star: bool = False
    why: str = ""
    page: int = 0
    pool: int = 0

    def cells(self) -> list[str]:
        """Return the row as texts, in the order of `COLUMNS`."""
        values = {name: getattr(self, name) for name in COLUMNS} | {"star": int(self.star)}
        return ["" if value is None else str(value) for value in values.values()]


def drop_undone(answers: Sequence[LogEntry]) -> list[LogEntry]:
    """Return the rows of answers that were not undone, without the rows that undid the others."""
    undone: set[int] = set()
    given: dict[str, list[int]] = {}
    for place, answer in enumerate(answers):
        mine = given.setdefault(answer.by, [])
        if answer.action != UNDO:
            mine.append(place)
            continue
        undone.add(place)
        if mine:
            undone.add(mine.pop())
    return [answer for place, answer in enumerate(answers) if place not in undone]


def list_standing(answers: Sequence[LogEntry]) -> list[LogEntry]:
    """Return the labels and skips that stand: neither undone nor removed. A star alone is no answer to the question."""
    rows = drop_undone(answers)
    standing: dict[tuple[str, str], list[int]] = {}
    for place, answer in enumerate(rows):
        mine = standing.setdefault((answer.id, answer.by), [])
        if answer.action in (LABEL, SKIP):
            mine.append(place)
        elif answer.action == UNLABEL:
            mine.clear()
    return [rows[place] for place in sorted(place for mine in standing.values() for place in mine)]


def list_states(answers: Sequence[LogEntry]) -> dict[tuple[str, str], LogEntry]:
    """Return the last answer of each person about each object, (id, by) -> answer, that was not undone."""
    return {(answer.id, answer.by): answer for answer in drop_undone(answers)}


def find_labels(answers: Sequence[LogEntry]) -> dict[str, str]:
    """Return the label of each object, by the majority of people; empty where they are split."""
    return choose_labels([(name, answer.label) for (name, _), answer in list_states(answers).items()])


def merge_labels(answers: Sequence[LogEntry], earlier: Mapping[str, str]) -> dict[str, str]:
    """Return the label of each object: that of an earlier table where the log has no answer, not even a skip."""
    answered = {answer.id for answer in drop_undone(answers)}
    return {**{name: label for name, label in earlier.items() if name not in answered}, **find_labels(answers)}
