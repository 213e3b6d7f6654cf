"""FITS binary tables.

FITS knows bytes of 7 bits only. A column with any other text, or with such a name, is written in Python's
``unicode_escape`` and says so in the keyword ``TENCn``; `read_fits` undoes it. Integers that are masked anywhere get a
``TNULLn``; masked floats are NaN and masked texts empty, and come back masked. Descriptions are in ``TCOMMn``.
"""

from __future__ import annotations

import io
import json
import math
import re
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from astropy.io import fits
from astropy.table import Column, MaskedColumn, Table
from astropy.time import Time

from galaxtool.images.fits.bounded_stream import ANY_SIZE, open_bounded
from galaxtool.images.image_file import ImageFile
from galaxtool.tables.formats.plain import escaped, no_surrogates, values_and_mask, with_texts
from galaxtool.tables.formats.schema import ColumnStats, TableSchema, widened

_FITS_BLOCK = 2880
_PLAIN, _ODD = re.compile(r"[ -~]*"), re.compile(r"[^ -~]")
_KEYWORD = re.compile(r"[A-Z0-9_-]{1,8}")
_ESCAPED = "unicode_escape"


def read_fits(path: Path) -> Table:
    """Read the first table of a FITS file.

    Raises
    ------
    ValueError
        If there is no table in it.
    """
    # what an image is packed in is not looked into
    with (
        open_bounded(ImageFile.on_disk(path), ANY_SIZE) as stream,
        fits.open(stream, memmap=False, disable_image_compression=True) as hdus,
    ):
        tables = [h for h in hdus if isinstance(h, fits.BinTableHDU | fits.TableHDU) and not is_image(h)]
        if not tables:
            raise ValueError("there is no table in it")
        header = tables[0].header
        table = Table.read(tables[0], character_as_bytes=False)
    for number, name in enumerate(list(table.colnames), 1):
        column = table[name]
        if _is_time(column, header, number):
            scale = header[f"TCTYP{number}"].lower()
            table.replace_column(name, _times(column, scale))
            continue
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


def _is_time(column: Column, header: fits.Header, number: int) -> bool:
    """Return whether astropy wrote a column of times so: as two parts of a Julian date, by the FITS time standard."""
    scale = str(header.get(f"TCTYP{number}", "")).lower()
    return scale in Time.SCALES and column.shape[1:] == (2,) and column.dtype.kind == "f" and column.unit == "d"


def _times(column: Column, scale: str) -> Time:
    data, mask = values_and_mask(column)
    known = np.asarray((np.isfinite(data) & ~mask).all(axis=1))
    days = np.where(known[:, None], data, 0)
    times = Time(days[:, 0], days[:, 1], format="jd", scale=scale)
    times.format = "isot"
    times[~known] = np.ma.masked
    return times


def _unescape(column: Column) -> Column:
    if column.dtype.kind not in "SU":
        return column
    text = column.astype(str)
    values = np.array(
        [value.encode("ascii").decode(_ESCAPED) for value in np.ma.getdata(text, subok=False).tolist()], dtype=str
    )
    same = {"name": column.name, "description": column.description}
    return MaskedColumn(values, mask=column.mask, **same) if hasattr(column, "mask") else Column(values, **same)


def prepare_fits(table: Table) -> Table:
    """Return a table as it is written, but for what no encoding has."""
    return with_texts(table, no_surrogates)


def stored_in_fits(facts: ColumnStats) -> np.dtype:
    """Return the type to write a column as."""
    dtype = widened(facts)
    if dtype.kind == "U" or not facts.masked:
        return dtype
    if dtype.kind == "b" or (dtype.kind in "iu" and dtype.itemsize < 4):
        return np.dtype(np.int32)  # truth values have no null that astropy reads, short integers none to spare
    if dtype.kind in "iu" and facts.unused(dtype) is None:
        return np.dtype(np.int64) if dtype.itemsize < 8 else np.dtype("U20")
    return dtype


def write_fits(stream: BinaryIO, layout: TableSchema, meta: dict[str, Any]) -> None:
    """Write one binary table after an empty primary; `meta` becomes cards, lists and the like as JSON.

    A key that is no keyword of FITS gets a HIERARCH card.
    """
    encodings = [_Encoding(facts) for facts in layout.columns]
    hdu = fits.table_to_hdu(_encoded(layout.empty(stored_in_fits), encodings))
    for number, (facts, encoding) in enumerate(zip(layout.columns, encodings, strict=True), 1):
        if encoding.null is not None:
            hdu.columns[number - 1].null = encoding.null
        if encoding.escapes:
            hdu.header[f"TENC{number}"] = (_ESCAPED, "name and texts of this column are escaped")
        if facts.description:
            hdu.header[f"TCOMM{number}"] = escaped(facts.description, _ODD)
    for key, value in meta.items():
        simple = isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value))
        keyword = key if _KEYWORD.fullmatch(key) else f"HIERARCH {key}"
        hdu.header[keyword] = value if simple else _ascii_text(value)
    size = hdu.header["NAXIS1"] * layout.rows
    hdu.header["NAXIS2"] = layout.rows
    stream.write(fits.PrimaryHDU().header.tostring().encode("ascii"))
    stream.write(hdu.header.tostring().encode("ascii"))
    for block in layout.blocks(stored_in_fits):
        stream.write(_rows(_encoded(block, encodings)))
    stream.write(bytes(-size % _FITS_BLOCK))


class _Encoding:
    """How a column is turned into what FITS can hold."""

    def __init__(self, facts: ColumnStats) -> None:
        dtype = stored_in_fits(facts)
        self.escapes = not (facts.printable and _PLAIN.fullmatch(facts.name))
        self.name = facts.name.encode(_ESCAPED).decode("ascii") if self.escapes else facts.name
        self.unit = _fits_unit(facts.unit)
        self.null = facts.unused(dtype) if facts.masked and dtype.kind in "iu" else None
        width = facts.escaped if self.escapes and facts.dtype.kind == "U" else dtype.itemsize // 4
        self.text = f"S{max(width, 1)}" if dtype.kind == "U" else ""

    def __call__(self, column: Column) -> np.ndarray:
        data, mask = values_and_mask(column)
        if self.null is not None:
            return np.where(mask, data.dtype.type(self.null), data)
        if not self.text:
            return data
        if not self.escapes:
            return data.astype(self.text)
        values = [value.encode(_ESCAPED) for value in data.ravel().tolist()]
        return np.array(values, dtype=self.text).reshape(data.shape)


def _encoded(table: Table, encodings: list[_Encoding]) -> Table:
    """Return a table as FITS can hold it, without descriptions."""
    columns = []
    for column, encoding in zip(table.columns.values(), encodings, strict=True):
        columns.append(Column(encoding(column), name=encoding.name, unit=encoding.unit))
    return Table(columns, copy=False)


def _rows(table: Table) -> bytes:
    """Return the bytes that astropy writes after the header, without what fills the last block."""
    hdu = fits.table_to_hdu(table)
    buffer = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(buffer)
    start = _FITS_BLOCK + len(hdu.header.tostring())
    return buffer.getvalue()[start : start + hdu.header["NAXIS1"] * hdu.header["NAXIS2"]]


def _ascii_text(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return text.encode(_ESCAPED).decode("ascii")


def _fits_unit(unit: Any) -> Any:
    """Return the unit, or None where the FITS standard has no word for it."""
    if unit is None:
        return None
    try:
        unit.to_string(format="fits")
    except ValueError:
        return None
    return unit
