"""Reading of files of embeddings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import galaxtool
from galaxtool.errors import InputError, OutputExists
from galaxtool.inference.embeddings.file import EmbeddedImage, open_embedding_writer
from galaxtool.inference.embeddings.stored import is_embedding_file, read_embeddings

VECTORS = np.array([[1, 0], [np.nan, np.nan], [0.6, 0.8]], dtype=np.float32)
ROWS = [
    EmbeddedImage("a", "x/a.fits", 10.5, -3.0),
    EmbeddedImage("b", "x/b.fits", None, None, "damaged"),
    EmbeddedImage("c", "x/c.fits", None, None),
]


def write(path: Path) -> Path:
    with open_embedding_writer(path, count=3, dim=2, meta={"model": "mini"}) as writer:
        writer.write(ROWS, VECTORS)
    return path


@pytest.mark.parametrize("name", ["e.parquet", "e.npy"])
def test_what_embed_wrote_is_read(name: str, tmp_path: Path) -> None:
    path = write(tmp_path / name)
    stored = read_embeddings(path)
    assert is_embedding_file(path)
    np.testing.assert_array_equal(stored.vectors, VECTORS)
    assert stored.items["id"].to_pylist() == ["a", "b", "c"]
    assert stored.items["path"].to_pylist() == ["x/a.fits", "x/b.fits", "x/c.fits"]
    assert stored.items["ra"].to_pylist() == [10.5, None, None]
    assert stored.meta["model"] == "mini"


def test_a_catalogue_is_not_replaced_by_the_file_of_identifiers(tmp_path: Path) -> None:
    catalogue = tmp_path / "cat.ids.csv"
    catalogue.write_text("id,path,z\na,a.fits,0.1\n")
    with pytest.raises(OutputExists, match=r"cat.ids.csv' is the input, and would be overwritten"):
        galaxtool.embed([catalogue], output=tmp_path / "cat.npy")
    assert [path.name for path in tmp_path.iterdir()] == ["cat.ids.csv"]


@pytest.mark.parametrize("kind", [pa.list_(pa.float64()), pa.list_(pa.float32(), 2), pa.large_list(pa.int64())])
def test_a_file_of_another_program_needs_ids_and_embeddings_only(kind: pa.DataType, tmp_path: Path) -> None:
    table = pa.table({"id": pa.array([1, 2, 3]), "embedding": pa.array([[1, 0], None, [3, 4]], type=kind)})
    pq.write_table(table, tmp_path / "e.parquet")
    stored = read_embeddings(tmp_path / "e.parquet")
    np.testing.assert_array_equal(stored.vectors, [[1, 0], [np.nan, np.nan], [3, 4]])
    assert stored.items["id"].to_pylist() == ["1", "2", "3"]
    assert stored.items["ra"].to_pylist() == [None] * 3
    assert stored.meta == {}


def test_files_that_are_not_of_embeddings_are_named(tmp_path: Path) -> None:
    pq.write_table(pa.table({"id": ["a"], "embedding": [1.0]}), tmp_path / "number.parquet")
    pq.write_table(pa.table({"embedding": [[1.0]]}), tmp_path / "nameless.parquet")
    pq.write_table(pa.table({"id": ["a", "b"], "embedding": [[1.0], [1.0, 2.0]]}), tmp_path / "ragged.parquet")
    pq.write_table(
        pa.table({"id": pa.array([], pa.string()), "embedding": pa.array([], pa.list_(pa.float32()))}),
        tmp_path / "empty.parquet",
    )
    (tmp_path / "damaged.parquet").write_bytes(b"PAR1 no more")
    np.save(write(tmp_path / "short.npy"), VECTORS[:2])
    messages = {
        "number": "no column 'embedding' with lists", "nameless": "no column 'id'", "ragged": "not all of the same",
        "empty": "contains no embeddings", "damaged": "cannot be read", "absent": "There is no file",
    }  # fmt: skip
    for name, message in messages.items():
        with pytest.raises(InputError, match=message):
            read_embeddings(tmp_path / f"{name}.parquet")
    with pytest.raises(InputError, match=r"has 2 rows, and its .ids.csv has 3"):
        read_embeddings(tmp_path / "short.npy")
    assert not any(is_embedding_file(tmp_path / f"{name}.parquet") for name in ("number", "damaged", "absent"))
