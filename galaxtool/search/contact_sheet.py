"""The contact sheet of queries and their results."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from galaxtool.reports.contact_sheet import COLUMNS, TILE, Tile
from galaxtool.search.answer import QueryAnswer
from galaxtool.search.labels import ObjectLabels
from galaxtool.search.pictures import ResultPicture, describe_example, name_example, read_example, read_picture
from galaxtool.search.queries.vectors import QueryExample
from galaxtool.search.source import Source

MAX_NEIGHBORS = 119
"""Number of results of a single query on a sheet; the table has all of them."""

MAX_QUERIES, MAX_IN_ROW = 24, 9
"""Number of queries on a sheet, and of the results of each, where there are several."""

_MAX_EXAMPLES = 12


def lay_out_answers(
    answers: Sequence[QueryAnswer], labels: ObjectLabels, source: Source
) -> tuple[list[Tile | None], int]:
    """Return the tiles of a sheet and the number of its columns.

    A single query is followed by its results. Of several queries, each has a row with its first results.
    """
    if len(answers) == 1:
        asked: list[Tile | None] = [*_lay_out_query(answers[0], source)]
        if len(asked) > 1:
            asked += [None] * (-len(asked) % COLUMNS)
        return [*asked, *_lay_out_hits(answers[0], MAX_NEIGHBORS, labels, source)], COLUMNS
    shown = answers[:MAX_QUERIES]
    columns = 1 + min(MAX_IN_ROW, max(len(answer.hits) for answer in shown))
    tiles: list[Tile | None] = []
    for answer in shown:
        row = [_lay_out_query(answer, source)[0], *_lay_out_hits(answer, columns - 1, labels, source)]
        tiles += [*row, *[None] * (columns - len(row))]
    return tiles, columns


def write_title(answers: Sequence[QueryAnswer], source: Source) -> str:
    """Return the title of a sheet."""
    where = f"of {len(source.index)} in {source.name}"
    if len(answers) > 1:
        part = "" if len(answers) <= MAX_QUERIES else f", the first {MAX_QUERIES}"
        return f"{len(answers)} queries{part}, {where}"
    answer = answers[0]
    part = "" if len(answer.hits) <= MAX_NEIGHBORS else f", the first {MAX_NEIGHBORS} of {len(answer.hits)}"
    warning = "; nothing is close" if answer.rating.nothing_is_close else ""
    return f"Similar to {answer.query.text}, {where}{part}{warning}"


def _lay_out_query(answer: QueryAnswer, source: Source) -> list[Tile]:
    """Return the tiles of the examples of a query."""
    examples = answer.query.examples
    return [_make_example_tile(one, source, is_only=len(examples) == 1) for one in examples[:_MAX_EXAMPLES]]


def _make_example_tile(example: QueryExample, source: Source, *, is_only: bool) -> Tile:
    tile = _make_tile(read_example(example, source, TILE))
    detail = describe_example(example, is_only=is_only)
    return replace(tile, caption=name_example(example), detail=detail, chosen=example.weight > 0)


def _lay_out_hits(answer: QueryAnswer, number: int, labels: ObjectLabels, source: Source) -> list[Tile]:
    """Return the tiles of the first results of a query."""
    hits = answer.hits[:number]
    named = labels.find([hit.row for hit in hits])
    tiles = []
    for rank, hit in enumerate(hits, 1):
        item = source.index[hit.row]
        percentile = answer.rating.percentiles[rank - 1]
        detail = f"{rank}: {hit.similarity:.4f}"
        detail += "" if percentile is None else f", percentile {round_down(percentile)}"
        tile = _make_tile(read_picture(item.ref, source.reading, source, TILE))
        tiles.append(replace(tile, caption=item.id, detail=detail, label=named[rank - 1]))
    return tiles


def _make_tile(picture: ResultPicture) -> Tile:
    return Tile(picture.pixels, "", note=picture.note, scale=None if picture.side is None else picture.side / TILE)


def round_down(percentile: float) -> str:
    """Return a percentage with one digit, of which 99.97 is not 100."""
    return f"{math.floor(10 * percentile) / 10:.1f}"
