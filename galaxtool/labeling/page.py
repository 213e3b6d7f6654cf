"""Choose the objects of a page: the best, the uncertain, those unlike all labels, and some at random."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

BEST, UNCERTAIN, FAR, RANDOM, AGAIN = "best", "uncertain", "far", "random", "again"
"""Why an object is shown; `AGAIN`: another person labelled it."""

SIZE = 24
"""Number of objects of a page."""

RANDOMS = 2
"""Number of objects of a page that are drawn at random, and of those that another person labelled."""

UNCERTAINS, FARS = 5, 5
"""Numbers of uncertain objects, and of those unlike all labels; the rest are the best."""

_CANDIDATES = 20_000  # objects among which the farthest are sought


@dataclass(frozen=True, slots=True)
class Shown:
    """An object on a page.

    Parameters
    ----------
    row : int
        Its row.
    why : str
        Why it was chosen.
    """

    row: int
    why: str


@dataclass(frozen=True, eq=False)
class Wishes:
    """What a page is chosen by.

    Parameters
    ----------
    scores : ndarray, shape (N, C)
        Scores of N objects for each kind to look for; the best of the kinds take turns.
    doubt : ndarray, shape (N,) or None
        How uncertain the model is; None if there is none yet.
    nearest : ndarray of float32, shape (N,)
        Cosine of each object to the most similar labelled one.
    is_open : ndarray of bool, shape (N,)
        Whether an object may be chosen: nobody has labelled it.
    labeled_by_others : ndarray of int
        Rows that others labelled, and this person did not.
    """

    scores: np.ndarray
    doubt: np.ndarray | None
    nearest: np.ndarray
    is_open: np.ndarray
    labeled_by_others: np.ndarray


def choose_page(wishes: Wishes, points: np.ndarray, rng: np.random.Generator) -> list[Shown]:
    """Choose the objects of a page, in an order that does not tell why they are shown.

    Parameters
    ----------
    wishes : Wishes
        What to choose by.
    points : ndarray, shape (N, K)
        Positions of the objects in the space of the model.
    rng : Generator
        Source of random numbers.

    Notes
    -----
    The random ones are drawn first, from all open objects, so each has the same chance.
    """
    is_open = wishes.is_open.copy()
    shown: list[Shown] = []

    def take(rows: np.ndarray, why: str) -> None:
        is_open[rows] = False
        shown.extend(Shown(int(row), why) for row in rows)

    pool = np.flatnonzero(is_open)
    take(rng.choice(pool, min(RANDOMS, len(pool)), replace=False), RANDOM)
    others = wishes.labeled_by_others
    again = rng.choice(others, min(RANDOMS, len(others)), replace=False)
    shown += [Shown(int(row), AGAIN) for row in again]
    uncertain = 0 if wishes.doubt is None else UNCERTAINS
    take(_find_best(wishes.scores, is_open, SIZE - len(shown) - uncertain - FARS), BEST)
    if wishes.doubt is not None:
        take(_find_highest(wishes.doubt, is_open, uncertain), UNCERTAIN)
    take(_find_far(wishes.nearest, is_open, points, FARS, rng), FAR)
    return [shown[place] for place in rng.permutation(len(shown))]


def _find_highest(values: np.ndarray, is_open: np.ndarray, count: int) -> np.ndarray:
    """Return the open rows with the highest values, the first of equal ones, in order."""
    rows = np.flatnonzero(is_open)
    count = min(count, len(rows))
    if not count:
        return rows[:0]
    own = values[rows]
    limit = np.partition(own, len(own) - count)[len(own) - count]
    candidates = np.flatnonzero(own >= limit)
    chosen = candidates[np.argsort(-own[candidates], kind="stable")[:count]]
    result: np.ndarray = rows[chosen]
    return result


def _find_best(scores: np.ndarray, is_open: np.ndarray, count: int) -> np.ndarray:
    """Return the open rows with the highest scores, the kinds in turn."""
    kinds = scores.shape[1]
    lists = [_find_highest(scores[:, kind], is_open, count).tolist() for kind in range(kinds)]
    chosen: dict[int, None] = {}
    for place in range(count):
        for one in lists:
            if place < len(one) and len(chosen) < count:
                chosen.setdefault(one[place])
    return np.array(list(chosen), dtype=int)


def _find_far(
    nearest: np.ndarray, is_open: np.ndarray, points: np.ndarray, count: int, rng: np.random.Generator
) -> np.ndarray:
    """Return the open rows that are unlike all labels and each other, among at most 20,000 drawn at random."""
    rows = np.flatnonzero(is_open)
    if len(rows) > _CANDIDATES:
        rows = np.sort(rng.choice(rows, _CANDIDATES, replace=False))
    units = points[rows] / np.maximum(np.linalg.norm(points[rows], axis=1, keepdims=True), 1e-12)
    likeness = nearest[rows].copy()
    chosen: list[int] = []
    for _ in range(min(count, len(rows))):
        farthest = int(likeness.argmin())
        chosen.append(int(rows[farthest]))
        np.maximum(likeness, units @ units[farthest], out=likeness)
        likeness[farthest] = np.inf
    return np.array(chosen, dtype=int)
