"""Filters that limit the results of a search, and the search that applies them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from astropy.table import Table

from galaxtool.errors import ConfigError, InputError, PluginError
from galaxtool.plugins.registration import Registration
from galaxtool.plugins.registry import get_registry
from galaxtool.plugins.specs import SearchFilterSpec
from galaxtool.search.index.store import Index
from galaxtool.search.query import Query
from galaxtool.search.sky import find_separations
from galaxtool.tables.angles import parse_dec, parse_ra
from galaxtool.tables.filter import filter_rows
from galaxtool.types import ImageRef

RowFilter = Callable[[Table], np.ndarray]
"""A function of the rows of an index, with the columns id, path, ra and dec, to a bool array: the rows to keep."""

_SAME_IMAGE = 0.999
"""Least similarity of two readings of the same file."""


@dataclass(frozen=True)
class Hit:
    """One result.

    Parameters
    ----------
    row : int
        Row of the object in the index.
    similarity : float
        Cosine similarity to the query.
    place : int
        Rank among all objects of the index, whether they pass the filters or not; 1 for the most similar one.
    """

    row: int
    similarity: float
    place: int = 0


def search_index(
    query: Query, index: Index, k: int, *, filters: Sequence[str] = (), exclude_query: bool = False
) -> list[Hit]:
    """Find the objects most similar to a query among those that pass all filters.

    Parameters
    ----------
    query : Query
        What to search for.
    index : Index
        Where to search.
    k : int
        Number of results; all objects that pass, if there are fewer.
    filters : sequence of str
        Names of registered filters, each with its argument: ``cone:150.1,2.2,60``.
    exclude_query : bool
        Whether to leave out the query itself.

    Returns
    -------
    list of Hit
        The most similar first.

    Raises
    ------
    UnknownName
        If a filter does not exist.
    ConfigError
        If an argument is not valid.
    InputError
        If no object passes the filters.
    PluginError
        If a filter does not return a bool for each row.
    """
    allowed = select_rows(index, filters)
    wanted, step = k, 0
    while True:
        similarities, rows = index.search(query.vector[None], wanted)
        pairs = zip(rows[0], similarities[0], strict=True)
        hits = [Hit(int(row), float(similarity), place) for place, (row, similarity) in enumerate(pairs, 1)]
        kept = [hit for hit in hits if allowed[hit.row] and not (exclude_query and is_query(query, index, hit))][:k]
        if len(kept) == k or len(hits) < wanted or wanted >= len(index):
            return kept
        step = 4 * step or 2 * (k - len(kept))
        wanted = min(wanted + step, len(index))


def select_rows(index: Index, filters: Sequence[str]) -> np.ndarray:
    """Return which rows of an index pass all filters, bool (N,)."""
    allowed = np.ones(len(index), dtype=bool)
    if not filters:
        return allowed
    table = index.to_table()
    for text in filters:
        registration, argument = _find_filter(text)
        row_filter: RowFilter = registration.create(argument)
        mask = np.asarray(row_filter(table))
        if mask.shape != allowed.shape or mask.dtype != bool:
            raise PluginError(
                f"The search filter '{registration.spec.name}' of the plugin '{registration.plugin}' returned "
                f"{mask.dtype} of shape {mask.shape} for {len(allowed)} rows; it must return one bool per row.",
                hint="Leave the filter out, or update the plugin.",
            )
        allowed &= mask
    if not allowed.any():
        raise InputError(
            f"None of the {len(index)} objects of the index passes {' and '.join(filters)}.",
            hint="Widen or remove a --filter.",
        )
    return allowed


def _find_filter(text: str) -> tuple[Registration[SearchFilterSpec], str]:
    """Split ``NAME`` or ``NAME:ARGUMENT`` into the filter and its argument; the name may be ``plugin:name``."""
    collection = get_registry().search_filters
    for registration in collection:
        for name in (registration.qualified, registration.spec.name):
            if text == name or text.startswith(f"{name}:"):
                return collection.find(name), text[len(name) + 1 :]
    return collection.find(text.partition(":")[0]), ""


def is_query(query: Query, index: Index, hit: Hit) -> bool:
    """Tell whether a hit is the query itself: the same row or file, or the same file before it was moved."""
    if query.row is not None:
        return hit.row == query.row
    if query.path is None:
        return False
    asked, found = query.ref or ImageRef(query.path), index[hit.row].ref
    if asked.member != found.member:
        return False
    if found.path.exists() and asked.path.exists():
        return found.path.samefile(asked.path)
    return found.path.name == asked.path.name and hit.similarity >= _SAME_IMAGE


def make_cone_filter(argument: str) -> RowFilter:
    """Return a filter for objects near a position.

    Parameters
    ----------
    argument : str
        ``RA,DEC,RADIUS`` in degrees, degrees (ICRS) and arcsec; the first two also sexagesimal: ``10:00:24,+02:12:00``.

    Raises
    ------
    ConfigError
        If these are not three valid numbers.
    """
    try:
        center_ra, center_dec, width = argument.split(",")
        radius = float(width)
    except ValueError:
        raise ConfigError(
            f"--filter cone:{argument} is not of the form cone:RA,DEC,RADIUS.",
            hint="Give degrees, degrees and arcsec, e.g. cone:150.1,2.2,60, or cone:10:00:24,+02:12:00,60",
        ) from None
    ra, dec = parse_ra(center_ra, "--filter cone:"), parse_dec(center_dec, "--filter cone:")
    if not radius > 0:
        raise ConfigError(
            f"--filter cone:{argument} is not a circle on the sky.", hint="Give degrees, degrees and arcsec above 0."
        )

    def is_inside(rows: Table) -> np.ndarray:
        inside: np.ndarray = find_separations(np.asarray(rows["ra"]), np.asarray(rows["dec"]), ra, dec) <= radius
        return inside

    return is_inside


def make_where_filter(argument: str) -> RowFilter:
    """Return a filter by an SQL condition on the columns id, path, ra and dec; see `galaxtool.tables.filter`."""
    if not argument.strip():
        raise ConfigError("--filter where has no condition.", hint='Write for example --filter "where:dec > 30"')

    def holds(rows: Table) -> np.ndarray:
        return filter_rows(rows, argument)

    return holds
