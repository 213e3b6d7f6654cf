"""FITS binary tables.

FITS knows bytes of 7 bits only. A column with any other text, or with such a name, is written in Python's
``unicode_escape`` and says so in the keyword ``TENCn``; `read_fits` undoes it. Integers that are masked anywhere get a
``TNULLn``; masked floats are NaN and masked texts empty, and come back masked. Descriptions are in ``TCOMMn``.
"""

from __future__ import annotations

import json
import re
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
from astropy.io import fits
from astropy.table import Column, MaskedColumn, Table

_PLAIN = re.compile(r"[ -~]*")
_ESCAPED = "unicode_escape"


def read_fits(path: Path) -> Table:
    """Read the first table of a FITS file.

    Raises
    ------
    ValueError
        If there is no table in it.
    """
    with fits.open(path, memmap=False) as hdus:
        tables = [h for h in hdus if isinstance(h, fits.BinTableHDU | fits.TableHDU) and not is_image(h)]
        if not tables:
            raise ValueError("there is no table in it")
        header = tables[0].header
        table = Table.read(tables[0], character_as_bytes=False)
    for number, name in enumerate(list(table.colnames), 1):
        column = table[name]
        column.description = header.get(f"TCOMM{number}")
        if header.get(f"TENC{number}") == _ESCAPED:
            table.replace_column(name, _unescape(column))
            table.rename_column(name, name.encode("ascii").decode(_ESCAPED))
    table.meta = {key: value for key, value in table.meta.items() if not re.fullmatch(r"(TENC|TCOMM)\d+", key)}
    return table


def is_image(hdu: Any) -> bool:
    """Return whether a header unit holds pixels: an image, also one that is compressed into a table."""
    header = hdu.header
    if header.get("XTENSION", "IMAGE").strip() == "BINTABLE":
        return bool(header.get("ZIMAGE", False))
    return header.get("XTENSION", "IMAGE").strip() == "IMAGE" and header.get("NAXIS", 0) > 0


def _unescape(column: Column) -> Column:
    if column.dtype.kind not in "SU":
        return column
    text = column.astype(str)
    values = np.array(
        [value.encode("ascii").decode(_ESCAPED) for value in np.ma.getdata(text, subok=False).tolist()], dtype=str
    )
    same = {"name": column.name, "description": column.description}
    return MaskedColumn(values, mask=column.mask, **same) if hasattr(column, "mask") else Column(values, **same)


def write_fits(table: Table, path: Path, meta: dict[str, Any]) -> None:
    """Write one binary table after an empty primary; `meta` becomes HIERARCH cards, lists and the like as JSON."""
    columns, cards = [], []
    for number, name in enumerate(table.colnames, 1):
        column, escaped = _encoded(table[name])
        columns.append(column)
        if escaped:
            cards.append((f"TENC{number}", _ESCAPED, "name and texts of this column are escaped"))
        if table[name].description:
            cards.append((f"TCOMM{number}", table[name].description.encode("ascii", "backslashreplace").decode(), ""))
    hdu = fits.table_to_hdu(Table(columns, copy=False))
    hdu.header.extend(cards)
    for key, value in meta.items():
        simple = value if isinstance(value, bool | int | float) else _ascii_text(value)
        hdu.header[f"HIERARCH {key}"] = simple
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(path, overwrite=True)


def _ascii_text(value: Any) -> str:
    return (
        (value if isinstance(value, str) else json.dumps(value, default=str)).encode("unicode_escape").decode("ascii")
    )


def _encoded(column: Column) -> tuple[Column, bool]:
    """Return a column as FITS can hold it, without a description, and whether its texts are escaped."""
    name, data = column.name, np.ma.getdata(column, subok=False)
    mask = np.ma.getmaskarray(np.ma.asarray(column))
    text = data.dtype.kind == "U"
    escaped = not all(_PLAIN.fullmatch(value) for value in [name, *(data.ravel().tolist() if text else [])])
    if escaped:
        name = name.encode(_ESCAPED).decode("ascii")
    if text:
        values = [value.encode(_ESCAPED if escaped else "ascii").decode("ascii") for value in data.ravel().tolist()]
        data = np.where(mask, "", np.array(values, dtype=str).reshape(data.shape)) if values else data.astype("U1")
    if mask.any() and (data.dtype.kind == "b" or (data.dtype.kind in "iu" and data.dtype.itemsize < 4)):
        data = data.astype(np.int32)  # truth values have no null that astropy reads, short integers none to spare
    plain = MaskedColumn(data, name=name, mask=mask) if mask.any() and not text else Column(data, name=name)
    if mask.any() and data.dtype.kind in "iu":
        plain.fill_value = _unused(data[~mask])
    plain.unit = _fits_unit(column.unit)
    return plain, escaped


def _unused(values: np.ndarray) -> int:
    """Return the lowest integer of the type that is not among the values, to stand for null."""
    present = set(np.unique(values).tolist())
    return next(candidate for candidate in count(int(np.iinfo(values.dtype).min)) if candidate not in present)


def _fits_unit(unit: Any) -> Any:
    """Return the unit, or None where the FITS standard has no word for it."""
    if unit is None:
        return None
    try:
        unit.to_string(format="fits")
    except ValueError:
        return None
    return unit
