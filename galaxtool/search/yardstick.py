"""Say how similar the results of a search are, compared with chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from galaxtool.search.index.pairs import find_limit
from galaxtool.search.neighbors import Hit, is_query
from galaxtool.search.queries.vectors import Query
from galaxtool.search.source import Source

_WITHOUT_PAIRS = (
    "The index was built by an earlier version of galaxtool, so the percentiles of these similarities are unknown. "
    "Build it again with `galaxtool index`."
)


@dataclass(frozen=True)
class Rating:
    """How the results compare with chance.

    Parameters
    ----------
    percentiles : list of float or None
        Percentile of each result, see `galaxtool.search.results.Neighbor`.
    note : str
        A sentence where they mean little; else empty.
    nothing_is_close : bool
        Whether even the best result is no more similar than unrelated images are.
    """

    percentiles: list[float | None]
    note: str = ""
    nothing_is_close: bool = False


def rate_hits(query: Query, hits: Sequence[Hit], source: Source, candidates: int | None) -> Rating:
    """Compare the results of a query with chance.

    Parameters
    ----------
    query : Query
        The query.
    hits : sequence of Hit
        Its results, the most similar first.
    source : Source
        The index that was searched.
    candidates : int or None
        Number of objects that the filters left to choose from; None without filters.

    Notes
    -----
    The similarities of a text, a symbol or a sum of examples to images have a scale of their own, so they are compared
    with each other and not with those of pairs of images.
    """
    count = len(source.index)
    if not query.is_observed:
        if candidates is None:
            return Rating([round(100 * (1 - hit.place / count), 3) for hit in hits], query.warning)
        places = source.find_places(query.vector, [hit.similarity for hit in hits])
        return Rating(list(places), query.warning)
    pairs = source.pairs
    if pairs is None:
        return Rating([None] * len(hits), _WITHOUT_PAIRS)
    percentiles = [pairs.find_percentile(hit.similarity) for hit in hits]
    ranked = zip(hits, percentiles, strict=True)
    best = next((percentile for hit, percentile in ranked if not is_query(query, source, hit)), None)
    limit = find_limit(count if candidates is None else candidates)
    if best is None or best >= limit:
        return Rating(percentiles)
    where = "in the index" if candidates is None else "that passes the filters"
    note = (
        f"Nothing {where} is close to the query: the best result is more similar than {best:.1f} % of random "
        f"pairs of indexed images, where {limit:.0f} % is usual."
    )
    return Rating(percentiles, note, nothing_is_close=True)
