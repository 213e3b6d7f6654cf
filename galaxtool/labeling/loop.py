"""One run of the labelling loop with a table instead of a person: first labels, pages, and the final ranking."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from galaxtool.labeling.page import RANDOM, Wishes, choose_page
from galaxtool.labeling.rankers import find_distances, rank_kinds
from galaxtool.labeling.remaining import RandomDraw, Remaining, estimate_remaining
from galaxtool.labeling.space import LabelSpace

FIRST = 5
"""Number of labels to start from: one example and its nearest neighbours."""


@dataclass(frozen=True, eq=False)
class LoopRun:
    """What came out of a run.

    Parameters
    ----------
    seen : ndarray of int
        Rows in the order in which they were labelled; the first is the example.
    scores : ndarray of float, shape (N,)
        Scores of all objects by the model in the end.
    remaining : Remaining
        The estimate of how many wanted objects are left.
    """

    seen: np.ndarray
    scores: np.ndarray
    remaining: Remaining | None


def find_first_labels(vectors: np.ndarray, example: int) -> np.ndarray:
    """Return the rows of an example and its nearest neighbours, by the cosine of unit vectors (N, D)."""
    similarities = vectors @ vectors[example]
    similarities[example] = np.inf
    rows: np.ndarray = np.argsort(-similarities, kind="stable")[:FIRST]
    return rows


def run_loop(
    space: LabelSpace, first: np.ndarray, is_wanted: np.ndarray, pages: int, rng: np.random.Generator
) -> LoopRun:
    """Label the first objects and those of some pages, and rank all objects.

    Parameters
    ----------
    space : LabelSpace
        The N objects.
    first : ndarray of int
        Rows of the objects that are labelled first.
    is_wanted : ndarray of bool, shape (N,)
        The answers.
    pages : int
        Number of pages.
    rng : Generator
        Source of random numbers.
    """
    seen = [int(row) for row in first]
    is_open = np.ones(len(space), dtype=bool)
    is_open[seen] = False
    nearest = find_distances(space, seen)
    draws = []
    ranking = rank_kinds(space, np.array(seen), 1 - is_wanted[seen].astype(int), 2)
    for _ in range(pages):
        wishes = Wishes(ranking.scores[:, :1], ranking.doubt, nearest, is_open, np.array([], dtype=int))
        shown = choose_page(wishes, space.points, rng)
        drawn = [one.row for one in shown if one.why == RANDOM]
        known = int(is_wanted[seen].sum())
        draws.append(RandomDraw(known, int(is_open.sum()), len(drawn), int(is_wanted[drawn].sum())))
        rows = [one.row for one in shown]
        seen += rows
        is_open[rows] = False
        find_distances(space, rows, nearest)
        ranking = rank_kinds(space, np.array(seen), 1 - is_wanted[seen].astype(int), 2)
    remaining = estimate_remaining(draws, int(is_wanted[seen].sum()), int(is_open.sum()))
    return LoopRun(np.array(seen), ranking.scores[:, 0], remaining)
