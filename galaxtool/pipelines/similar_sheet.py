"""The contact sheet of a query and its neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from galaxtool.errors import InputError, UnreadableImage

if TYPE_CHECKING:
    import numpy as np

    from galaxtool.pipelines.neighbour import Neighbour
    from galaxtool.pipelines.similar_query import Query
    from galaxtool.pipelines.similar_source import Source
    from galaxtool.vision.preprocess import Preprocess

_MOST = 119
"""Neighbours on a sheet; what comes after is in the table."""


def draw_sheet(query: Query, neighbours: Sequence[Neighbour], source: Source) -> Any:
    """Draw the query and then its neighbours, as the model sees them but sharper.

    Returns
    -------
    PIL.Image.Image
    """
    from galaxtool.vision.contact_sheet import TILE, Tile, contact_sheet

    preprocess = replace(source.record.make_preprocess(), size=TILE)
    tiles = [_query_tile(query, preprocess)]
    for neighbour in neighbours[:_MOST]:
        picture, note = _picture(Path(neighbour.path), source.index.record.hdu, preprocess)
        tiles.append(Tile(picture, neighbour.id, f"{neighbour.rank}: similarity {neighbour.similarity:.4f}", note))
    shown = "" if len(neighbours) <= _MOST else f", the first {_MOST} of {len(neighbours)}"
    return contact_sheet(tiles, f"Similar to {query.text}, of {len(source.index)} in {source.name}{shown}")


def _query_tile(query: Query, preprocess: Preprocess) -> Any:
    from galaxtool.taxonomy.symbols import load_symbol
    from galaxtool.vision.contact_sheet import Tile

    if query.path is None:
        return Tile(None, "query", "symbol" if query.is_symbol else "text", query.text, chosen=True)
    name = query.text if query.is_symbol or query.row is not None else query.path.name
    if not query.is_symbol:
        picture, note = _picture(query.path, query.hdu, preprocess)
        return Tile(picture, name, "query", note, chosen=True)
    try:
        return Tile(load_symbol(query.path, preprocess.size), name, "query, a symbol", chosen=True)
    except InputError:  # its embedding is known without it
        return Tile(None, name, "query, a symbol", name, chosen=True)


def _picture(path: Path, hdu: str | None, preprocess: Preprocess) -> tuple[np.ndarray | None, str]:
    """Return the picture in a file, or why there is none."""
    from galaxtool.io.options import ReadOptions
    from galaxtool.io.readers import read_image

    if not path.exists():
        return None, "file is missing"
    try:
        return preprocess.display(read_image(path, ReadOptions(hdu=hdu))), ""
    except UnreadableImage:
        return None, "file cannot be read any more"
