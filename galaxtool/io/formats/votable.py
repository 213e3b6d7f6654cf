"""VOTable, as TOPCAT and the archives read it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io.votable import from_table, parse
from astropy.io.votable.tree import Info
from astropy.table import Column, Table

# XML 1.0 has no way to write these at all.
_NOT_XML = re.compile("[^\t\n -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def read_votable(path: Path) -> Table:
    """Read the first table of a VOTable file.

    Raises
    ------
    ValueError
        If there is no table in it.
    """
    document = parse(path)
    first = next(document.iter_tables(), None)
    if first is None:
        raise ValueError("there is no table in it")
    table = first.to_table(use_names_over_ids=True)
    table.meta = {info.name: info.value for info in document.infos}
    return table


def write_votable(table: Table, path: Path, meta: dict[str, Any]) -> None:
    """Write a VOTable file; `meta` becomes INFO elements, and control characters, which XML lacks, are escaped."""
    table = table.copy(copy_data=False)
    table.meta = {}
    for name in table.colnames:
        if table[name].dtype.kind == "U":
            table[name] = Column(_clean(table[name]), unit=table[name].unit, description=table[name].description)
    document = from_table(table)
    for key, value in meta.items():
        text = value if isinstance(value, str) else json.dumps(value, default=str)
        document.infos.append(Info(name=str(key), value=_NOT_XML.sub(_escape, text)))
    document.to_xml(str(path), tabledata_format="binary2")  # TABLEDATA would lose blanks at either end of a text


def _clean(column: Column) -> np.ndarray:
    """Return texts that XML can hold; masked ones are empty, for VOTable has no null text."""
    data = np.where(np.ma.getmaskarray(np.ma.asarray(column)), "", np.ma.getdata(column, subok=False))
    clean = [_NOT_XML.sub(_escape, value) for value in data.ravel().tolist()]
    # VOTable counts units of UTF-16, of which a character beyond U+FFFF takes two.
    width = max((len(value.encode("utf-16-be")) // 2 for value in clean), default=1)
    return np.array(clean, dtype=f"U{max(width, 1)}").reshape(data.shape)


def _escape(match: re.Match[str]) -> str:
    return match.group().encode("unicode_escape").decode("ascii")
