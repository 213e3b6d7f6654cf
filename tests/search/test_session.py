"""Open an index once and search it many times: examples together and each by itself, filters, duplicates."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.table import Table
from PIL import Image
from support.helpers import make_model, write_png

import galaxtool
from galaxtool.cli.main import application
from galaxtool.errors import ConfigError, GalaxtoolError, InputError, OutputExists, TableError
from galaxtool.search.queries.examples import Request
from galaxtool.search.session import SearchSession

N = 12
LABELS = ["ring", "lens"]


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Twelve pictures, a copy of the fourth, and a catalogue; the last two of the twelve are at one position."""
    folder = tmp_path_factory.mktemp("images")
    for i in range(N):
        write_png(folder / f"p{i:02}.png", i)
    shutil.copy(folder / "p03.png", folder / "p12.png")
    rows = range(N + 1)
    ra = [150 + 0.01 * i for i in rows]
    ra[11] = ra[10] + 0.5 / 3600
    Table(
        {
            "name": [f"p{i:02}" for i in rows],
            "path": [f"p{i:02}.png" for i in rows],
            "ra": ra,
            "dec": [2.0] * len(rows),
            "z": [0.01 * i for i in rows],
            "label": [LABELS[i % 2] for i in rows],
            "rank": list(rows),
        }
    ).write(folder / "catalogue.csv")
    return folder


@pytest.fixture(scope="module")
def idx(images: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("index")
    model = make_model(folder / "tiny")
    galaxtool.index([images / "catalogue.csv"], output=folder / "idx", model=str(model))
    return folder / "idx"


@pytest.fixture(scope="module")
def session(idx: Path) -> SearchSession:
    return galaxtool.load_index(idx)


@pytest.fixture(scope="module")
def vectors(session: SearchSession) -> np.ndarray:
    return session.vectors()


def names(table: Table) -> list[str]:
    return list(table["id"])


def ranked(vector: np.ndarray, vectors: np.ndarray) -> list[str]:
    return [f"p{row:02}" for row in np.argsort(-np.round(vectors @ vector, 5), kind="stable")]


def test_results_are_those_of_numpy_with_all_columns(session: SearchSession, vectors: np.ndarray, images: Path) -> None:
    assert len(session) == N + 1 and session.record.count == N + 1
    for query in ({"image": images / "p05.png"}, {"id": "p05"}, {"position": (150.05, 2.0)}, {"vectors": vectors[5]}):
        table = session.search(**query, k=99)
        assert table.colnames == [
            "query", "rank", "id", "path", "similarity", "ra", "dec", "percentile",
            "name", "in_path", "in_ra", "in_dec", "z", "label", "in_rank",
        ]  # fmt: skip
        assert names(table) == ranked(vectors[5], vectors) and list(table["rank"]) == list(range(1, N + 2))
        assert np.asarray(table["similarity"]) == pytest.approx(np.sort(vectors @ vectors[5])[::-1], abs=1e-4)
        assert list(table["name"]) == [f"p{row:02}" for row in table["in_rank"]] == names(table)
        assert np.asarray(table["z"]) == pytest.approx(0.01 * np.asarray(table["in_rank"]))
    assert list(session.search(images / "p05.png", k=2)["query"]) == [str(images / "p05.png")] * 2


def test_an_image_from_memory_is_that_of_the_file(session: SearchSession, vectors: np.ndarray, images: Path) -> None:
    with Image.open(images / "p07.png") as picture:
        pixels = np.asarray(picture.convert("RGB"))
    cutout = galaxtool.read_image(images / "p07.png")
    table = session.search([pixels, cutout], each=True, k=1)
    assert names(table) == ["p07", "p07"] and np.asarray(table["similarity"]) == pytest.approx(1, abs=1e-5)
    assert list(table["query"]) == ["image", str(images / "p07.png")]
    with pytest.raises(ConfigError, match="shape"):
        session.search(vectors=np.zeros(3))
    with pytest.raises(InputError, match="2 images"):
        session.search(np.stack([pixels, pixels]))


@pytest.mark.parametrize(("weight", "shares"), [((), (1, 1, -0.5)), ((2, 3, 4), (2, 3, -4)), (0.25, (1, 1, -0.25))])
def test_examples_together_are_a_weighted_sum(
    session: SearchSession, vectors: np.ndarray, images: Path, weight: Any, shares: tuple[float, ...]
) -> None:
    table = session.search([images / "p01.png", images / "p02.png"], unlike="p04", weight=weight, k=99)
    total = sum(share * vectors[row] for share, row in zip(shares, (1, 2, 4), strict=True))
    expected = vectors @ (total / np.linalg.norm(total))
    assert (np.diff(expected[np.asarray(table["in_rank"])]) < 1e-5).all()
    assert np.asarray(table["similarity"]) == pytest.approx(np.sort(expected)[::-1], abs=1e-4)
    assert sorted(table["percentile"]) == pytest.approx([100 * row / (N + 1) for row in range(N + 1)], abs=0.01)
    assert table["query"][0].startswith("p01.png + p02.png - " if not weight else "")


def test_a_text_and_an_image_of_one_weight_decide_equally(
    session: SearchSession, vectors: np.ndarray, images: Path
) -> None:
    text = session.source.open_torch_engine("A text").embed_text(["a picture of a merging galaxy"])[0]
    table = session.search(id="p01", text="a picture of a merging galaxy", weight=(0.3, 1), k=99)
    parts = [one / np.std(vectors @ one) for one in (text, vectors[1])]
    assert names(table) == ranked(0.3 * parts[0] + parts[1], vectors)


def test_filters_are_inside_the_search(session: SearchSession, vectors: np.ndarray) -> None:
    order = ranked(vectors[5], vectors)
    found = session.search(id="p05", where="z > 0.035 and label = 'ring'", k=3)
    assert names(found) == [name for name in order if name in ("p04", "p06", "p08", "p10", "p12")][:3]
    for cone in ("150.05,2.0,40", (150.05, 2.0, 40)):
        assert sorted(names(session.search(id="p05", cone=cone, k=9))) == ["p04", "p05", "p06"]
    both = session.search(id="p05", cone="150.05,2.0,40", where="not label = 'ring'", filter="where:z is not null")
    assert names(both) == ["p05"]
    with pytest.raises(InputError, match="None of the 13 objects of the index passes --where"):
        session.search(id="p05", where="z > 5")
    with pytest.raises(TableError, match="redshift"):
        session.search(id="p05", where="redshift > 5")


def test_duplicates_are_left_out_and_k_results_come_back(session: SearchSession, vectors: np.ndarray) -> None:
    order = ranked(vectors[3], vectors)
    assert set(order[:2]) == {"p03", "p12"}
    without = [name for name in order if name != "p12"]
    twin = max(without.index("p10"), without.index("p11"))
    expected = [*without[:twin], *without[twin + 1 :]]
    assert names(session.search(id="p03", k=N - 1, exclude_duplicates=True)) == expected[: N - 1]
    left = session.search(id="p03", k=5, exclude_query=True, exclude_duplicates=True)
    assert names(left) == expected[1:6]
    assert names(session.search(id="p03", k=99, exclude_query=True)) == [name for name in order if name != "p03"]


def test_a_batch_goes_on_past_a_bad_query(session: SearchSession, images: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.png").write_text("hello")
    table = session.search([images / "p02.png", tmp_path / "bad.png"], id=["p04", "p44"], each=True, k=2)
    assert list(table["query"]) == [str(images / "p02.png")] * 2 + ["p04"] * 2
    assert list(table["id"][::2]) == ["p02", "p04"] and list(table["rank"]) == [1, 2, 1, 2]
    assert list(table.meta["errors"]) == [str(tmp_path / "bad.png"), "p44"]
    assert "Did you mean 'p04'" in table.meta["errors"]["p44"]
    with pytest.raises(GalaxtoolError, match="p44"):
        session.search(id=["p44", "p45"], each=True)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "No query was given"),
        ({"unlike": ["a"]}, "only examples of what not to find"),
        ({"images": ["a"], "texts": [" "]}, "text is empty"),
        ({"images": ["a"], "weights": [1, 2]}, "given 2 times for 1 example; give it once"),
        ({"images": ["a", "b"], "ids": ["c"], "weights": [1, 2]}, "for 3 examples; give it 3 times or once"),
        ({"images": ["a"], "ids": ["c"], "weights": [-1]}, "must be above 0"),
        ({"images": ["a"], "ids": ["c"], "weights": [float("nan")]}, "must be above 0"),
        ({"images": ["a"], "each": True, "weights": [1]}, "--each makes a query of each"),
        ({"ra": 3}, "--dec is missing"),
    ],
)
def test_requests_that_cannot_be_meant(given: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        Request(**given)
    assert caught.value.hint


def test_examples_that_cancel_each_other_out(session: SearchSession) -> None:
    with pytest.raises(ConfigError, match="cancel each other out"):
        session.search(id="p01", unlike="p01", weight=(1, 1))
    with pytest.raises(InputError, match="neither an image file nor an object"):
        session.search(id="p01", unlike="p111")


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as ended:
        application()([str(one) for one in arguments])
    return int(ended.value.code or 0)


def read_rows(path: str = "similar.csv") -> list[dict[str, str]]:
    with Path(path).open(newline="") as stream:
        return list(csv.DictReader(stream))


@pytest.fixture
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("_here")
def test_a_folder_a_list_and_a_table_of_queries(idx: Path, images: Path, capsys: Any) -> None:
    options = ("--index", idx, "-k", 2)
    assert run("similar", "--each", images, *options, "--html", "page.html", "--json") == 0
    result = json.loads(capsys.readouterr().out)
    assert result["queries"] == [f"p{row:02}" for row in range(N + 1)] and result["html"] == "page.html"
    assert [row["id"] for row in read_rows()[::2]] == [name if name != "p12" else "p03" for name in result["queries"]]
    assert [row["z"] for row in read_rows()[::2]][:3] == ["0.0", "0.01", "0.02"]
    with Image.open("similar.png") as sheet:
        assert sheet.size[1] == 60 + (N + 1) * 274  # a row for each query
    page = Path("page.html").read_text()
    assert page.count("<section>") >= N + 1 and "lens" in page and "z: 0.02" in page and "data:image" in page

    Path("ids.txt").write_text("p04\np06\n")
    assert run("similar", "--each", "--id", "@ids.txt", *options) == 0
    assert [row["query"] for row in read_rows()] == ["p04", "p04", "p06", "p06"]

    Path("ask.csv").write_text(
        f"id,image,text,ra,dec,not\nmine,{images / 'p05.png'},,,,p06\np02,,,,,\n,,,150.07,2.0,\n"
    )
    assert run("similar", "--queries", "ask.csv", *options, "--where", "z < 0.1", "--quiet") == 0
    found = read_rows()
    assert [row["query"] for row in found[::2]] == ["mine", "p02", "150.07 +2.0"]
    assert [row["id"] for row in found[2::2]] == ["p02", "p07"]
    Path("ask.csv").write_text("id,text,z\np02,,1\n,,2\n")
    assert run("similar", "--queries", "ask.csv", *options) == 1
    assert "Row 2 of 'ask.csv' has nothing to ask for" in " ".join(capsys.readouterr().err.split())


@pytest.mark.usefixtures("_here")
def test_what_results_should_not_resemble_belongs_to_all_rows_of_a_table(idx: Path, session: SearchSession) -> None:
    Path("ask.csv").write_text("id\np02\np07\n")
    for weights in ((), (0.8,)):
        galaxtool.similar(queries="ask.csv", unlike=["p06"], weight=weights, index=idx, top_k=3)
        both = (1, *weights) if weights else ()
        each = [session.search(id=name, unlike="p06", weight=both, k=3) for name in ("p02", "p07")]
        wanted = [f"{value:.6f}" for table in each for value in table["similarity"]]
        assert [f"{float(row['similarity']):.6f}" for row in read_rows()] == wanted
    with pytest.raises(ConfigError, match="weight of an example, and there is only a table"):
        galaxtool.similar(queries="ask.csv", weight=[0.3], index=idx)


@pytest.mark.usefixtures("_here")
def test_each_image_beside_a_table_of_one_row_is_a_query(idx: Path, images: Path) -> None:
    Path("ask.csv").write_text("id,query\np02,mine\n")
    paths = [images / "p05.png", images / "p07.png"]
    found = galaxtool.similar(paths, each=True, queries="ask.csv", index=idx, top_k=2)
    assert found.queries == ["mine", *map(str, paths)]
    assert galaxtool.similar(each=True, queries="ask.csv", index=idx, top_k=2).queries == ["mine"]


@pytest.mark.usefixtures("_here")
@pytest.mark.parametrize("option", ["output", "html"])
def test_the_tables_that_are_read_are_never_written_over(idx: Path, images: Path, option: str) -> None:
    Path("ask.csv").write_text("id,image\np02,\n")
    Path("files.csv").write_text(f"id,path\na,{images / 'p05.png'}\nb,{images / 'p07.png'}\n")
    for name, options in (
        ("ask.csv", {"queries": "ask.csv"}), ("files.csv", {"query": ["files.csv"], "each": True}),
    ):  # fmt: skip
        before = Path(name).read_bytes()
        with pytest.raises(OutputExists, match="is the input, and would be overwritten"):
            galaxtool.similar(index=idx, **options, **{option: name})
        assert Path(name).read_bytes() == before and not Path("similar.png").exists()


@pytest.mark.usefixtures("_here")
def test_labels_on_the_sheet(idx: Path, capsys: Any) -> None:
    assert run("similar", "--id", "p01", "--not", "p02", "--index", idx, "--label-column", "z", "-o", "a.csv") == 0
    with Image.open("a.png") as sheet:
        assert sheet.size == (6 * 208 + 16, 3 * 274 + 60)  # both examples have a row of their own
    assert run("similar", "--id", "p01", "--index", idx, "--label-column", "lable") == 1
    assert "Did you mean 'label'" in capsys.readouterr().err
    assert run("similar", "--id", "p01", "--index", idx, "--html", "similar.csv") == 1
    assert "the name of two outputs" in " ".join(capsys.readouterr().err.split())


@pytest.mark.usefixtures("_here")
def test_no_result_is_left(idx: Path, session: SearchSession) -> None:
    options = ("--exclude-query", "--where", "name = 'p01'", "--index", idx, "--html", "none.html")
    assert run("similar", "--id", "p01", *options) == 0
    assert read_rows() == [] and Path("similar.png").is_file() and Path("none.html").is_file()
    assert len(session.search(id="p01", where="name = 'p01'", exclude_query=True)) == 0
