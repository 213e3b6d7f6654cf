"""The contact sheet of a query and its neighbours."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from galaxtool.errors import InputError, UnreadableImage

if TYPE_CHECKING:
    import numpy as np

    from galaxtool.search.neighbor import Neighbour
    from galaxtool.search.query import Query
    from galaxtool.search.source import Source

_MOST = 119
"""Neighbours on a sheet; what comes after is in the table."""


def draw_sheet(query: Query, neighbours: Sequence[Neighbour], source: Source) -> Any:
    """Draw the query and then its neighbours, as the model sees them but sharper.

    Returns
    -------
    PIL.Image.Image
    """
    from galaxtool.reports.contact_sheet import TILE, Tile, contact_sheet

    show = _Shown(source, TILE)
    tiles = [_query_tile(query, show)]
    for neighbour in neighbours[:_MOST]:
        picture, note = show.picture(neighbour.path, source.index.record.hdu)
        tiles.append(Tile(picture, neighbour.id, f"{neighbour.rank}: similarity {neighbour.similarity:.4f}", note))
    shown = "" if len(neighbours) <= _MOST else f", the first {_MOST} of {len(neighbours)}"
    return contact_sheet(tiles, f"Similar to {query.text}, of {len(source.index)} in {source.name}{shown}")


def _query_tile(query: Query, show: _Shown) -> Any:
    from galaxtool.reports.contact_sheet import Tile
    from galaxtool.taxonomy.symbols import load_symbol

    if query.path is None:
        return Tile(None, "query", "symbol" if query.is_symbol else "text", query.text, chosen=True)
    name = query.text if query.is_symbol or query.row is not None else query.path.name
    if not query.is_symbol:
        picture, note = show.picture(str(query.path), query.hdu)
        return Tile(picture, name, "query", note, chosen=True)
    try:
        return Tile(load_symbol(query.path, show.size), name, "query, a symbol", chosen=True)
    except InputError:  # its embedding is known without it
        return Tile(None, name, "query, a symbol", name, chosen=True)


class _Shown:
    """Pictures as the model sees them, of another size."""

    def __init__(self, source: Source, size: int) -> None:
        self.source, self.size = source, size

    def picture(self, place: str, hdu: str | None) -> tuple[np.ndarray | None, str]:
        """Return the picture at a place, or why there is none."""
        from galaxtool.containers.find import locate_image
        from galaxtool.containers.reading import read_ref
        from galaxtool.inference.reading import override_preprocess

        ref = locate_image(place)
        if not ref.path.exists():
            return None, "file is missing"
        options = self.source.options(hdu)
        preprocess = replace(override_preprocess(self.source.record.make_preprocess(), options), size=self.size)
        try:
            return preprocess.display(read_ref(ref, options.read_options)), ""
        except UnreadableImage:
            return None, "file cannot be read any more"
