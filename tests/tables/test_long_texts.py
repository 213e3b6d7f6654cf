"""Tables that need more memory than there is are refused by name; others are read as before."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zlib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from galaxtool.errors import TableError
from galaxtool.tables import unpacked_size
from galaxtool.tables.read import read_table

PACK = {"gz": gzip.compress, "bz2": bz2.compress, "xz": lzma.compress}


def test_a_text_that_is_stored_once_and_meant_a_million_times(tmp_path: Path) -> None:
    codes = pa.array(np.zeros(1_000_000, dtype=np.int32))
    table = pa.table({"path": pa.DictionaryArray.from_arrays(codes, ["A" * 100_000])})
    pq.write_table(table, tmp_path / "t.parquet")
    assert (tmp_path / "t.parquet").stat().st_size < 1_000_000
    with pytest.raises(TableError, match=r"'path' of .* has a text of 100000 bytes in a table of 1000000 rows"):
        read_table(tmp_path / "t.parquet")


@pytest.mark.slow
def test_a_small_file_that_unpacks_to_gigabytes(tmp_path: Path) -> None:
    name = "t.csv.gz"
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    head = packer.compress(b"path,x\n") + packer.flush(zlib.Z_FULL_FLUSH)
    piece = packer.compress(b"a" * (1 << 24)) + packer.flush(zlib.Z_FULL_FLUSH)  # which may be repeated
    (tmp_path / name).write_bytes(head + piece * 80)
    assert (tmp_path / name).stat().st_size < 1_500_000
    with pytest.raises(TableError, match="unpacks to more than 1024 MB"):
        read_table(tmp_path / name)


@pytest.mark.parametrize("suffix", ["gz", "bz2", "xz", "zst", "gz.gz"])
@pytest.mark.parametrize("name", ["t.csv", "t.ecsv", "t.vot", "t.dat"])
def test_a_packed_file_that_unpacks_to_far_more_whatever_packed_it(
    name: str, suffix: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unpacked_size, "_LARGE", 1 << 20)
    content = b"path,x\n" + b"a" * (3 << 20)
    for kind in suffix.split("."):
        content = pa.compress(content, "zstd", asbytes=True) if kind == "zst" else PACK[kind](content)
    path = tmp_path / f"{name}.{suffix}"
    path.write_bytes(content)
    with pytest.raises(TableError, match="unpacks to more than 1 MB"):
        read_table(path)


def test_a_packed_table_of_the_usual_kind_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpacked_size, "_LARGE", 1 << 20)
    numbers = np.random.default_rng(0).integers(0, 10**9, 200_000)
    (tmp_path / "t.csv.bz2").write_bytes(bz2.compress(("n\n" + "\n".join(map(str, numbers))).encode()))
    assert read_table(tmp_path / "t.csv.bz2")["n"].tolist() == numbers.tolist()


def test_long_texts_of_few_rows_are_read(tmp_path: Path) -> None:
    texts = ["A" * 200_000, "b", None, "é"]
    pq.write_table(pa.table({"x": texts, "y": [b"1", b"2", None, b"4"], "n": [1, 2, None, 4]}), tmp_path / "t.parquet")
    table = read_table(tmp_path / "t.parquet")
    assert [str(value) for value in np.ma.filled(table["x"], "")] == ["A" * 200_000, "b", "", "é"]


def test_distinct_and_repeated_texts_of_many_rows_come_back(tmp_path: Path) -> None:
    rows = 30_000
    columns = {"id": [f"object-{number}" for number in range(rows)], "field": ["a", "", None] * (rows // 3)}
    pq.write_table(pa.table(columns), tmp_path / "t.parquet", row_group_size=7000)
    table = read_table(tmp_path / "t.parquet")
    assert table["id"].tolist() == columns["id"]
    assert [str(value) for value in np.ma.filled(table["field"], "")] == ["a", "", ""] * (rows // 3)


@pytest.mark.parametrize(("rows", "is_refused"), [(5_000_001, True), (4_000_000, False)])
def test_rows_that_repeat_each_other(rows: int, is_refused: bool, tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"n": np.zeros(rows, dtype=np.int8)}), path)
    assert path.stat().st_size < 100_000
    if is_refused:
        with pytest.raises(TableError, match=r"has 5,000,001 rows in [\d,]+ bytes: they repeat each other"):
            read_table(path)
    else:
        assert len(read_table(path)) == rows
