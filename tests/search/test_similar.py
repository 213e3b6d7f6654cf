"""`embed`, `index` and `similar`, through the command line, against NumPy."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from astropy.table import Table
from PIL import Image
from support.helpers import SLUGS, make_model, write_fits, write_png

from galaxtool.cli.main import application
from galaxtool.commands.similar import similar
from galaxtool.errors import ConfigError, IndexMismatch, InputError
from galaxtool.models.engines.torch import TorchEngine
from galaxtool.models.find import find_model
from galaxtool.reports.contact_sheet import Tile, draw_contact_sheet
from galaxtool.tables.read import read_table
from galaxtool.taxonomy.symbols import load_symbol

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="module")
def other_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("models") / "other", seed=1)


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six FITS images along a line of sky, four pictures, a damaged file and something else."""
    folder = tmp_path_factory.mktemp("images")
    for i in range(6):
        write_fits(folder / "sky" / f"g{i}.fits", i, ra=150 + 0.01 * i, dec=2.0)
    for i in range(4):
        write_png(folder / f"p{i}.png", i)
    (folder / "damaged.fits").write_text("SIMPLE = no")
    (folder / "notes.txt").write_text("not an image")
    return folder


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command in an empty folder: exit status, stdout, stderr."""
    monkeypatch.chdir(tmp_path)

    def call(*args: object) -> tuple[int, str, str]:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            application()([str(arg) for arg in args])
        out, err = capsys.readouterr()
        assert "Traceback" not in err
        return int(ended.value.code or 0), out, err

    return call


@pytest.fixture
def built(model: Path, images: Path, _index: Path, tmp_path: Path) -> Path:
    """An index of the images, a copy for each test."""
    return Path(shutil.copytree(_index, tmp_path / "built"))


@pytest.fixture(scope="module")
def _index(model: Path, images: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from galaxtool.commands.index import index

    folder = tmp_path_factory.mktemp("index") / "idx"
    index([images], output=folder, model=str(model))
    return folder


def rows(path: Path | str) -> list[dict[str, str]]:
    with Path(path).open(newline="") as stream:
        return list(csv.DictReader(stream))


def embeddings(path: Path | str) -> dict[str, np.ndarray]:
    table = pq.read_table(path).to_pydict()
    every = zip(table["id"], table["embedding"], table["error"], strict=True)
    return {name: np.array(vector) for name, vector, error in every if not error}


def test_embeddings_in_both_formats(run: Run, model: Path, images: Path) -> None:
    code, out, err = run("embed", images, "-o", "e.parquet", "--model", model, "--batch-size", 4)
    assert code == 0 and "11 embeddings of 256 dimensions by tiny, 1 of them unreadable" in out
    assert "Skipped 1: not an image suffix." in err and "damaged.fits" in err
    table = pq.read_table("e.parquet")
    assert table.column_names == ["id", "path", "ra", "dec", "embedding", "error"]
    assert str(table.schema.field("embedding").type) == "fixed_size_list<element: float>[256]"
    made_by = json.loads(table.schema.metadata[b"galaxtool"])
    record = TorchEngine(find_model(model), "cpu").record
    assert made_by["model_digest"] == record.digest
    assert made_by["preprocess_digest"] == record.make_preprocess().digest
    assert table["id"].to_pylist()[:2] == ["damaged", "p0"] and table["error"].to_pylist()[1] == ""
    assert np.isnan(table["embedding"].to_pylist()[0]).all()
    assert dict(zip(table["id"].to_pylist(), table["ra"].to_pylist(), strict=True))["sky/g3"] == pytest.approx(150.03)
    assert all(np.linalg.norm(v) == pytest.approx(1, abs=1e-5) for v in embeddings("e.parquet").values())

    assert run("embed", images, "-o", "e.npy", "--model", model, "--batch-size", 64)[0] == 0
    array, ids = np.load("e.npy"), rows("e.ids.csv")
    assert array.dtype == np.float32 and array.shape == (11, 256) == (len(ids), 256)
    assert json.loads(Path("e.meta.json").read_text())["model_digest"] == record.digest
    for name, vector in zip((row["id"] for row in ids), array, strict=True):
        expected = embeddings("e.parquet").get(name)
        assert np.isnan(vector).all() if expected is None else vector == pytest.approx(expected, abs=1e-2)
    assert run("embed", images, "-o", "e.txt", "--model", model)[0] == 1


def test_an_index_says_what_it_is(run: Run, model: Path, images: Path) -> None:
    code, out, err = run("index", images, "--model", model)
    assert code == 0 and "galaxtool_index: 10 images, flat index by tiny, recall@10 1.000" in out
    assert "1 of 11 images cannot be read:" in err and "damaged.fits" in err
    about = json.loads(Path("galaxtool_index/index.json").read_text())
    assert (about["count"], about["kind"], about["metric"], about["recall_at_10"]) == (10, "flat", "cosine", 1.0)
    assert about["skipped"] == {"not an image suffix": 1} and about["unreadable_count"] == 1
    assert about["unreadable"][0]["id"] == "damaged" and "damaged.fits" in about["unreadable"][0]["error"]
    assert about["model_digest"] == TorchEngine(find_model(model), "cpu").record.digest
    items = pq.read_table("galaxtool_index/items.parquet")
    assert items.column_names == ["id", "path", "ra", "dec"] and len(items) == 10
    assert Path(items["path"].to_pylist()[0]).is_absolute()
    assert find_model("galaxtool_index/model").folder == Path("galaxtool_index/model")
    assert not [p for p in Path().iterdir() if p.name.startswith(".")]

    code, _, err = run("index", images, "--model", model)
    assert code == 1 and "already contains an index" in err
    code, out, _ = run("index", images / "sky", "--model", model, "--overwrite", "--kind", "ivf-sq8", "--json")
    assert (
        code == 0
        and {"nlist": 1, "nprobe": 1}.items() <= json.loads(out)["settings"].items()
        and json.loads(out)["count"] == 6
    )
    code, _, err = run("index", images, "--model", model, "--kind", "ivfsq8", "-o", "x")
    assert code == 1 and "ivf-sq8" in err and not Path("x").exists()
    code, _, err = run("index", images / "damaged.fits", "--model", model, "-o", "x")
    assert code == 1 and "cannot be read" in err and not Path("x").exists()


def test_neighbours_are_those_of_numpy(run: Run, model: Path, images: Path, built: Path) -> None:
    run("embed", images, "-o", "e.parquet", "--model", model)
    vectors = embeddings("e.parquet")
    code, out, _ = run("similar", images / "sky/g2.fits", "--index", built, "-k", 99, "--model", model)
    assert code == 0 and "sky/g2" in out and "Table: similar.csv" in out
    found = rows("similar.csv")
    assert list(found[0]) == ["query", "rank", "id", "path", "similarity", "ra", "dec", "percentile"]
    assert [int(row["rank"]) for row in found] == list(range(1, 11))
    expected = {name: float(vector @ vectors["sky/g2"]) for name, vector in vectors.items()}
    assert {row["id"]: float(row["similarity"]) for row in found} == pytest.approx(expected, abs=1e-2)
    values = [float(row["similarity"]) for row in found]
    assert values == sorted(values, reverse=True)
    assert found[0]["id"] == "sky/g2" and values[0] > 0.999 and float(found[0]["ra"]) == pytest.approx(150.02)
    assert {row["ra"] for row in found if row["id"].startswith("p")} == {""}


def test_the_query_can_be_left_out(run: Run, images: Path, built: Path) -> None:
    query = images / "p1.png"
    shutil.copy(query, "elsewhere.png")  # the same content, but another file
    for arguments, itself in ((["--id", "p1"], False), ([query], False), (["elsewhere.png"], True)):
        assert run("similar", *arguments, "--index", built, "--exclude-query", "-k", 3)[0] == 0
        names = [row["id"] for row in rows("similar.csv")]
        assert len(names) == 3 and ("p1" in names) == itself
    assert run("similar", query, "--index", built, "--exclude-query", "-k", 99)[0] == 0
    assert len(rows("similar.csv")) == 9


def test_filters_on_the_command_line(run: Run, built: Path) -> None:
    options = ("--index", built, "-k", 99, "--filter", "cone:150.02,2.0,40", "--filter", "where:id <> 'sky/g2'")
    assert run("similar", "--id", "sky/g2", *options)[0] == 0
    assert sorted(row["id"] for row in rows("similar.csv")) == ["sky/g1", "sky/g3"]
    code, _, err = run("similar", "--id", "sky/g2", "--index", built, "--filter", "cones:1,2,3")
    assert code == 1 and "Did you mean 'cone'" in err


def test_objects_by_identifier_and_position(run: Run, built: Path) -> None:
    assert run("similar", "--id", "sky/g4", "--index", built, "-k", 2)[0] == 0
    by_id = rows("similar.csv")
    assert by_id[0]["id"] == by_id[0]["query"] == "sky/g4" and float(by_id[0]["similarity"]) == pytest.approx(1)
    code, _, err = run("similar", "--ra", 150.0401, "--dec", 2.0, "--index", built, "-k", 2)
    assert code == 0 and "0.3" in err and [row["id"] for row in rows("similar.csv")] == [row["id"] for row in by_id]
    code, _, err = run("similar", "--ra", 150.042, "--dec", 2.0, "--index", built)
    assert code == 1 and "7.2 arcsec" in err and "'sky/g4'" in err and "--radius" in err
    assert run("similar", "--ra", 150.042, "--dec", 2.0, "--radius", 8, "--index", built)[0] == 0
    assert " degrees away" in run("similar", "--ra", 10, "--dec", 2, "--index", built)[2].replace("\n", " ")
    assert run("similar", "--ra", -209.96, "--dec", 2.0, "--index", built)[0] == 0  # the same meridian
    code, _, err = run("similar", "--id", "sky/g44", "--index", built)
    assert code == 1 and "Did you mean 'sky/g4'" in err
    code, _, err = run("similar", "--ra", 150, "--index", built)
    assert code == 1 and "--dec is missing" in err


def test_texts_and_symbols(run: Run, model: Path, built: Path) -> None:
    engine = TorchEngine(find_model(model), "cpu")
    text = engine.embed_text(["a round thing"])[0]
    symbol = engine.embed_symbols(load_symbol(model / "symbols/barred_spiral.png", 64)[None])[0]
    from galaxtool.search.index.store import Index

    index = Index.open(built)
    vectors = np.stack([index.vector(row) for row in range(len(index))])
    for arguments, vector, name in (
        (["--text", "a round thing"], text, "a round thing"),
        (["--symbol", "Barred Spirals"], symbol, "barred_spiral"),
        (["--symbol", model / "symbols/barred_spiral.png"], symbol, str(model / "symbols/barred_spiral.png")),
    ):
        assert run("similar", *arguments, "--index", built, "-k", 10)[0] == 0
        found = rows("similar.csv")
        assert {row["query"] for row in found} == {name}
        assert [float(row["similarity"]) for row in found] == pytest.approx(np.sort(vectors @ vector)[::-1], abs=1e-5)
    code, _, err = run("similar", "--symbol", "bared_spiral", "--index", built)
    assert code == 1 and "Did you mean 'barred_spiral'" in err
    code, _, err = run("similar", "--symbol", "nowhere/ring.png", "--index", built)
    assert code == 1 and "There is no symbol" in err and SLUGS[0] in err
    for engine in ("onnx", "openvino"):
        code, _, err = run("similar", "--text", "x", "--engine", engine, "--index", built)
        assert code == 1 and f"--engine {engine}" in err and len(err.strip().splitlines()) == 2


def test_a_model_without_symbols_says_so(run: Run, images: Path, tmp_path: Path) -> None:
    plain = make_model(tmp_path / "plain", symbols=False)
    code, _, err = run("similar", "--symbol", "merging", "--among", images, "--model", plain)
    assert code == 1 and "has no symbols" in err and "--text" in err


def test_a_query_is_needed(run: Run, built: Path) -> None:
    code, _, err = run("similar", "--index", built)
    assert code == 1 and "No query was given" in err
    code, _, err = run("similar", "--not", "p1", "--index", built)
    assert code == 1 and "only examples of what not to find" in err
    with pytest.raises(ConfigError, match="k is 0"):
        similar(id="p1", index=built, k=0)
    with pytest.raises(ConfigError, match="does not name a table format"):
        similar(id="p1", index=built, output=Path("x.xyz"))
    with pytest.raises(ConfigError, match="91 is not a declination"):
        similar(ra=0, dec=91, index=built)


def test_where_the_index_is(run: Run, built: Path, images: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code, _, err = run("similar", images / "p0.png")
    assert code == 1 and "galaxtool index" in err and len(err.strip().splitlines()) == 2
    code, _, err = run("similar", images / "p0.png", "--index", "none")
    assert code == 1 and "There is no index at 'none'" in err
    code, _, err = run("similar", images / "p0.png", "--index", images)
    assert code == 1 and "no index.json" in err
    monkeypatch.setenv("GALAXTOOL_INDEX", str(built))
    assert run("similar", images / "p0.png")[0] == 0
    assert similar(images / "p0.png").index == str(built)
    monkeypatch.delenv("GALAXTOOL_INDEX")
    shutil.move(built, "galaxtool_index")
    assert run("similar", images / "p0.png")[0] == 0


@pytest.mark.parametrize("name", ["index.json", "index.faiss", "items.parquet", "model/model.json", "model"])
def test_an_index_that_is_not_whole(run: Run, built: Path, images: Path, name: str) -> None:
    gone = built / name
    shutil.rmtree(gone) if gone.is_dir() else gone.unlink()
    code, _, err = run("similar", images / "p0.png", "--index", built)
    assert code == 1 and name in err and len(err.strip().splitlines()) == 2


@pytest.mark.parametrize("name", ["index.json", "index.faiss", "items.parquet"])
def test_a_damaged_index(run: Run, built: Path, images: Path, name: str) -> None:
    (built / name).write_text("hello")
    code, _, err = run("similar", images / "p0.png", "--index", built)
    assert code == 1 and name in err and "damaged" in err


def test_another_model_is_refused(run: Run, built: Path, images: Path, model: Path, other_model: Path) -> None:
    code, _, err = run("similar", images / "p0.png", "--index", built, "--model", other_model)
    assert code == 1 and "'tiny'" in err and "other" in err
    shutil.rmtree(built / "model")
    shutil.copytree(other_model, built / "model")
    with pytest.raises(IndexMismatch):
        similar(images / "p0.png", index=built)


def test_an_index_moves_with_its_model_and_without_the_images(
    run: Run, images: Path, tmp_path: Path, model: Path
) -> None:
    here = tmp_path / "here"
    shutil.copytree(images / "sky", here / "sky")
    moved_model = shutil.copytree(model, here / "m")
    assert run("index", here / "sky", "--model", moved_model, "-o", here / "idx")[0] == 0
    shutil.move(here / "idx", tmp_path / "there")
    shutil.move(here / "sky/g1.fits", tmp_path / "g1.fits")
    shutil.rmtree(here)
    assert run("similar", "g1.fits", "--index", "there", "-k", 3)[0] == 0
    assert rows("similar.csv")[0]["id"] == "g1" and float(rows("similar.csv")[0]["similarity"]) > 0.999
    tiles = np.asarray(Image.open("similar.png"))
    assert tiles[60 : 60 + 192, 16 : 16 + 192].std() > 10  # the query is shown
    missing = tiles[60 : 60 + 60, 16 + 208 : 16 + 208 + 192]
    assert (missing == missing[0, 0]).all()  # the rest is a plain tile around a note
    assert run("similar", "g1.fits", "--index", "there", "--exclude-query")[0] == 0
    assert "g1" not in [row["id"] for row in rows("similar.csv")]


def test_among_is_indexed_once_and_again_when_files_change(
    run: Run, images: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GALAXTOOL_CACHE", str(tmp_path / "cache"))
    here = shutil.copytree(images / "sky", tmp_path / "sky")
    ask: list[Any] = ["similar", here / "g0.fits", "--among", here, "--model", model]
    code, _, err = run(*ask)
    assert code == 0 and "Embedding images" in err and len(rows("similar.csv")) == 6
    code, _, err = run(*ask)
    assert code == 0 and "Embedding images" not in err and rows("similar.csv")[0]["id"] == "g0"
    write_fits(here / "new.fits", 77)
    code, _, err = run(*ask)
    assert code == 0 and "Embedding images" in err and "new" in [row["id"] for row in rows("similar.csv")]
    assert len(list((tmp_path / "cache" / "among").iterdir())) == 1
    code, _, err = run(*ask, "--index", "x")
    assert code == 1 and "--among" in err


def test_columns_of_images_indexed_on_demand_are_those_of_the_catalogue_now(
    run: Run, images: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GALAXTOOL_CACHE", str(tmp_path / "cache"))
    catalogue, found = tmp_path / "c.csv", []
    for redshifts in ((0.1, 0.2, 0.3), (0.3, 0.2, 0.1)):
        lines = [f"g{i},{images / 'sky' / f'g{i}.fits'},{z}" for i, z in enumerate(redshifts)]
        catalogue.write_text("\n".join(["id,path,z", *lines]) + "\n")
        ask = ["similar", images / "sky" / "g1.fits", "--among", catalogue, "--model", model, "--where", "z > 0.25"]
        assert run(*ask)[0] == 0
        found.append([(row["id"], row["z"]) for row in rows("similar.csv")])
    assert found == [[("g2", "0.3")], [("g0", "0.3")]]


def test_positions_come_from_a_catalogue_too(run: Run, images: Path, model: Path, tmp_path: Path) -> None:
    files = [str(images / f"p{i}.png") for i in range(3)]
    Table({"name": ["a", "b", "c"], "file": files, "ra": [10.0, 359.9999, 0.0], "dec": [5.0, 0, 0]}).write("c.csv")
    options = ["--image-column", "file", "--id-column", "name"]
    assert run("index", "c.csv", "--model", model, "-o", "idx", *options)[0] == 0
    code, _, err = run("similar", "--ra", 359.99999, "--dec", 0, "--index", "idx", "--k", 1)
    assert code == 0 and rows("similar.csv")[0]["id"] == "c" and "'c', 0.04 arcsec" in err


@pytest.mark.parametrize("suffix", ["ecsv", "fits", "vot", "parquet"])
def test_tables_in_every_format(run: Run, built: Path, suffix: str) -> None:
    assert run("similar", "--id", "p2", "--index", built, "-o", f"out/s.{suffix}")[0] == 0
    table = read_table(Path(f"out/s.{suffix}"))
    assert (
        table.colnames == ["query", "rank", "id", "path", "similarity", "ra", "dec", "percentile"] and len(table) == 10
    )
    assert Path("out/s.png").is_file()


def test_images_are_never_written_over(run: Run, built: Path, images: Path) -> None:
    before = (images / "p1.png").read_bytes()
    code, _, err = run("similar", "--id", "p1", "--index", built, "--sheet", images / "p1.png")
    assert code == 1 and "would be overwritten" in err and (images / "p1.png").read_bytes() == before
    shutil.copy(images / "p1.png", "similar.png")
    code, _, err = run("similar", "similar.png", "--index", built)
    assert code == 1 and Path("similar.png").read_bytes() == before
    with pytest.raises(InputError, match="There is nothing at"):
        similar("absent.png", index=built)


def test_the_sheet_shows_the_query_first_and_then_the_neighbours(run: Run, built: Path, images: Path) -> None:
    assert run("similar", images / "p3.png", "--index", built, "-k", 7, "--sheet", "s.png", "--quiet") == (0, "", "")
    sheet = Image.open("s.png")
    assert sheet.format == "PNG" and sheet.size == (6 * 208 + 16, 2 * 274 + 60)
    shown = np.asarray(sheet)
    query, first = shown[52:244, 16:208], shown[52:244, 224:416]
    assert (query[5:-5, 5:-5] == first[5:-5, 5:-5]).all()  # it is its own nearest


def test_a_sheet_takes_any_text_and_shape() -> None:
    long = Tile(None, "caption " * 40, "detail", note="averyveryverylongwordwithoutanyblanks " * 30, chosen=True)
    wide = Tile(np.full((4, 9, 3), 200, np.uint8), "", "")
    sheet = draw_contact_sheet([long, wide], "title\n" * 50, tile=100)
    pixels = np.asarray(sheet)
    assert pixels[52 + 50, 16 + 116 + 50].tolist() == [200, 200, 200]
    assert pixels[52 + 5, 16 + 116 + 50].tolist() == [0, 0, 0]  # letterboxed, not stretched
    assert (pixels[:, -8:] == pixels[0, 0]).all()  # nothing runs off the edge


@pytest.mark.slow
@pytest.mark.shared_data
def test_real_cutouts(run: Run, model: Path, shared_data: Path) -> None:
    folder = shared_data / "optical_galaxy10_decals_samples" / "images"
    assert run("index", folder, "--model", model, "-o", "idx")[0] == 0
    one = sorted(folder.glob("*.jpg"))[0]
    assert run("similar", one, "--index", "idx", "-k", 1)[0] == 0
    assert rows("similar.csv")[0]["id"] == one.stem and float(rows("similar.csv")[0]["similarity"]) > 0.999
    assert run("similar", shared_data / "fits/decals_grz/example_a.fits", "--index", "idx", "-k", 7)[0] == 0
    assert len(rows("similar.csv")) == 7


@pytest.mark.slow
def test_an_onnx_file_is_enough(run: Run, model: Path, images: Path, built: Path) -> None:
    assert run("export", "--model", model, "-o", "tiny.onnx")[0] == 0
    assert run("index", images, "--model", "tiny.onnx", "-o", "idx")[0] == 0
    assert sorted(p.name for p in Path("idx/model").iterdir()) == ["model.json", "model.onnx"]
    Path("tiny.onnx").rename("moved.onnx")
    for arguments in ([images / "sky/g0.fits"], ["--symbol", "merging"], ["--id", "p2"]):
        assert run("similar", *arguments, "--index", "idx", "-k", 10, "--model", "moved.onnx")[0] == 0
        by_onnx = {row["id"]: float(row["similarity"]) for row in rows("similar.csv")}
        assert run("similar", *arguments, "--index", built, "-k", 10, "--model", "moved.onnx")[0] == 0
        assert by_onnx == pytest.approx({row["id"]: float(row["similarity"]) for row in rows("similar.csv")}, abs=1e-2)
    code, _, err = run("similar", "--text", "x", "--index", "idx")
    assert code == 1 and "only an ONNX file" in err
