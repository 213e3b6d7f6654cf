"""A session of labelling: what was answered, what to show next, and what is known so far."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from galaxtool.errors import ConfigError
from galaxtool.labeling.agreement import Agreement, measure_agreement
from galaxtool.labeling.answers import (
    LABEL,
    SKIP,
    STAR,
    UNLABEL,
    UNSTAR,
    LogEntry,
    list_standing,
    list_states,
    merge_labels,
)
from galaxtool.labeling.fit import estimate_left, fit_labels
from galaxtool.labeling.log import LabelLog
from galaxtool.labeling.options import LabelOptions
from galaxtool.labeling.page import Shown, Wishes, choose_page
from galaxtool.labeling.rankers import Ranking, find_distances
from galaxtool.labeling.remaining import Remaining
from galaxtool.labeling.space import LabelSpace
from galaxtool.search.features import Features

START = "start"
"""Name of the model before there are labels."""


@dataclass(frozen=True, eq=False)
class Page:
    """What is shown.

    Parameters
    ----------
    number : int
        Number of the page, from 1.
    shown : list of Shown
        The objects.
    pool : int
        Number of objects from which the random ones were drawn.
    model : str
        What ranked the objects.
    """

    number: int
    shown: list[Shown]
    pool: int
    model: str


class LabelSession:
    """A session of one person.

    Parameters
    ----------
    features : Features
        The objects.
    space : LabelSpace
        Their points in the space of the models.
    log : LabelLog
        The open log.
    options : LabelOptions
        What is asked, and by whom it is answered.
    first : ndarray, shape (N,)
        Scores by which the first page is chosen.
    earlier : mapping of str to str
        Labels of an earlier table, for objects that the log does not label.

    Notes
    -----
    All methods can be called from any thread.
    """

    def __init__(
        self,
        features: Features,
        space: LabelSpace,
        log: LabelLog,
        options: LabelOptions,
        first: np.ndarray,
        earlier: Mapping[str, str],
    ) -> None:
        self.features, self.space, self.log, self.options = features, space, log, options
        self._first, self.earlier = first, earlier
        self._names: list[str] = features.items["id"].to_pylist()
        self._row_of = {name: row for row, name in enumerate(self._names)}
        self._lock = threading.RLock()
        self._nearest = find_distances(space, [])
        self._compared: set[int] = set()
        self.page: Page | None = None

    def make_page(self) -> Page:
        """Fit the model to all answers, and choose the next page."""
        with self._lock:
            number = 1 + max((answer.page for answer in self.log.answers), default=0)
            if self.page is not None:
                number = max(number, self.page.number + 1)
            labels = self.list_labels()
            ranking = fit_labels(self.space, self._row_of, labels, self.options.question)
            rng = np.random.default_rng([self.options.seed, number, len(self.log.answers)])
            is_open, others = self._list_open()
            labeled = [self._row_of[name] for name, label in labels.items() if label and name in self._row_of]
            wishes = Wishes(
                self._score_for_page(ranking),
                None if ranking is None else ranking.doubt,
                self._find_nearest(labeled),
                is_open,
                others,
            )
            shown = choose_page(wishes, self.space.points, rng)
            self.page = Page(number, shown, int(is_open.sum()), START if ranking is None else ranking.model)
            return self.page

    def answer(self, row: int, action: str, label: str = "") -> LogEntry:
        """Write an answer about an object to the log, and return its new state.

        Raises
        ------
        ConfigError
            If there is no such label or action.
        """
        if (action == LABEL) != bool(label) or (label and label not in self.options.question.classes):
            raise ConfigError(f"'{label}' is not one of {', '.join(self.options.question.classes)}.")
        if action not in (LABEL, UNLABEL, SKIP, STAR, UNSTAR):
            raise ConfigError(f"'{action}' is not an action.")
        with self._lock:
            before = self.state(row)
            star = before.star if before else False
            keeps_label = action in (STAR, UNSTAR) and before is not None
            page = self.page
            why = next((one.why for one in page.shown if one.row == row), "") if page else ""
            item = {name: self.features.items[name][row].as_py() for name in ("path", "ra", "dec")}
            return self.log.append(
                LogEntry(
                    id=self._names[row],
                    path=item["path"] or "",
                    ra=_to_finite(item["ra"]),
                    dec=_to_finite(item["dec"]),
                    label=before.label if keeps_label and before else label,
                    by=self.options.by,
                    action=action,
                    star=action == STAR or (star and action != UNSTAR),
                    why=why,
                    page=page.number if page else 0,
                    pool=page.pool if page else 0,
                )
            )

    def undo(self) -> LogEntry | None:
        """Undo the last answer of this person."""
        with self._lock:
            return self.log.undo(self.options.by)

    def state(self, row: int) -> LogEntry | None:
        """Return the last answer of this person about an object."""
        return list_states(self.log.answers).get((self._names[row], self.options.by))

    def is_skipped(self, row: int) -> bool:
        """Tell whether this person skipped an object, and did not label it since."""
        mine = (self._names[row], self.options.by)
        standing = [answer for answer in list_standing(self.log.answers) if (answer.id, answer.by) == mine]
        return bool(standing) and standing[-1].action == SKIP

    def find_row(self, name: str) -> int | None:
        """Return the row of an object."""
        return self._row_of.get(name)

    def count_labels(self) -> dict[str, int]:
        """Return the number of objects with each label, in the order of the question."""
        counts = Counter(label for label in self.list_labels().values() if label)
        return {name: counts[name] for name in self.options.question.classes}

    def estimate_left(self) -> Remaining | None:
        """Estimate how many wanted objects are left."""
        labels = self.list_labels()
        return estimate_left(self.log.answers, labels, self.options.question, self._names, self.earlier)

    def measure_agreement(self) -> tuple[Agreement, ...]:
        """Measure how much people agree."""
        return measure_agreement(self.log.answers, are_grades=self.options.question.are_grades)

    def list_labels(self) -> dict[str, str]:
        """Return the label of each object by the majority of people, empty where they are split, and earlier ones."""
        with self._lock:
            return merge_labels(self.log.answers, self.earlier)

    def _list_open(self) -> tuple[np.ndarray, np.ndarray]:
        """Return which objects have no answer, and the rows that others labelled and this person did not see."""
        is_open = np.ones(len(self._names), dtype=bool)
        answered = [(self._row_of[one.id], one.by) for one in list_standing(self.log.answers) if one.id in self._row_of]
        is_open[[row for row, _ in answered]] = False
        is_open[[self._row_of[name] for name in self.earlier]] = False
        mine = {row for row, by in answered if by == self.options.by}
        states = list_states(self.log.answers)
        others = {self._row_of[name] for (name, _), one in states.items() if one.label and name in self._row_of}
        return is_open, np.array(sorted(others - mine), dtype=int)

    def _find_nearest(self, rows: list[int]) -> np.ndarray:
        """Return the cosine of each object to the most similar labelled one; only new ones are compared."""
        new = [row for row in rows if row not in self._compared]
        self._compared.update(new)
        return find_distances(self.space, new, self._nearest)

    def _score_for_page(self, ranking: Ranking | None) -> np.ndarray:
        if ranking is None:
            return self._first[:, None]
        if ranking.promise is not None:
            return ranking.promise[:, None]
        return ranking.scores if self.options.question.all_equal else ranking.scores[:, :1]


def _to_finite(value: float | None) -> float | None:
    return None if value is None or not np.isfinite(value) else value
