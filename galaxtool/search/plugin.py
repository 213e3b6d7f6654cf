"""The built-in filters of similarity searches."""

from __future__ import annotations

from galaxtool.plugins.hookspecs import hookimpl
from galaxtool.plugins.specs import SearchFilterSpec


@hookimpl
def register_search_filters() -> list[SearchFilterSpec]:
    """Return the filters by position and by the columns of the index."""
    return [
        SearchFilterSpec(
            name="cone",
            summary="Objects within a radius of a position: cone:RA,DEC,RADIUS in degrees, degrees and arcsec.",
            factory="galaxtool.search.filters:make_cone_filter",
        ),
        SearchFilterSpec(
            name="where",
            summary="Objects for which an SQL condition on the columns of the index holds: where:dec > 30.",
            factory="galaxtool.search.filters:make_where_filter",
        ),
    ]
