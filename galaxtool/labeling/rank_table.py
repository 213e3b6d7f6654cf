"""The table of all objects, ranked by a model of the labels."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from astropy.table import MaskedColumn, Table

from galaxtool import __version__
from galaxtool.labeling.options import LabelQuestion
from galaxtool.labeling.rankers import Ranking
from galaxtool.search.features import Features
from galaxtool.tables.write import write_stream
from galaxtool.taxonomy.names import make_slugs

_CHUNK = 50_000


def write_ranking(
    path: Path, features: Features, ranking: Ranking, labels: Mapping[str, str], question: LabelQuestion
) -> None:
    """Write all objects, the most wanted first.

    Parameters
    ----------
    path : Path
        Table to write; the suffix selects the format.
    features : Features
        The N objects.
    ranking : Ranking
        Their scores.
    labels : mapping of str to str
        Identifier -> label, for the objects that have one.
    question : LabelQuestion
        The possible labels. If all are equal, objects are ordered by their highest score, and each has columns, in
        which those without any label have no scores.
    """
    scores = ranking.scores
    if question.all_equal and ranking.is_known is not None:
        scores = np.where(ranking.is_known, scores, np.float32(np.nan))
    main = np.nanmax(scores, axis=1) if question.all_equal else scores[:, 0]
    order = np.argsort(-main, kind="stable")
    names = [label or None for label in map(labels.get, features.items["id"].to_pylist())]

    def chunks() -> Iterator[Table]:
        for start in range(0, len(order), _CHUNK):
            rows = order[start : start + _CHUNK]
            table = _start_table(features, rows, [names[row] for row in rows])
            if question.all_equal:
                best = [question.classes[kind] for kind in np.nanargmax(scores[rows], axis=1)]
                table["best"] = np.array(best, dtype=str)
            table["score"] = main[rows]
            table["rank"] = np.arange(start + 1, start + 1 + len(rows))
            table["percentile"] = 100.0 * (len(order) - table["rank"]) / len(order)
            if question.all_equal:
                for slug, column in zip(make_slugs(question.classes).values(), scores[rows].T, strict=True):
                    table[f"score_{slug}"] = column
            yield table

    meta = {"RANKED": ranking.model, "MODEL": features.model, "MODELSHA": features.digest, "GALAXTOO": __version__}
    write_stream(chunks, path, meta={name: value for name, value in meta.items() if value})


def _start_table(features: Features, rows: np.ndarray, labels: list[str | None]) -> Table:
    """Return a table with the columns id, path, ra, dec and label."""
    items = features.items.take(rows)
    texts = {"id": items["id"].to_pylist(), "path": items["path"].to_pylist(), "label": labels}
    table = Table()
    for name in ("id", "path"):
        table[name] = _make_texts(texts[name])
    for name in ("ra", "dec"):
        values = items[name].to_numpy()
        is_missing = ~np.isfinite(values)
        table[name] = MaskedColumn(np.where(is_missing, 0.0, values), mask=is_missing, unit="deg")
    table["label"] = _make_texts(labels)
    return table


def _make_texts(values: list[str | None]) -> MaskedColumn:
    return MaskedColumn([value or "" for value in values], mask=[not value for value in values], dtype=str)
