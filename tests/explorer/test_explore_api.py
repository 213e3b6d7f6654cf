"""What the page of `explore` asks: searches, filters, maps, pictures, collections, exports; over a real connection."""

from __future__ import annotations

import http.client
import io
import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from astropy.io.votable import parse_single_table
from astropy.table import Table
from PIL import Image
from support.helpers import make_model, write_fits, write_png
from support.processes import running

import galaxtool
from galaxtool.errors import ConfigError, InputError
from galaxtool.explorer.columns import make_coloring
from galaxtool.explorer.marks import Collections
from galaxtool.explorer.objects import open_objects
from galaxtool.inference.compute_options import ComputeOptions
from galaxtool.inference.reading_options import ReadingOptions
from galaxtool.search.features import FeatureArgs
from galaxtool.types import Silent
from galaxtool.webserver.served_page import ServedPage

pytestmark = pytest.mark.usefixtures("loopback")

Ask = Callable[..., Any]
HOSTILE = "<img src=x onerror=alert(1)>"
COUNT, DIM = 30, 8


def connect(page: ServedPage) -> Ask:
    """Return a function that asks a page, and gives the status and what is in the answer."""
    token = page.address.partition("token=")[2]

    def ask(path: str, values: object = None, *, body: bytes | None = None) -> tuple[int, Any]:
        connection = http.client.HTTPConnection("127.0.0.1", page.port, timeout=60)
        content = body if body is not None else None if values is None else json.dumps(values).encode()
        headers = {"Authorization": f"Bearer {token}", "X-Galaxtool": "1"}
        connection.request("GET" if content is None else "POST", path, content, headers)
        answer = connection.getresponse()
        found = answer.read()
        connection.close()
        if answer.getheader("content-type") == "application/json":
            return answer.status, json.loads(found)
        return answer.status, found

    return ask


@pytest.fixture(scope="module")
def vectors() -> np.ndarray:
    drawn = np.random.default_rng(3).normal(size=(COUNT, DIM)).astype(np.float32)
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


@pytest.fixture(scope="module")
def embedded(vectors: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of embeddings of pictures, of which one is missing and one has a hostile name."""
    folder = tmp_path_factory.mktemp("embedded")
    paths = [write_png(folder / f"p{i}.png", i) or folder / f"p{i}.png" for i in range(3)]
    ids = [HOSTILE if i == 1 else f"g{i}" for i in range(COUNT)]
    table = pa.table({
        "id": ids,
        "path": [str(paths[i % 3]) if i != 4 else str(folder / "gone.png") for i in range(COUNT)],
        "ra": [150 + 0.01 * i for i in range(COUNT)],
        "dec": [2.0] * (COUNT - 1) + [None],
        "embedding": pa.FixedSizeListArray.from_arrays(pa.array(vectors.ravel()), DIM),
    })  # fmt: skip
    pq.write_table(table, folder / "features.parquet")
    return folder / "features.parquet"


@pytest.fixture(scope="module")
def page(embedded: Path) -> Iterator[ServedPage]:
    with galaxtool.explore(embedded, browser=False) as found:
        yield found


@pytest.fixture(scope="module")
def ask(page: ServedPage) -> Ask:
    return connect(page)


def test_it_tells_what_it_shows(page: ServedPage, ask: Ask, embedded: Path) -> None:
    status, about = ask("/api/about")
    assert status == 200
    assert (about["count"], about["has_text"], about["has_images"], about["has_positions"]) == (
        COUNT,
        False,
        False,
        True,
    )
    assert [one["name"] for one in about["columns"]][:4] == ["id", "path", "ra", "dec"]
    assert page.as_dict() == {"address": page.address, "host": "127.0.0.1", "port": page.port, "source": str(embedded)}
    status, first = ask("/")
    assert status == 200 and b"<script" in first and b"onclick" not in first and b"style=" not in first
    scripts = [name for name in ("main.js", "map.js", "points.js", "base.css") if ask(f"/files/{name}")[0] == 200]
    assert len(scripts) == 4


def test_neighbors_are_those_of_numpy(ask: Ask, vectors: np.ndarray) -> None:
    parts = [
        {"kind": "row", "row": 2},
        {"kind": "row", "row": 9, "weight": 0.5},
        {"kind": "row", "row": 7, "weight": -1},
    ]
    _, answer = ask("/api/view", {"parts": parts, "k": 6})
    wanted = vectors[2] + 0.5 * vectors[9] - vectors[7]
    true = vectors @ (wanted / np.linalg.norm(wanted))
    assert answer["rows"] == np.argsort(-true)[:6].tolist()
    assert answer["similarity"] == pytest.approx(np.sort(true)[::-1][:6], abs=1e-4)
    assert answer["found"] == COUNT and answer["cells"][0][0] == f"g{answer['rows'][0]}"


def test_filters_apply_inside_the_search(ask: Ask, vectors: np.ndarray) -> None:
    query = {"parts": [{"kind": "row", "row": 2}], "where": "ra >= 150.2 and id like 'g%'", "k": 5}
    _, answer = ask("/api/view", query)
    keep = np.arange(COUNT) >= 20
    assert answer["found"] == 10
    assert answer["rows"] == np.argsort(-np.where(keep, vectors @ vectors[2], -2))[:5].tolist()
    _, cone = ask("/api/view", {"ra": "10:00:00", "dec": "+2", "radius": 75})
    assert cone["rows"] == [0, 1, 2] and cone["cells"][1][0] == HOSTILE
    _, key = ask("/api/lasso", body=np.array([3, 1, 28], "<u4").tobytes())
    _, inside = ask("/api/view", {"lasso": key["key"], "sort": "ra", "descending": True})
    assert inside["rows"] == [28, 3, 1]
    _, ordered = ask("/api/view", {"sort": "dec", "k": COUNT})
    assert ordered["rows"][-1] == COUNT - 1 and ordered["cells"][-1][3] is None  # what is missing comes last


@pytest.mark.parametrize(
    ("path", "values", "status", "message"),
    [
        ("/api/view", {"where": "id; drop table x"}, 400, "';'"),
        ("/api/view", {"where": "load_extension('x')"}, 400, "no function"),
        ("/api/view", {"where": "nothing > 1"}, 400, "no column 'nothing'"),
        ("/api/view", {"where": "ra > 400"}, 400, "No object passes"),
        ("/api/view", {"ra": "abc", "dec": "1"}, 400, "right ascension"),
        ("/api/view", {"sort": "nothing"}, 400, "no column called"),
        ("/api/view", {"k": 100_000}, 400, "from 1 to 1000"),
        ("/api/view", {"lasso": "../../etc"}, 404, "no longer kept"),
        ("/api/view", {"parts": [{"kind": "row", "row": COUNT}]}, 400, "'row' must be"),
        ("/api/view", {"parts": [{"kind": "row", "row": 0, "weight": -1}]}, 400, "negative examples"),
        (
            "/api/view",
            {"parts": [{"kind": "row", "row": 0}, {"kind": "row", "row": 0, "weight": -1}]},
            400,
            "cancel each other out",
        ),
        ("/api/view", {"parts": [{"kind": "text", "text": "ring"}]}, 400, "its own objects"),
        ("/api/view", {"parts": [{"kind": "file", "path": "/etc/passwd"}]}, 400, "must be one of"),
        ("/api/view", {"parts": [{"kind": "upload", "key": "../x"}]}, 404, "no longer kept"),
        ("/api/collections", {"action": "create", "name": "\n\t"}, 400, "printable"),
        ("/api/collections", {"action": "create", "name": "a\u202eb"}, 400, "printable"),
        ("/api/collections", {"action": "add", "name": "none", "rows": [1]}, 404, "no collection"),
        ("/api/export", {"rows": [1], "format": "pickle"}, 400, "must be one of"),
        ("/api/items", {"rows": [COUNT]}, 400, "row numbers"),
        ("/api/picture/99", None, 400, "'row' must be"),
        ("/api/picture/1?stretch=../x", None, 400, "must be one of"),
        ("/api/column/77", None, 400, "'number' must be"),
        ("/api/map/../../etc", None, 404, ""),
        ("/api/map/tsne", None, 400, "one of pca"),
    ],
)
def test_what_cannot_be_answered_is_one_sentence(
    ask: Ask, path: str, values: dict[str, object] | None, status: int, message: str
) -> None:
    found, answer = ask(path, values)
    assert found == status
    assert message in (answer["error"] if isinstance(answer, dict) else answer.decode())


@pytest.mark.parametrize("body", [b"", b"123", np.array([COUNT], "<u4").tobytes()])
def test_a_lasso_is_checked(ask: Ask, body: bytes) -> None:
    assert ask("/api/lasso", body=body)[0] == 400


def test_pictures_are_those_of_the_rows_and_broken_ones_have_a_placeholder(ask: Ask, embedded: Path) -> None:
    for row, size in ((0, 160), (4, 64)):
        status, content = ask(f"/api/picture/{row}?size={size}&stretch=asinh")
        with Image.open(io.BytesIO(content)) as image:
            assert (status, image.format, image.size) == (200, "JPEG", (size, size))
    shown = np.asarray(Image.open(io.BytesIO(ask("/api/picture/0?size=64")[1]))).astype(float)
    true = np.asarray(Image.open(embedded.parent / "p0.png").convert("RGB").resize((64, 64), Image.Resampling.BICUBIC))
    assert np.abs(shown - true).mean() < 12


def wait_for_map(ask: Ask) -> dict[str, Any]:
    end = time.monotonic() + 100
    while time.monotonic() < end:
        _, told = ask("/api/map/pca")
        if told["state"] != "computing":
            return told
        time.sleep(0.05)
    raise AssertionError("the map was never made")


def test_the_map_is_that_of_principal_components_and_is_kept(ask: Ask, vectors: np.ndarray, embedded: Path) -> None:
    told = wait_for_map(ask)
    assert told["state"] == "ready", told["error"]
    points = np.frombuffer(ask("/api/map/pca/points")[1], "<f4").reshape(COUNT, 2)
    centered = vectors - vectors.mean(axis=0)
    _, _, axes = np.linalg.svd(centered.astype(float), full_matrices=False)
    for axis, found in zip((centered @ axes[:2].T).T, points.T, strict=True):
        assert abs(np.corrcoef(axis, found)[0, 1]) > 0.9999
    clusters = np.frombuffer(ask("/api/map/pca/clusters")[1], np.uint8)
    assert [one["size"] for one in told["clusters"]] == np.bincount(clusters).tolist()
    stored = list(embedded.with_name("features.parquet.explore").glob("map-pca-*.npz"))
    assert len(stored) == 1
    with galaxtool.explore(embedded, browser=False) as again:
        ask_again = connect(again)
        assert ask_again("/api/map/pca")[1]["state"] == "ready"
        assert ask_again("/api/map/pca/points")[1] == points.tobytes()
    stored[0].write_bytes(b"damaged")
    with galaxtool.explore(embedded, browser=False) as mended:
        assert wait_for_map(connect(mended))["state"] == "ready"


def test_pictures_that_a_browser_keeps_are_not_those_of_the_next_server(ask: Ask, embedded: Path) -> None:
    with galaxtool.explore(embedded, browser=False) as second:
        runs = {page("/api/about")[1]["run"] for page in (ask, connect(second))}
    assert len(runs) == 2
    assert b"&run=${run}" in ask("/files/api.js")[1] and b"askAbout()" in ask("/files/main.js")[1]


def test_columns_color_as_numbers_or_as_categories(ask: Ask) -> None:
    _, told = ask("/api/column/2")
    values = np.frombuffer(ask("/api/column/2/values")[1], "<f4")
    assert told["categories"] == [] and told["limits"] == pytest.approx(np.percentile(values, [1, 99]))
    found = make_coloring(pa.chunked_array([["b", "a", None, "b", "c", "d", "e", "f", "g", "h", "b"]]))
    assert found.categories == ["b", "a", "c", "d", "e", "f", "g", "others"]
    assert found.values.tolist() == [0, 1, 7, 0, 2, 3, 4, 5, 6, 7, 0]
    assert make_coloring(pa.chunked_array([[3, 5, 5]])).categories == ["5", "3"]
    assert make_coloring(pa.chunked_array([[True, None, True]])).categories == ["true", "others"]
    assert np.isnan(make_coloring(pa.chunked_array([[1.5, None, float("inf")]])).values).tolist() == [False, True, True]


def test_collections_are_kept_by_identifier_and_exported_with_all_columns(
    ask: Ask, embedded: Path, tmp_path: Path
) -> None:
    order = lambda **values: ask("/api/collections", values)  # noqa: E731
    assert order(action="create", name=" odd  ones ")[0] == 200
    order(action="add", name="odd ones", rows=[1, 5])
    order(action="note", name="odd ones", rows=[5], note="a ring?")
    _, told = order(action="remove", name="odd ones", rows=[8])
    assert told["collections"] == [{"name": "odd ones", "rows": [1, 5], "notes": ["", "a ring?"]}]
    with galaxtool.explore(embedded, browser=False) as second:
        other = connect(second)
        assert other("/api/collections")[1]["collections"] == told["collections"]
        order(action="create", name="a")
        other("/api/collections", {"action": "create", "name": "b"})
        assert {one["name"] for one in order(action="delete", name="a")[1]["collections"]} == {"odd ones", "b"}
        order(action="delete", name="b")
    for kind, name in (("csv", "x.csv"), ("fits", "x.fits"), ("votable", "x.vot")):
        status, content = ask("/api/export", {"collection": "odd ones", "format": kind})
        path = tmp_path / name
        path.write_bytes(content)
        table = parse_single_table(path).to_table() if kind == "votable" else Table.read(path)
        assert status == 200 and len(table) == 2
        assert [str(value).strip() for value in table["id"]] == [HOSTILE, "g5"]
        assert {"path", "ra", "dec", "note"} <= set(table.colnames) and table["ra"].tolist() == pytest.approx(
            [150.01, 150.05]
        )
    assert order(action="rename", name="odd ones", new="rings")[1]["collections"][0]["name"] == "rings"
    assert order(action="delete", name="rings")[1]["collections"] == []


def test_arrays_have_no_order_and_large_integers_keep_their_digits(tmp_path: Path) -> None:
    paths = [str(write_png(tmp_path / f"p{i}.png", i) or tmp_path / f"p{i}.png") for i in range(3)]
    number = 1237648720693755918  # JavaScript would show 1237648720693755900
    Table({"path": paths, "specobj": number + np.arange(3), "mag": np.arange(6.0).reshape(3, 2)}).write(
        tmp_path / "c.fits"
    )
    galaxtool.index([tmp_path / "c.fits"], output=tmp_path / "i", model=make_model(tmp_path / "tiny"))
    with galaxtool.explore(tmp_path / "i", browser=False) as found:
        page = connect(found)
        names = [one["name"] for one in page("/api/about")[1]["columns"]]
        _, answer = page("/api/view", {"sort": "specobj", "descending": True})
        at = names.index("specobj")
        assert [cells[at] for cells in answer["cells"]] == [str(number + i) for i in (2, 1, 0)]
        status, answer = page("/api/view", {"sort": "mag"})
        assert status == 400 and "no order by 'mag', whose values are arrays" in answer["error"]


@pytest.fixture
def no_hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SAMP_HUB", f"std-lockurl:{(tmp_path / 'nohub').as_uri()}")


@pytest.mark.usefixtures("no_hub")
def test_without_a_hub_nothing_is_sent_or_left(ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    status, answer = ask("/api/samp", {"rows": [1]})
    assert (status, answer["error"]) == (400, "The table cannot be sent: no SAMP hub is running.")
    assert [path.name for path in tmp_path.iterdir()] == []


@pytest.mark.slow
@pytest.mark.parametrize(("number", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_the_command_prints_its_address_and_ends_in_order(embedded: Path, number: signal.Signals, status: int) -> None:
    command = [sys.executable, "-m", "galaxtool", "explore", str(embedded), "--no-browser", "--json"]
    with running(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None and process.stderr is not None
        lines = [process.stdout.readline() for _ in range(6)]
        told = json.loads("".join(lines))
        connection = http.client.HTTPConnection("127.0.0.1", told["port"], timeout=60)
        with closing(connection):
            connection.request("GET", told["address"].partition(str(told["port"]))[2])
            assert connection.getresponse().status == 303
            process.send_signal(number)
            assert process.wait(60) == status
        said = process.stderr.read()
        assert "Interrupted" in said and "Traceback" not in said


def test_a_map_is_that_of_the_embeddings_in_the_file(embedded: Path, vectors: np.ndarray, tmp_path: Path) -> None:
    path, digests = tmp_path / "f.parquet", []
    table = pq.read_table(embedded)
    many = pa.concat_tables([table] * 10)
    for turned in (0, 7):  # few of the vectors change
        values = np.tile(vectors, (10, 1))
        values[turned : turned + 1] *= -1
        column = pa.FixedSizeListArray.from_arrays(pa.array(values.ravel()), DIM)
        pq.write_table(many.set_column(many.column_names.index("embedding"), "embedding", column), path)
        args = FeatureArgs(inputs=[path], reading=ReadingOptions(), compute=ComputeOptions())
        digests.append([open_objects(path, args, Silent()).digest for _ in range(2)])
    assert digests[0][0] == digests[0][1] != digests[1][0] == digests[1][1]


def test_damaged_collections_are_not_overwritten(embedded: Path, tmp_path: Path) -> None:
    shutil.copy(embedded, tmp_path / "f.parquet")
    (tmp_path / "f.parquet.explore").mkdir()
    (tmp_path / "f.parquet.explore" / "collections.json").write_text("{")
    with pytest.raises(InputError, match="is damaged"):
        galaxtool.explore(tmp_path / "f.parquet", browser=False)


def test_collections_in_the_cache_outlive_a_change_of_the_objects(embedded: Path, tmp_path: Path) -> None:
    path = tmp_path / "f.parquet"
    path.with_name("f.parquet.explore").write_text("a file, so that no folder can be made")

    def open_collections(count: int) -> Collections:
        pq.write_table(pq.read_table(embedded).slice(0, count), path)
        args = FeatureArgs(inputs=[path], reading=ReadingOptions(), compute=ComputeOptions())
        return Collections(open_objects(path, args, Silent()), Silent())

    first = open_collections(COUNT - 5)
    first.create("odd")
    first.note("odd", 3, "a ring?")
    assert "cache" in str(first.describe()["path"])
    assert open_collections(COUNT).rows("odd") == ([3], ["a ring?"])


def test_bad_starts_are_one_sentence(embedded: Path, page: ServedPage, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="There is no"):
        galaxtool.explore(tmp_path / "none", browser=False)
    with pytest.raises(ConfigError, match="is in use"):
        galaxtool.explore(embedded, browser=False, port=page.port)


# --- with a model ----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index with columns, of pictures and a FITS image."""
    folder = tmp_path_factory.mktemp("indexed")
    for i in range(5):
        write_png(folder / f"p{i}.png", i)
    write_fits(folder / "sky.fits", 7, ra=150.0, dec=2.0)
    paths = [*(f"p{i}.png" for i in range(5)), "sky.fits"]
    Table({"path": paths, "z": [0.1 * i for i in range(6)]}).write(folder / "cat.csv")
    model = make_model(folder / "tiny")
    galaxtool.index([folder / "cat.csv"], model=model, output=folder / "idx", engine="torch")
    return folder / "idx"


@pytest.fixture(scope="module")
def ask_index(index: Path) -> Iterator[Ask]:
    with galaxtool.explore(index, browser=False, engine="torch") as found:
        yield connect(found)


def test_words_images_sketches_and_symbols_give_the_vectors_of_similar(
    ask_index: Ask, index: Path, tmp_path: Path
) -> None:
    drawing = tmp_path / "sketch.png"
    canvas = np.zeros((64, 64, 3), np.uint8)
    canvas[20:44, 30:34] = 255
    Image.fromarray(canvas).save(drawing)
    _, about = ask_index("/api/about")
    assert about["has_text"] and about["has_images"]
    _, image = ask_index("/api/image", body=(index.parent / "sky.fits").read_bytes())
    _, sketch = ask_index("/api/sketch", body=drawing.read_bytes())
    slug = about["symbols"][0]["slug"]
    queries: list[tuple[dict[str, Any], dict[str, Any]]] = [
        ({"kind": "upload", "key": image["key"]}, {"query": index.parent / "sky.fits"}),
        ({"kind": "upload", "key": sketch["key"]}, {"symbol": str(drawing)}),
        ({"kind": "symbol", "symbol": slug}, {"symbol": slug}),
        ({"kind": "text", "text": "a ring galaxy"}, {"text": "a ring galaxy"}),
    ]
    for part, arguments in queries:
        _, answer = ask_index("/api/view", {"parts": [part], "k": 6})
        query = arguments.pop("query", ())
        true = galaxtool.similar(query, **arguments, index=index, top_k=6, output=tmp_path / "s.csv", engine="torch")
        assert answer["similarity"] == pytest.approx([one.similarity for one in true.neighbors], abs=2e-4)
        assert (answer["percentile"] is None) == (part.get("key") != image["key"])
    assert ask_index("/api/view", {"parts": queries[0:1][0][0:1], "where": "z > 0.35"})[1]["rows"][0] == 5
    status, picture = ask_index(f"/api/upload/{sketch['key']}")
    assert status == 200 and picture[:2] == b"\xff\xd8"


def test_reading_options_hold_for_the_pictures_of_an_index(ask_index: Ask, index: Path) -> None:
    as_built, wanted = (ask_index(f"/api/picture/5?size=160{more}")[1] for more in ("", "&stretch=linear"))
    with galaxtool.explore(index, browser=False, stretch="linear") as found:
        assert connect(found)("/api/picture/5?size=160")[1] == wanted != as_built


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "empty"),
        (b"not an image at all", "text"),
        (b"<html><script>alert(1)</script>", "web page"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 200, "damaged"),
        (b"PK\x03\x04" + b"\0" * 100, "zip"),
        (b"SIMPLE  =                    T" + b" " * 50, ""),
    ],
)
@pytest.mark.parametrize("path", ["/api/image", "/api/sketch"])
def test_what_is_no_image_is_refused(ask_index: Ask, path: str, body: bytes, message: str) -> None:
    status, answer = ask_index(path, body=body)
    assert status == 400
    assert answer["error"].endswith(".") and (path == "/api/sketch" or message in answer["error"])


def test_an_upload_that_is_too_large_is_refused(ask_index: Ask) -> None:
    assert ask_index("/api/sketch", body=b"x" * ((4 << 20) + 1))[0] == 413
