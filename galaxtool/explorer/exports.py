"""Tables of objects for other programs: as a file to download, or by SAMP."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from astropy.table import Table

from galaxtool.errors import GalaxtoolError
from galaxtool.explorer.objects import Objects
from galaxtool.reports.samp import send_table
from galaxtool.tables.column_names import avoid_names
from galaxtool.tables.formats.parquet import to_astropy_column
from galaxtool.tables.text_arrays import make_text_array
from galaxtool.tables.write import write_table
from galaxtool.types import Silent

FORMATS = {
    "csv": ("text/csv; charset=utf-8", "csv"),
    "fits": ("application/fits", "fits"),
    "votable": ("application/x-votable+xml", "vot"),
}
"""Format -> its media type and suffix."""


def make_table(
    objects: Objects, rows: Sequence[int], *, notes: Sequence[str] | None = None, similarity: np.ndarray | None = None
) -> Table:
    """Return objects as a table with all their columns.

    Parameters
    ----------
    objects : Objects
        The objects.
    rows : sequence of int
        Rows of those to put into the table, in this order.
    notes : sequence of str, optional
        A note for each, which becomes the column ``note``.
    similarity : ndarray, optional
        A number for each, which becomes the column ``similarity``.
    """
    part = objects.take(rows).select(objects.column_names)
    ours = [*(["note"] if notes is not None else []), *(["similarity"] if similarity is not None else [])]
    table = Table()
    for name, new in zip(part.column_names, avoid_names(part.column_names, ours), strict=True):
        table[new] = to_astropy_column(part.schema.field(name), part[name])
    if notes is not None:
        table["note"] = make_text_array(list(notes))
    if similarity is not None:
        table["similarity"] = np.asarray(similarity, dtype=np.float32)
    return table


def write_bytes(table: Table, kind: str) -> bytes:
    """Return the file of a table in one of `FORMATS`."""
    with tempfile.TemporaryDirectory(prefix="galaxtool-") as folder:
        path = Path(folder) / f"objects.{FORMATS[kind][1]}"
        write_table(table, path)
        return path.read_bytes()


def send(table: Table, name: str) -> int:
    """Send a table to TOPCAT, Aladin and others, and return how many programs received it."""
    # it stays in the folder for temporary files, because the other programs can read it at any time
    folder = Path(tempfile.mkdtemp(prefix="galaxtool-samp-"))
    try:
        write_table(table, folder / "objects.vot")
        return send_table(folder / "objects.vot", name, Silent())
    except GalaxtoolError as error:
        shutil.rmtree(folder, ignore_errors=True)
        message = error.message.replace(f"'{folder / 'objects.vot'}'", "The table")
        raise GalaxtoolError(message, hint="Start TOPCAT or Aladin and send it again, or export it.") from error
