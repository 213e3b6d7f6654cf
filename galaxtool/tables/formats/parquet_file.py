"""Open Parquet files that may be damaged."""

from __future__ import annotations

from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from galaxtool.utils.files.local_path import to_local_path


def open_parquet(source: Path | BinaryIO, **options: Any) -> pq.ParquetFile:
    """Open a file whose chunks Arrow prepares to read before it reads them.

    Where it does not, it ends the process over a chunk whose metadata are damaged, instead of raising an error. The
    chunks of a row group are then in memory at once, so this is not for images.

    Parameters
    ----------
    source : Path or file object
        The file.
    **options
        Further arguments of `pyarrow.parquet.ParquetFile`.

    Raises
    ------
    OSError
        If it cannot be opened.
    pyarrow.ArrowException
        If it is damaged.
    """
    given: Any = to_local_path(source) if isinstance(source, Path) else source
    file = pq.ParquetFile(given, pre_buffer=True, **options)
    metadata = file.metadata
    rows = sum(metadata.row_group(group).num_rows for group in range(metadata.num_row_groups))
    if rows != metadata.num_rows:
        file.close()
        raise pa.ArrowInvalid(f"the metadata say {metadata.num_rows} rows, and the row groups have {rows}")
    return file
