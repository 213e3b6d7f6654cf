"""Raise the effort of a search until it finds enough."""

from __future__ import annotations

import math
from collections.abc import Sequence

import faiss

from galaxtool.search.index.recall import ExactNeighbors, K
from galaxtool.search.index.search import Searcher

_MIN_GAIN = 0.002  # recall that doubling the work must gain
_MAX_EFFORT = 4096  # candidates in a graph
_MAX_REFINE = 64
_TRIMS = 2  # halvings of the interval in which the last step fell
_REFINES = (2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)
_RANDOM_ACCESS = 2  # a byte of a candidate takes as long to read as so many of a list that is read from end to end


def tune_search(searcher: Searcher, sets: Sequence[ExactNeighbors], target: float) -> None:
    """Set the number of clusters visited, of candidates in a graph and of results that are ranked again.

    Each is doubled until the recall on every set of queries reaches the target, or until doubling gains next to
    nothing: what is then missing is lost to rounding. If an inverted file reaches the target, clusters are exchanged
    for candidates or the reverse where that saves work. Other kinds of index stay as they are.
    """
    recall = _measure(searcher, sets)
    for name in ("nprobe", "efSearch", "refine", "nprobe"):
        if name in searcher.settings and recall < target:
            recall = _raise_setting(searcher, name, sets, recall, target)
    if {"nprobe", "refine"} <= searcher.settings.keys() and recall >= target:
        _balance(searcher, sets, target)


def find_limit(searcher: Searcher, name: str) -> int:
    """Return the largest useful value of a setting."""
    if name == "nprobe":
        return int(faiss.extract_index_ivf(searcher.index).nlist)
    return min(searcher.index.ntotal, _MAX_EFFORT) if name == "efSearch" else _MAX_REFINE


def _raise_setting(
    searcher: Searcher, name: str, sets: Sequence[ExactNeighbors], recall: float, target: float
) -> float:
    """Double a setting as often as that helps, then try less again; return the recall."""
    limit = find_limit(searcher, name)
    low = searcher.settings[name]
    while recall < target and low < limit:
        searcher.change(name, min(2 * low, limit))
        raised = _measure(searcher, sets)
        if raised - recall < _MIN_GAIN and raised < target:
            searcher.change(name, low)
            return recall
        if raised >= target:
            return _trim(searcher, name, sets, low, raised, target)
        recall, low = raised, searcher.settings[name]
    return recall


def _trim(
    searcher: Searcher, name: str, sets: Sequence[ExactNeighbors], low: int, recall: float, target: float
) -> float:
    """Lower a setting again as far as the target is still reached, but not to `low`, which does not reach it."""
    high = searcher.settings[name]
    for _ in range(_TRIMS):
        middle = (low + high) // 2
        if middle in (low, high):
            break
        searcher.change(name, middle)
        measured = _measure(searcher, sets)
        if measured >= target:
            high, recall = middle, measured
        else:
            low = middle
    searcher.change(name, high)
    return recall


def _balance(searcher: Searcher, sets: Sequence[ExactNeighbors], target: float) -> None:
    """Choose the clusters visited and the candidates ranked again that reach the target with the fewest bytes read."""
    index = searcher.index
    inverted = faiss.extract_index_ivf(index)
    visit = max(1.0, index.ntotal / inverted.nlist * inverted.code_size)
    candidate = _RANDOM_ACCESS * K * 2 * index.d
    best = searcher.settings["nprobe"], searcher.settings["refine"]
    for refine in _REFINES:
        searcher.change("refine", refine)
        # the most clusters that are less work than the best settings so far
        limit = math.ceil(best[0] + (best[1] - refine) * candidate / visit) - 1
        least = _find_least(searcher, "nprobe", min(limit, inverted.nlist), sets, target)
        if least:
            best = least, refine
    searcher.change("nprobe", best[0])
    searcher.change("refine", best[1])


def _find_least(searcher: Searcher, name: str, limit: int, sets: Sequence[ExactNeighbors], target: float) -> int:
    """Return the least value of a setting, up to a limit, that reaches the target; 0 if none does."""

    def reaches(value: int) -> bool:
        searcher.change(name, value)
        return _measure(searcher, sets) >= target

    if limit < 1 or not reaches(limit):
        return 0
    low, high = 0, limit
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if reaches(middle) else (middle, high)
    return high


def _measure(searcher: Searcher, sets: Sequence[ExactNeighbors]) -> float:
    """Return the lowest recall on any set."""
    return min((one.recall(searcher.search, searcher.read_vectors) for one in sets), default=1.0)
