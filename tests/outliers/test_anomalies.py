"""``galaxtool anomalies``: scores against scikit-learn, the table, the page, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.ensemble import IsolationForest
from sklearn.neighbors import LocalOutlierFactor, NearestNeighbors
from support.helpers import make_model, write_fits, write_png

import galaxtool
from galaxtool.cli.main import application
from galaxtool.errors import ConfigError, GalaxtoolError, IndexMismatch, InputError, OutputExists, PluginError
from galaxtool.inference.embeddings.file import EmbeddedImage, open_embedding_writer
from galaxtool.outliers.neighbors import find_neighbors
from galaxtool.outliers.scores import AnomalyScores, score_anomalies
from galaxtool.plugins.specs import AnomalyMethodSpec
from galaxtool.tables.read import read_table
from galaxtool.types import Silent

COUNT, DIM = 80, 6


@pytest.fixture(scope="module")
def vectors() -> np.ndarray:
    """Unit vectors around one direction, two copies of one of them, and as the last one a lone vector elsewhere."""
    rng = np.random.default_rng(3)
    values = rng.normal([2, 0, 0, 0, 0, 0], 0.3, (COUNT, DIM)).astype(np.float32)
    values[1] = values[2] = values[0]
    values[-1] = [-1, 0.2, 0, 0, 0, 0]
    return values / np.linalg.norm(values, axis=1, keepdims=True)


@pytest.fixture(scope="module")
def features(vectors: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Embeddings of images of which only the lone one exists, with one unreadable image."""
    folder = tmp_path_factory.mktemp("features")
    lone = write_png(folder / "lone.png", 0)
    rows = [EmbeddedImage(f"g{i}", f"g{i}.fits", 10.0 + i, -1.0) for i in range(COUNT - 1)]
    rows += [EmbeddedImage("lone", str(lone), None, None), EmbeddedImage("bad", "bad.fits", None, None, "damaged")]
    path = folder / "features.parquet"
    with open_embedding_writer(path, count=len(rows), dim=DIM, meta={}) as writer:
        writer.write(rows, np.vstack([vectors, np.full((1, DIM), np.nan, dtype=np.float32)]))
    return path


@pytest.mark.parametrize("k", [1, 5, COUNT - 1])
def test_distances_are_those_of_scikit_learn(vectors: np.ndarray, k: int) -> None:
    nearest = NearestNeighbors(n_neighbors=k).fit(vectors.astype(float)).kneighbors()[0]
    distances = score_anomalies(vectors, "knn", Silent(), neighbors=k)
    np.testing.assert_allclose(distances.values, nearest[:, -1], atol=1e-6)
    assert distances.recall is None


def test_a_forest_is_that_of_scikit_learn(vectors: np.ndarray) -> None:
    forest = IsolationForest(n_estimators=100, random_state=7).fit(vectors)
    ours = score_anomalies(vectors, "isolation-forest", Silent(), seed=7)
    np.testing.assert_allclose(ours.values, -forest.score_samples(vectors))
    assert ours.recall is None


@pytest.mark.parametrize("k", [4, 20])
def test_outlier_factors_are_those_of_scikit_learn(vectors: np.ndarray, k: int) -> None:
    distinct = vectors[2:]  # which of several copies is a neighbour is not defined
    factors = -LocalOutlierFactor(n_neighbors=k).fit(distinct.astype(float)).negative_outlier_factor_
    ours = score_anomalies(distinct, "lof", Silent(), neighbors=k)
    np.testing.assert_allclose(ours.values, factors, rtol=1e-4)


def test_neighbors_in_clusters_are_nearly_those_of_all_pairs() -> None:
    rng = np.random.default_rng(0)
    centers = rng.normal(size=(30, 80))
    many = (centers[rng.integers(0, 30, 3000)] + rng.normal(0, 0.2, (3000, 80))).astype(np.float32)
    many[:50] = many[0]  # more copies than neighbours
    exact = find_neighbors(many, 10, Silent())
    found = find_neighbors(many, 10, Silent(), max_exact=100)
    assert found.recall is not None and found.recall > 0.8 and exact.recall is None
    assert (found.rows != np.arange(3000)[:, None]).all() and (exact.rows != np.arange(3000)[:, None]).all()
    assert (found.distances >= exact.distances - 1e-5).all()
    true = (found.distances <= exact.distances[:, -1:] + 1e-5).mean()
    assert true == pytest.approx(found.recall, abs=0.08)
    np.testing.assert_allclose(
        found.distances, np.linalg.norm(many[found.rows] - many[:, None], axis=2), atol=1e-5
    )  # fmt: skip


def measure_first_number(vectors: np.ndarray, **settings: object) -> np.ndarray:
    return -vectors[:, 0]


def measure_too_little(vectors: np.ndarray, **settings: object) -> np.ndarray:
    return np.full(len(vectors), np.nan)


def test_a_method_of_a_plugin(features: Path, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    specs = [
        AnomalyMethodSpec(name="first", factory=f"{__name__}:measure_first_number", meaning="Minus the first number."),
        AnomalyMethodSpec(name="nothing", factory=f"{__name__}:measure_too_little"),
    ]
    plugins = galaxtool.get_registry().plugins
    plugins.register(SimpleNamespace(register_anomaly_methods=galaxtool.hookimpl(lambda: specs)), "third")
    request.addfinalizer(lambda: plugins.unregister("third"))
    page = tmp_path / "odd.html"
    result = galaxtool.anomalies(features, output=tmp_path / "odd.fits", method="first", html=page, neighbors=500)
    assert result.oddest[0].id == "lone" and result.oddest[0].score > 0.9 and not result.notes
    assert "Score: Minus the first number." in page.read_text()
    assert not {"SEED", "NEIGHBOR"} & set(read_table(tmp_path / "odd.fits").meta)
    with pytest.raises(PluginError, match="one number for each, without NaN"):
        galaxtool.anomalies(features, output=tmp_path / "odd.fits", method="nothing")


def test_many_images_are_ranked_by_the_forest(features: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert galaxtool.anomalies(features, output=tmp_path / "odd.csv").method == "knn"
    for module in ("options", "find"):
        monkeypatch.setattr(f"galaxtool.outliers.{module}.MOST_COMPARED", COUNT - 1)
    result = galaxtool.anomalies(features, output=tmp_path / "odd.csv")
    assert result.method == "isolation-forest" and "--method knn" in result.notes[0]
    assert not galaxtool.anomalies(features, output=tmp_path / "odd.csv", method="isolation-forest").notes


def test_equal_scores_share_a_percentile() -> None:
    scores = AnomalyScores(np.array([0.5, 2.0, 0.5, 0.5, 1.0]))
    assert scores.order().tolist() == [1, 4, 0, 2, 3]
    assert scores.percentiles().tolist() == [0, 80, 0, 0, 60]


@pytest.mark.parametrize(
    ("method", "suffix"),
    [("knn", "csv"), ("knn", "ecsv"), ("knn", "vot"), ("lof", "fits"), ("isolation-forest", "parquet")],
)
def test_the_table_has_the_odd_one_first(features: Path, method: str, suffix: str, tmp_path: Path) -> None:
    output = tmp_path / f"odd.{suffix}"
    result = galaxtool.anomalies(features, output=output, method=method)
    table = read_table(output)
    assert table.colnames == ["id", "path", "ra", "dec", "score", "rank", "percentile"]
    assert len(table) == COUNT == result.count == result.rows and result.unreadable == 1
    assert table["id"][0] == "lone" and np.ma.is_masked(table["ra"][0])
    assert table["rank"].tolist() == list(range(1, COUNT + 1))
    assert (np.diff(table["score"]) <= 0).all() and (np.diff(table["percentile"]) <= 0).all()
    assert table["percentile"][0] == pytest.approx(100 * (COUNT - 1) / COUNT)
    positions = {str(row["id"]): row["ra"] for row in table}
    assert positions["g7"] == 17.0


def test_only_the_oddest_and_the_page(features: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = tmp_path / "odd.html"
    arguments = ["anomalies", str(features), "-o", str(tmp_path / "odd.csv"), "-k", "3", "--html", str(page)]
    with pytest.raises(SystemExit) as exit_:
        application()([*arguments, "--json"])
    found = json.loads(capsys.readouterr().out)
    assert not exit_.value.code
    assert found["rows"] == 3 and found["count"] == COUNT and found["method"] == "knn"
    assert [one["rank"] for one in found["oddest"]] == [1, 2, 3] and found["oddest"][0]["id"] == "lone"
    text = page.read_text()
    assert text.count('<div class="card">') == 3 and text.count("data:image/jpeg") == 1
    assert text.count("The image cannot be read.") == 2 and "with k = 50" in text
    assert len(read_table(tmp_path / "odd.csv")) == 3


def test_images_and_an_index_of_them_give_the_same(tmp_path: Path) -> None:
    model = make_model(tmp_path / "model")
    for i in range(6):
        write_fits(tmp_path / "images" / f"g{i}.fits", i, ra=150 + 0.01 * i, dec=2.0)
    galaxtool.index(tmp_path / "images", output=tmp_path / "index", model=model)
    options = {"method": "knn", "neighbors": 2}
    galaxtool.anomalies(tmp_path / "images", output=tmp_path / "a.csv", model=model, **options)
    result = galaxtool.anomalies(tmp_path / "index", output=tmp_path / "b.csv", html=tmp_path / "b.html", **options)
    assert (tmp_path / "a.csv").read_text() == (tmp_path / "b.csv").read_text()
    assert result.count == 6 and any("only 6 images" in note for note in result.notes)
    assert (tmp_path / "b.html").read_text().count("data:image/jpeg") == 6
    with pytest.raises(IndexMismatch, match="not with"):
        galaxtool.anomalies(tmp_path / "index", output=tmp_path / "c.csv", model=make_model(tmp_path / "m2", seed=1))


@pytest.mark.parametrize(("given", "used"), [(30, 30), (500, COUNT - 1)])
def test_the_table_names_the_neighbors_that_were_used(features: Path, given: int, used: int, tmp_path: Path) -> None:
    output = tmp_path / "odd.ecsv"
    result = galaxtool.anomalies(features, output=output, neighbors=given, html=tmp_path / "odd.html")
    table = read_table(output)
    assert table.meta["NEIGHBOR"] == str(used) and f"with k = {used}" in (tmp_path / "odd.html").read_text()
    assert any("lowered" in note for note in result.notes) == (used < given)


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"method": "svm"}, ConfigError, "method"),
        ({"neighbors": 0}, ConfigError, "--neighbors is 0"),
        ({"top_k": 0}, ConfigError, "--top-k is 0"),
        ({"seed": -1}, ConfigError, "--seed is -1"),
        ({"output": "odd.txt"}, GalaxtoolError, "odd.txt"),
        ({"html": "odd.csv"}, ConfigError, "--output and --html"),
        ({"model": "mini"}, IndexMismatch, "not with 'mini'"),
    ],
)
def test_options_that_cannot_be_used(
    features: Path, options: dict[str, object], error: type[Exception], message: str, tmp_path: Path
) -> None:
    paths = {"output": tmp_path / "odd.csv"}
    paths |= {name: tmp_path / str(options[name]) for name in ("output", "html") if name in options}
    with pytest.raises(error, match=message):
        galaxtool.anomalies(features, **{**options, **paths})
    assert not (tmp_path / "odd.csv").exists()


def test_inputs_that_cannot_be_used(features: Path, tmp_path: Path) -> None:
    output = tmp_path / "odd.csv"
    with pytest.raises(ConfigError, match="a file of embeddings, and other inputs"):
        galaxtool.anomalies([features, tmp_path], output=output)
    with pytest.raises(OutputExists, match="would be overwritten"):
        galaxtool.anomalies(features, output=features)
    with pytest.raises(InputError, match="nowhere"):
        galaxtool.anomalies(tmp_path / "nowhere", output=output)
    for count, message in ((1, "cannot be odd alone"), (2, "None of the 2 rows")):
        path = tmp_path / f"{count}.parquet"
        rows = [EmbeddedImage(str(i), "x", None, None) for i in range(count)]
        with open_embedding_writer(path, count=count, dim=2, meta={}) as writer:
            writer.write(rows, np.full((count, 2), 1.0 if count == 1 else np.nan, dtype=np.float32))
        with pytest.raises(InputError, match=message):
            galaxtool.anomalies(path, output=output)
    assert not output.exists()
