"""Find similar images, and write the table and the contact sheet of the results."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from astropy.table import MaskedColumn, Table

from galaxtool.errors import ConfigError, OutputExists
from galaxtool.search.contact_sheet import draw_sheet
from galaxtool.search.filters import search_index
from galaxtool.search.query import Query, QueryArgs, resolve_query
from galaxtool.search.results import Neighbor, SimilarResult
from galaxtool.search.source import Source, SourceArgs, open_source
from galaxtool.tables.formats.find import check_table_path
from galaxtool.tables.write import write_table
from galaxtool.types import Progress
from galaxtool.utils.atomic_write import atomic_write

COLUMNS = ("query", "rank", "id", "path", "similarity", "ra", "dec")
_SHEET_SUFFIXES = (".png", ".jpg", ".jpeg")


@dataclass(frozen=True, kw_only=True)
class ResultOptions:
    """Which results to keep, and where to write them.

    Parameters
    ----------
    output : Path
        Table to write.
    sheet : Path, optional
        Contact sheet to write; by default beside the table, under the same name.
    k : int
        Number of results.
    filters : sequence of str
        Search filters, see `galaxtool.search.filters.search_index`.
    exclude_query : bool
        Whether to leave out the query itself.

    Raises
    ------
    ConfigError
        If a file has an unknown suffix, or `k` is below 1.
    """

    output: Path
    sheet: Path | None = None
    k: int = 10
    filters: Sequence[str] = ()
    exclude_query: bool = False

    def __post_init__(self) -> None:
        check_table_path(self.output)
        if self.sheet_path.suffix.lower() not in _SHEET_SUFFIXES:
            raise ConfigError(
                f"A contact sheet cannot be written as '{self.sheet_path}'.",
                hint=f"The name must end in {', '.join(_SHEET_SUFFIXES)}.",
            )
        if self.k < 1:
            raise ConfigError(f"k is {self.k}, and must be at least 1.")

    @property
    def sheet_path(self) -> Path:
        """Path of the contact sheet."""
        return self.output.with_suffix(".png") if self.sheet is None else self.sheet


def find_similar(args: QueryArgs, source_args: SourceArgs, options: ResultOptions, progress: Progress) -> SimilarResult:
    """Find the images similar to a query; see `galaxtool.commands.similar.similar`."""
    source = open_source(source_args, progress)
    query = resolve_query(args, source, progress)
    hits = search_index(query, source.index, options.k, filters=options.filters, exclude_query=options.exclude_query)
    neighbors = []
    for rank, hit in enumerate(hits, 1):
        item = source.index[hit.row]
        neighbors.append(Neighbor(query.text, rank, item.id, item.path, hit.similarity, item.ra, item.dec))
    _refuse_images((options.output, options.sheet_path), query, neighbors)
    _write_table(options.output, neighbors, source)
    sheet = draw_sheet(query, neighbors, source)
    with atomic_write(options.sheet_path) as temporary:
        sheet.save(temporary)
    return SimilarResult(query.text, source.name, str(options.output), str(options.sheet_path), neighbors)


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
    """Write the results with the columns query, rank, id, path, similarity, ra and dec."""
    table = Table()
    for name in COLUMNS:
        values = [getattr(neighbor, name) for neighbor in neighbors]
        if name in ("ra", "dec"):
            table[name] = MaskedColumn(
                [value or 0.0 for value in values], mask=[value is None for value in values], unit="deg", dtype=float
            )
        else:
            kind = {"rank": int, "similarity": float}.get(name, str)
            table[name] = MaskedColumn(values, dtype=kind if values or kind is not str else "U1")
    record = source.index.record
    write_table(table, output, meta={"model": record.model, "model_digest": record.model_digest, "metric": "cosine"})
