"""FITS binary tables.

FITS has ASCII text only. A column with any other text or name is written in Python's ``unicode_escape``, which the
keyword ``TENCn`` records and reading undoes. Integers that are masked anywhere get a ``TNULLn``; masked floats are NaN
and masked texts empty, and are masked again when read. Descriptions are stored in ``TCOMMn``.
"""

from __future__ import annotations

import io
import json
import math
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from astropy.io import fits
from astropy.table import Column, MaskedColumn, Table
from astropy.time import Time

from galaxtool.images.fits.bounded_stream import ANY_SIZE, open_bounded
from galaxtool.images.fits.header import has_pixels
from galaxtool.images.image_file import ImageFile
from galaxtool.tables.formats.column_stats import ColumnStats
from galaxtool.tables.formats.fits_names import describe_changed_names, name_fits_columns, needs_escape
from galaxtool.tables.formats.plain_columns import (
    escape,
    escape_surrogates,
    get_values_and_mask,
    map_texts,
    replace_values,
)
from galaxtool.tables.formats.schema import TableSchema, signed_type
from galaxtool.tables.formats.yaml_header import check_yaml_header, find_yaml_in_comments
from galaxtool.tables.protocols import TableEntry, TableFile
from galaxtool.utils.unit_texts import is_computable_unit

_FITS_BLOCK = 2880
_NOT_ASCII = re.compile(r"[^ -~]")
_KEYWORD = re.compile(r"[A-Z0-9_-]{1,8}")
_ESCAPED = "unicode_escape"


class FitsTableFormat:
    """FITS binary tables; reads ASCII tables too."""

    def read(self, path: Path) -> Table:
        """Read the first table of a file.

        Raises
        ------
        ValueError
            If the file contains no table.
        """
        with self.open_tables(path) as file:
            return file.read(file.entries[0])

    @contextmanager
    def open_tables(self, path: Path) -> Iterator[TableFile]:
        """Open a file; raises `ValueError` if it contains no table."""
        with (
            open_bounded(ImageFile.on_disk(path), ANY_SIZE) as stream,
            fits.open(stream, memmap=False, disable_image_compression=True) as hdus,
        ):
            yield _FitsFile(hdus)
            stream.check_rest()

    def check_names(self, names: Sequence[str]) -> str:
        """Return a sentence on the names of columns that change; raises `ConfigError` for more than 999 columns."""
        return describe_changed_names(names)

    def prepare(self, table: Table) -> Table:
        """Escape bytes of file names that are not UTF-8."""
        return map_texts(table, escape_surrogates)

    def write(self, stream: BinaryIO, schema: TableSchema, meta: dict[str, Any]) -> None:
        """Write a binary table after an empty primary HDU.

        Entries of `meta` become header cards: numbers as they are, lists and the like as JSON. A key that is not a
        valid FITS keyword gets a HIERARCH card.
        """
        names = name_fits_columns([column.name for column in schema.columns])
        encodings = [_Encoding(column, name) for column, name in zip(schema.columns, names, strict=True)]
        hdu = fits.table_to_hdu(_encode(schema.empty(_stored_type), encodings))
        for number, (column, encoding) in enumerate(zip(schema.columns, encodings, strict=True), 1):
            if encoding.null is not None:
                hdu.columns[number - 1].null = encoding.null
            if encoding.escapes:
                hdu.header[f"TENC{number}"] = (_ESCAPED, "name and texts of this column are escaped")
            if column.description or encoding.is_changed:
                hdu.header[f"TCOMM{number}"] = escape(column.description or column.name, _NOT_ASCII)
        for key, value in meta.items():
            simple = isinstance(value, bool | int) or (isinstance(value, float) and math.isfinite(value))
            keyword = key if _KEYWORD.fullmatch(key) else f"HIERARCH {key}"
            hdu.header[keyword] = value if simple else _ascii_text(value)
        size = hdu.header["NAXIS1"] * schema.rows
        hdu.header["NAXIS2"] = schema.rows
        stream.write(fits.PrimaryHDU().header.tostring().encode("ascii"))
        stream.write(hdu.header.tostring().encode("ascii"))
        for block in schema.blocks(_stored_type):
            stream.write(_row_bytes(_encode(block, encodings)))
        stream.write(bytes(-size % _FITS_BLOCK))


class _FitsFile:
    """The tables of an open file."""

    def __init__(self, hdus: fits.HDUList) -> None:
        # an image that is compressed into a table is not decompressed, but recognized as an image
        self._hdus = {
            number: hdu
            for number, hdu in enumerate(hdus)
            if isinstance(hdu, fits.BinTableHDU | fits.TableHDU) and not has_pixels(hdu.header)
        }
        if not self._hdus:
            raise ValueError("it contains no table")
        for hdu in self._hdus.values():
            _rename_repeated(hdu)
        self.entries = [
            TableEntry(number=number, name=hdu.name, columns=tuple(hdu.columns.names), rows=hdu.header.get("NAXIS2", 0))
            for number, hdu in self._hdus.items()
        ]

    def read(self, entry: TableEntry) -> Table:
        """Read a table."""
        hdu = self._hdus[entry.number]
        check_yaml_header(find_yaml_in_comments([str(line) for line in hdu.header.get("COMMENT", ())]))
        for column in hdu.columns:
            if not is_computable_unit(str(column.unit or "")):
                column.unit = None
        nulls = _take_scaled_nulls(hdu) if isinstance(hdu, fits.BinTableHDU) else {}
        table = Table.read(hdu, character_as_bytes=False)
        header = hdu.header
        for number, hidden in nulls.items():
            column = table.columns[number - 1]
            data, mask = get_values_and_mask(column)
            table.replace_column(column.name, replace_values(column, data, mask | hidden.reshape(mask.shape)))
        for number, name in enumerate(list(table.colnames), 1):
            column = table[name]
            if _is_time(column, header, number):
                scale = header[f"TCTYP{number}"].lower()
                table.replace_column(name, _convert_times(column, scale))
                continue
            column.description = header.get(f"TCOMM{number}")
            if header.get(f"TENC{number}") == _ESCAPED:
                table.replace_column(name, _unescape(column))
                table.rename_column(name, name.encode("ascii").decode(_ESCAPED))
        table.meta = {key: value for key, value in table.meta.items() if not re.fullmatch(r"(TENC|TCOMM)\d+", key)}
        return table


def _rename_repeated(hdu: fits.BinTableHDU | fits.TableHDU) -> None:
    """Rename columns whose name an earlier one has, which astropy does not read."""
    taken = set(hdu.columns.names)
    if len(taken) == len(hdu.columns.names):
        return
    seen: set[str] = set()
    for column in hdu.columns:
        name, number = column.name, 2
        while name in seen or (number > 2 and name in taken):
            name = f"{column.name}_{number}"
            number += 1
        if name != column.name:
            column.name = name
        seen.add(name)


def _take_scaled_nulls(hdu: fits.BinTableHDU) -> dict[int, np.ndarray]:
    """Return where the scaled integers of a table are null, by the number of the column, and hide that from astropy.

    TNULL is a value before the scaling, and astropy compares it with those after the scaling.
    """
    nulls = {}
    for number, column in enumerate(hdu.columns, 1):
        null = hdu.header.get(f"TNULL{number}")
        if null is None or not {f"TSCAL{number}", f"TZERO{number}"} & set(hdu.header):
            continue
        raw = np.asarray(hdu.data).view(np.ndarray)[column.name]
        if raw.dtype.kind in "iu":
            nulls[number] = raw == null
            column.null = None
    return nulls


def _is_time(column: Column, header: fits.Header, number: int) -> bool:
    """Tell whether a column holds times as astropy writes them: two parts of a Julian date in a known time scale."""
    scale = str(header.get(f"TCTYP{number}", "")).lower()
    pairs = column.shape[1:] == (2,) and column.dtype.kind == "f"
    return scale in Time.SCALES and pairs and str(column.unit) == "d"


def _convert_times(column: Column, scale: str) -> Time:
    data, mask = get_values_and_mask(column)
    valid = np.asarray((np.isfinite(data) & ~mask).all(axis=1))
    days = np.where(valid[:, None], data, 0)
    times = Time(days[:, 0], days[:, 1], format="jd", scale=scale)
    times.format = "isot"
    times[~valid] = np.ma.masked
    return times


def _unescape(column: Column) -> Column:
    if column.dtype.kind not in "SU":
        return column
    text = column.astype(str)
    values = np.array(
        [value.encode("ascii").decode(_ESCAPED) for value in np.ma.getdata(text, subok=False).tolist()], dtype=str
    )
    attributes = {"name": column.name, "description": column.description}
    if hasattr(column, "mask"):
        return MaskedColumn(values, mask=column.mask, **attributes)
    return Column(values, **attributes)


def _stored_type(column: ColumnStats) -> np.dtype:
    """Return the type to write a column as."""
    dtype = signed_type(column)
    if dtype.kind == "U" or not column.has_nulls:
        return dtype
    if dtype.kind == "b" or (dtype.kind in "iu" and dtype.itemsize < 4):
        return np.dtype(np.int32)  # astropy reads no null of truth values, and short integers have none to spare
    if dtype.kind in "iu" and column.find_unused(dtype) is None:
        return np.dtype(np.int64) if dtype.itemsize < 8 else np.dtype("U20")
    return dtype


class _Encoding:
    """Conversion of a column to what FITS can hold."""

    def __init__(self, column: ColumnStats, name: str) -> None:
        dtype = _stored_type(column)
        has_escaped_name = needs_escape(column.name)
        self.escapes = has_escaped_name or not column.printable
        # a name is unescaped on reading, as the texts of its column are
        self.name = name if has_escaped_name or not self.escapes else name.replace("\\", "\\\\")
        self.is_changed = name != column.name and not has_escaped_name
        self.unit = _fits_unit(column.unit)
        self.null = column.find_unused(dtype) if column.has_nulls and dtype.kind in "iu" else None
        width = column.escaped_width if self.escapes and column.dtype.kind == "U" else dtype.itemsize // 4
        self.text = f"S{max(width, 1)}" if dtype.kind == "U" else ""

    def __call__(self, column: Column) -> np.ndarray:
        data, mask = get_values_and_mask(column)
        if self.null is not None:
            return np.where(mask, data.dtype.type(self.null), data)
        if not self.text:
            return data
        if not self.escapes:
            return data.astype(self.text)
        values = [value.encode(_ESCAPED) for value in data.ravel().tolist()]
        return np.array(values, dtype=self.text).reshape(data.shape)


def _encode(table: Table, encodings: list[_Encoding]) -> Table:
    """Convert all the columns; descriptions are left out."""
    columns = []
    for column, encoding in zip(table.columns.values(), encodings, strict=True):
        columns.append(Column(encoding(column), name=encoding.name, unit=encoding.unit))
    return Table(columns, copy=False)


def _row_bytes(table: Table) -> bytes:
    """Return the bytes that astropy writes after the header, without the padding of the last block."""
    hdu = fits.table_to_hdu(table)
    buffer = io.BytesIO()
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(buffer)
    start = _FITS_BLOCK + len(hdu.header.tostring())
    return buffer.getvalue()[start : start + hdu.header["NAXIS1"] * hdu.header["NAXIS2"]]


def _ascii_text(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return text.encode(_ESCAPED).decode("ascii")


def _fits_unit(unit: Any) -> Any:
    """Return the unit, or None if it cannot be written by the FITS standard."""
    if unit is None:
        return None
    try:
        unit.to_string(format="fits")
    except ValueError:
        return None
    return unit
