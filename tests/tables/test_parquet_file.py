"""Parquet files of indexes, embeddings and jobs: damaged metadata are an error, where Arrow would end the process."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from support.plugin_helpers import run_python

from galaxtool.errors import InputError
from galaxtool.inference.embeddings.stored import read_embeddings
from galaxtool.tables.formats.parquet_file import open_parquet

READ_DAMAGED = """
import sys
from contextlib import suppress
from pathlib import Path
from galaxtool.errors import GalaxtoolError
from galaxtool.inference.embeddings.stored import read_embeddings
from galaxtool.jobs.part_check import describe_damage
from galaxtool.search.index.items_file import ItemsFile

path, most, *values = sys.argv[1:]
content = Path(path).read_bytes()
footer = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
for at in range(footer, min(footer + int(most), len(content) - 8)):
    for value in map(int, values):
        Path(path).write_bytes(content[:at] + bytes([value]) + content[at + 1 :])
        describe_damage(Path(path))
        with suppress(GalaxtoolError):
            read_embeddings(Path(path))
        with suppress(GalaxtoolError):
            ItemsFile(Path(path)).table
print("all")
"""


def write(path: Path) -> pa.Table:
    n = 60
    numbers = pa.array(np.random.default_rng(0).normal(size=4 * n).astype("f4"))
    texts = {name: [f"{name}{i % 7}" for i in range(n)] for name in ("id", "path")}
    table = pa.table(
        {**texts, "ra": np.arange(n) * 1.0, "dec": pa.array([None if i % 3 else 1.0 for i in range(n)])}
    ).append_column("embedding", pa.FixedSizeListArray.from_arrays(numbers, 4))
    pq.write_table(table, path, row_group_size=25)
    return table


@pytest.mark.parametrize(
    ("most", "values"), [(60, ("32",)), pytest.param(10_000, ("32", "255", "0"), marks=pytest.mark.slow)]
)
def test_any_byte_of_the_metadata(tmp_path: Path, most: int, values: tuple[str, ...]) -> None:
    write(tmp_path / "a.parquet")
    done = run_python("-c", READ_DAMAGED, str(tmp_path / "a.parquet"), str(most), *values)
    assert done.stdout.strip() == "all", done.stderr


def test_rows_that_the_groups_do_not_have_are_refused(tmp_path: Path) -> None:
    write(tmp_path / "a.parquet")
    content = (tmp_path / "a.parquet").read_bytes()
    footer = len(content) - 8 - int.from_bytes(content[-8:-4], "little")
    at = content.index(bytes([0x16, 120, 0x19]), footer)  # 60 rows, as a varint in zigzag order, then the row groups
    (tmp_path / "a.parquet").write_bytes(content[: at + 1] + bytes([32]) + content[at + 2 :])
    with pytest.raises(pa.ArrowInvalid, match="the metadata say 16 rows, and the row groups have 60"):
        open_parquet(tmp_path / "a.parquet")
    with pytest.raises(InputError, match=r"a\.parquet"):
        read_embeddings(tmp_path / "a.parquet")


def test_a_sound_file_is_read_from_a_path_and_a_stream(tmp_path: Path) -> None:
    table = write(tmp_path / "a.parquet")
    with open_parquet(tmp_path / "a.parquet") as file:
        assert file.read().equals(table)
    with (tmp_path / "a.parquet").open("rb") as stream:
        assert open_parquet(stream, read_dictionary=["id"]).read()["path"].equals(table["path"])
