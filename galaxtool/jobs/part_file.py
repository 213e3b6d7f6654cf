"""Store the rows of a part together with their images, their counts and the statistics of their columns.

A part is a Parquet file. It has one column more than the table of predictions: where each image is stored. Its metadata
contain the counts of its rows and the statistics that the output's format needs, so that writing the output reads each
row only once.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
from astropy.table import Column, Table

from galaxtool.containers.find import locate_image
from galaxtool.jobs.job import list_part_paths
from galaxtool.jobs.part_check import name_part
from galaxtool.jobs.part_counts import PartCounts
from galaxtool.tables.formats.column_stats import TableStats
from galaxtool.tables.formats.parquet_file import open_parquet
from galaxtool.tables.formats.plain_columns import escape_surrogates, map_texts, simplify_table
from galaxtool.tables.read import read_table
from galaxtool.tables.write import measure_table, write_table
from galaxtool.types import ImageRef
from galaxtool.utils.files.local_path import to_local_path

IMAGE_COLUMN = "galaxtool:image"
"""Column of a part that says where an image is stored, as JSON; the output does not contain it."""

COUNTS, STATS = "counts", "stats"
"""Keys of the metadata of a part."""


def write_part(path: Path, table: Table, images: Sequence[ImageRef], output: Path, *, dropped: float = 0.0) -> None:
    """Write a part of the prediction table.

    Parameters
    ----------
    path : Path
        Path of the part.
    table : Table
        Rows of the prediction table.
    images : sequence of ImageRef
        Image of each row.
    output : Path
        Output of the job, for whose format the columns are measured.
    dropped : float
        Sum of the dropped probabilities, see `PartCounts.dropped`.
    """
    table = map_texts(simplify_table(table), escape_surrogates)  # as the part is read again
    labels, errors, flags = (np.ma.filled(table[name], "").tolist() for name in ("label", "error", "flags"))
    counts = PartCounts.of(errors, labels, flags, dropped=dropped)
    meta = {COUNTS: counts.to_dict(), STATS: measure_table(table, output).to_dict(), **name_part(path)}
    texts = [_encode(image) for image in images]
    table.add_column(Column(np.array(texts, dtype=str if texts else "U1"), name=IMAGE_COLUMN))
    write_table(table, path, meta=meta)


def read_parts(folder: Path, count: int) -> Iterator[Table]:
    """Yield the rows of all parts of a job in order, reading each part when it is needed."""
    for path in list_part_paths(folder, count):
        table = read_table(path)
        if IMAGE_COLUMN in table.colnames:
            table.remove_column(IMAGE_COLUMN)
        yield table


def list_part_columns(folder: Path, count: int) -> list[str]:
    """Return the names of all columns in the parts of a job, in the order of their first appearance."""
    names = (name for path in list_part_paths(folder, count) for name in pq.read_schema(to_local_path(path)).names)
    return [name for name in dict.fromkeys(names) if name != IMAGE_COLUMN]


def load_images(path: Path) -> tuple[list[ImageRef], list[str]]:
    """Load the image and the error of each row of a part.

    The images of a part that an earlier version of galaxtool wrote are found by the column ``path``.
    """
    file = open_parquet(path)
    is_stored = IMAGE_COLUMN in file.schema_arrow.names
    name = IMAGE_COLUMN if is_stored else "path"
    columns = file.read([name, "error"])
    texts = columns[name].to_pylist()
    images = [_decode(text) for text in texts] if is_stored else [locate_image(text or "") for text in texts]
    return images, [error or "" for error in columns["error"].to_pylist()]


def count_parts(paths: Sequence[Path]) -> PartCounts:
    """Add up the counts of parts."""
    total = PartCounts()
    for path in paths:
        values = _load_metadata(path).get(COUNTS)
        total.add(PartCounts.from_dict(values) if values else _count_rows(path))
    return total


def merge_stats(paths: Sequence[Path]) -> TableStats | None:
    """Merge the statistics of parts; return None if a part of an earlier version of galaxtool has none."""
    merged: TableStats | None = None
    for path in paths:
        values = _load_metadata(path).get(STATS)
        if not values:
            return None
        stats = TableStats.from_dict(values)
        if merged is None:
            merged = stats
        else:
            merged.merge(stats)
    return merged


def _load_metadata(path: Path) -> dict[str, Any]:
    metadata = pq.read_schema(to_local_path(path)).metadata or {}
    values: dict[str, Any] = json.loads(metadata.get(b"galaxtool", b"{}"))
    return values


def _count_rows(path: Path) -> PartCounts:
    """Count the rows of a part that an earlier version of galaxtool wrote."""
    file = open_parquet(path)
    columns = file.read([name for name in ("label", "error", "flags") if name in file.schema_arrow.names])
    labels, flags = (columns[n].to_pylist() if n in columns.column_names else [] for n in ("label", "flags"))
    return PartCounts.of(columns["error"].to_pylist(), labels, flags)


def _encode(image: ImageRef) -> str:
    bands = [[band, str(path)] for band, path in image.bands]
    return json.dumps([str(image.path), image.container, image.member, bands])  # ASCII, whatever the file names are


def _decode(text: str) -> ImageRef:
    path, container, member, bands = json.loads(text)
    return ImageRef(Path(path), container, member, tuple((band, Path(file)) for band, file in bands))
