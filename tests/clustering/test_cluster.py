"""``galaxtool cluster``: groups beside scikit-learn's, labels from every place, and what cannot be grouped."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from astropy.table import Table
from PIL import Image
from safetensors.torch import save_file
from sklearn.cluster import HDBSCAN, KMeans
from sklearn.decomposition import PCA
from sklearn.metrics import adjusted_rand_score
from support.training_helpers import narrow_resnet, run_command, run_failing

import galaxtool
from galaxtool.backbones.create import create_backbone
from galaxtool.clustering.grouping import group_by_hdbscan, group_by_kmeans, reduce_features
from galaxtool.inference.embeddings.file import EmbeddedImage, open_embedding_writer

CLASSES = ("disc", "ring", "spot")
MINI = json.loads((Path(galaxtool.__file__).parent / "models" / "mini" / "model.json").read_text())


def draw(kind: str, seed: int) -> np.ndarray:
    """Return a picture of a disc, a ring or a spot, a little noisy and off the centre."""
    generator = np.random.default_rng(seed)
    y, x = np.mgrid[:40, :40] - 20 - generator.uniform(-2, 2, (2, 1, 1))
    r = np.hypot(x, y)
    shape = {"disc": r < 13, "ring": (r > 10) & (r < 15), "spot": r < 3}[kind]
    noisy = 255 * np.clip(0.8 * shape + generator.normal(0.05, 0.02, r.shape), 0, 1)
    return np.repeat(noisy.astype(np.uint8)[..., None], 3, axis=2)


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("images")
    for k, kind in enumerate(CLASSES):
        (folder / kind).mkdir()
        for n in range(6):
            Image.fromarray(draw(kind, 10 * k + n)).save(folder / kind / f"{n}.png")
    return folder


def write_features(path: Path, vectors: np.ndarray, *, paths: list[str] | None = None, **meta: Any) -> Path:
    rows = [EmbeddedImage(f"o{n}", paths[n] if paths else f"o{n}.png", None, None) for n in range(len(vectors))]
    with open_embedding_writer(path, count=len(rows), dim=vectors.shape[1], meta=meta) as writer:
        writer.write(rows, vectors.astype(np.float32))
    return path


@pytest.fixture
def _without_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    """Skip the figures, which take longer than all the rest."""
    monkeypatch.setattr("galaxtool.clustering.cluster.draw_cluster_figures", lambda *_: None)


def make_blobs(seed: int = 0, n: int = 40, k: int = 3, dim: int = 12) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    centers = generator.normal(0, 1, (k, dim))
    targets = generator.integers(0, k, n)
    return centers[targets] + generator.normal(0, 0.1, (n, dim)), targets


# --- grouping --------------------------------------------------------------------------------------------------------


def test_groups_are_those_of_scikit_learn() -> None:
    vectors, _ = make_blobs()
    reduced, kept = reduce_features(vectors, 0.95)
    reference = PCA(0.95, svd_solver="full").fit(vectors)
    assert reduced.shape[1] == reference.n_components_ and kept >= 0.95
    np.testing.assert_allclose(np.abs(reduced), np.abs(reference.transform(vectors)), atol=1e-9)
    found = group_by_kmeans(vectors, 3)
    expected = KMeans(3, n_init=10, random_state=0).fit_predict(reference.transform(vectors))
    assert adjusted_rand_score(found.clusters, expected) == 1
    assert found.sizes.tolist() == sorted(np.bincount(expected).tolist(), reverse=True)
    center = reduced[found.clusters == 0].mean(axis=0)
    row = int(np.flatnonzero(found.clusters == 0)[0])
    assert found.distances[row] == pytest.approx(np.linalg.norm(reduced[row] - center))
    assert np.array_equal(found.clusters, group_by_kmeans(vectors, 3).clusters), "the seed is fixed"
    assert reduce_features(vectors, 1)[0].shape == vectors.shape


def test_hdbscan_leaves_sparse_items_out() -> None:
    vectors, _ = make_blobs(n=60)
    vectors[:2] += 30 * np.array([[1.0], [-1.0]])
    found = group_by_hdbscan(vectors, min_size=5, variance=1)
    expected = HDBSCAN(min_cluster_size=5, copy=True).fit_predict(vectors)
    assert adjusted_rand_score(found.clusters, expected) == 1 and found.count == 3
    assert found.clusters[:2].tolist() == [-1, -1] and np.isnan(found.distances[:2]).all()


# --- the command -----------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def clustered(images: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GALAXTOOL_CACHE", str(tmp_path_factory.mktemp("cache")))
        folder = tmp_path_factory.mktemp("out") / "clusters"
        return folder, galaxtool.cluster([images], output=folder)


def test_images_in_folders_are_grouped_and_scored(images: Path, clustered: tuple[Path, Any]) -> None:
    folder, result = clustered
    table = Table.read(folder / "clusters.csv")
    assert len(table) == 18 and table.colnames == [
        "id", "path", "ra", "dec", "cluster", "cluster_name", "distance", "label", "matched"
    ]  # fmt: skip
    assert [Path(path).parent.name for path in table["path"]] == list(table["label"])
    metrics = json.loads((folder / "metrics.json").read_text())
    assert metrics["clusters"] == len(result.clusters) == 3 and metrics["n_labeled"] == 18
    known = {entry["cluster"]: entry["matched"] for entry in result.clusters}
    assert metrics["accuracy"]["value"] == pytest.approx(np.mean(table["label"] == table["matched"]), abs=1e-6)
    assert all(known[row["cluster"]] == row["matched"] for row in table if known[row["cluster"]])
    assert metrics["ari"]["value"] == pytest.approx(adjusted_rand_score(table["label"], table["cluster"]), abs=1e-6)
    assert metrics["majority"]["accuracy"] == pytest.approx(1 / 3, abs=1e-6)
    assert metrics["accuracy"]["value"] > 0.5
    assert {entry["name"] for entry in result.clusters} <= {one["name"] for one in MINI["taxonomy"]["classes"]}
    manifest = json.loads((folder / "manifest.json").read_text())
    assert manifest["command"] == "cluster" and manifest["status"] == "done" and manifest["model"]["name"] == "mini"
    page = (folder / "clusters.html").read_text()
    assert page.count("data:image") == 18 and "matched with" in page
    assert {path.name for path in (folder / "figures").iterdir()} == {
        "clusters.png", "clusters.pdf", "labels.png", "labels.pdf"
    }  # fmt: skip


@pytest.mark.usefixtures("_without_figures")
def test_a_file_with_labels_elsewhere(images: Path, clustered: tuple[Path, Any], tmp_path: Path) -> None:
    vectors, targets = make_blobs(n=18)
    vectors[3] = np.nan
    paths = sorted(str(path) for path in images.rglob("*.png"))
    file = write_features(tmp_path / "f.parquet", vectors, paths=paths)
    code, out, err = run_command("cluster", file, "--labels", images, "-o", tmp_path / "c", "--json")
    assert code == 0, err
    result = json.loads(out)
    assert result["count"] == 17 and result["unreadable"] == 1 and result["metrics"]["n_labeled"] == 17
    assert "1 image without features left out" in err
    table = Table.read(tmp_path / "c" / "clusters.csv")
    assert [Path(path).parent.name for path in table["path"]] == list(table["label"])
    by_id = tmp_path / "labels.csv"
    by_id.write_text("id,path,kind\n" + "".join(f"o{n},{paths[0]},k{t}\n" for n, t in enumerate(targets)))
    file = write_features(tmp_path / "g.parquet", make_blobs(n=18)[0])
    result = galaxtool.cluster([file], labels=by_id, label_column="kind", output=tmp_path / "d")
    assert result.metrics["accuracy"]["value"] == 1 and result.clusters[0]["matched"].startswith("k")
    twice = tmp_path / "twice.csv"
    twice.write_text(f"path,label\n{paths[0]},disc\n{paths[1]},disc\n{paths[0]},ring\n")
    said = run_failing("cluster", tmp_path / "f.parquet", "--labels", twice, "-o", tmp_path / "e")
    assert f"gives '{paths[0]}' two labels, 'disc' and 'ring'" in said


@pytest.mark.usefixtures("_without_figures")
def test_an_index_has_the_labels_of_its_catalogue(images: Path, tmp_path: Path) -> None:
    paths = sorted(images.rglob("*.png"))
    lines = [f"{path},{path.parent.name},{'ab'[n % 2]}" for n, path in enumerate(paths)]
    (tmp_path / "labels.csv").write_text("\n".join(["path,label,half", *lines]) + "\n")
    galaxtool.index([tmp_path / "labels.csv"], output=tmp_path / "index")
    found = galaxtool.cluster([tmp_path / "index"], output=tmp_path / "c")
    assert found.metrics["n_labeled"] == 18 and found.metrics["clusters"] == 3
    table = Table.read(tmp_path / "c" / "clusters.csv")
    assert [Path(path).parent.name for path in table["path"]] == list(table["label"])
    halves = galaxtool.cluster([tmp_path / "index"], label_column="half", output=tmp_path / "d").metrics
    assert halves["classes"] == ["a", "b"] and halves["clusters"] == 2
    assert "no column 'haf'" in run_failing(
        "cluster", tmp_path / "index", "--label-column", "haf", "-o", tmp_path / "e"
    )


def test_what_cannot_be_grouped(images: Path, tmp_path: Path) -> None:
    output = ("-o", tmp_path / "c")
    vectors, _ = make_blobs(n=4)
    file = write_features(tmp_path / "f.parquet", vectors, layer="cls-4")
    one = write_features(tmp_path / "one.parquet", vectors[:1])
    same = write_features(tmp_path / "same.parquet", np.ones((5, 3)))
    nothing = write_features(tmp_path / "nan.parquet", np.full((5, 3), np.nan))
    for args, message in (
        ((file, "--clusters", 9), "4 images cannot be put into 9 clusters."),
        ((one,), "One image cannot be put into 10 clusters."),
        ((one, "--method", "hdbscan"), "One image cannot be grouped"),
        ((same, "--clusters", 2), "All 5 images have the same features"),
        ((nothing,), "None of the 5 rows"),
        ((file, "--labels", images), "None of the 4 images is in"),
        ((file, "--label-column", "x"), "has no column of labels"),
        ((file, "--names", "ring", "--clusters", 2), "layer 'cls-4' cannot be compared with texts"),
        ((file, "--layer", "penultimate"), "are of the layer 'cls-4', not 'penultimate'"),
        ((file, "--method", "hdbscan", "--clusters", 2), "HDBSCAN, which finds the number of clusters itself"),
        ((file, "--min-size", 2), "--min-size is for --method hdbscan"),
        ((file, "--variance", 0), "--variance is 0"),
        ((file, "--clusters", 1), "--clusters is 1"),
        ((file, "--model", "mini", "--backbone", "vit-16"), "Both --model and --backbone"),
        ((file, "--backbone", "small-resnet@none"), "has random weights"),
        ((tmp_path / "nowhere",), "nowhere"),
    ):
        assert message in run_failing("cluster", *args, *output), args
    assert not (tmp_path / "c").exists()


@pytest.mark.usefixtures("_without_figures")
def test_an_output_is_replaced_only_when_asked(tmp_path: Path) -> None:
    file = write_features(tmp_path / "f.parquet", make_blobs()[0])
    args = ("cluster", file, "--clusters", 3, "-o", tmp_path / "c")
    assert run_command(*args)[0] == 0
    before = (tmp_path / "c" / "clusters.csv").read_bytes()
    assert set(json.loads((tmp_path / "c/metrics.json").read_text())).isdisjoint({"accuracy", "majority"})
    assert "already contains a finished run" in run_failing(*args)
    assert run_command(*args, "--overwrite")[0] == 0
    assert (tmp_path / "c" / "clusters.csv").read_bytes() == before


@pytest.fixture
def narrow_weights(tmp_path: Path) -> Iterator[Path]:
    with narrow_resnet():
        save_file(create_backbone("small-resnet@none").state_dict(), tmp_path / "w.safetensors")
        yield tmp_path / "w.safetensors"


@pytest.mark.slow
@pytest.mark.usefixtures("_without_figures")
def test_a_backbone_as_it_is(images: Path, narrow_weights: Path, tmp_path: Path) -> None:
    name = f"small-resnet@{narrow_weights}"
    result = galaxtool.cluster([images], backbone=name, layer="penultimate", output=tmp_path / "c")
    assert result.model == name and result.layer == "penultimate" and result.count == 18
    assert "name" not in result.clusters[0], "a backbone without classes names nothing by itself"
    again = galaxtool.cluster([images], backbone=name, layer="penultimate", output=tmp_path / "d")
    assert (tmp_path / "c/clusters.csv").read_bytes() == (tmp_path / "d/clusters.csv").read_bytes()
    named = galaxtool.cluster([images], backbone=name, names=["ring", "disc"], output=tmp_path / "e")
    assert {entry["name"] for entry in named.clusters} <= {"ring", "disc"} and again.clusters
