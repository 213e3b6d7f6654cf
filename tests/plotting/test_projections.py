"""PCA, t-SNE and UMAP of embeddings, against scikit-learn and written-out loops."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.manifold import trustworthiness
from sklearn.neighbors import NearestNeighbors

import galaxtool
from galaxtool.errors import DependencyMissing, InputError
from galaxtool.inference.embeddings.file import EmbeddedImage, open_embedding_writer
from galaxtool.plotting.charts.picture_map import choose_cells
from galaxtool.plotting.kinds.retrieval import find_nearest
from galaxtool.plotting.projections import find_neighbors, project_pca, project_tsne, project_umap


def make_clusters(n: int, dim: int = 16, seed: int = 0) -> np.ndarray:
    """Return unit vectors in five clusters."""
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(5, dim))[rng.integers(5, size=n)] + 0.3 * rng.normal(size=(n, dim))
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


@pytest.mark.parametrize("shape", [(80, 16), (10, 16)])
def test_components_are_those_of_scikit_learn(shape: tuple[int, int]) -> None:
    vectors = make_clusters(*shape)
    found, variance = project_pca(vectors, 4)
    pca = PCA(4, svd_solver="full")
    expected = pca.fit_transform(vectors.astype(float))
    np.testing.assert_allclose(np.abs(found), np.abs(expected), atol=1e-4)
    np.testing.assert_allclose(variance, pca.explained_variance_ratio_, atol=1e-6)
    assert project_pca(vectors, 1000)[0].shape[1] == min(shape)


def test_neighbors_are_exact_and_begin_with_the_image_itself() -> None:
    vectors = make_clusters(60)
    vectors[20:26] = vectors[20]  # six equal images, of which only three neighbours are asked for
    rows, distances = find_neighbors(vectors, 3)
    assert (rows[:, 0] == np.arange(60)).all() and (distances[:, 0] == 0).all()
    others = np.setdiff1d(np.arange(60), np.arange(20, 26))
    expected, expected_rows = NearestNeighbors(n_neighbors=3).fit(vectors).kneighbors(vectors)
    np.testing.assert_array_equal(rows[others], expected_rows[others])
    np.testing.assert_allclose(distances, expected, atol=1e-3)


def test_a_tsne_keeps_neighbours_and_is_the_same_for_the_same_seed() -> None:
    vectors = make_clusters(60)
    points = project_tsne(vectors, seed=3)
    assert points.shape == (60, 2) and trustworthiness(vectors, points, n_neighbors=5) > 0.9
    np.testing.assert_array_equal(points, project_tsne(vectors, seed=3))


@pytest.mark.slow
def test_a_umap_is_as_good_as_that_of_umap_learn() -> None:
    umap = pytest.importorskip("umap")
    vectors = make_clusters(400)
    points = project_umap(vectors, seed=1)
    np.testing.assert_array_equal(points, project_umap(vectors, seed=1))
    assert (points != project_umap(vectors, seed=2)).any()
    reference = umap.UMAP(random_state=1, n_jobs=1).fit_transform(vectors)
    ours, theirs = (trustworthiness(vectors, found, n_neighbors=15) for found in (points, reference))
    assert ours > theirs - 0.02
    assert project_umap(vectors[:6]).shape == (6, 2)


@pytest.mark.slow
def test_a_umap_leaves_the_number_of_threads_as_it_is() -> None:
    """Another number changes the last bits of what PyTorch computes afterwards."""
    program = """
import numpy, torch
from galaxtool.plotting.projections import project_umap
before = torch.get_num_threads()
project_umap(numpy.random.default_rng(0).normal(size=(60, 8)).astype("float32"))
print(before, torch.get_num_threads())
"""
    pytest.importorskip("umap")
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "2"}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment, check=True)
    assert done.stdout == "1 1\n"


def test_a_umap_without_its_package_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "umap", None)
    with pytest.raises(DependencyMissing) as caught:
        project_umap(make_clusters(10))
    assert "galaxtool[figures]" in caught.value.hint


def test_three_images_are_too_few() -> None:
    with pytest.raises(InputError, match="t-SNE of 3 images"):
        project_tsne(make_clusters(3))


def test_images_of_the_same_features_have_no_tsne(tmp_path: Path) -> None:
    path = tmp_path / "blank.parquet"
    vectors = np.tile(np.random.default_rng(0).normal(size=8).astype(np.float32), (12, 1))
    with open_embedding_writer(path, count=12, dim=8, meta={}) as writer:
        writer.write([EmbeddedImage(f"g{i}", "", None, None) for i in range(12)], vectors)
    with pytest.raises(InputError, match=r"All 12 images of '.*blank.parquet' have the same features"):
        galaxtool.plot("tsne", path, output=tmp_path / "tsne.png")
    assert not (tmp_path / "tsne.png").exists()


def test_each_cell_shows_the_image_nearest_to_its_centre() -> None:
    points = np.random.default_rng(0).normal(size=(300, 2))
    rows, (left, right, bottom, top) = choose_cells(points, 6)
    low, high = np.percentile(points, [1, 99], axis=0)
    assert (left, bottom) == pytest.approx(tuple(low)) and (right, top) == pytest.approx(tuple(high))
    scaled = (points - low) / (high - low) * 6
    for y in range(1, 5):
        for x in range(1, 5):  # the cells at the edge also take what lies outside
            members = [i for i in range(300) if (np.floor(scaled[i]) == (x, y)).all()]
            away = [float(np.hypot(*(scaled[i] - (x + 0.5, y + 0.5)))) for i in members]
            assert rows[y, x] == (members[int(np.argmin(away))] if members else -1)
    shown = rows[rows >= 0].tolist()
    assert len(set(shown)) == len(shown) > 25


def test_nearest_images_are_those_of_a_loop() -> None:
    vectors = make_clusters(40)
    rows = np.array([5, 17])
    found, similarities = find_nearest(3 * vectors[rows], vectors, rows, 4)
    for query, rows, cosines in zip((5, 17), found, similarities, strict=True):
        scored = sorted(
            ((float(vectors[i].astype(float) @ vectors[query].astype(float)), i) for i in range(40) if i != query),
            reverse=True,
        )
        assert rows.tolist() == [i for _, i in scored[:4]]
        np.testing.assert_allclose(cosines, [value for value, _ in scored[:4]], atol=1e-6)
