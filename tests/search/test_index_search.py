"""Searches of many queries at once, with filters inside; and the columns and vectors that travel with an index."""

from __future__ import annotations

from pathlib import Path

import faiss
import numpy as np
import pytest
from astropy import units as u
from astropy.table import MaskedColumn, Table
from support.helpers import make_model, write_png

import galaxtool
from galaxtool.errors import InputError
from galaxtool.search.index.faiss_check import read_faiss_file
from galaxtool.search.index.kinds import find_kind, make_faiss_index
from galaxtool.search.index.record import ELSEWHERE, IndexRecord
from galaxtool.search.index.search import make_searcher
from galaxtool.search.index.store import Index

KINDS = ("flat", "sq8", "ivf-flat", "ivf-sq8", "ivf-pq", "opq-ivf-pq", "hnsw")
N, DIM = 6000, 8


@pytest.fixture(scope="module")
def vectors() -> np.ndarray:
    drawn = np.random.default_rng(1).normal(size=(N, DIM)).astype(np.float32)
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


@pytest.fixture(scope="module")
def open_kind(vectors: np.ndarray) -> dict[str, Index]:
    """Return an index in memory of each kind, behind the same door as one on disk."""
    record = IndexRecord(
        kind="", count=N, dim=DIM, model="m", model_at=ELSEWHERE, model_digest="", preprocess_digest="",
        recall_at_10=1.0, recall_queries=0, settings={"refine": 16},
    )  # fmt: skip
    half = vectors.astype(np.float16)
    return {
        kind: Index(Path(), record, range(N), make_faiss_index(find_kind(kind), vectors), half)  # type: ignore[arg-type]
        for kind in KINDS
    }


@pytest.mark.parametrize("kept", [0, 1, 3, 60, 3000, N])
@pytest.mark.parametrize("kind", KINDS)
def test_a_filter_leaves_k_results_that_pass(
    kind: str, kept: int, open_kind: dict[str, Index], vectors: np.ndarray
) -> None:
    keep = np.zeros(N, dtype=bool)
    keep[np.random.default_rng(kept).permutation(N)[:kept]] = True
    queries = vectors[:7]
    similarities, rows = open_kind[kind].search(queries, 10, keep)
    assert rows.shape == similarities.shape == (7, min(10, kept))
    assert keep[rows].all() and (np.diff(similarities, axis=1) <= 0).all()
    for one, found in zip(queries, rows, strict=True):
        true = np.where(keep, vectors @ one, -2.0)
        best = np.argsort(-true, kind="stable")[: min(10, kept)]
        assert len(set(found.tolist())) == len(found)
        if kept:
            assert len(set(found.tolist()) & set(best.tolist())) >= (0.9 if kind in ("flat", "sq8") else 0.6) * len(
                best
            )
    assert similarities == pytest.approx(np.einsum("qd,qkd->qk", queries, vectors[rows]), abs=1e-3)


@pytest.mark.parametrize("kind", KINDS)
def test_the_vectors_of_rows(kind: str, open_kind: dict[str, Index], vectors: np.ndarray) -> None:
    rows = [5, 0, 5, N - 1]
    index = open_kind[kind]
    assert index.vectors(rows) == pytest.approx(vectors[rows], abs=1e-6 if kind == "flat" else 5e-4)
    without = Index(Path(), index.record, range(N), index.faiss_index)  # type: ignore[arg-type]
    assert without.vectors(rows) == pytest.approx(vectors[rows], abs=0.5 if kind in ("ivf-pq", "opq-ivf-pq") else 2e-2)
    assert index.vectors([]).shape == (0, DIM)


def test_candidates_are_ranked_by_their_half_precision_vectors(vectors: np.ndarray) -> None:
    half = vectors.astype(np.float16)
    searcher = make_searcher(make_faiss_index(find_kind("ivf-pq"), vectors), half, refine=64)
    del half  # the searcher keeps what FAISS refers to
    searcher.change("nprobe", searcher.settings["nlist"])
    similarities, rows = searcher.search(vectors[:50], 10)
    true = np.argsort(-(vectors[:50] @ vectors.T), axis=1)[:, :10]
    assert np.mean([len({*a} & {*b}) for a, b in zip(rows.tolist(), true.tolist(), strict=True)]) > 9.9
    assert rows[:, 0].tolist() == list(range(50)) and similarities[:, 0] == pytest.approx(1)
    # as many as there are, of which the first ten are the same
    assert searcher.search(vectors[:3], N)[1].shape == (3, N)
    assert searcher.search(vectors[:3], N)[1][:, :10].tolist() == true[:3].tolist()


def test_galaxies_that_are_nearly_alike_are_told_apart() -> None:
    """Similarities of a trained model are so close that half precision, which changes the lengths, mixes them up."""
    rng = np.random.default_rng(0)
    middles = np.repeat(rng.normal(size=(20, 256)), 400, axis=0)
    alike = middles + 0.01 * rng.normal(size=(8000, 12)) @ rng.normal(size=(12, 256))
    alike = (alike / np.linalg.norm(alike, axis=1, keepdims=True)).astype(np.float32)
    searcher = make_searcher(make_faiss_index(find_kind("ivf-sq8"), alike), alike.astype(np.float16), refine=16)
    searcher.change("nprobe", searcher.settings["nlist"])
    queries, keep = alike[::400], np.arange(8000) % 3 == 0
    for chosen in (np.ones(8000, bool), keep):
        true = np.argsort(-np.where(chosen, queries @ alike.T, -2), axis=1)[:, :10]
        found = np.concatenate([searcher.search(one[None], 10, chosen)[1] for one in queries])
        assert np.mean([len({*a} & {*b}) for a, b in zip(found.tolist(), true.tolist(), strict=True)]) > 9.8


@pytest.mark.parametrize("kind", ["ivf-sq8", "ivf-pq", "opq-ivf-pq"])
def test_vectors_of_a_stored_index_without_half_precision_ones(kind: str, vectors: np.ndarray, tmp_path: Path) -> None:
    faiss.write_index(make_faiss_index(find_kind(kind), vectors), str(tmp_path / "x.faiss"))
    searcher = make_searcher(read_faiss_file(tmp_path / "x.faiss"), None, refine=8)
    assert "refine" not in searcher.settings
    assert searcher.search(vectors[:3], 10)[1].shape == (3, 10)
    assert searcher.read_vectors(np.arange(5)) == pytest.approx(vectors[:5], abs=2e-2 if kind == "ivf-sq8" else 0.5)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An index of a catalogue with columns of several kinds, of which one image cannot be read."""
    folder = tmp_path_factory.mktemp("catalogue")
    for i in range(5):
        write_png(folder / f"p{i}.png", i)
    (folder / "p2.png").write_bytes(b"\x89PNG broken")
    table = Table(
        {
            "path": [str(folder / f"p{i}.png") for i in range(5)],
            "z": MaskedColumn([0.1, 0.2, 0.3, 0.4, 0.5], mask=[0, 1, 0, 0, 0], description="redshift"),
            "mag": np.arange(5, dtype=np.float32) * u.mag,
            "class": ["a", "b", "c", "", "e"],
            "seen": np.array([1, 2, 3, 4, 2**60]),
            "id": [f"name {i}" for i in range(5)],
        }
    )
    table.write(folder / "cat.ecsv")
    galaxtool.index([folder / "cat.ecsv"], output=folder / "idx", model=str(make_model(folder / "model")))
    return folder / "idx"


def test_all_columns_of_a_catalogue_travel_with_the_index(built: Path) -> None:
    index = Index.open(built)
    assert index.items.column_names == ["id", "path", "ra", "dec", "in_path", "z", "mag", "class", "seen", "in_id"]
    table = index.to_table(["id", "z", "mag", "class", "seen", "in_id"])
    assert table["in_id"].tolist() == table["id"].tolist() == ["name 0", "name 1", "name 3", "name 4"]
    assert table["z"].tolist() == [0.1, None, 0.4, 0.5] and table["z"].description == "redshift"
    assert table["mag"].unit == u.mag and table["mag"].tolist() == [0, 1, 3, 4]
    assert table["seen"][3] == 2**60 and table["class"].tolist() == ["a", "b", "", "e"]
    assert index[2].id == "name 3" and index[2].path.endswith("p3.png")


def test_the_vectors_lie_beside_the_index_and_are_checked(built: Path) -> None:
    index = Index.open(built)
    stored = np.load(built / "vectors.npy")
    assert stored.dtype == np.float16 and stored.shape == (4, index.record.dim)
    assert index.all_vectors() == pytest.approx(stored.astype(np.float32), abs=5e-4)
    similarities, rows = index.search(index.all_vectors(), 99)
    assert rows.shape == (4, 4) and rows[:, 0].tolist() == [0, 1, 2, 3] and similarities[:, 0] == pytest.approx(1)
    content = (built / "vectors.npy").read_bytes()
    for damaged in (content[:-5], content[:20], b"", content[:60].replace(b"f2", b"O ") + content[60:]):
        (built / "vectors.npy").write_bytes(damaged)
        with pytest.raises(InputError, match=r"vectors\.npy' is damaged"):
            Index.open(built)
    (built / "vectors.npy").unlink()  # as in an index of an earlier version
    assert Index.open(built).vectors([3]) == pytest.approx(stored[3:].astype(np.float32), abs=5e-4)
    (built / "vectors.npy").write_bytes(content)
