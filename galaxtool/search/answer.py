"""Answers to queries: the neighbours of each, and all of them as one table."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from astropy.table import Column, MaskedColumn, Table

from galaxtool.errors import GalaxtoolError
from galaxtool.search.filters import select_rows
from galaxtool.search.neighbors import Hit, find_neighbors
from galaxtool.search.options import SearchOptions
from galaxtool.search.queries.examples import QueryArgs, Request
from galaxtool.search.queries.vectors import Query, resolve_queries
from galaxtool.search.source import Source
from galaxtool.search.yardstick import Rating, rate_hits
from galaxtool.tables.column_names import avoid_names
from galaxtool.types import Progress

COLUMNS = ("query", "rank", "id", "path", "similarity", "ra", "dec", "percentile")
"""Columns of a table of results, before those of the catalogue."""


@dataclass(frozen=True, eq=False)
class QueryAnswer:
    """The neighbours of one query.

    Parameters
    ----------
    query : Query
        The query.
    hits : list of Hit
        Its results, the most similar first.
    rating : Rating
        How they compare with chance.
    """

    query: Query
    hits: list[Hit]
    rating: Rating


def answer_queries(
    queries: Sequence[QueryArgs], request: Request, options: SearchOptions, source: Source, progress: Progress
) -> list[QueryAnswer | GalaxtoolError]:
    """Search for queries.

    Returns
    -------
    list of QueryAnswer or GalaxtoolError
        For each query its answer, or the error of one that cannot be used.

    Raises
    ------
    GalaxtoolError
        If a filter cannot be used, or no object passes all of them.
    """
    keep = select_rows(source, options.filters)
    resolved = resolve_queries(queries, request, source, progress)
    good = [one for one in resolved if isinstance(one, Query)]
    if good:
        progress.start("Searching", len(source.index))
    found = iter(find_neighbors(good, source, options, keep))
    candidates = None if keep is None else int(np.count_nonzero(keep))
    answers: list[QueryAnswer | GalaxtoolError] = []
    for one in resolved:
        if isinstance(one, GalaxtoolError):
            answers.append(one)
        else:
            hits = next(found)
            answers.append(QueryAnswer(one, hits, rate_hits(one, hits, source, candidates)))
    return answers


def require_answers(answers: Iterable[QueryAnswer | GalaxtoolError]) -> list[QueryAnswer]:
    """Return the answers without the errors of other queries; raise the first error if there is no answer."""
    every = list(answers)
    good = [one for one in every if isinstance(one, QueryAnswer)]
    if not good:
        raise next(one for one in every if isinstance(one, GalaxtoolError))
    return good


def tabulate_answers(answers: Sequence[QueryAnswer], source: Source) -> Table:
    """Return the results of queries as one table.

    Returns
    -------
    Table
        One row per result, query by query, with the columns `COLUMNS` and those of the catalogue of the index; a column
        of the catalogue that has one of our names is called ``in_<name>``. Unknown values are masked. ``percentile`` is
        left out where the index does not know any.
    """
    hits = [hit for answer in answers for hit in answer.hits]
    rows = np.array([hit.row for hit in hits], dtype=np.int64)
    texts = [answer.query.text for answer in answers for _ in answer.hits]
    items = source.make_table(("id", "path", "ra", "dec", *source.columns), rows)
    table = Table(meta=_describe_index(source))
    table["query"] = _make_text_column(texts)
    table["rank"] = Column([rank for answer in answers for rank in range(1, len(answer.hits) + 1)], dtype=int)
    table["id"] = _make_text_column(items["id"])
    table["path"] = _make_text_column(items["path"])
    table["similarity"] = Column([hit.similarity for hit in hits], dtype=float)
    for name in ("ra", "dec"):
        values = np.asarray(items[name], dtype=float)
        unknown = np.isnan(values)
        table[name] = MaskedColumn(np.where(unknown, 0.0, values), mask=unknown, unit="deg")
    percentiles = [value for answer in answers for value in answer.rating.percentiles]
    if source.pairs is not None or any(value is not None for value in percentiles):
        mask = [value is None for value in percentiles]
        table["percentile"] = MaskedColumn([value or 0.0 for value in percentiles], mask=mask, dtype=float)
    for name, free in zip(source.columns, avoid_names(source.columns, COLUMNS), strict=True):
        table[free] = items[name]
    return table


def _describe_index(source: Source) -> dict[str, str]:
    record = source.index.record
    return {"model": record.model, "model_digest": record.model_digest, "metric": "cosine"}


def _make_text_column(values: Sequence[str] | Column) -> MaskedColumn:
    return MaskedColumn(values, dtype=str if len(values) else "U1")
