"""How many wanted objects are left to find, from the objects of each page that were drawn at random.

Let T be the number of wanted objects among N. When page t is made, F_t of them are known already, and M_t objects are
not labelled yet; m_t of these are drawn at random, and x_t of the drawn turn out to be wanted. Given all that happened
before, x_t has the hypergeometric distribution of T - F_t wanted objects among M_t, however the model chose the others.

*The estimate.* F_t + M_t x_t / m_t has the mean T, given all that happened before page t. So has every mean over pages
with weights that are known before the page; the weights are m_t. Less the wanted objects that are known, it estimates
without bias what is left. It is the estimator of Horvitz and Thompson (1952) of each page, levelled for what active
learning found before as in Farquhar, Gal and Rainforth (2021, arXiv:2101.11665).

*The interval.* For each T, the product of the probabilities of x_1 ... x_t is a likelihood L_t(T). The ratio of a
mixture of likelihoods to L_t(T) is a martingale with the mean 1 if T is true, also if the weights of the mixture are
chosen again before each page. By Ville's inequality it ever exceeds 1 / alpha with a probability of at most alpha, so
all T for which it does not are an interval that covers the truth on all pages at once: one may look after every page
and stop when one likes (Waudby-Smith and Ramdas 2020, arXiv:2006.04347). The weights are those of a posterior with the
prior 1 / (T + 1), for rare objects, without the T that are fewer than known.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

LEVEL = 0.95

_ALL_INTEGERS = 2000  # from here on, the numbers T are spaced by a part of themselves
_SPACING = 0.002


@dataclass(frozen=True, slots=True)
class RandomDraw:
    """The objects of a page that were drawn at random.

    Parameters
    ----------
    known : int
        Number of wanted objects that were known before the page.
    pool : int
        Number of objects from which they were drawn.
    drawn : int
        Number of drawn objects that were answered.
    wanted : int
        Number of these that are wanted.
    """

    known: int
    pool: int
    drawn: int
    wanted: int


@dataclass(frozen=True, slots=True)
class Remaining:
    """An estimate of how many wanted objects are left.

    Parameters
    ----------
    found : int
        Number of wanted objects that are known.
    value : float
        Unbiased estimate of the number of others. It is below zero where more were found than the random draws suggest.
    low, high : int
        Interval that covers the true number, at all pages at once, with a probability of at least 95 %.
    drawn, hits : int
        Number of objects that were drawn at random, and of wanted ones among them.
    """

    found: int
    value: float
    low: int
    high: int
    drawn: int
    hits: int

    def as_dict(self) -> dict[str, float]:
        """Return plain values."""
        return {**asdict(self), "value": round(self.value, 6)}


def estimate_remaining(draws: Sequence[RandomDraw], found: int, unlabeled: int) -> Remaining | None:
    """Estimate how many wanted objects are left.

    Parameters
    ----------
    draws : sequence of RandomDraw
        Those of each page, in order.
    found : int
        Number of wanted objects that are known now.
    unlabeled : int
        Number of objects that are not labelled now.

    Returns
    -------
    Remaining or None
        None if no object was drawn at random.
    """
    draws = [draw for draw in draws if draw.drawn]
    drawn = sum(draw.drawn for draw in draws)
    if not drawn:
        return None
    total = sum(draw.drawn * draw.known + draw.pool * draw.wanted for draw in draws) / drawn
    low, high = _find_interval(draws, found, unlabeled)
    hits = sum(draw.wanted for draw in draws)
    return Remaining(found, total - found, low - found, high - found, drawn, hits)


def _find_interval(draws: Sequence[RandomDraw], found: int, unlabeled: int) -> tuple[int, int]:
    """Return the least and the greatest number T that is not excluded."""
    most = found + unlabeled
    totals = _list_totals(max(most, max(draw.known + draw.pool for draw in draws)))
    prior = np.diff(np.log1p(np.append(totals, totals[-1] + 1)))
    log_likelihood, log_mixture = np.zeros(len(totals)), 0.0
    for draw in draws:
        step = _compute_log_probability(draw, totals)
        with np.errstate(divide="ignore", invalid="ignore"):
            log_weights = np.where(totals >= draw.known, np.log(prior) + log_likelihood, -np.inf)
            log_mixture += np.logaddexp.reduce(log_weights + step) - np.logaddexp.reduce(log_weights)
        log_likelihood += step
    is_possible = (totals >= found) & (totals <= most)
    (inside,) = np.nonzero(is_possible & (log_likelihood >= log_mixture + np.log(1 - LEVEL)))
    if not len(inside):
        return found, most  # the draws contradict themselves, after labels were changed
    first, last = int(inside[0]), int(inside[-1])
    low = found if first == 0 else max(found, int(totals[first - 1]) + 1)
    high = most if last + 1 == len(totals) else min(most, int(totals[last + 1]) - 1)
    return low, high


def _list_totals(most: int) -> np.ndarray:
    """Return numbers from 0 to `most`: all the small ones, and some of the large."""
    small = np.arange(min(most, _ALL_INTEGERS) + 1)
    if most <= _ALL_INTEGERS:
        return small
    steps = int(np.log(most / _ALL_INTEGERS) / _SPACING) + 2
    large = np.unique(np.round(np.geomspace(_ALL_INTEGERS, most, steps)).astype(int))
    return np.union1d(small, large)


def _compute_log_probability(draw: RandomDraw, totals: np.ndarray) -> np.ndarray:
    """Return the logarithm of the hypergeometric probability of a draw for each T, but for a constant factor."""
    wanted = (totals - draw.known).astype(float)
    others = draw.pool - wanted
    result = np.zeros(len(totals))
    with np.errstate(divide="ignore", invalid="ignore"):
        for number, count in ((wanted, draw.wanted), (others, draw.drawn - draw.wanted)):
            for taken in range(count):
                result += np.where(number > taken, np.log(number - taken), -np.inf)
    result[(wanted < 0) | (others < 0)] = -np.inf
    return result
