"""The contact sheet of a query and its results."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from galaxtool.containers.reading import read_ref
from galaxtool.errors import InputError, UnreadableImage
from galaxtool.inference.reading import override_preprocess
from galaxtool.inference.reading_options import ReadingOptions
from galaxtool.reports.contact_sheet import TILE, Tile
from galaxtool.search.filters import Hit
from galaxtool.search.query import Query
from galaxtool.search.results import Neighbor
from galaxtool.search.source import Source
from galaxtool.taxonomy.symbols import load_symbol
from galaxtool.types import ImageRef

MAX_NEIGHBORS = 119
"""Number of results on a sheet; the table has all of them."""


def lay_out_tiles(query: Query, hits: Sequence[Hit], neighbors: Sequence[Neighbor], source: Source) -> list[Tile]:
    """Return the query and then its results, as the model sees them but with more pixels."""
    tiles = [_make_query_tile(query, source)]
    for hit, neighbor in zip(hits[:MAX_NEIGHBORS], neighbors, strict=False):
        shown = _read_picture(source.index[hit.row].ref, source.reading, source)
        tiles.append(replace(shown, caption=neighbor.id, detail=_describe_similarity(neighbor)))
    return tiles


def write_title(query: Query, neighbors: Sequence[Neighbor], source: Source, *, nothing_is_close: bool) -> str:
    """Return the title of a sheet."""
    part = "" if len(neighbors) <= MAX_NEIGHBORS else f", the first {MAX_NEIGHBORS} of {len(neighbors)}"
    warning = "; nothing is close" if nothing_is_close else ""
    return f"Similar to {query.text}, of {len(source.index)} in {source.name}{part}{warning}"


def _describe_similarity(neighbor: Neighbor) -> str:
    percentile = "" if neighbor.percentile is None else f", percentile {_round_down(neighbor.percentile)}"
    return f"{neighbor.rank}: {neighbor.similarity:.4f}{percentile}"


def _round_down(percentile: float) -> str:
    """Return a percentile with one digit, of which 99.97 is not 100."""
    return f"{math.floor(10 * percentile) / 10:.1f}"


def _make_query_tile(query: Query, source: Source) -> Tile:
    """Return the tile of the query: an image, a symbol or a text."""
    if query.path is None:
        return Tile(None, "query", "symbol" if query.is_symbol else "text", query.text, chosen=True)
    name = query.text if query.is_symbol or query.row is not None else query.path.name
    if query.ref is not None:
        return replace(_read_picture(query.ref, query.reading, source), caption=name, detail="query", chosen=True)
    try:
        return Tile(load_symbol(query.path, TILE), name, "query, a symbol", chosen=True)
    except InputError:  # the model has the embedding of its own symbol without the drawing
        return Tile(None, name, "query, a symbol", name, chosen=True)


def _read_picture(ref: ImageRef, options: ReadingOptions, source: Source) -> Tile:
    """Return a tile without text, with a picture as the model sees it, or with the reason why there is none."""
    if not ref.path.exists():
        return Tile(None, "", note="file is missing")
    preprocess = replace(override_preprocess(source.record.make_preprocess(), options), size=TILE)
    try:
        cutout = read_ref(ref, options.read_options)
        side = preprocess.field_arcsec(cutout)
        return Tile(preprocess.display(cutout), "", scale=None if side is None else side / TILE)
    except UnreadableImage:
        return Tile(None, "", note="file can no longer be read")
