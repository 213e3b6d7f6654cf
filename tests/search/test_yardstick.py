"""How similar results are, compared with random pairs; and texts that a model does not understand."""

from __future__ import annotations

import csv
import hashlib
import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from support.helpers import make_model, write_png

import galaxtool
from galaxtool.models.engines.torch import TorchEngine
from galaxtool.models.find import find_model
from galaxtool.search.index.pairs import MAX_PAIRS, PairSample, find_limit
from galaxtool.search.index.store import Index
from galaxtool.search.queries.text import embed_query_text, find_named_class
from galaxtool.taxonomy.load import build_taxonomy


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("models") / "tiny")


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("images")
    for i in range(12):
        write_png(folder / f"p{i:02}.png", i)
    return folder


@pytest.fixture(scope="module")
def idx(model: Path, images: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("index") / "idx"
    galaxtool.index([images], output=folder, model=str(model))
    return folder


def unit_vectors(n: int, dim: int = 8, seed: int = 0) -> np.ndarray:
    vectors = np.random.default_rng(seed).normal(size=(n, dim)).astype(np.float32) + 0.7
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


# --- the sample ------------------------------------------------------------------------------------------------------


@given(n=st.integers(2, 60), seed=st.integers(0, 50))
def test_a_percentile_is_the_share_of_the_pairs_that_are_less_similar(n: int, seed: int) -> None:
    vectors = unit_vectors(n, seed=seed)
    sample = PairSample.draw(vectors)
    cosines = np.sort((vectors @ vectors.T)[np.triu_indices(n, k=1)])
    assert (sample.objects, sample.pairs) == (n, len(cosines))
    step = 100 / len(cosines)
    for similarity in (*cosines[:: max(1, n // 3)], 0.5, -1.0, 1.0):
        expected = 100 * (cosines < similarity).mean()
        assert sample.find_percentile(float(similarity)) == pytest.approx(expected, abs=1.01 + 2 * step)
    assert sample.find_percentile(1.01) == 100 and sample.find_percentile(-1.01) == 0


def test_many_vectors_are_sampled_and_always_in_the_same_way() -> None:
    vectors = unit_vectors(3000)
    sample = PairSample.draw(vectors)
    assert (sample.objects, sample.pairs) == (2000, MAX_PAIRS) and sample == PairSample.draw(vectors)
    assert PairSample.from_dict(json.loads(json.dumps(sample.as_dict()))) == sample
    every = (vectors @ vectors.T)[np.triu_indices(3000, k=1)]
    for similarity in np.quantile(every, [0.01, 0.3, 0.9, 0.99, 0.999]):
        assert sample.find_percentile(float(similarity)) == pytest.approx(100 * (every < similarity).mean(), abs=0.5)


def test_one_vector_has_no_pairs() -> None:
    sample = PairSample.draw(unit_vectors(1))
    assert sample.pairs == 0 and sample.find_percentile(0.9) is None


def test_the_limit_is_lower_in_a_small_index() -> None:
    chance = np.random.default_rng(0)
    for candidates in (3, 10, 40):  # the best of unrelated objects passes as close in about 99 of 100 searches
        best = chance.uniform(0, 100, (5000, candidates)).max(axis=1)
        assert np.mean(best >= find_limit(candidates)) == pytest.approx(0.99, abs=0.005)
    assert find_limit(10**6) == 90


# --- the results -----------------------------------------------------------------------------------------------------


def test_every_result_has_its_percentile(idx: Path, images: Path, in_an_empty_folder: None) -> None:
    index = Index.open(idx)
    vectors = np.stack([index.vector(row) for row in range(12)])
    cosines = np.sort((vectors @ vectors.T)[np.triu_indices(12, k=1)])
    found = galaxtool.similar(images / "p03.png", index=idx, k=12)
    with Path("similar.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert list(rows[0]) == ["query", "rank", "id", "path", "similarity", "ra", "dec", "percentile"]
    assert rows[0]["id"] == "p03" and float(rows[0]["percentile"]) == 100
    for one, row in zip(found.neighbors, rows, strict=True):
        assert one.percentile == float(row["percentile"])
        assert one.percentile == pytest.approx(100 * (cosines < one.similarity - 1e-6).mean(), abs=3)
    assert found.as_dict()["neighbours"][1]["percentile"] == found.neighbors[1].percentile
    by_id = galaxtool.similar(id="p03", index=idx, k=12)
    assert [one.percentile for one in by_id.neighbors] == pytest.approx(
        [one.percentile for one in found.neighbors], abs=0.1
    )


def test_a_text_or_a_symbol_is_compared_with_the_whole_index(idx: Path, in_an_empty_folder: None) -> None:
    for query in ({"text": "a picture of a merging galaxy"}, {"symbol": "merging"}):
        found = galaxtool.similar(**query, index=idx, k=12, filter=["where:id <> 'p05'"])
        places = {one.id: one.percentile for one in found.neighbors}
        whole = {one.id: one.percentile for one in galaxtool.similar(**query, index=idx, k=12).neighbors}
        assert sorted(whole.values()) == pytest.approx([100 * i / 12 for i in range(12)], abs=1e-3)
        assert places == {name: value for name, value in whole.items() if name != "p05"}


def test_a_query_unlike_everything_is_said_to_be(model: Path, in_an_empty_folder: None) -> None:
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:64, :64] - 31.5
    for i in range(30):
        blob = np.exp(-np.hypot(x, y * (1 + i / 60)) / (6 + i / 10)) + rng.normal(0, 0.01, (64, 64))
        Path("in").mkdir(exist_ok=True)
        Image.fromarray((255 * np.clip(blob, 0, 1)).astype(np.uint8)).save(f"in/{i}.png")
    Image.fromarray(rng.integers(0, 255, (64, 64, 3), dtype=np.uint8)).save("noise.png")
    galaxtool.index(["in"], output=Path("idx"), model=str(model))
    found = galaxtool.similar("noise.png", index=Path("idx"))
    assert found.note.startswith("Nothing in the index is close") and found.neighbors[0].percentile < 50
    shutil.copy("in/7.png", "copy.png")
    for query in ("in/7.png", "copy.png"):
        assert galaxtool.similar(query, index=Path("idx")).note == ""


def test_an_index_of_an_earlier_version_has_no_percentiles(idx: Path, images: Path, in_an_empty_folder: None) -> None:
    shutil.copytree(idx, "old")
    record = json.loads(Path("old/index.json").read_text())
    del record["pairs"]
    Path("old/index.json").write_text(json.dumps(record))
    found = galaxtool.similar(images / "p01.png", index=Path("old"))
    assert {one.percentile for one in found.neighbors} == {None} and "Build it again" in found.note
    assert Path("similar.csv").read_text().splitlines()[0] == "query,rank,id,path,similarity,ra,dec"


# --- texts -----------------------------------------------------------------------------------------------------------


class WordEncoder:
    """A text encoder that understands other wordings: the sum of a random vector for each word."""

    def __init__(self, taxonomy: Any) -> None:
        self.record: Any = SimpleNamespace(name="words", words=[], make_taxonomy=lambda: taxonomy)

    def embed_text(self, texts: Sequence[str]) -> np.ndarray:
        rows = [sum(self._embed_word(word) for word in text.lower().split()) for text in texts]
        vectors = np.array(rows, dtype=np.float32)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    def _embed_word(self, word: str) -> np.ndarray:
        seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:4], "big")
        return np.random.default_rng(seed).normal(size=64) * (0.1 if word in ("a", "an", "of", "the") else 1)


CLASSES = build_taxonomy(["ring", "lens", "polar_disc"])


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("ring", "ring"), ("a ring galaxy", "ring"), ("A picture of a ring galaxy.", "ring"), ("Ring Galaxies", "ring"),
        ("the polar-disc", "polar_disc"), ("a photo of a  LENS", "lens"), ("a ringed spiral", None), ("a", None),
        ("galaxy", None), ("a galaxy", None),
    ],
)  # fmt: skip
def test_texts_that_name_a_class(text: str, slug: str | None) -> None:
    assert find_named_class(text, CLASSES) == slug


@pytest.mark.slow
def test_a_model_that_knows_only_its_prompts(idx: Path, model: Path, in_an_empty_folder: None) -> None:
    engine = TorchEngine(find_model(model), "cpu")
    prompt = "A picture of a barred spiral galaxy"
    as_prompt = galaxtool.similar(text=prompt, index=idx, k=12)
    assert as_prompt.note == ""
    for text in ("a barred spiral galaxy", "Barred Spirals", "barred spiral"):
        found = galaxtool.similar(text=text, index=idx, k=12)
        assert found.note == "" and found.query == text
        assert [one.similarity for one in found.neighbors] == [one.similarity for one in as_prompt.neighbors]
        assert "is searched for as the prompt" in embed_query_text(text, engine).note
    warned = galaxtool.similar(text="a spiral with three arms", index=idx)
    assert warned.note.startswith("'tiny' understands only the prompts") and f'are "{prompt}"' in warned.note
    raw = engine.embed_text(["a spiral with three arms"])[0]
    assert embed_query_text("a spiral with three arms", engine).vector == pytest.approx(raw)


def test_a_model_that_understands_other_wordings() -> None:
    encoder: Any = WordEncoder(CLASSES)
    for text in ("a ring galaxy", "a big ring", "lens"):
        embedded = embed_query_text(text, encoder)
        assert (embedded.note, embedded.warning) == ("", "")
        assert embedded.vector == pytest.approx(encoder.embed_text([text])[0])
    assert "farther from the prompts that 'words'" in embed_query_text("purple elephants", encoder).warning


@pytest.mark.parametrize(
    ("text", "warned"),
    [
        ("spirals with a bar", ""),
        ("A Barred spiral!", ""),
        (
            "a spiral with a lens",
            "never read the word 'lens' in its training, so it means nothing to it and the results go",
        ),
        (
            "strong lens",
            "never read the words 'strong', 'lens' in its training, so they mean nothing to it and the results mean",
        ),
    ],
)
def test_a_model_that_lists_its_words_is_warned_of_others_only(text: str, warned: str) -> None:
    encoder: Any = WordEncoder(CLASSES)
    encoder.record = SimpleNamespace(**{**vars(encoder.record), "words": ["a", "spiral", "barred", "bar"]})
    embedded = embed_query_text(text, encoder)
    assert embedded.vector == pytest.approx(encoder.embed_text([text])[0]) and embedded.note == ""
    assert (warned in embedded.warning) if warned else embedded.warning == ""
    assert ("and the results mean nothing." in embedded.warning) == (text == "strong lens")
