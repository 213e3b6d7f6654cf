"""Measure the labelling loop with a table instead of a person, beside rankings that need no answers."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from galaxtool.errors import InputError
from galaxtool.labeling.loop import FIRST, LoopRun, find_first_labels, run_loop
from galaxtool.labeling.options import ReplayOptions
from galaxtool.labeling.page import SIZE
from galaxtool.labeling.replay_figure import draw_replay
from galaxtool.labeling.replay_scores import measure_ranking, order_by_score, summarize, summarize_all
from galaxtool.labeling.results import LabelResult
from galaxtool.labeling.space import LabelSpace, make_space
from galaxtool.labeling.truth import read_truth
from galaxtool.outliers.scores import score_anomalies
from galaxtool.plotting.save import save_figure
from galaxtool.search.features import Features
from galaxtool.types import Progress, Silent, warn
from galaxtool.utils.files.atomic_write import check_writable, write_json

LOOP, RANDOM, FOREST, EXAMPLE = METHODS = ("loop", "random", "isolation_forest", "one_example")
"""What is compared."""

SCORES = "replay.json"
FIGURES = ("replay.png", "replay.pdf")
_FEWEST = 3  # wanted objects: one is the example


@dataclass(frozen=True, eq=False)
class ReplayRun:
    """One repetition.

    Parameters
    ----------
    loop : LoopRun
        The loop.
    all_scores, unseen_scores : dict
        Method -> its scores on all objects, and on those that the loop did not label.
    found : dict of ndarray of int, shape (N + 1,)
        Method -> number of wanted objects among the first n that one sees.
    left : int
        Number of wanted objects that the loop did not label.
    """

    loop: LoopRun
    all_scores: dict[str, dict[str, float]]
    unseen_scores: dict[str, dict[str, float]]
    found: dict[str, np.ndarray]
    left: int


def replay(features: Features, options: ReplayOptions, progress: Progress) -> LabelResult:
    """Run the loop, and write ``replay.json`` and a figure; see `galaxtool.commands.label.label`.

    Raises
    ------
    InputError
        If the table does not label these objects, or fewer than three are wanted.
    """
    check_writable(options.output / SCORES)
    truth = read_truth(features, options.truth, options.label_column)
    is_wanted = truth.find_wanted(options.wanted, options.truth)
    if is_wanted.sum() < _FEWEST or len(is_wanted) <= FIRST + SIZE:
        raise InputError(
            f"'{options.truth}' labels {len(is_wanted):,} objects, {int(is_wanted.sum())} of them '{options.wanted}': "
            "too few to measure anything.",
            hint=f"At least {FIRST + SIZE + 1} objects are needed, {_FEWEST} of them wanted, better hundreds.",
        )
    for note in truth.notes:
        warn(progress, note)
    vectors = features.vectors[truth.rows]
    vectors = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    space = make_space(vectors)
    progress.start("Replaying", options.runs)
    runs = []
    for run in range(options.runs):
        runs.append(_run(vectors, space, is_wanted, options, options.seed + run))
        progress.advance()
    record = _summarize(runs, is_wanted, options)
    write_json(options.output / SCORES, record)
    curves = {name: np.stack([run.found[name] for run in runs]) for name in METHODS}
    figure = draw_replay(record, curves, seen=len(runs[0].loop.seen), wanted=int(is_wanted.sum()))
    save_figure(figure, *(options.output / name for name in FIGURES))
    return LabelResult(
        kind="replay",
        output=str(options.output),
        name=features.name,
        count=len(is_wanted),
        labels=dict(Counter(truth.labels.tolist()).most_common()),
        scores=record,
        notes=truth.notes,
    )


def _run(vectors: np.ndarray, space: LabelSpace, is_wanted: np.ndarray, options: ReplayOptions, seed: int) -> ReplayRun:
    rng = np.random.default_rng(seed)
    example = int(rng.choice(np.flatnonzero(is_wanted)))
    loop = run_loop(space, find_first_labels(vectors, example), is_wanted, options.pages, rng)
    scores = {
        LOOP: loop.scores,
        RANDOM: rng.permutation(len(vectors)).astype(float),
        FOREST: score_anomalies(vectors, "isolation-forest", Silent(), seed=seed).values,
        EXAMPLE: vectors @ vectors[example],
    }
    unseen = np.ones(len(vectors), dtype=bool)
    unseen[loop.seen] = False
    found = {}
    for name, values in scores.items():
        order = order_by_score(values, np.random.default_rng(seed))
        if name == LOOP:
            order = np.concatenate([loop.seen, order[unseen[order]]])
        found[name] = np.concatenate([[0], np.cumsum(is_wanted[order])])
    return ReplayRun(
        loop,
        {name: measure_ranking(values, is_wanted, np.random.default_rng(seed)) for name, values in scores.items()},
        {
            name: measure_ranking(values[unseen], is_wanted[unseen], np.random.default_rng(seed))
            for name, values in scores.items()
        },
        found,
        int(is_wanted[unseen].sum()),
    )


def _summarize(runs: list[ReplayRun], is_wanted: np.ndarray, options: ReplayOptions) -> dict[str, Any]:
    """Return the content of ``replay.json``."""
    seen = len(runs[0].loop.seen)
    estimates = [run.loop.remaining for run in runs]
    return {
        "wanted": options.wanted,
        "count": len(is_wanted),
        "wanted_count": int(is_wanted.sum()),
        "first_labels": FIRST,
        "pages": options.pages,
        "page_size": SIZE,
        "seen": seen,
        "runs": options.runs,
        "seed": options.seed,
        **{name: summarize_all([run.all_scores[name] for run in runs]) for name in METHODS},
        "unseen": {name: summarize_all([run.unseen_scores[name] for run in runs]) for name in METHODS},
        "found": {name: summarize([float(run.found[name][seen]) for run in runs]) for name in METHODS},
        "remaining": [
            {"left": run.left, **({} if estimate is None else estimate.as_dict())}
            for run, estimate in zip(runs, estimates, strict=True)
        ],
    }
