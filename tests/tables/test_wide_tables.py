"""The work for a table grows with the number of its columns, not with its square."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.table import Table

from galaxtool.errors import TableError
from galaxtool.inference.predictions.table import make_prediction_table
from galaxtool.inputs.items import InputItem
from galaxtool.tables.read import read_table
from galaxtool.tables.write import write_table
from galaxtool.types import ImageRef

N = 150


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Receive the number of columns each time that all names of a table are listed."""
    found: list[int] = []
    names = Table.colnames.fget
    monkeypatch.setattr(Table, "colnames", property(lambda self: found.append(1) or names(self)))
    return found


def write_text(path: Path) -> None:
    path.write_text(",".join(f"c{n}" for n in range(N)) + "\n" + ",".join(map(str, range(N))) + "\n")


def write_arrow(path: Path) -> None:
    pq.write_table(pa.table({f"c{n}": [n] for n in range(N)}), path)


@pytest.mark.parametrize(("name", "write"), [("t.csv", write_text), ("t.parquet", write_arrow)])
def test_columns_are_listed_a_few_times_only(
    name: str, write: Callable[[Path], None], tmp_path: Path, looks: list[int]
) -> None:
    write(tmp_path / name)
    table = read_table(tmp_path / name)
    item = InputItem("a", ImageRef(Path("a.fits")))
    made = make_prediction_table([item], ["x"], np.ones((1, 1)), columns=table)
    write_table(made, tmp_path / "out.parquet")
    assert len(looks) < N / 2
    written = pq.read_table(tmp_path / "out.parquet")
    assert [written[f"c{n}"][0].as_py() for n in range(N)] == list(range(N))
    assert written.column_names[N:] == ["id", "path", "ra", "dec", "label", "probability", "p_x", "flags", "error"]


def test_a_repeated_name_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("a,b,c,b\n1,2,3,4\n")
    with pytest.raises(TableError, match="two columns are called 'b'"):
        read_table(tmp_path / "t.csv")
