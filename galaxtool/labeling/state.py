"""The state of the labels, as the result of the command."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from galaxtool.labeling.agreement import measure_agreement
from galaxtool.labeling.answers import LogEntry, merge_labels
from galaxtool.labeling.fit import estimate_left
from galaxtool.labeling.options import LabelOptions
from galaxtool.labeling.results import LabelResult
from galaxtool.search.features import Features
from galaxtool.webserver.served_page import ServedPage


def make_result(
    features: Features,
    options: LabelOptions,
    answers: Sequence[LogEntry],
    earlier: Mapping[str, str],
    *,
    kind: str = "labels",
    rank: str = "",
    model: str = "",
    notes: tuple[str, ...] = (),
    page: ServedPage | None = None,
) -> LabelResult:
    """Return the state of the labels: those of the answers, and the earlier ones of objects without an answer."""
    question, labels = options.question, merge_labels(answers, earlier)
    remaining = estimate_left(answers, labels, question, features.items["id"].to_pylist(), earlier)
    return LabelResult(
        kind=kind,
        output=str(options.output),
        name=features.name,
        count=len(features),
        labels={name: sum(label == name for label in labels.values()) for name in question.classes},
        answers=len(answers),
        remaining=None if remaining is None else remaining.as_dict(),
        agreement=tuple(one.as_dict() for one in measure_agreement(answers, are_grades=question.are_grades)),
        rank=rank,
        model=model,
        notes=notes,
        page=page,
    )
