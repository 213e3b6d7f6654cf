"""A table that comes in pieces gives the very file that it gives as a whole."""

from __future__ import annotations

import gzip
import io
import itertools
import json
import math
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest
from astropy.io import fits
from astropy.io.votable import from_table
from astropy.table import MaskedColumn, QTable, Table, vstack
from astropy.time import Time
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from galaxtool.errors import ConfigError, GalaxtoolError, TableError
from galaxtool.inference.predictions.table import make_prediction_table
from galaxtool.inputs.items import InputItem
from galaxtool.tables.formats import schema
from galaxtool.tables.formats.column_stats import TableStats
from galaxtool.tables.formats.find import find_table_format
from galaxtool.tables.read import read_table
from galaxtool.tables.write import measure_table, write_stream, write_table
from galaxtool.types import ImageRef

STREAMED = [".csv", ".ecsv", ".fits", ".vot", ".parquet"]
EVERY = [*STREAMED, ".csv.gz", ".ecsv.gz", ".fits.gz", ".vot.gz"]
META = {"MODEL": "mini é", "MODELSHA": "a" * 64, "COMMAND": "galaxtool classify " + "x" * 200}

TEXTS = st.text(st.characters(exclude_categories=("Cs",)), max_size=6)
ROWS = st.lists(
    st.tuples(
        st.integers(-(2**63), 2**63 - 1) | st.none(),
        st.integers(0, 2**64 - 1) | st.none(),
        st.floats(width=32) | st.none(),
        st.booleans() | st.none(),
        TEXTS | st.none(),
        st.tuples(st.floats(), st.floats() | st.none()),
    ),
    min_size=1,
    max_size=9,
)
RELAXED = settings(max_examples=4, suppress_health_check=[HealthCheck.function_scoped_fixture])


def masked(values: list, dtype: type, nothing: object) -> MaskedColumn:
    return MaskedColumn([nothing if v is None else v for v in values], mask=[v is None for v in values], dtype=dtype)


def table_of(rows: list[tuple]) -> Table:
    i, u, f, b, t, v = (list(column) for column in zip(*rows, strict=True))
    table = Table()
    table["i"] = masked(i, np.int64, 0)
    table["u"] = masked(u, np.uint64, 0)
    table["f"] = masked(f, np.float32, 0)
    table["b"] = masked(b, bool, False)
    table["t"] = masked(t, str, "")
    table["v"] = MaskedColumn([[a, c or 0] for a, c in v], mask=[[False, c is None] for _, c in v], dtype=float)
    table["v"].unit, table["v"].description = "Jy", "two\nbands é"
    return table


def cut(table: Table, at: list[int]) -> Callable[[], Iterator[Table]]:
    edges = [0, *sorted(edge % (len(table) + 1) for edge in at), len(table)]

    def pieces() -> Iterator[Table]:
        for start, stop in itertools.pairwise(edges):
            piece = table[start:stop]
            if piece["t"].dtype.kind == "U":  # no piece knows how long the texts of the others are
                piece["t"] = MaskedColumn(piece["t"].tolist(), dtype=str, mask=np.ma.getmaskarray(piece["t"]))
            yield piece

    return pieces


def same(a: Table, b: Table) -> None:
    """Check that two tables are the same: values, masks, NaN apart from masked, types."""
    assert a.colnames == b.colnames and len(a) == len(b)
    for name in a.colnames:
        x, y = np.ma.asarray(a[name]), np.ma.asarray(b[name])
        assert x.dtype.kind == y.dtype.kind and (x.dtype.kind == "U" or x.dtype == y.dtype), name
        hidden, hidden_too = np.ma.getmaskarray(x), np.ma.getmaskarray(y)
        if x.dtype.kind == "U":
            hidden, hidden_too = hidden | (x.data == ""), hidden_too | (y.data == "")
        assert hidden.tolist() == hidden_too.tolist(), name
        np.testing.assert_array_equal(x.data[~hidden], y.data[~hidden])
        assert str(a[name].unit) == str(b[name].unit) and a[name].description == b[name].description


@RELAXED
@given(rows=ROWS, at=st.lists(st.integers(0, 20), max_size=3), block=st.integers(1, 5))
def test_pieces_give_the_bytes_of_the_whole(tmp_path: Path, rows: list[tuple], at: list[int], block: int) -> None:
    table = table_of(rows)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(schema, "BLOCK", block)
        for suffix in STREAMED:
            whole, pieces = tmp_path / f"whole{suffix}", tmp_path / f"pieces{suffix}"
            write_table(table, whole, meta=META)
            assert write_stream(cut(table, at), pieces, meta=META) == len(table)
            assert whole.read_bytes() == pieces.read_bytes(), suffix
            stats = TableStats(str(find_table_format(pieces)))
            for piece in cut(table, at)():
                saved = json.dumps(measure_table(piece, pieces).to_dict())
                stats.merge(TableStats.from_dict(json.loads(saved)))
            pieces.unlink()
            once = iter([cut(table, at)()])
            assert write_stream(lambda once=once: next(once), pieces, meta=META, stats=stats) == len(table)  # type: ignore[misc]
            assert whole.read_bytes() == pieces.read_bytes(), suffix


@pytest.mark.parametrize("suffix", EVERY)
def test_pieces_give_the_same_file_in_every_format(tmp_path: Path, suffix: str) -> None:
    rows = [(n, n + 2**63, n / 7, n % 2 == 0, "x" * n or None, (1.0, None)) for n in range(40)]
    table = table_of(rows)
    write_table(table, tmp_path / f"whole{suffix}", meta=META)
    for n, at in enumerate(([3], [1, 1, 20, 39])):
        write_stream(cut(table, at), tmp_path / f"{n}{suffix}", meta=META)
        assert (tmp_path / f"{n}{suffix}").read_bytes() == (tmp_path / f"whole{suffix}").read_bytes()


@pytest.mark.parametrize("suffix", STREAMED)
def test_many_rows_in_blocks(tmp_path: Path, suffix: str) -> None:
    n = 2 * schema.BLOCK + 17
    table = Table({"i": np.arange(n), "f": MaskedColumn(np.arange(n) / 3, mask=np.arange(n) % 1000 == 7)})
    assert write_stream(lambda: (table[k : k + 5000] for k in range(0, n, 5000)), tmp_path / f"t{suffix}") == n
    back = read_table(tmp_path / f"t{suffix}")
    assert back["i"].tolist() == list(range(n))
    assert np.ma.asarray(back["f"]).tolist() == np.ma.asarray(table["f"]).tolist()
    if suffix == ".parquet":
        groups = pq.ParquetFile(tmp_path / "t.parquet").metadata
        assert [groups.row_group(k).num_rows for k in range(3)] == [schema.BLOCK, schema.BLOCK, 17]


@RELAXED
@given(rows=ROWS)
def test_parts_of_a_job_lose_nothing(tmp_path: Path, rows: list[tuple]) -> None:
    table = table_of(rows)
    table["w"] = np.arange(len(rows) * 6, dtype=np.int16).reshape(-1, 2, 3)
    table["c"] = MaskedColumn(np.arange(len(rows)) * 1j, mask=[True] + [False] * (len(rows) - 1))
    table["names"] = [["a", "bcd"]] * len(rows)
    write_table(table, tmp_path / "part.parquet")
    back = read_table(tmp_path / "part.parquet")
    same(table, back)
    write_table(back, tmp_path / "again.parquet")
    assert (tmp_path / "again.parquet").read_bytes() == (tmp_path / "part.parquet").read_bytes()
    for suffix in STREAMED:
        write_table(table, tmp_path / f"one{suffix}")
        write_table(back, tmp_path / f"two{suffix}")
        assert (tmp_path / f"one{suffix}").read_bytes() == (tmp_path / f"two{suffix}").read_bytes()


@pytest.mark.parametrize("suffix", STREAMED)
def test_a_column_may_be_masked_throughout_in_a_piece(tmp_path: Path, suffix: str) -> None:
    nothing = MaskedColumn(["", ""], mask=[True, True])
    first = Table({"n": nothing, "t": ["a", "bb"], "x": MaskedColumn([0.0, 0.0], mask=[True, True])})
    second = Table({"n": [2**62, 5], "t": nothing, "x": [1.5, np.nan], "new": [True, False]})
    third = Table({"n": nothing, "t": ["cccccc", "é"], "x": np.array([2.5, 3.5], dtype=np.float32)})
    write_stream(lambda: [first, second, third], tmp_path / f"t{suffix}")
    back = read_table(tmp_path / f"t{suffix}")
    assert np.ma.asarray(back["n"]).tolist() == [None, None, 2**62, 5, None, None]
    assert np.ma.asarray(back["t"]).tolist() == ["a", "bb", None, None, "cccccc", "é"]
    assert np.ma.asarray(back["x"]).tolist()[4:] == [2.5, 3.5] and np.ma.asarray(back["x"]).tolist()[:2] == [None] * 2
    new = np.ma.asarray(back["new"]).tolist()
    assert new[:2] == new[4:] == [None, None] and [bool(value) for value in new[2:4]] == [True, False]


def test_pieces_that_do_not_go_together(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    with pytest.raises(TableError, match="'a' has numbers in one piece and texts in another"):
        write_stream(lambda: [Table({"a": [1]}), Table({"a": ["x"]})], path)
    with pytest.raises(TableError, match="different shapes"):
        write_stream(lambda: [Table({"a": [[1, 2]]}), Table({"a": [[1, 2, 3]]})], path)
    with pytest.raises(TableError, match="nothing to write"):
        write_stream(lambda: [], path)
    with pytest.raises(ConfigError):
        write_stream(lambda: [Table({"a": [1]})], tmp_path / "t.doc")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("second", [{"a": ["x"]}, {"a": ["x", "longer"]}])
def test_pieces_that_change_meanwhile(tmp_path: Path, second: dict) -> None:
    passes = iter([{"a": ["x", "y"]}, second])
    (tmp_path / "t.fits").write_text("old")
    with pytest.raises(TableError, match="were changed"):
        write_stream(lambda: [Table(next(passes))], tmp_path / "t.fits")
    assert (tmp_path / "t.fits").read_text() == "old" and len(list(tmp_path.iterdir())) == 1


def test_statistics_of_another_table_or_format(tmp_path: Path) -> None:
    table = Table({"t": ["a\x07", "bcde"], "n": [1, 2]})
    stats = measure_table(table[1:], tmp_path / "t.fits")
    with pytest.raises(TableError, match="had 1 rows at first and then 2"):
        write_stream(lambda: [table["n", "t"]], tmp_path / "t.fits", stats=stats)
    stats = measure_table(table[:1], tmp_path / "t.fits")
    with pytest.raises(TableError, match="longer texts than at first"):
        write_stream(lambda: [table], tmp_path / "t.fits", stats=stats)
    assert write_stream(lambda: [table], tmp_path / "t.ecsv", stats=stats) == 2  # measured again
    with pytest.raises(ValueError, match="fits and for ecsv"):
        stats.merge(measure_table(table, tmp_path / "t.ecsv"))
    with pytest.raises(TableError, match="'n' has numbers in one piece and texts in another"):
        stats.merge(measure_table(Table({"n": ["x"]}), tmp_path / "t.fits"))


def test_null_of_fits_is_free_in_all_pieces(tmp_path: Path) -> None:
    low = np.iinfo(np.int64).min
    pieces = [Table({"i": [low]}), Table({"i": np.array([5], dtype=np.int32)}), Table({"i": [low + 1]})]
    pieces.append(Table({"i": MaskedColumn([0], mask=[True])}))
    write_stream(lambda: pieces, tmp_path / "t.fits")
    assert np.ma.asarray(read_table(tmp_path / "t.fits")["i"]).tolist() == [low, 5, low + 1, None]


def test_a_full_disk_in_the_middle(tmp_path: Path) -> None:
    calls = iter([False, True])

    def pieces() -> Iterator[Table]:
        yield Table({"a": [1]})
        if next(calls):
            raise OSError(28, "No space left on device")

    with pytest.raises(GalaxtoolError, match="No space left"):
        write_stream(pieces, tmp_path / "t.parquet")
    assert not list(tmp_path.iterdir())


def test_fits_is_what_astropy_would_write(tmp_path: Path) -> None:
    table = Table({"i": np.arange(5), "b": [True, False] * 2 + [True], "t": ["a", "bcd", "", "x y", "z"]})
    table["v"], table["f"] = np.arange(10.0).reshape(5, 2), np.arange(5, dtype=np.float32)
    table["f"].unit = "mJy"
    write_stream(lambda: [table[:2], table[2:]], tmp_path / "ours.fits")
    fits.HDUList([fits.PrimaryHDU(), fits.table_to_hdu(table)]).writeto(tmp_path / "theirs.fits")
    assert (tmp_path / "ours.fits").read_bytes() == (tmp_path / "theirs.fits").read_bytes()
    with fits.open(tmp_path / "ours.fits") as hdus:
        hdus.verify("exception")


def test_votable_is_what_astropy_would_write(tmp_path: Path) -> None:
    table = Table({"i": MaskedColumn([1, 0, 3], mask=[False, True, False]), "t": ["a", "bcé", "x y"]})
    table["f"] = MaskedColumn([0.5, np.nan, np.nan], mask=[False, False, True])
    table["v"], table["z"] = np.arange(6, dtype=np.int16).reshape(3, 2), np.array([1j, 2, 3])
    buffer = io.BytesIO()
    from_table(table).to_xml(buffer, tabledata_format="binary2")
    write_stream(lambda: [table[:1], table[1:]], tmp_path / "t.vot")
    assert (tmp_path / "t.vot").read_bytes() == buffer.getvalue()


@pytest.mark.parametrize("suffix", [".csv", ".ecsv", ".fits", ".vot"])
def test_gzipped_tables(tmp_path: Path, suffix: str) -> None:
    table = table_of([(1, 2, 0.5, True, "é", (1.0, 2.0))] * 3)
    for name in (f"a{suffix}", f"a{suffix}.gz", f"b{suffix}.gz"):
        write_table(table, tmp_path / name, meta=META)
    packed = (tmp_path / f"a{suffix}.gz").read_bytes()
    assert gzip.decompress(packed) == (tmp_path / f"a{suffix}").read_bytes()
    assert packed == (tmp_path / f"b{suffix}.gz").read_bytes() and packed[4:8] == bytes(4)  # no date
    back, plain = read_table(tmp_path / f"a{suffix}.gz"), read_table(tmp_path / f"a{suffix}")
    same(back, plain)


def test_times_stay_as_they_are_written(tmp_path: Path) -> None:
    written = ["2020-01-01T00:00:00.123456789", "2021-01-01"]
    lines = [
        "# %ECSV 1.0",
        "# ---",
        "# datatype:",
        "# - {name: t, datatype: string}",
        "# - {name: m, datatype: float64}",
    ]
    lines += ["# meta: !!omap", "# - __serialized_columns__:"]
    for name, form in (("t", "isot"), ("m", "mjd")):
        lines += [f"#     {name}:", "#       __class__: astropy.time.core.Time", f"#       format: {form}"]
        lines += ["#       scale: utc", f"#       value: !astropy.table.SerializedColumn {{name: {name}}}"]
    lines += ["# schema: astropy-2.0", "t m", f"{written[0]} 58000.25", f"{written[1]} 58001.0"]
    (tmp_path / "t.ecsv").write_text("\n".join(lines) + "\n")
    assert isinstance(Table.read(tmp_path / "t.ecsv")["t"], Time)
    table = read_table(tmp_path / "t.ecsv")
    assert table["t"].tolist() == written and table["m"].tolist() == [58000.25, 58001.0]


@pytest.mark.filterwarnings("ignore:Time Column 't' has no specified location")
def test_times_of_astropy_become_texts_to_the_nanosecond(tmp_path: Path) -> None:
    times = Time(["2020-01-01T00:00:00.123456789", "2021-01-01T00:00:00"], scale="tai")
    QTable({"t": times}).write(tmp_path / "t.fits")
    table = read_table(tmp_path / "t.fits")
    assert table["t"].tolist() == ["2020-01-01T00:00:00.123456789", "2021-01-01T00:00:00.000000000"]
    assert table["t"].description == "time, scale tai"
    times[1] = np.ma.masked
    write_table(QTable({"t": times, "m": Time([58000.25, 58001], format="mjd")}), tmp_path / "u.csv")
    back = read_table(tmp_path / "u.csv")
    assert np.ma.asarray(back["t"]).tolist() == ["2020-01-01T00:00:00.123456789", None]
    assert back["m"].tolist() == [58000.25, 58001]


@pytest.mark.parametrize("suffix", STREAMED)
def test_dates_and_lists_of_arrow_become_texts(tmp_path: Path, suffix: str) -> None:
    import datetime as dt
    import decimal

    import pyarrow as pa

    columns = {
        "n": [1, 2],
        "day": [dt.date(2020, 1, 2), None],
        "at": pa.array([1577836800123456789, None], pa.timestamp("ns")),
        "cost": [decimal.Decimal("1.10"), None],
        "list": [["a", "b"], None],
        "kind": pa.array(["x", None]).dictionary_encode(),
        "pair": pa.array([[1, None], None], pa.list_(pa.int32(), 2)),
    }
    pq.write_table(pa.table(columns), tmp_path / "in.parquet")
    write_table(read_table(tmp_path / "in.parquet"), tmp_path / f"t{suffix}")
    back = read_table(tmp_path / f"t{suffix}")
    first = [str(back[name][0]) for name in ("day", "at", "cost", "list", "kind")]
    assert first == [
        "2020-01-02",
        "2020-01-01T00:00:00.123456789",
        "1.1",
        '["a", "b"]',
        "x",
    ]
    assert all(np.ma.asarray(back[name]).tolist()[1] is None for name in ("day", "at", "list", "kind"))
    if suffix != ".csv":
        assert np.ma.asarray(back["pair"]).tolist() == [[1, None], [None, None]]


def test_integers_that_leave_no_room_for_null_are_widened(tmp_path: Path) -> None:
    low = np.iinfo(np.int32).min
    crowded = MaskedColumn(np.arange(low, low + 65537, dtype=np.int32), mask=[False] * 65536 + [True])
    write_table(Table({"i": crowded}), tmp_path / "t.fits")
    back = read_table(tmp_path / "t.fits")["i"]
    assert back.dtype.itemsize == 8 and np.ma.asarray(back).tolist() == np.ma.asarray(crowded).tolist()


@pytest.mark.parametrize("suffix", STREAMED)
def test_memory_does_not_grow_with_the_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str) -> None:
    monkeypatch.setattr(schema, "BLOCK", 200)
    rows = Table({"i": np.arange(100), "t": [f"object {k}" for k in range(100)], "v": np.ones((100, 40))})
    peaks = []
    for n in (5, 25):
        tracemalloc.start()
        write_stream(lambda n=n: (rows for _ in range(n)), tmp_path / f"t{suffix}")  # type: ignore[misc]
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0] + 50_000


def test_vstack_of_the_pieces_is_the_same(tmp_path: Path) -> None:
    pieces = [table_of([(1, 2, 0.5, None, "a", (1.0, None))]), table_of([(None, None, None, True, "bb", (2.0, 3.0))])]
    for suffix in STREAMED:
        write_stream(lambda: pieces, tmp_path / f"a{suffix}")
        write_table(vstack(pieces), tmp_path / f"b{suffix}")
        assert (tmp_path / f"a{suffix}").read_bytes() == (tmp_path / f"b{suffix}").read_bytes()


WORDS = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zs", "Zl", "Zp")), max_size=6)
CATALOGUE = st.lists(
    st.tuples(
        st.integers(-(2**63), 2**63 - 1) | st.none(),
        st.integers(0, 2**64 - 1),
        st.integers(-(2**15), 2**15 - 1) | st.none(),
        st.floats(width=32) | st.none(),
        st.floats(allow_nan=False) | st.none(),
        st.datetimes().map(lambda moment: moment.isoformat()) | st.none(),
        WORDS,
        st.booleans() | st.none(),
    ),
    min_size=1,
    max_size=5,
)


def catalogue_of(rows: list[tuple]) -> Table:
    big, unsigned, short, single, double, date, word, truth = (list(column) for column in zip(*rows, strict=True))
    table = Table({"objid": masked(big, np.int64, 0), "hash": np.array(unsigned, dtype=np.uint64)})
    table["n"], table["mag"] = masked(short, np.int16, 0), masked(single, np.float32, 0)
    table["RA"], table["observed"] = masked(double, float, 0), masked(date, str, "")
    table["label"], table["good"] = word, masked(truth, bool, False)
    table["mag"].unit = "mag"
    return table


def as_others_read(path: Path) -> dict[str, list]:
    """Return the columns as pandas, astropy or pyarrow by themselves give them; None where there is nothing."""
    if path.suffix == ".csv":
        frame = pd.read_csv(path, dtype=str, keep_default_na=False)
        return {name: frame[name].tolist() for name in frame.columns}
    if path.suffix == ".parquet":
        return pq.read_table(path).to_pydict()
    table = Table.read(path, character_as_bytes=False) if path.suffix == ".fits" else Table.read(path)
    columns = {name: np.ma.asarray(table[name]).tolist() for name in table.colnames}
    for number, name in enumerate(table.colnames if path.suffix == ".fits" else [], 1):
        if f"TENC{number}" in table.meta:
            columns[name] = [text and text.encode().decode("unicode_escape") for text in columns[name]]
    return columns


def like(wanted: object, found: object, suffix: str) -> bool:
    """Tell whether what another program finds is what the catalogue has."""
    if wanted is None or wanted == "":
        nan = suffix == ".fits" and isinstance(found, float) and math.isnan(found)
        return found is None or found == "" or nan
    if isinstance(wanted, float) and math.isnan(wanted):
        return str(found) == "nan" or (suffix in (".fits", ".vot") and found is None)  # NaN is the null of both
    if suffix == ".csv":
        return type(wanted)(found) == wanted if not isinstance(wanted, bool) else found == str(wanted)
    return found == wanted or (isinstance(wanted, int) and str(found) == str(wanted))  # beyond 63 bits a text


@pytest.mark.filterwarnings("ignore")
@RELAXED
@given(rows=CATALOGUE, at=st.lists(st.integers(0, 9), max_size=2))
def test_columns_of_a_catalogue_are_untouched(tmp_path: Path, rows: list[tuple], at: list[int]) -> None:
    given_ = catalogue_of(rows)
    given_.write(tmp_path / "catalogue.ecsv", format="ascii.ecsv", delimiter=",", overwrite=True)
    columns = read_table(tmp_path / "catalogue.ecsv")
    edges = [0, *sorted(edge % (len(rows) + 1) for edge in at), len(rows)]
    parts = []
    for start, stop in itertools.pairwise(edges):
        items = [InputItem(str(k), ImageRef(Path(f"{k}.fits"))) for k in range(start, stop)]
        part = make_prediction_table(items, ["a"], np.ones((len(items), 1), dtype="f4"), columns=columns[start:stop])
        write_table(part, tmp_path / "part.parquet")
        parts.append(read_table(tmp_path / "part.parquet"))
    for suffix in STREAMED:
        path = tmp_path / f"t{suffix}"
        write_stream(lambda: parts, path)
        found = as_others_read(path)
        for name in given_.colnames:
            wanted = np.ma.asarray(given_[name])
            values = wanted.tolist()
            if name == "mag" and suffix == ".csv":  # as few digits as tell a number from its neighbours
                values = [None if v is None else float(str(np.float32(v))) for v in values]
            got = found[f"in_{name}" if name.lower() in ("label", "ra", "dec") else name]
            assert len(got) == len(values)
            assert all(like(w, g, suffix) for w, g in zip(values, got, strict=True)), (suffix, name, values, got)


def test_containers_are_named_with_their_member() -> None:
    item = InputItem("b/c", ImageRef(Path("x/a.tar"), "tar", "b/c.fits"))
    assert make_prediction_table([item], ["a"], np.ones((1, 1)))["path"].tolist() == ["x/a.tar[b/c.fits]"]
