"""The estimate of how many wanted objects are left, against simulated searches and written-out sums."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import hypergeom

from galaxtool.labeling.answers import LogEntry, merge_labels
from galaxtool.labeling.fit import estimate_left
from galaxtool.labeling.options import LabelQuestion
from galaxtool.labeling.remaining import LEVEL, RandomDraw, Remaining, estimate_remaining


def search(
    rng: np.random.Generator, count: int, wanted: int, pages: int, skill: float, drawn: int = 2
) -> list[Remaining]:
    """Search as the loop does: each page has some random objects and ten of which a share `skill` is wanted."""
    is_wanted, is_open = np.zeros(count, dtype=bool), np.ones(count, dtype=bool)
    is_wanted[rng.permutation(count)[:wanted]] = True
    draws, results = [], []
    for _ in range(pages):
        pool = np.flatnonzero(is_open)
        rows = rng.choice(pool, min(drawn, len(pool)), replace=False)
        known = int((is_wanted & ~is_open).sum())
        draws.append(RandomDraw(known, len(pool), len(rows), int(is_wanted[rows].sum())))
        is_open[rows] = False
        # the model chooses by the truth, and by whether it was lucky: as dependent on what was drawn as can be
        left = np.flatnonzero(is_open & is_wanted)
        good = left[: int(10 * skill * (1.5 if is_wanted[rows].any() else 0.5))]
        is_open[good] = False
        is_open[rng.permutation(np.flatnonzero(is_open & ~is_wanted))[: 10 - len(good)]] = False
        found = estimate_remaining(draws, int((is_wanted & ~is_open).sum()), int(is_open.sum()))
        assert found is not None
        results.append(found)
    return results


def test_the_interval_is_that_of_written_out_sums() -> None:
    draws = [RandomDraw(3, 60, 2, 0), RandomDraw(8, 36, 2, 1), RandomDraw(11, 12, 2, 1)]
    result = estimate_remaining(draws, 14, 4)
    totals = range(64)
    likelihood = np.ones(64)
    mixture = 1.0
    for draw in draws:
        weights = np.array([np.log((t + 2) / (t + 1)) * (t >= draw.known) for t in totals]) * likelihood
        odds = [
            hypergeom.pmf(draw.wanted, draw.pool, t - draw.known, draw.drawn) if t >= draw.known else 0 for t in totals
        ]
        odds = np.nan_to_num(odds)
        mixture *= (weights / weights.sum()) @ odds
        likelihood = likelihood * odds
    inside = [t for t in range(14, 19) if likelihood[t] >= (1 - LEVEL) * mixture]
    assert result is not None and (result.low, result.high) == (inside[0] - 14, inside[-1] - 14)
    assert result.value == pytest.approx((3 + 0 + 8 + 18 + 11 + 6) / 3 - 14)
    assert (result.found, result.drawn, result.hits) == (14, 6, 2)


def test_labels_of_an_earlier_table_were_known_before_the_first_page() -> None:
    question = LabelQuestion(classes=("ring", "other"))
    names = [f"g{i}" for i in range(100)]
    earlier = {**dict.fromkeys(names[:8], "ring"), **dict.fromkeys(names[8:20], "other"), "elsewhere": "ring"}
    answers = [
        LogEntry(id=name, label=label, why=why, page=page, pool=pool)
        for name, label, why, page, pool in [
            ("g20", "ring", "random", 1, 80), ("g21", "other", "random", 1, 80), ("g22", "ring", "best", 1, 80),
            ("g23", "other", "random", 2, 77), ("g24", "ring", "random", 2, 77), ("gone", "ring", "best", 2, 77),
        ]
    ]  # fmt: skip
    found = estimate_left(answers, merge_labels(answers, earlier), question, names, earlier)
    assert found == estimate_remaining([RandomDraw(8, 80, 2, 1), RandomDraw(10, 77, 2, 1)], 11, 75)
    undone = [
        *answers,
        LogEntry(id="g25", label="ring", why="random", page=3, pool=75),
        LogEntry(id="g25", action="undo", page=3),
        LogEntry(id="g0", label="other", page=3),
        LogEntry(id="g0", action="undo", page=3),
    ]
    assert merge_labels(undone, earlier) == merge_labels(answers, earlier)
    assert estimate_left(undone, merge_labels(undone, earlier), question, names, earlier) == found
    skipped = [*answers, LogEntry(id="g0", label="", action="skip", page=2)]
    assert merge_labels(skipped, earlier).get("g0", "") == "" and merge_labels(skipped, earlier)["g1"] == "ring"


def test_draws_from_fewer_objects_than_there_are_now_do_not_count() -> None:
    question = LabelQuestion(classes=("ring", "other"))
    names = [f"g{i}" for i in range(1000)]
    answers = [
        LogEntry(id=f"g{i}", label="other", why="random", page=1 + i // 2, pool=100 - i // 2 * 2) for i in range(40)
    ]
    before = estimate_left(answers, merge_labels(answers, {}), question, names[:100])
    assert before is not None and before.drawn == 40 and before.high < 20
    assert estimate_left(answers, merge_labels(answers, {}), question, names) is None  # 900 images were added
    removed = [*answers, LogEntry(id="g4", action="unlabel", page=20)]
    after = estimate_left(removed, merge_labels(removed, {}), question, names[:100])
    assert after is not None and after.drawn == 39
    answers += [LogEntry(id=f"g{i}", label="ring", why="random", page=21, pool=960) for i in (500, 501)]
    now = estimate_left(answers, merge_labels(answers, {}), question, names)
    assert now == estimate_remaining([RandomDraw(0, 960, 2, 2)], 2, 958)


def test_without_draws_nothing_is_known_and_with_all_everything() -> None:
    assert estimate_remaining([], 3, 10) is None
    assert estimate_remaining([RandomDraw(0, 10, 0, 0)], 3, 10) is None
    everything = estimate_remaining([RandomDraw(2, 10, 10, 4)], 6, 0)
    assert everything is not None and (everything.value, everything.low, everything.high) == (0, 0, 0)
    large = estimate_remaining([RandomDraw(5, 1_000_000, 2, 0)] * 50, 40, 990_000)
    assert large is not None and large.low == 0 and 20_000 < large.high < 60_000


@pytest.mark.slow
@pytest.mark.parametrize(
    ("count", "wanted", "skill"), [(400, 40, 0.5), (400, 40, 0.0), (2000, 20, 0.2), (300, 150, 0.9), (200, 1, 0.1)]
)
def test_the_estimate_is_unbiased_and_the_interval_covers_on_all_pages(count: int, wanted: int, skill: float) -> None:
    rng, searches, pages = np.random.default_rng(5), 1500, 8
    errors = np.empty((searches, pages))
    is_covered = np.empty((searches, pages), dtype=bool)
    for one in range(searches):
        for page, result in enumerate(search(rng, count, wanted, pages, skill)):
            left = wanted - result.found
            errors[one, page] = result.value - left
            is_covered[one, page] = result.low <= left <= result.high
    bias, error = errors.mean(axis=0), errors.std(axis=0) / np.sqrt(searches)
    assert (np.abs(bias) <= 4 * error + 1e-9).all()
    assert is_covered.all(axis=1).mean() >= LEVEL - 3 * np.sqrt(LEVEL * (1 - LEVEL) / searches)
