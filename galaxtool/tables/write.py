"""Write tables in any registered format, whole or piece by piece."""

from __future__ import annotations

import gzip
import os
import shutil
import warnings
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from astropy.table import Table

from galaxtool.errors import TableError
from galaxtool.tables.formats.column_stats import TableStats
from galaxtool.tables.formats.find import check_table_path, create_table_format, find_table_format, has_gzip_suffix
from galaxtool.tables.formats.plain_columns import simplify_table
from galaxtool.tables.formats.schema import TableSchema
from galaxtool.tables.protocols import TableFormat
from galaxtool.utils.files.atomic_write import atomic_write


def write_table(table: Table, path: Path, *, meta: dict[str, Any] | None = None) -> None:
    """Write a table atomically: afterwards there is either the whole new file or what was there before.

    Parameters
    ----------
    table : Table
        Columns of numbers, truth values or texts, of one dimension or more, masked where there is no value.
    path : Path
        The suffix decides the format: .csv .ecsv .fits .vot (also with .gz) .parquet. Missing folders are created. If
        it is a symbolic link, the file that it points to is replaced.
    meta : dict, optional
        Metadata of the table, written if the format can store them (all but CSV).

    Raises
    ------
    ConfigError
        If the suffix belongs to no format.
    GalaxtoolError
        If the file cannot be written: no space, no permission.

    Notes
    -----
    Masked values are empty in CSV, and NaN or null elsewhere. FITS and VOTable have no unsigned integers of 16 bits or
    more: these become wider signed integers, or texts where no integer is wide enough.
    """
    write_stream(lambda: [table], path, meta=meta)


def write_stream(
    chunks: Callable[[], Iterable[Table]],
    path: Path,
    *,
    meta: dict[str, Any] | None = None,
    stats: TableStats | None = None,
) -> int:
    """Write a table that comes in pieces, atomically like `write_table`.

    Parameters
    ----------
    chunks : callable
        Returns the pieces in order, each a table of some rows. It is called twice and must return the same each time;
        once where `stats` can be used. A column may be entirely masked in one piece and have values in the next, texts
        may be of any length, integers and floats of different sizes. A column that a piece lacks is masked there.
    path : Path
        The suffix decides the format, see `write_table`.
    meta : dict, optional
        Metadata of the table, written if the format can store them.
    stats : TableStats, optional
        Merged statistics of all pieces, from `measure_table`. They are ignored if measured for another format.

    Returns
    -------
    int
        Number of rows.

    Raises
    ------
    ConfigError
        If the suffix belongs to no format.
    TableError
        If there is no piece, or the pieces do not fit together or do not fit the statistics.
    GalaxtoolError
        If the file cannot be written.

    Notes
    -----
    The file is the same, byte by byte, however the rows are cut into pieces, and contains no date. Memory holds the
    largest piece and some 8192 rows.
    """
    path = Path(path)
    form = _create_format(path)

    def pieces() -> Iterator[Table]:
        for chunk in chunks():
            yield form.prepare(simplify_table(chunk))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # nonstandard units and names in FITS, IDs that VOTable makes up
        if stats is None or stats.table_format != find_table_format(path):
            stats = TableStats(str(find_table_format(path)))
            for piece in pieces():
                stats.add(piece)
        if not stats.columns and not stats.rows:
            raise TableError("There is nothing to write: not even an empty table.")
        with atomic_write(Path(os.path.realpath(path))) as temporary:
            with temporary.open("wb") as stream:
                form.write(stream, TableSchema(stats, pieces), meta or {})
            if has_gzip_suffix(path):
                _gzip(temporary)
    return stats.rows


def measure_table(table: Table, path: Path) -> TableStats:
    """Measure a piece of a table that will be written to a file by `write_stream`.

    Parameters
    ----------
    table : Table
        Some rows of the table.
    path : Path
        Name of the file: what is measured depends on its format.

    Returns
    -------
    TableStats
        Statistics of this piece, to be merged with those of the other pieces.

    Raises
    ------
    ConfigError
        If the suffix belongs to no format.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        stats = TableStats(str(find_table_format(path)))
        stats.add(_create_format(path).prepare(simplify_table(table)))
    return stats


def _create_format(path: Path) -> TableFormat:
    check_table_path(path)
    form = create_table_format(path)
    assert form is not None
    return form


def _gzip(path: Path) -> None:
    """Replace a file by a gzipped one that stores neither name nor date."""
    with (
        atomic_write(path) as packed,
        path.open("rb") as plain,
        packed.open("wb") as raw,
        gzip.GzipFile("", "wb", compresslevel=6, fileobj=raw, mtime=0) as stream,
    ):
        shutil.copyfileobj(plain, stream, 1 << 20)
