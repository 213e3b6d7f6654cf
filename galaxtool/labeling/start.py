"""What to look for before there are labels: objects like a query, or the oddest ones."""

from __future__ import annotations

import numpy as np

from galaxtool.errors import ConfigError, GalaxtoolError, InputError
from galaxtool.labeling.options import LabelQuestion, Start
from galaxtool.labeling.rankers import find_distances
from galaxtool.labeling.space import LabelSpace
from galaxtool.labeling.truth import read_truth
from galaxtool.outliers.scores import score_anomalies
from galaxtool.search.features import Features
from galaxtool.search.queries.examples import Request
from galaxtool.search.queries.vectors import resolve_queries
from galaxtool.types import Progress, Silent, warn


def score_start(features: Features, space: LabelSpace, start: Start, progress: Progress, *, seed: int) -> np.ndarray:
    """Score all objects before there are labels, float32 (N,), higher for those to show first.

    Raises
    ------
    ConfigError
        If a text, a symbol or an image is given, and the features are not those of an index.
    UnknownName, UnreadableImage, ModelError
        If the query cannot be used.
    """
    if not start.is_query:
        progress.start("Looking for odd objects")
        scores = score_anomalies(space.points, "isolation-forest", Silent(), seed=seed).values
        return scores.astype(np.float32)
    if features.source is None:
        if start.id is None:
            raise ConfigError(
                f"A text, a symbol or an image cannot be compared with '{features.name}', which is not an index.",
                hint="Build an index with `galaxtool index`, or start from an object with --id.",
            )
        return find_distances(space, [_find_row(features, start.id)])
    images, texts, symbols, ids = (
        () if value is None else (value,) for value in (start.image, start.text, start.symbol, start.id)
    )
    request = Request(images=images, texts=texts, symbols=symbols, ids=ids)
    (query,) = resolve_queries([request.combine()], request, features.source, progress)
    if isinstance(query, GalaxtoolError):
        raise query
    if query.warning:
        warn(progress, query.warning)
    similarities: np.ndarray = features.vectors @ np.asarray(query.vector, dtype=np.float32)
    return similarities


def _find_row(features: Features, name: str) -> int:
    names = features.items["id"].to_pylist()
    if name not in names:
        raise InputError(f"There is no object '{name}' in '{features.name}'.", hint="Check the spelling.")
    return int(names.index(name))


def read_earlier_labels(
    features: Features, start: Start, question: LabelQuestion, progress: Progress
) -> dict[str, str]:
    """Return the labels of an earlier table: identifier -> label.

    Raises
    ------
    ConfigError
        If none of its labels is one that is asked for.
    """
    if start.labels is None:
        return {}
    truth = read_truth(features, start.labels, start.label_column)
    for note in truth.notes:
        warn(progress, note)
    names = features.items["id"]
    labels = {
        names[row].as_py(): label
        for row, label in zip(truth.rows.tolist(), truth.labels.tolist(), strict=True)
        if label in question.classes
    }
    if not labels:
        found = ", ".join(sorted(set(truth.labels.tolist()))[:9])
        raise ConfigError(
            f"'{start.labels}' has no label that is asked for: it has {found}, and not {', '.join(question.classes)}.",
            hint="Name its labels with --classes, or with --wanted what to look for among them.",
        )
    return labels
