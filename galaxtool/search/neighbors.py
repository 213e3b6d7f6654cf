"""Search an index for the nearest objects that may be results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from galaxtool.search.options import SearchOptions
from galaxtool.search.queries.vectors import Query, QueryExample
from galaxtool.search.sky import find_separations
from galaxtool.search.source import Source
from galaxtool.types import ImageRef

SAME_IMAGE = 0.999
"""Least similarity of two readings of the same file."""

SAME_PLACE = 1.0
"""Largest distance, in arcsec, of two images of one object."""

_DIGITS = 6  # of a similarity that count
_SPARE = 16  # more objects than asked for where some may be left out


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
        Rank among the objects that pass the filters, whether they were left out or not; 1 for the most similar one.
    """

    row: int
    similarity: float
    place: int = 0


def find_neighbors(
    queries: Sequence[Query], source: Source, options: SearchOptions, keep: np.ndarray | None
) -> list[list[Hit]]:
    """Find the objects most similar to each query.

    Parameters
    ----------
    queries : sequence of Query
        What to search for.
    source : Source
        The index to search.
    options : SearchOptions
        Which objects to find.
    keep : ndarray of bool, shape (N,), or None
        Objects that pass the filters; None for all.

    Returns
    -------
    list of list of Hit
        For each query its results, the most similar first.
    """
    if not queries:
        return []
    available = len(source.index) if keep is None else int(np.count_nonzero(keep))
    is_choosy = options.exclude_query or options.exclude_duplicates
    wanted = min(options.k + (_SPARE if is_choosy else 0), available)
    similarities, rows = source.index.search(np.stack([one.vector for one in queries]), wanted, keep)
    found: list[list[Hit]] = []
    for number, query in enumerate(queries):
        picked = _pick(query, source, options, rows[number], similarities[number])
        size = wanted
        while len(picked) < options.k and size < available:
            size = min(4 * size, available)
            more, at = source.index.search(query.vector[None], size, keep)
            if np.count_nonzero(at[0] >= 0) < size:  # the index has no more
                available = size
            picked = _pick(query, source, options, at[0], more[0])
        found.append(picked)
    return found


def _pick(
    query: Query, source: Source, options: SearchOptions, rows: np.ndarray, similarities: np.ndarray
) -> list[Hit]:
    """Return the first k of the nearest objects that are not left out."""
    own = {one.row for one in query.examples}
    pairs = [
        (similarity, row) for similarity, row in zip(similarities.tolist(), rows.tolist(), strict=True) if row >= 0
    ]
    # of equal pictures, an object that was asked for comes first, then the order is that of the index
    pairs.sort(key=lambda pair: (-round(pair[0], _DIGITS), pair[1] not in own, pair[1]))
    hits = [Hit(row, similarity, place) for place, (similarity, row) in enumerate(pairs, 1)]
    if options.exclude_query:
        hits = [hit for hit in hits if not is_query(query, source, hit)]
    if options.exclude_duplicates:
        hits = _remove_duplicates(query, source, hits, options)
    return hits[: options.k]


def is_query(query: Query, source: Source, hit: Hit) -> bool:
    """Tell whether a hit is an example of the query: the same row or file, or the same file before it was moved."""
    return any(_is_example(one, source, hit) for one in query.examples)


def _is_example(example: QueryExample, source: Source, hit: Hit) -> bool:
    if example.row is not None:
        return hit.row == example.row
    if example.path is None or example.is_symbol:
        return False
    asked, found = example.ref or ImageRef(example.path), source.index[hit.row].ref
    if asked.member != found.member:
        return False
    if found.path.exists() and asked.path.exists():
        return found.path.samefile(asked.path)
    return found.path.name == asked.path.name and hit.similarity >= SAME_IMAGE


def _remove_duplicates(query: Query, source: Source, hits: Sequence[Hit], options: SearchOptions) -> list[Hit]:
    """Return the hits without those that are a better one, or a query that is left out, over again."""
    if not hits:
        return []
    vectors = source.index.vectors([hit.row for hit in hits])
    ra, dec = (values[[hit.row for hit in hits]] for values in source.positions)
    is_left = np.ones(len(hits), dtype=bool)
    if options.exclude_query:
        for one in query.examples:
            if one.is_observed:
                is_left &= ~_is_same(one.vector, one.ra, one.dec, vectors, ra, dec)
    kept: list[Hit] = []
    for number, hit in enumerate(hits):
        if not is_left[number]:
            continue
        kept.append(hit)
        if len(kept) == options.k:
            break
        is_left &= ~_is_same(vectors[number], ra[number], dec[number], vectors, ra, dec)
    return kept


def _is_same(
    vector: np.ndarray,
    ra: float | None,
    dec: float | None,
    vectors: np.ndarray,
    others_ra: np.ndarray,
    others_dec: np.ndarray,
) -> np.ndarray:
    """Tell which objects have the picture or the position of one."""
    same = vectors @ vector >= SAME_IMAGE
    if ra is not None and dec is not None and np.isfinite(ra):
        same |= find_separations(others_ra, others_dec, ra, dec) <= SAME_PLACE
    return np.asarray(same)
