"""Kinds of similarity index, their measured recall, and directories that are replaced whole."""

from __future__ import annotations

from pathlib import Path

import faiss
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from galaxtool.errors import GalaxtoolError, OutputExists, UnknownName
from galaxtool.plugins.hookspecs import hookimpl
from galaxtool.plugins.registry import get_registry
from galaxtool.plugins.specs import IndexSpec
from galaxtool.search.index.folder import check_target, replace_folder
from galaxtool.search.index.ivf import build_ivf_flat
from galaxtool.search.index.kinds import find_kind, make_faiss_index
from galaxtool.search.index.recall import ExactNeighbors
from galaxtool.search.index.record import ELSEWHERE, IndexRecord
from galaxtool.search.index.search import Searcher, make_searcher
from galaxtool.search.index.store import Index
from galaxtool.search.index.tuning import tune_search

KINDS = ("flat", "sq8", "ivf-flat", "ivf-sq8", "hnsw")
ROUNDED = ("sq8", "ivf-sq8", "hnsw")


def unit_vectors(n: int, dim: int = 16, seed: int = 0) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(n, dim)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def opened(kind: str, vectors: np.ndarray) -> Index:
    """Return an index in memory, behind the same door as one on disk."""
    record = IndexRecord(
        kind=kind, count=len(vectors), dim=vectors.shape[1], model="m", model_at=ELSEWHERE, model_digest="",
        preprocess_digest="", recall_at_10=1.0, recall_queries=0,
    )  # fmt: skip
    return Index(Path("nowhere"), record, range(len(vectors)), make_faiss_index(find_kind(kind), vectors))  # type: ignore[arg-type]


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=12, deadline=None)
@given(n=st.integers(1, 300), k=st.integers(1, 400), seed=st.integers(0, 99))
def test_a_search_gives_the_nearest_by_cosine(kind: str, n: int, k: int, seed: int) -> None:
    vectors = unit_vectors(n, seed=seed)
    index = opened(kind, vectors)
    row = seed % n
    similarities, rows = (found[0] for found in index.search(vectors[row : row + 1], k))
    assert (np.diff(similarities) <= 0).all() and (np.abs(similarities) <= 1).all()
    assert len(set(rows.tolist())) == len(rows) <= min(k, n)
    if not kind.startswith("ivf") or k >= n:
        assert len(rows) == min(k, n)  # all where more are asked for than there are
    tolerance = 2e-2 if kind in ROUNDED else 1e-5
    assert similarities == pytest.approx(vectors[rows] @ vectors[row], abs=tolerance)
    assert index.vector(row) == pytest.approx(vectors[row], abs=tolerance)
    if kind == "flat":
        assert rows.tolist() == np.argsort(-(vectors @ vectors[row]), kind="stable")[:k].tolist()


@pytest.mark.parametrize("n", [1, 2, 30, 200])
@pytest.mark.parametrize("kind", KINDS)
def test_few_vectors_bring_no_complaint(kind: str, n: int, capfd: pytest.CaptureFixture[str]) -> None:
    index = opened(kind, unit_vectors(n))
    assert index.search(unit_vectors(n)[:1], 1)[1].tolist() == [[0]]
    assert capfd.readouterr() == ("", "")


def test_recall_is_what_a_count_by_hand_gives() -> None:
    vectors = unit_vectors(2000, dim=8)
    index = build_ivf_flat(vectors, nlist=40)
    index.nprobe = 2
    exact = ExactNeighbors.find(vectors, queries=100)
    found = hits = 0
    assert exact.queries.rows is not None
    for row in exact.queries.rows:
        similarity = vectors @ vectors[row]
        similarity[row] = -np.inf
        true = set(np.argsort(-similarity)[:10].tolist())
        _, near = index.search(vectors[row : row + 1], 11)
        hits += len(true & (set(near[0].tolist()) - {int(row)}))
        found += 10
    assert 0.2 < hits / found < 0.98
    searcher = Searcher(index, vectors.__getitem__)
    assert exact.recall(searcher.search, vectors.__getitem__) == pytest.approx(hits / found)
    tune_search(searcher, [exact], 0.9)
    assert exact.recall(searcher.search, vectors.__getitem__) >= 0.9
    assert 2 < index.nprobe == searcher.settings["nprobe"] <= index.nlist
    index.nprobe = searcher.settings["nprobe"] // 2
    assert exact.recall(searcher.search, vectors.__getitem__) < 0.9  # no more effort than needed
    flat = faiss.IndexFlatIP(8)
    flat.add(vectors)
    searcher = Searcher(flat, vectors.__getitem__)
    tune_search(searcher, [exact], 0.99)
    assert exact.recall(searcher.search, vectors.__getitem__) == 1.0 and not searcher.settings


def test_tuning_reaches_the_recall_with_little_work() -> None:
    vectors = unit_vectors(4000, dim=16)
    exact = ExactNeighbors.find(vectors, queries=200)
    searcher = make_searcher(make_faiss_index(find_kind("ivf-pq"), vectors), vectors.astype(np.float16), refine=8)
    tune_search(searcher, [exact], 0.95)
    settings = dict(searcher.settings)
    assert exact.recall(searcher.search, searcher.read_vectors) >= 0.95
    for name in ("nprobe", "refine"):
        searcher.change(name, settings[name] // 2)
        assert exact.recall(searcher.search, searcher.read_vectors) < 0.95
        searcher.change(name, settings[name])
    tune_search(searcher, [exact], 0.95)
    assert searcher.settings == settings


def test_recall_counts_duplicates_and_the_lone_object() -> None:
    same = np.repeat(unit_vectors(1), 50, axis=0)
    for kind in KINDS:
        assert ExactNeighbors.find(same).recall(opened(kind, same).search, same.__getitem__) == 1.0
        assert ExactNeighbors.find(same[:1]).recall(opened(kind, same[:1]).search, same.__getitem__) == 1.0


def test_a_plugin_adds_a_kind_by_the_same_door() -> None:
    class Extra:
        @hookimpl
        def register_indexes(self) -> list[IndexSpec]:
            return [IndexSpec(name="extra", factory="galaxtool.search.index.flat:build_flat")]

    registry = get_registry()
    registry.plugins.register(Extra(), "extra")
    try:
        assert opened("extra", unit_vectors(5)).search(unit_vectors(5)[3:4], 1)[1].tolist() == [[3]]
    finally:
        registry.plugins.unregister("extra")
    with pytest.raises(UnknownName, match="Did you mean 'ivf-sq8'"):
        find_kind("ivf-sq")


def test_a_folder_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "idx"
    with replace_folder(target) as folder:
        (folder / "index.json").write_text("old")
    with pytest.raises(ZeroDivisionError), replace_folder(target) as folder:
        (folder / "index.json").write_text("new")
        raise ZeroDivisionError
    assert (target / "index.json").read_text() == "old"
    (tmp_path / "link").symlink_to(target)
    with replace_folder(tmp_path / "link") as folder:
        (folder / "index.json").write_text("new")
    assert (tmp_path / "link").is_symlink() and (target / "index.json").read_text() == "new"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["idx", "link"]
    (tmp_path / "file").touch()
    with pytest.raises(GalaxtoolError, match="could not be written"), replace_folder(tmp_path / "file" / "idx"):
        pass


@pytest.mark.parametrize("before", [False, True])
def test_what_comes_while_an_index_is_built_is_kept(before: bool, tmp_path: Path) -> None:
    target = tmp_path / "idx"
    if before:
        with replace_folder(target) as folder:
            (folder / "index.json").write_text("old")
    with pytest.raises(OutputExists, match=r"thesis\.tex|not an index"), replace_folder(target) as folder:
        (folder / "index.json").write_text("new")
        target.mkdir(exist_ok=True)
        (target / "thesis.tex").write_text("precious")
    assert (target / "thesis.tex").read_text() == "precious"
    assert (target / "index.json").exists() == before
    assert [p.name for p in tmp_path.iterdir()] == ["idx"]
    (target / "thesis.tex").rename(target / ".notes")
    (target / "index.json").write_text("old")
    with replace_folder(target) as folder:
        (folder / "index.json").write_text("new")
    assert (target / ".notes").read_text() == "precious" and (target / "index.json").read_text() == "new"
    with pytest.raises(OutputExists, match="already contains"), replace_folder(tmp_path / "late") as folder:
        (tmp_path / "late").mkdir()
        (tmp_path / "late" / "index.json").write_text("of another process")
    assert (tmp_path / "late" / "index.json").read_text() == "of another process"


def test_only_an_index_may_be_replaced(tmp_path: Path) -> None:
    target = tmp_path / "idx"
    check_target(target, overwrite=False)
    target.mkdir()
    check_target(target, overwrite=False)
    (target / "thesis.tex").touch()
    with pytest.raises(OutputExists, match="is not an index"):
        check_target(target, overwrite=True)
    (target / "index.json").touch()
    with pytest.raises(OutputExists, match=r"also contains 'thesis.tex'"):
        check_target(target, overwrite=True)
    (target / "thesis.tex").unlink()
    check_target(target, overwrite=True)
    with pytest.raises(OutputExists, match="already contains an index"):
        check_target(target, overwrite=False)
    with pytest.raises(OutputExists, match="not a folder"):
        check_target(target / "index.json", overwrite=True)
