"""Tables survive being written and read in every format, and are written whole or not at all."""

from __future__ import annotations

import csv
import json
import pickle
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pyarrow.parquet as pq
import pytest
from astropy.io import fits
from astropy.io.votable import parse
from astropy.table import Column, MaskedColumn, QTable, Table, vstack
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from galaxtool.errors import ConfigError, GalaxtoolError, TableError
from galaxtool.inference.predictions.table import make_prediction_table
from galaxtool.inputs.items import InputItem
from galaxtool.plugins.hookspecs import hookimpl
from galaxtool.plugins.registry import get_registry
from galaxtool.plugins.specs import TableFormatSpec
from galaxtool.tables.formats.content import TEXT_SUFFIXES
from galaxtool.tables.formats.find import check_table_path, find_table_format, list_table_suffixes
from galaxtool.tables.formats.schema import TableSchema, own_type
from galaxtool.tables.read import read_table
from galaxtool.tables.write import write_stream, write_table
from galaxtool.types import ImageRef

OBJID = 587722952767439450
SUFFIXES = [".csv", ".ecsv", ".fits", ".vot", ".parquet"]


def example() -> Table:
    table = Table(meta={"ignored": "header of an input"})
    table["objid"] = MaskedColumn([OBJID, OBJID + 1, 0], mask=[False, False, True])
    table["code"] = ["007", "0123", "42"]
    table["name"] = MaskedColumn(["Abell 1689 é", "银河😀", ""], mask=[False, False, True])
    table["ra"] = MaskedColumn([10.12345678901234, 1e-5, 0], mask=[False, False, True], unit="deg", description="hé")
    table["p"] = MaskedColumn(np.array([0.1, 0.9, 0], dtype=np.float32), mask=[False, False, True])
    table["good"] = MaskedColumn([True, False, False], mask=[False, False, True])
    table["count"] = [3, 4, 5]
    return table


def values(column: Column) -> list:
    return np.ma.asarray(column).tolist()


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_round_trip_keeps_values_and_masks(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"t{suffix}"
    write_table(example(), path, meta={"model": "mini é", "seed": 3, "classes": ["a", "b"]})
    back = read_table(path)
    assert back.colnames == example().colnames
    for name in ("objid", "code", "name", "ra", "count"):
        assert values(back[name]) == values(example()[name]), name
    assert values(back["good"])[2] is None
    assert [bool(value) for value in values(back["good"])[:2]] == [True, False]
    assert np.ma.getmaskarray(back["p"]).tolist() == [False, False, True]
    assert back["p"][:2].astype(np.float32).tolist() == np.array([0.1, 0.9], dtype=np.float32).tolist()


@pytest.mark.parametrize("suffix", [s for s in SUFFIXES if s != ".csv"])
def test_units_descriptions_and_meta_are_kept(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"t{suffix}"
    write_table(example(), path, meta={"model": "mini", "seed": 3})
    back = read_table(path)
    assert str(back["ra"].unit) == "deg"
    assert back["ra"].description in ("hé", "h\\xe9")
    said = {key.lower(): str(value) for key, value in back.meta.items()}
    assert said["model"] == "mini" and said["seed"] == "3"
    assert "ignored" not in said


def test_csv_is_plain_and_empty_where_masked(tmp_path: Path) -> None:
    write_table(example(), tmp_path / "t.csv")
    with (tmp_path / "t.csv").open(encoding="utf-8", newline="") as file:
        lines = list(csv.reader(file))
    assert lines[1] == [str(OBJID), "007", "Abell 1689 é", "10.12345678901234", "0.1", "True", "3"]
    assert lines[3] == ["", "42", "", "", "", "", "5"]


def test_files_open_in_plain_astropy_and_pyarrow(tmp_path: Path) -> None:
    for suffix in SUFFIXES[1:4]:
        write_table(example(), tmp_path / f"t{suffix}")
        table = Table.read(tmp_path / f"t{suffix}")
        assert table["objid"][0] == OBJID
    write_table(example(), tmp_path / "t.parquet")
    assert pq.read_table(tmp_path / "t.parquet")["objid"].to_pylist() == [OBJID, OBJID + 1, None]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_tables_without_rows(tmp_path: Path, suffix: str) -> None:
    write_table(example()[:0], tmp_path / f"t{suffix}")
    back = read_table(tmp_path / f"t{suffix}")
    assert len(back) == 0 and back.colnames == example().colnames


TEXTS = st.text(st.characters(exclude_categories=("Cs", "Cc"), exclude_characters="\ufffe\uffff"), max_size=8).map(
    str.strip
)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(
        st.tuples(
            st.integers(-(2**63), 2**63 - 1) | st.none(),
            st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=False) | st.none(),
            TEXTS,
        ),
        min_size=1,
        max_size=6,
    )
)
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_any_values_come_back(tmp_path: Path, suffix: str, rows: list[tuple]) -> None:
    integers, floats, texts = zip(*rows, strict=True)
    table = Table()
    table["i"] = MaskedColumn([i or 0 for i in integers], mask=[i is None for i in integers], dtype=np.int64)
    table["f"] = MaskedColumn([f or 0.0 for f in floats], mask=[f is None for f in floats], dtype=float)
    table["t"] = ["t" + text for text in texts]  # a letter, or a CSV file could not tell it from a number
    write_table(table, tmp_path / f"t{suffix}")
    back = read_table(tmp_path / f"t{suffix}")
    for name, wanted in (("i", integers), ("f", floats), ("t", tuple("t" + text for text in texts))):
        if suffix == ".csv" and all(value is None for value in wanted):
            assert all(value is None for value in values(back[name]))
        else:
            assert tuple(values(back[name])) == wanted


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("text", ["two\nlines", "quote\"and'comma,", "bell\x07", "byte \udce9", "back\\slash", "<&>"])
def test_odd_texts_do_not_stop_a_table(tmp_path: Path, suffix: str, text: str) -> None:
    write_table(Table({"t": [text, "plain"]}), tmp_path / f"t{suffix}")
    back = read_table(tmp_path / f"t{suffix}")
    assert back["t"][1] == "plain"
    if text.isprintable() or (text == "two\nlines") or (suffix in (".csv", ".fits") and "\x07" in text):
        assert back["t"][0] == text


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_types_that_a_format_lacks_are_widened(tmp_path: Path, suffix: str) -> None:
    table = Table({"u": np.array([1, 2**63 + 1], dtype=np.uint64), "h": np.array([1.5, 2.5], dtype=np.float16)})
    table["w"] = np.array([1, 65535], dtype=np.uint16)
    table["s"] = np.array([-128, 127], dtype=np.int8)
    table["o"] = np.array(["a", None], dtype=object)
    table["b"] = np.array([b"caf\xc3\xa9", b"x"])
    write_table(table, tmp_path / f"t{suffix}")
    back = read_table(tmp_path / f"t{suffix}")
    assert [int(value) for value in back["u"]] == [1, 2**63 + 1]
    assert back["h"].tolist() == [1.5, 2.5] and back["w"].tolist() == [1, 65535] and back["s"].tolist() == [-128, 127]
    assert values(back["o"]) == ["a", None]
    assert back["b"].tolist() == ["café", "x"]


@pytest.mark.parametrize("suffix", SUFFIXES[1:])
def test_arrays_in_cells_are_kept(tmp_path: Path, suffix: str) -> None:
    write_table(Table({"a": np.arange(6.0).reshape(2, 3)}), tmp_path / f"t{suffix}")
    assert read_table(tmp_path / f"t{suffix}")["a"].tolist() == [[0, 1, 2], [3, 4, 5]]


def test_arrays_are_json_in_csv(tmp_path: Path) -> None:
    write_table(Table({"a": np.arange(4).reshape(2, 2)}), tmp_path / "t.csv")
    assert json.loads(read_table(tmp_path / "t.csv")["a"][1]) == [2, 3]


def test_quantities_and_units_off_the_standard(tmp_path: Path) -> None:
    for suffix in SUFFIXES:
        table = QTable({"d": [1.0, 2.0]}, units={"d": "littleh Mpc"})
        write_table(table, tmp_path / f"t{suffix}")
        assert read_table(tmp_path / f"t{suffix}")["d"].tolist() == [1, 2]


def test_fits_null_is_never_a_value_of_the_column(tmp_path: Path) -> None:
    low = np.iinfo(np.int64).min
    table = Table({"i": MaskedColumn([low, 999999, 5], mask=[False, False, True])})
    write_table(table, tmp_path / "t.fits")
    assert values(read_table(tmp_path / "t.fits")["i"]) == [low, 999999, None]
    assert fits.getheader(tmp_path / "t.fits", 1)["TNULL1"] not in (low, 999999)


@pytest.mark.parametrize(
    ("cells", "kind", "wanted"),
    [
        (["1", "2"], "i", [1, 2]),
        (["1", "2.5"], "f", [1.0, 2.5]),
        (["1", ""], "i", [1, None]),
        (["01", "2"], "U", ["01", "2"]),
        (["12e5", "13e7"], "U", ["12e5", "13e7"]),
        (["1e-05", "2"], "f", [1e-5, 2.0]),
        (["-00.5", "+12.25"], "f", [-0.5, 12.25]),
        (["99999999999999999999", "1"], "U", ["99999999999999999999", "1"]),
        (["True", "False"], "b", [True, False]),
        (["nan", "1.5"], "f", None),
        (["12:30:00", "1"], "U", ["12:30:00", "1"]),
    ],
)
def test_types_in_csv(tmp_path: Path, cells: list[str], kind: str, wanted: list | None) -> None:
    (tmp_path / "t.csv").write_text("\ufeffx,y\n" + "".join(f"{cell},z\n" for cell in cells), encoding="utf-8")
    column = read_table(tmp_path / "t.csv")["x"]
    assert column.dtype.kind == kind
    assert wanted is None or values(column) == wanted


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("t.csv", b"", "empty"),
        ("t.csv", b"a,a\n1,2\n", "two columns"),
        ("t.csv", b"a,b\n1\n", "line 2"),
        ("t.fits", b"SIMPLE = no", "t.fits"),
        ("t.vot", b"<not xml", "t.vot"),
        ("t.parquet", b"PAR1 or so", "t.parquet"),
        ("t.ecsv", b"# %ECSV 1.0\n# ---\n# datatype: [\n", "t.ecsv"),
        ("t.xyz", b"a b", "not a table"),
    ],
)
def test_damaged_tables_say_so(tmp_path: Path, name: str, content: bytes, says: str) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(TableError, match=says) as caught:
        read_table(tmp_path / name)
    assert "\n" not in caught.value.message


def test_fits_images_are_no_tables(tmp_path: Path) -> None:
    fits.writeto(tmp_path / "i.fits", np.zeros((4, 4), dtype=np.float32))
    with pytest.raises(TableError, match="no table"):
        read_table(tmp_path / "i.fits")
    with pytest.raises(TableError, match="There is no table at"):
        read_table(tmp_path / "none.csv")


def test_an_old_table_stays_when_the_new_one_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "t.csv"
    path.write_text("old")

    def full(*args: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(GalaxtoolError, match="No space left on device"):
        write_table(example(), path)
    assert path.read_text() == "old"
    assert [member.name for member in tmp_path.iterdir()] == ["t.csv"]


def test_a_table_goes_through_a_link_and_makes_folders(tmp_path: Path) -> None:
    (tmp_path / "real.csv").write_text("old")
    (tmp_path / "link.csv").symlink_to(tmp_path / "real.csv")
    write_table(example(), tmp_path / "link.csv")
    assert (tmp_path / "link.csv").is_symlink() and len(read_table(tmp_path / "real.csv")) == 3
    write_table(example(), tmp_path / "new" / "deep" / "t.ecsv")
    assert len(read_table(tmp_path / "new" / "deep" / "t.ecsv")) == 3


def test_places_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "t.csv").mkdir()
    with pytest.raises(GalaxtoolError):
        write_table(example(), tmp_path / "t.csv")
    (tmp_path / "file").write_text("")
    with pytest.raises(GalaxtoolError):
        write_table(example(), tmp_path / "file" / "t.csv")
    for name in ("t.json", "t", "t.xlsx", ".csv", "t.parquet.gz", "t.txt.gz"):
        with pytest.raises(ConfigError) as caught:
            check_table_path(tmp_path / name)
        assert all(suffix in caught.value.hint for suffix in list_table_suffixes())


def test_suffixes_are_known_whatever_the_case() -> None:
    assert [find_table_format(name) for name in ("A.CSV", "b.fits.gz", "c.fit", "d.png", "e")] == [
        "csv",
        "fits",
        "fits",
        None,
        None,
    ]


def test_prediction_table_has_the_columns_of_the_contract() -> None:
    items = [
        InputItem("a", ImageRef(Path("x/a.fits")), 10.0, -5.0),
        *(InputItem(n, ImageRef(Path(p))) for n, p in [("b", "x/b.fits"), ("c", "c")]),
    ]
    columns = Table({"id": [1, 2, 3], "in_id": [4, 5, 6], "z": [0.1, 0.2, 0.3], "p_fri": ["u", "v", "w"]})
    probabilities = np.array([[0.25, 0.75], [0.6, 0.4], [np.nan, np.nan]], dtype=np.float32)
    table = make_prediction_table(
        items,
        ["fri", "frii"],
        probabilities,
        columns=columns,
        ra=[99.0, 20.0, None],
        dec=[99.0, 21.0, None],
        flags=[("NAN_PIXELS", "OFF_EDGE"), (), ()],
        errors=["", "", "it is truncated"],
    )
    ours = ["id", "path", "ra", "dec", "label", "probability", "p_fri", "p_frii", "flags", "error"]
    assert table.colnames == ["in_in_id", "in_id", "z", "in_p_fri", *ours]
    assert table["in_in_id"].tolist() == [1, 2, 3] and table["in_id"].tolist() == [4, 5, 6]
    assert values(table["id"]) == ["a", "b", "c"]
    assert values(table["ra"]) == [10.0, 20.0, None] and values(table["dec"]) == [-5.0, 21.0, None]
    assert values(table["label"]) == ["frii", "fri", None]
    assert values(table["probability"])[2] is None and table["probability"][0] == np.float32(0.75)
    assert table["flags"].tolist() == ["NAN_PIXELS OFF_EDGE", "", ""]
    assert table["error"].tolist() == ["", "", "it is truncated"]
    assert str(table["ra"].unit) == "deg"


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_prediction_table_when_all_failed(tmp_path: Path, suffix: str) -> None:
    items = [InputItem("a", ImageRef(Path("a.fits")))]
    table = make_prediction_table(items, ["x"], np.full((1, 1), np.nan), errors=["no such file"])
    write_table(table, tmp_path / f"t{suffix}")
    back = read_table(tmp_path / f"t{suffix}")
    assert values(back["label"]) == [None] and values(back["p_x"]) == [None] and back["error"][0] == "no such file"


@pytest.mark.parametrize("name", ["t.hdf5", "t.html", "t.tex", "t.txt", "t.dat", "t.tsv", "t.ipac", "t.mrt", "t.rst"])
def test_other_formats_are_left_to_astropy(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match="does not name a table format") as caught:
        write_table(example(), tmp_path / name)
    assert ".csv, .ecsv, .fits, .vot, .parquet" in caught.value.hint and "astropy" in caught.value.hint
    if name[1:] in TEXT_SUFFIXES:
        return
    (tmp_path / name).write_text("a b")
    with pytest.raises(TableError, match="is not a table that galaxtool reads") as caught_too:
        read_table(tmp_path / name)
    assert ".csv, .ecsv, .fits, .vot, .parquet" in caught_too.value.hint and "astropy" in caught_too.value.hint


class PickledFormat:
    """A format as a plugin may add it."""

    def read(self, path: Path) -> Table:
        return pickle.loads(path.read_bytes())

    def prepare(self, table: Table) -> Table:
        return table

    def write(self, stream: BinaryIO, schema: TableSchema, meta: dict[str, Any]) -> None:
        stream.write(pickle.dumps(vstack(list(schema.blocks(own_type)))))


class Plugin:
    @hookimpl
    def register_table_formats(self) -> list[TableFormatSpec]:
        return [TableFormatSpec(name="pickled", factory=f"{__name__}:PickledFormat", suffixes=(".pkl", ".tab.fits"))]


def test_a_plugin_adds_a_format(tmp_path: Path) -> None:
    plugins = get_registry().plugins
    plugins.register(Plugin(), "pickled")
    try:
        assert (
            find_table_format("a.PKL") == find_table_format("a.tab.fits") == "pickled"
            and ".pkl" in list_table_suffixes()
        )
        write_stream(lambda: [example()[:1], example()[1:]], tmp_path / "t.pkl")
        back = read_table(tmp_path / "t.pkl")
        assert {name: values(back[name]) for name in back.colnames} == {
            name: values(example()[name]) for name in example().colnames
        }
    finally:
        plugins.unregister("pickled")
    assert find_table_format("a.pkl") is None and find_table_format("a.tab.fits") == "fits"


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_first_cell_that_looks_like_a_comment(tmp_path: Path, suffix: str) -> None:
    write_table(Table({"name": ["#1", "# 2", "b"], "n": [1, 2, 3]}), tmp_path / f"t{suffix}")
    back = read_table(tmp_path / f"t{suffix}")
    assert back["name"].tolist() == ["#1", "# 2", "b"] and back["n"].tolist() == [1, 2, 3]


PROVENANCE = {
    "MODEL": "mini",
    "MODELSHA": "5f" * 32,
    "ENGINE": "onnx",
    "PRECISN": "fp32",
    "VERSIONS": ", ".join(f"package{n} {n}.0.1" for n in range(12)),
    "COMMAND": "galaxtool classify 'höhle/*.fits' --model mini --top-k 3 " + "very/long/path/" * 10,
}


def test_provenance_is_where_plain_readers_find_it(tmp_path: Path) -> None:
    for suffix in SUFFIXES:
        write_table(example(), tmp_path / f"t{suffix}", meta=PROVENANCE)
    header = fits.getheader(tmp_path / "t.fits", 1)
    assert {key: header[key] for key in PROVENANCE} == {**PROVENANCE, "COMMAND": header["COMMAND"]}
    assert not any("HIERARCH" in str(card) for card in header.cards)
    assert header["COMMAND"].encode().decode("unicode_escape") == PROVENANCE["COMMAND"]
    assert dict(Table.read(tmp_path / "t.ecsv").meta) == PROVENANCE
    assert {info.name: info.value for info in parse(tmp_path / "t.vot").infos} == PROVENANCE
    assert json.loads(pq.read_schema(tmp_path / "t.parquet").metadata[b"galaxtool"]) == PROVENANCE
