"""Find similar images, and write the table and the contact sheet of the results."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from astropy.table import MaskedColumn, Table

from galaxtool.errors import OutputExists
from galaxtool.reports.contact_sheet import write_contact_sheet
from galaxtool.search.contact_sheet import lay_out_tiles, write_title
from galaxtool.search.filters import search_index, select_rows
from galaxtool.search.options import QueryArgs, ResultOptions, SourceArgs
from galaxtool.search.query import Query, resolve_query
from galaxtool.search.results import Neighbor, SimilarResult
from galaxtool.search.source import Source, open_source
from galaxtool.search.yardstick import rate_hits
from galaxtool.tables.formats.find import check_table_path
from galaxtool.tables.write import write_table
from galaxtool.types import Progress, warn

COLUMNS = ("query", "rank", "id", "path", "similarity", "ra", "dec", "percentile")


def find_similar(args: QueryArgs, source_args: SourceArgs, options: ResultOptions, progress: Progress) -> SimilarResult:
    """Find the images similar to a query; see `galaxtool.commands.similar.similar`."""
    check_table_path(options.output)
    source = open_source(source_args, progress)
    query = resolve_query(args, source, progress)
    progress.start("Searching", len(source.index))
    hits = search_index(query, source.index, options.k, filters=options.filters, exclude_query=options.exclude_query)
    candidates = int(select_rows(source.index, options.filters).sum())
    rating = rate_hits(query, hits, source.index, candidates)
    if rating.note:
        warn(progress, rating.note)
    neighbors = []
    for rank, (hit, percentile) in enumerate(zip(hits, rating.percentiles, strict=True), 1):
        item = source.index[hit.row]
        neighbors.append(Neighbor(query.text, rank, item.id, item.path, hit.similarity, item.ra, item.dec, percentile))
    _refuse_images((options.output, options.sheet_path), query, neighbors)
    _write_table(options.output, neighbors, source)
    title = write_title(query, neighbors, source, nothing_is_close=rating.nothing_is_close)
    write_contact_sheet(
        options.sheet_path, lay_out_tiles(query, hits, neighbors, source), title, style=options.sheet_style
    )
    return SimilarResult(query.text, source.name, str(options.output), str(options.sheet_path), neighbors, rating.note)


def _refuse_images(targets: Sequence[Path], query: Query, neighbors: Sequence[Neighbor]) -> None:
    """Raise `OutputExists` if an output would overwrite the image of the query or of a result."""
    images = {os.path.realpath(neighbor.path) for neighbor in neighbors}
    if query.path is not None:
        images.add(os.path.realpath(query.path))
    for target in targets:
        if os.path.realpath(target) in images:
            raise OutputExists(
                f"'{target}' is one of the images, and would be overwritten.",
                hint="Choose other names with --output and --sheet.",
            )


def _write_table(output: Path, neighbors: Sequence[Neighbor], source: Source) -> None:
    """Write the results; the column percentile is left out where the index does not know any."""
    table = Table()
    is_rated = bool(source.index.record.pairs) or any(one.percentile is not None for one in neighbors)
    for name in COLUMNS if is_rated else COLUMNS[:-1]:
        values = [getattr(neighbor, name) for neighbor in neighbors]
        if name in ("ra", "dec", "percentile"):
            table[name] = MaskedColumn(
                [value or 0.0 for value in values], mask=[value is None for value in values], dtype=float,
                unit=None if name == "percentile" else "deg",
            )  # fmt: skip
        else:
            kind = {"rank": int, "similarity": float}.get(name, str)
            table[name] = MaskedColumn(values, dtype=kind if values or kind is not str else "U1")
    record = source.index.record
    write_table(table, output, meta={"model": record.model, "model_digest": record.model_digest, "metric": "cosine"})
