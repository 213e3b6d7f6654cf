"""Turn NumPy arrays into Arrow arrays and back through their buffers.

``pyarrow.array`` and ``Array.to_numpy`` do the same, but import pandas first, which takes a quarter of a second;
``pyarrow.compute`` takes a tenth.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

_MOST_BYTES = 2**31 - 1
"""Most bytes of text in one array."""


def make_numbers(data: np.ndarray, mask: np.ndarray) -> pa.Array:
    """Return numbers or truth values as an Arrow array.

    Parameters
    ----------
    data, mask : ndarray
        One-dimensional arrays of the same length; `mask` is True where a number is missing.
    """
    data = data.astype(data.dtype.newbyteorder("="), copy=False)
    if data.dtype.kind not in "biuf" or data.dtype.itemsize > 8:
        return pa.array(data, mask=mask)
    missing = int(mask.sum())
    values = _pack(data) if data.dtype.kind == "b" else pa.py_buffer(np.ascontiguousarray(data))
    buffers = [_pack(~mask) if missing else None, values]
    return pa.Array.from_buffers(pa.from_numpy_dtype(data.dtype), len(data), buffers, null_count=missing)


def make_texts(texts: Sequence[str]) -> pa.Array:
    """Return texts as an Arrow array."""
    encoded = [text.encode() for text in texts]
    offsets = np.zeros(len(encoded) + 1, dtype=np.int64)
    np.cumsum([len(text) for text in encoded], out=offsets[1:])
    if offsets[-1] > _MOST_BYTES:
        return pa.array(texts, type=pa.string())
    buffers = [None, pa.py_buffer(offsets.astype(np.int32)), pa.py_buffer(b"".join(encoded))]
    return pa.Array.from_buffers(pa.string(), len(encoded), buffers, null_count=0)


def get_numbers(array: pa.Array) -> np.ndarray:
    """Return the numbers or truth values of an Arrow array, 0 or False where they are null."""
    if pa.types.is_boolean(array.type):
        values = _unpack(array.buffers()[1], array)
    else:
        values = np.frombuffer(array.buffers()[1] or b"", dtype=array.type.to_pandas_dtype())
        values = values[array.offset : array.offset + len(array)]
    return np.where(get_nulls(array), values.dtype.type(0), values) if array.null_count else values


def to_floats(column: pa.ChunkedArray) -> np.ndarray:
    """Return the numbers of an Arrow column, float64 (N,), NaN where they are null."""
    array = column.combine_chunks()
    floats = get_numbers(array).astype(np.float64)
    return np.where(get_nulls(array), np.nan, floats) if array.null_count else floats


def get_nulls(array: pa.Array) -> np.ndarray:
    """Return where an Arrow array is null, bool (N,)."""
    if not array.null_count:
        return np.zeros(len(array), dtype=bool)
    validity = array.buffers()[0]
    if validity is None:  # only nulls
        return np.ones(len(array), dtype=bool)
    return ~_unpack(validity, array)


def get_text_lengths(array: pa.Array) -> np.ndarray:
    """Return the number of bytes of each text (UTF-8) or binary string of an Arrow array, int (N,)."""
    is_large = pa.types.is_large_string(array.type) or pa.types.is_large_binary(array.type)
    offsets = np.frombuffer(array.buffers()[1] or b"", dtype=np.int64 if is_large else np.int32)
    return np.diff(offsets[array.offset : array.offset + len(array) + 1])


def _unpack(bits: pa.Buffer | None, array: pa.Array) -> np.ndarray:
    flags = np.unpackbits(np.frombuffer(bits or b"", dtype=np.uint8), bitorder="little")
    return flags[array.offset : array.offset + len(array)].astype(bool)


def _pack(flags: np.ndarray) -> pa.Buffer:
    return pa.py_buffer(np.packbits(flags, bitorder="little"))
