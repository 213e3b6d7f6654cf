"""Tables that come in pieces, written without ever being whole in memory."""

from __future__ import annotations

import gzip
import os
import shutil
import warnings
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from astropy.table import Table

from galaxtool.tables.formats import csv as text
from galaxtool.tables.formats import fits as fitstable
from galaxtool.tables.formats import others, parquet, votable
from galaxtool.tables.formats.plain import no_surrogates, plain_table, with_texts
from galaxtool.tables.formats.schema import TableSchema
from galaxtool.tables.formats.suffixes import check_table_path, is_packed, other_format, table_suffix
from galaxtool.utils.atomic_write import atomic_write


@dataclass(frozen=True, slots=True)
class _Writer:
    """How one format is written: what is done to a plain piece first, and what writes them all."""

    prepare: Callable[[Table], Table]
    write: Callable[[BinaryIO, TableSchema, dict[str, Any]], None]


_WRITERS = {
    ".csv": _Writer(lambda table: table, text.write_csv),
    ".ecsv": _Writer(text.prepare_ecsv, text.write_ecsv),
    ".fits": _Writer(fitstable.prepare_fits, fitstable.write_fits),
    ".vot": _Writer(votable.prepare_votable, votable.write_votable),
    ".parquet": _Writer(lambda table: with_texts(table, no_surrogates), parquet.write_parquet),
}


def write_stream(chunks: Callable[[], Iterable[Table]], path: Path, *, meta: dict[str, Any] | None = None) -> int:
    """Write a table that comes in pieces.

    Parameters
    ----------
    chunks : callable
        Returns the pieces in order, each a table of some rows; called twice, and must give the same each time. A
        column may be masked throughout in one piece and have values in the next, texts may be of any length, integers
        and floats of different sizes. A column that a piece lacks is masked there.
    path : Path
        Its suffix decides the format, see `galaxtool.tables.tables.write_table`.
    meta : dict, optional
        What to say of the table as a whole, where the format has a place for it.

    Returns
    -------
    int
        Number of rows.

    Raises
    ------
    ConfigError
        If the suffix is of no format.
    TableError
        If there is no piece, or the pieces do not go together.
    GalaxtoolError
        If the file cannot be written.

    Notes
    -----
    The file is the same, byte by byte, however the rows are cut into pieces, and has no date in it. The recommended
    formats, gzipped or not, take the memory of the largest piece and of some 8192 rows; the others that of the whole
    table.
    """
    path = Path(path)
    check_table_path(path)
    suffix, kind = table_suffix(path), other_format(path)
    prepare = others.prepare_other if suffix is None else _WRITERS[suffix].prepare

    def pieces() -> Iterator[Table]:
        for chunk in chunks():
            yield prepare(plain_table(chunk))

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # units and names off the FITS recommendation, IDs made up by VOTable
        layout = TableSchema(pieces)
        with atomic_write(Path(os.path.realpath(path))) as temporary:
            if suffix is None:
                others.write_other(temporary, layout, meta or {}, kind or "")
                return layout.rows
            with temporary.open("wb") as stream:
                _WRITERS[suffix].write(stream, layout, meta or {})
            if is_packed(path):
                _pack(temporary)
    return layout.rows


def _pack(path: Path) -> None:
    """Gzip a file in its place, without its name and date."""
    with (
        atomic_write(path) as packed,
        path.open("rb") as plain,
        packed.open("wb") as raw,
        gzip.GzipFile("", "wb", compresslevel=6, fileobj=raw, mtime=0) as stream,
    ):
        shutil.copyfileobj(plain, stream, 1 << 20)
