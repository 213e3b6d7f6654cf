"""Arrow arrays made through their buffers are those of pyarrow, and no pandas is imported for them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from galaxtool.tables.formats.arrow_arrays import get_nulls, get_numbers, get_text_lengths, make_numbers, make_texts

KINDS = ["?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8", ">f4"]


@settings(max_examples=60)
@given(st.data())
def test_numbers(data: st.DataObject) -> None:
    count = data.draw(st.integers(0, 40))
    values = data.draw(arrays.arrays(data.draw(st.sampled_from(KINDS)), count))
    mask = data.draw(arrays.arrays(bool, count))
    array = make_numbers(values, mask)
    native = values.astype(values.dtype.newbyteorder("="))
    array.validate(full=True)
    assert array.equals(pa.array(native, mask=mask)) or np.isnan(values.astype(float)).any()
    start = data.draw(st.integers(0, count))
    part = array.slice(start)
    np.testing.assert_array_equal(get_nulls(part), mask[start:])
    np.testing.assert_array_equal(get_numbers(part), np.where(mask, native.dtype.type(0), native)[start:])


@settings(max_examples=30)
@given(st.lists(st.text(st.characters(exclude_categories=["Cs"]))))
def test_texts(texts: list[str]) -> None:
    array = make_texts(texts)
    array.validate(full=True)
    assert array.type == pa.string() and array.to_pylist() == texts
    for kind in (pa.string(), pa.large_string(), pa.binary()):
        lengths = get_text_lengths(array.cast(kind)[1:])
        np.testing.assert_array_equal(lengths, [len(text.encode()) for text in texts[1:]])


def test_texts_that_are_not_unicode_are_an_error() -> None:
    with pytest.raises(UnicodeEncodeError):
        make_texts(["\udc80"])


def test_nothing_but_nulls() -> None:
    assert get_nulls(pa.nulls(3)).all()
    np.testing.assert_array_equal(get_numbers(pa.nulls(3, pa.float32())), np.zeros(3, np.float32))
