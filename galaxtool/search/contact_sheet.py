"""The contact sheet of a query and its results."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from PIL.Image import Image

from galaxtool.containers.find import locate_image
from galaxtool.containers.reading import read_ref
from galaxtool.errors import InputError, UnreadableImage
from galaxtool.inference.reading import override_preprocess
from galaxtool.reports.contact_sheet import TILE, Tile, draw_contact_sheet
from galaxtool.search.query import Query
from galaxtool.search.results import Neighbor
from galaxtool.search.source import Source
from galaxtool.taxonomy.symbols import load_symbol

MAX_NEIGHBORS = 119
"""Number of results on a sheet; the table has all of them."""


def draw_sheet(query: Query, neighbors: Sequence[Neighbor], source: Source) -> Image:
    """Draw the query and then its results, as the model sees them but with more pixels."""
    tiles = [_make_query_tile(query, source)]
    for neighbor in neighbors[:MAX_NEIGHBORS]:
        picture, note = _read_picture(neighbor.path, source.index.record.hdu, source)
        tiles.append(Tile(picture, neighbor.id, f"{neighbor.rank}: similarity {neighbor.similarity:.4f}", note))
    part = "" if len(neighbors) <= MAX_NEIGHBORS else f", the first {MAX_NEIGHBORS} of {len(neighbors)}"
    return draw_contact_sheet(tiles, f"Similar to {query.text}, of {len(source.index)} in {source.name}{part}")


def _make_query_tile(query: Query, source: Source) -> Tile:
    """Return the tile of the query: an image, a symbol or a text."""
    if query.path is None:
        return Tile(None, "query", "symbol" if query.is_symbol else "text", query.text, chosen=True)
    name = query.text if query.is_symbol or query.row is not None else query.path.name
    if not query.is_symbol:
        picture, note = _read_picture(str(query.path), query.hdu, source)
        return Tile(picture, name, "query", note, chosen=True)
    try:
        return Tile(load_symbol(query.path, TILE), name, "query, a symbol", chosen=True)
    except InputError:  # the model has the embedding of its own symbol without the drawing
        return Tile(None, name, "query, a symbol", name, chosen=True)


def _read_picture(place: str, hdu: str | None, source: Source) -> tuple[np.ndarray | None, str]:
    """Return a picture as the model sees it, or None and the reason why there is none."""
    ref = locate_image(place)
    if not ref.path.exists():
        return None, "file is missing"
    options = source.reading_options(hdu)
    preprocess = replace(override_preprocess(source.record.make_preprocess(), options), size=TILE)
    try:
        return preprocess.display(read_ref(ref, options.read_options)), ""
    except UnreadableImage:
        return None, "file can no longer be read"
