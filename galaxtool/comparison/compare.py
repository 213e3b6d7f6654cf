"""Compare evaluations on the same images: the work of ``galaxtool compare``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import combinations
from pathlib import Path

import numpy as np

from galaxtool.comparison.inputs import open_predictions
from galaxtool.comparison.metrics import ComparedMetric, find_metrics
from galaxtool.comparison.output import write_comparison
from galaxtool.comparison.pairing import PairedPredictions, pair_predictions
from galaxtool.comparison.results import SIGNIFICANT, ComparedScore, CompareResult, Difference
from galaxtool.errors import ConfigError, InputError, UnknownName
from galaxtool.evaluation.paired import ResampledScores, adjust_p_values, compare_correct, resample_scores
from galaxtool.types import Progress, warn
from galaxtool.utils.cores import count_cores
from galaxtool.utils.run_directory import RunDirectory

_LEAST_RESAMPLES = 100


@dataclass(frozen=True, kw_only=True)
class CompareOptions:
    """The settings of a comparison, as in `galaxtool.commands.compare.compare`."""

    evaluations: Sequence[str]
    output: Path | None = None
    metrics: Sequence[str] = ()
    against: str | None = None
    common: bool = False
    resamples: int = 1000
    seed: int = 0
    overwrite: bool = False


def compare_evaluations(options: CompareOptions, progress: Progress) -> CompareResult:
    """Compare evaluations; see `galaxtool.commands.compare.compare`."""
    opened = open_predictions(options.evaluations)
    if len(opened) < 2:
        raise InputError(
            "There is only one evaluation, and comparing needs two.",
            hint="Name several: galaxtool compare A B. Each is made by: galaxtool evaluate DATASET --model MODEL -o A",
        )
    if options.resamples < _LEAST_RESAMPLES:
        raise ConfigError(
            f"--resamples {options.resamples} is too few for a 95 % interval.", hint="1000 is the default."
        )
    paired = pair_predictions(opened, common=options.common)
    pairs = _list_pairs(paired.names, options.against)
    metrics, notes = find_metrics(options.metrics, has_probabilities=paired.has_probabilities)
    if options.output is None:
        return _compare(options, paired, pairs, metrics, notes, progress)
    run = RunDirectory.create(options.output, command="compare", config=asdict(options), overwrite=options.overwrite)
    run.manifest["inputs"] = [
        {"name": name, "sources": own} for name, own in zip(paired.names, paired.sources, strict=True)
    ]
    with run.recording():
        result = _compare(options, paired, pairs, metrics, notes, progress)
        write_comparison(run, result)
    return result


def _compare(
    options: CompareOptions,
    paired: PairedPredictions,
    pairs: Sequence[tuple[int, int]],
    metrics: Sequence[ComparedMetric],
    notes: Sequence[str],
    progress: Progress,
) -> CompareResult:
    """Compute the scores and the differences of pairs."""
    for note in (*paired.notes, *notes):
        warn(progress, note)
    progress.start("Resampling", options.resamples)
    resampled = resample_scores(
        [metric.prepare for metric in metrics],
        paired.groups,
        paired.targets,
        resamples=options.resamples,
        seed=options.seed,
        workers=count_cores(),
        advance=progress.advance,
    )
    each = [
        (metric, own.center() if metric.is_biased else own)
        for metric, own in zip(metrics, resampled, strict=True)
        if np.isfinite(own.draws).any()  # the share within the best 5 of 4 classes is not defined
    ]
    return CompareResult(
        n=len(paired.ids),
        evaluations=dict(zip(paired.names, paired.sources, strict=True)),
        scores=tuple(
            _summarize(name, metric, own, g, paired.targets)
            for metric, own in each
            for g, name in enumerate(paired.names)
        ),
        differences=tuple(one for metric, own in each for one in _compare_pairs(paired, metric, own, pairs)),
        resamples=options.resamples,
        seed=options.seed,
        notes=(*paired.notes, *notes),
        output=options.output,
    )


def _list_pairs(names: Sequence[str], against: str | None) -> list[tuple[int, int]]:
    """Return the numbers of the two evaluations of each pair: all pairs, or those with the one to compare against."""
    if against is None:
        return list(combinations(range(len(names)), 2))
    if against not in names:
        raise UnknownName(
            "evaluation", against, list(names), note="--against takes one of the evaluations that are compared."
        )
    base = names.index(against)
    return [(base, g) for g in range(len(names)) if g != base]


def _summarize(name: str, metric: ComparedMetric, own: ResampledScores, g: int, targets: np.ndarray) -> ComparedScore:
    """Return a score of one evaluation, or of several of one name with their spread."""
    low, high = own.find_interval(g, share_of=metric.find_share_size(targets))
    each = own.values[g]
    several = len(each) > 1
    return ComparedScore(
        name=name,
        metric=metric.name,
        value=_round(own.get_mean(g)),
        low=_round(low),
        high=_round(high),
        seeds=len(each),
        spread=_round(each.std(ddof=1)) if several else None,
        lowest=_round(each.min()) if several else None,
        highest=_round(each.max()) if several else None,
    )


def _compare_pairs(
    paired: PairedPredictions, metric: ComparedMetric, own: ResampledScores, pairs: Sequence[tuple[int, int]]
) -> list[Difference]:
    """Return the differences of one score, with p-values that are corrected for the number of pairs."""
    found = [_compare_pair(paired, metric, own, pair) for pair in pairs]
    corrected = adjust_p_values([np.nan if one.p is None else one.p for one in found])
    return [
        replace(one, p_holm=_round(p), better=_name_better(one, p, higher_is_better=metric.higher_is_better))
        for one, p in zip(found, corrected, strict=True)
    ]


def _compare_pair(
    paired: PairedPredictions, metric: ComparedMetric, own: ResampledScores, pair: tuple[int, int]
) -> Difference:
    """Return the difference of one score of two evaluations, with the p-value by itself."""
    first, second = pair
    value, low, high = own.find_difference(first, second)
    found = Difference(
        first=paired.names[first],
        second=paired.names[second],
        metric=metric.name,
        difference=_round(value),
        low=_round(low),
        high=_round(high),
        test="bootstrap",
        p=_round(own.find_p_value(first, second)),
        p_holm=None,
    )
    a, b = paired.groups[first], paired.groups[second]
    if metric.name != "accuracy" or len(a) > 1 or len(b) > 1:
        return found
    test = compare_correct(a[0].argmax(axis=1) == paired.targets, b[0].argmax(axis=1) == paired.targets)
    return replace(found, test="McNemar", p=_round(test.p), only_first=test.only_first, only_second=test.only_second)


def _name_better(one: Difference, p: float, *, higher_is_better: bool) -> str | None:
    if not p < SIGNIFICANT or not one.difference:
        return None
    return one.second if (one.difference > 0) == higher_is_better else one.first


def _round(value: float) -> float | None:
    """Return a number with six significant digits, None where it is undefined."""
    return float(f"{value:.6g}") if np.isfinite(value) else None
