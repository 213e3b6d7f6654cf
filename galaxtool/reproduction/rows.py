"""The rows of a reproduced table: the published value, ours, its interval, and the difference."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

from galaxtool.reproduction.execute import CellOutcome
from galaxtool.reproduction.plan import Line
from galaxtool.reproduction.recipe import Score
from galaxtool.reproduction.table_row import TableRow
from galaxtool.reproduction.values import Value, read_value


def make_row(line: Line, score: Score, outcomes: Sequence[CellOutcome] = (), why_not: str = "") -> TableRow:
    """Return one number of a line; without outcomes, an empty one."""
    published, published_sd = _find_published(line, score)
    common: dict[str, Any] = {
        "row": line.row.name,
        "data": line.data.title,
        "split": line.protocol,
        "readout": line.readout,
        "at": line.at,
        "score": score.name,
        "published": published,
        "published_sd": published_sd,
    }
    if why_not:
        return TableRow(**common, status="missing", reason=why_not)
    if not outcomes:
        return TableRow(**common)
    bad = next((outcome for outcome in outcomes if outcome.status != "done"), None)
    if bad:
        return TableRow(**common, status=bad.status, reason=bad.reason)
    source = score.value.replace("test.", "cluster:") if line.row.clusters else score.value
    values = [read_value(training.path, source, line.readout) for training in line.trainings]
    run = line.trainings[0].path.name
    known = [value for value in values if value is not None]
    if not known:
        return TableRow(**common, status="done", reason="not defined on these images", run=run)
    ours = statistics.fmean(value.value for value in known)
    return TableRow(
        **common,
        ours=ours,
        low=_mean_end(known, "low"),
        high=_mean_end(known, "high"),
        sd=statistics.stdev(value.value for value in known) if len(known) > 1 else None,
        lowest=min(value.value for value in known) if len(known) > 1 else None,
        highest=max(value.value for value in known) if len(known) > 1 else None,
        trainings=len(known),
        difference=None if published is None else ours - published,
        status="done",
        run=run,
    )


def _mean_end(values: Sequence[Value], end: str) -> float | None:
    ends = [getattr(value, end) for value in values]
    return None if None in ends else statistics.fmean(ends)


def _find_published(line: Line, score: Score) -> tuple[float | None, float | None]:
    """Return the value as printed and its standard deviation."""
    entry = line.row.published.get(line.data.slot, {})
    if line.at is not None:
        entry = entry.get(f"{line.at:g}" if isinstance(line.at, float) else str(line.at), {})
    found = entry.get(score.published or score.name)
    if isinstance(found, (list, tuple)):
        return float(found[0]), float(found[1])
    return (None if found is None else float(found)), None
