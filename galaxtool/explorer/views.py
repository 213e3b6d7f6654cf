"""Views: the objects that a query finds, or those of a filter in order of a column."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from galaxtool.errors import ConfigError, UnknownName
from galaxtool.explorer.columns import has_order, make_cells
from galaxtool.explorer.objects import Objects
from galaxtool.explorer.queries import QueryMaker
from galaxtool.explorer.selections import Selector
from galaxtool.search.queries.vectors import Query
from galaxtool.webserver.requests import Fields

MOST = 1000
"""Objects of one answer."""

_DEFAULT = 60


class Viewer:
    """Answers what a page shows.

    Parameters
    ----------
    objects : Objects
        The objects.
    queries : QueryMaker
        Makes vectors.
    selector : Selector
        Finds the objects of a filter.
    """

    def __init__(self, objects: Objects, queries: QueryMaker, selector: Selector) -> None:
        self._objects, self._queries, self._selector = objects, queries, selector

    def show(self, fields: Fields) -> Mapping[str, Any]:
        """Return the objects of a view.

        Parameters
        ----------
        fields : Fields
            ``parts`` of a query, filters (see `Selector.select`), ``k``; without a query also ``sort``, the name of a
            column, and ``descending``.
        """
        start = time.perf_counter()
        query = self._queries.combine(fields.objects("parts"))
        keep = self._selector.select(fields)
        k = fields.integer("k", _DEFAULT, 1, MOST)
        found = len(self._objects) if keep is None else int(np.count_nonzero(keep))
        answer: dict[str, Any] = {"found": found, "notes": [query.warning] if query and query.warning else []}
        if query is not None:
            similarities, rows = self._objects.search(query.vector, k, keep)
            answer["similarity"] = np.round(similarities.astype(float), 4)
            answer["percentile"] = self._rate(query, similarities)
        else:
            rows = self._list_rows(keep, k, fields.text("sort"), descending=fields.flag("descending"))
        answer.update(self.describe([int(row) for row in rows]))
        answer["milliseconds"] = round(1000 * (time.perf_counter() - start), 1)
        return answer

    def _rate(self, query: Query, similarities: np.ndarray) -> list[float | None] | None:
        """Return the percentage of random pairs that are less alike; None where that is unknown or means nothing."""
        source = self._objects.source
        if source is None or source.pairs is None or not query.is_observed:
            return None
        return [source.pairs.find_percentile(float(one)) for one in similarities]

    def describe(self, rows: Sequence[int]) -> dict[str, Any]:
        """Return the rows and the cells of some objects."""
        return {"rows": list(rows), "cells": make_cells(self._objects.take(rows), self._objects.shown_names)}

    def _list_rows(self, keep: np.ndarray | None, k: int, sort: str, *, descending: bool) -> np.ndarray:
        chosen = np.arange(len(self._objects)) if keep is None else np.flatnonzero(keep)
        if not sort:
            return chosen[:k]
        names = self._objects.column_names
        if sort not in names:
            raise UnknownName("column", sort, names)
        column = self._objects.items[sort]
        if not has_order(column.type):
            raise ConfigError(
                f"The objects have no order by '{sort}', whose values are arrays.", hint="Choose another column."
            )
        if keep is not None:
            column = column.take(pa.array(chosen))
        if pa.types.is_floating(column.type):  # NaN is a missing value, not the largest number
            column = pc.if_else(pc.is_nan(column), None, column)
        order = pc.select_k_unstable(pa.table({"x": column}), min(k, len(chosen)), [("x", _direction(descending))])
        found: np.ndarray = chosen[order.to_numpy()]
        return found


def _direction(descending: bool) -> str:
    return "descending" if descending else "ascending"
