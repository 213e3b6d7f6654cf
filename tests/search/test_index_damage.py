"""Index files that are truncated, altered or of another kind: one sentence, and the process goes on."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import faiss
import numpy as np
import pytest
from support.helpers import make_model, write_png

import galaxtool
from galaxtool.errors import InputError
from galaxtool.search.index import faiss_check
from galaxtool.search.index.faiss_check import check_file, find_problem, read_faiss_file
from galaxtool.search.index.hnsw import build_hnsw
from galaxtool.search.index.ivf import build_ivf_flat
from galaxtool.search.index.ivf_pq import build_ivf_pq
from galaxtool.search.index.store import Index

N, DIM = 1000, 8
BUILDERS = [build_hnsw, build_ivf_flat, build_ivf_pq]


@pytest.fixture(scope="module")
def vectors() -> np.ndarray:
    drawn = np.random.default_rng(3).normal(size=(N, DIM)).astype(np.float32)
    return drawn / np.linalg.norm(drawn, axis=1, keepdims=True)


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GALAXTOOL_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache/checked"


@pytest.mark.parametrize("build", BUILDERS)
def test_a_sound_file_passes_once_and_is_remembered(
    build: Callable[[np.ndarray], faiss.Index], vectors: np.ndarray, tmp_path: Path, cache: Path
) -> None:
    faiss.write_index(build(vectors), str(tmp_path / "x.faiss"))
    assert read_faiss_file(tmp_path / "x.faiss").ntotal == N
    assert len(list(cache.iterdir())) == 1
    child, faiss_check._child = faiss_check._child, None  # type: ignore[assignment]
    try:
        assert read_faiss_file(tmp_path / "x.faiss").ntotal == N  # without the child
    finally:
        faiss_check._child = child


def break_links(index: faiss.IndexHNSW) -> None:
    index.hnsw.neighbors.resize(index.hnsw.neighbors.size())
    neighbors = faiss.rev_swig_ptr(index.hnsw.neighbors.data(), index.hnsw.neighbors.size())
    neighbors[5] = 1_000_000_000


def break_entry(index: faiss.IndexHNSW) -> None:
    index.hnsw.entry_point = 70_000_000


def break_ids(index: faiss.IndexIVF) -> None:
    ids = faiss.rev_swig_ptr(index.invlists.get_ids(0), index.invlists.list_size(0))
    ids[0] = 10**12


def repeat_ids(index: faiss.IndexIVF) -> None:
    ids = faiss.rev_swig_ptr(index.invlists.get_ids(0), index.invlists.list_size(0))
    ids[0] = ids[1]


def break_count(index: faiss.IndexIVF) -> None:
    index.ntotal = N + 1


def break_blocks(index: faiss.IndexIVFPQFastScan) -> None:
    faiss.downcast_InvertedLists(index.invlists).n_per_block = 64


def break_codes(index: faiss.IndexIVFPQFastScan) -> None:
    index.pq.centroids.resize(5)


@pytest.mark.parametrize(
    ("build", "change", "problem"),
    [
        (build_hnsw, break_links, "links to rows that do not exist"),
        (build_hnsw, break_entry, "row that does not exist"),
        (build_ivf_flat, break_ids, "a row that does not exist"),
        (build_ivf_flat, repeat_ids, "lack rows"),
        (build_ivf_flat, break_count, "lack rows"),
        (build_ivf_pq, break_ids, "a row that does not exist"),
        (build_ivf_pq, break_count, "lack rows"),
        (build_ivf_pq, break_blocks, "blocks do not fit"),
        (build_ivf_pq, break_codes, "codes do not fit"),
    ],
)
def test_crafted_lists_are_found(
    build: Callable[[np.ndarray], faiss.Index], change: Callable[[faiss.Index], None], problem: str, vectors: np.ndarray
) -> None:
    index = build(vectors)
    assert find_problem(index) == ""
    change(index)
    assert problem in find_problem(index)


@pytest.mark.parametrize("build", BUILDERS)
def test_a_truncated_file_is_an_error(
    build: Callable[[np.ndarray], faiss.Index], vectors: np.ndarray, tmp_path: Path
) -> None:
    faiss.write_index(build(vectors), str(tmp_path / "x.faiss"))
    content = (tmp_path / "x.faiss").read_bytes()
    for length in (
        0,
        3,
        40,
        len(content) // 2,
        len(content) - 9,
    ):  # its last bytes are zeros
        (tmp_path / "x.faiss").write_bytes(content[:length])
        assert check_file(str(tmp_path / "x.faiss")) != ""


def test_a_file_that_ends_the_process_ends_only_the_child(vectors: np.ndarray, tmp_path: Path, cache: Path) -> None:
    folder = tmp_path / "images"
    for i in range(3):
        write_png(folder / f"p{i}.png", i)
    galaxtool.index([folder], output=tmp_path / "idx", model=make_model(tmp_path / "model"), kind="hnsw")
    good = tmp_path / "idx/index.faiss"
    index = faiss.read_index(str(good))
    break_links(index)
    shutil.rmtree(cache)
    faiss.write_index(index, str(good))
    with pytest.raises(InputError, match=r"index\.faiss' is damaged: "):
        Index.open(tmp_path / "idx")
    assert not cache.exists() or not list(cache.iterdir())
    good.write_bytes(b"IHNs" + b"\xff" * 4096)
    with pytest.raises(InputError, match=r"index\.faiss' is damaged"):
        Index.open(tmp_path / "idx")


@pytest.mark.slow
def test_no_altered_byte_ends_the_process(vectors: np.ndarray, tmp_path: Path, cache: Path) -> None:
    chance = np.random.default_rng(0)
    refused = searched = 0
    for build in BUILDERS:
        faiss.write_index(build(vectors), str(tmp_path / "x.faiss"))
        content = bytearray((tmp_path / "x.faiss").read_bytes())
        for _ in range(60):
            damaged = bytearray(content)
            at = int(chance.integers(min(len(content), 400) if chance.random() < 0.5 else len(content)))
            damaged[at : at + 4] = chance.bytes(4)
            (tmp_path / "x.faiss").write_bytes(damaged)
            try:
                index = read_faiss_file(tmp_path / "x.faiss")
            except InputError:
                refused += 1
                continue
            _, rows = index.search(vectors[:3, : index.d], 10)
            searched += rows.shape == (3, 10)
    assert refused > 0 and searched > 0 and refused + searched == 60 * len(BUILDERS)
