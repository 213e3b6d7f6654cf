"""Indexes that grow: images that are added, and indexes that are merged."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import pytest
from astropy.table import Column, MaskedColumn, Table
from support.helpers import make_model, write_png

import galaxtool
from galaxtool.errors import ConfigError, IndexMismatch, InputError, OutputExists
from galaxtool.plugins.hookspecs import hookimpl
from galaxtool.plugins.registry import get_registry
from galaxtool.plugins.specs import IndexSpec
from galaxtool.search import extend
from galaxtool.search.index.store import Index
from galaxtool.types import Silent


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two folders of images with one name in common, and an index of each and of both."""
    place = tmp_path_factory.mktemp("extend")
    for i in range(8):
        write_png(place / ("first" if i < 5 else "second") / f"p{i}.png", i)
    write_png(place / "second/p1.png", 99)
    (place / "second/broken.png").write_bytes(b"\x89PNG broken")
    model = make_model(place / "model")
    Table({"path": [str(place / f"first/p{i}.png") for i in range(5)], "z": np.arange(5) / 10}).write(place / "cat.csv")
    galaxtool.index([place / "cat.csv"], output=place / "a", model=model)
    galaxtool.index([place / "second"], output=place / "b", model=model)
    galaxtool.index([place / "first", place / "second"], output=place / "both", model=model)
    return place


@pytest.fixture
def copied(place: Path, tmp_path: Path) -> Callable[[str], Path]:
    return lambda name: Path(shutil.copytree(place / name, tmp_path / name))


def check_same(index: Index, whole: Index) -> None:
    """Check that an index has the vectors and the paths of another one, and finds every object."""
    assert index.items["path"].to_pylist() == whole.items["path"].to_pylist()
    assert index.all_vectors() == pytest.approx(whole.all_vectors(), abs=1e-6)
    halves = [np.load(one.folder / "vectors.npy").astype(float) for one in (index, whole)]
    assert halves[0] == pytest.approx(halves[1], abs=2e-4)  # batches of other sizes may round to the next number
    assert index.search(whole.all_vectors(), 1)[1].ravel().tolist() == list(range(len(whole)))
    assert index.record.count == len(whole) and index.record.unreadable == whole.record.unreadable
    assert index.record.pairs["pairs"] == whole.record.pairs["pairs"] and index.record.recall_at_10 == 1


def test_adding_gives_what_building_at_once_gives(place: Path, copied: Callable[[str], Path]) -> None:
    folder = copied("a")
    galaxtool.index([place / "first", place / "second"], output=folder, add=True)
    index = Index.open(folder)
    check_same(index, Index.open(place / "both"))
    assert index.items["id"].to_pylist()[:5] == Index.open(place / "a").items["id"].to_pylist()
    assert len(set(index.items["id"].to_pylist())) == 9
    assert index.to_table(["z"])["z"].tolist() == [0, 0.1, 0.2, 0.3, 0.4, None, None, None, None]
    assert index.record.skipped["already in the index"] == 5 and index.record.trained_count == 5
    before = (folder / "index.json").read_bytes()
    galaxtool.index([place / "first"], output=folder, add=True)
    assert (folder / "index.json").read_bytes() == before


def test_merging_gives_what_building_at_once_gives(place: Path, tmp_path: Path) -> None:
    merged = galaxtool.index([place / "a", place / "b", place / "a"], output=tmp_path / "m", merge=True)
    index = Index.open(tmp_path / "m")
    check_same(index, Index.open(place / "both"))
    assert len(set(index.items["id"].to_pylist())) == len(index) == merged.record.count
    assert [path.name for path in tmp_path.iterdir()] == ["m"]
    other = galaxtool.index([tmp_path / "m"], output=tmp_path / "sq8", merge=True, kind="sq8")
    assert {name: one["value"] for name, one in other.record.recalls.items()} == dict.fromkeys(
        ("objects", "texts", "symbols"), 1
    )
    assert other.record.kind == "sq8" and other.record.recall_at_10 == 1 and other.record.settings == {"refine": 2}


def test_what_does_not_fit_is_refused(place: Path, copied: Callable[[str], Path], tmp_path: Path) -> None:
    folder = copied("a")
    before = (folder / "index.json").read_bytes()
    with pytest.raises(ConfigError, match="not read with --stretch linear"):
        galaxtool.index([place / "second"], output=folder, add=True, stretch="linear")
    with pytest.raises(ConfigError, match="of the kind flat"):
        galaxtool.index([place / "second"], output=folder, add=True, kind="sq8")
    with pytest.raises(IndexMismatch, match="another model"):
        galaxtool.index([place / "second"], output=folder, add=True, model="mini")
    with pytest.raises(InputError, match="There is no index"):
        galaxtool.index([place / "second"], output=tmp_path / "nowhere", add=True)
    for options, error, message in (
        ({"tta": 4}, ConfigError, "not embedded with --tta 4"),
        ({"layer": "penultimate"}, ConfigError, "not embedded with --layer penultimate"),
        ({"model": "mini"}, IndexMismatch, "another model"),
        ({"stretch": "linear"}, ConfigError, "not read with --stretch linear"),
    ):
        with pytest.raises(error, match=message):
            galaxtool.index([place / "second"], output=folder, add=True, **options)
        with pytest.raises(error, match=message):
            galaxtool.index([place / "a", place / "b"], output=tmp_path / "m", merge=True, **options)
    with pytest.raises(ConfigError, match="Both --add and --merge"):
        galaxtool.index([place / "a"], output=tmp_path / "m", add=True, merge=True)
    with pytest.raises(ConfigError, match="--target-recall is 0"):
        galaxtool.index([place / "first"], output=tmp_path / "m", target_recall=0)
    record = json.loads((folder / "index.json").read_text())
    for name in ("model_digest", "preprocess_digest", "layer"):
        (folder / "index.json").write_text(json.dumps({**record, name: "other"}))
        with pytest.raises(IndexMismatch, match="cannot be compared"):
            galaxtool.index([place / "b", folder], output=tmp_path / "m", merge=True)
    (folder / "index.json").write_bytes(before)
    assert not (tmp_path / "m").exists() and len(Index.open(folder)) == 5


def test_what_another_process_adds_meanwhile_is_not_lost(
    place: Path, copied: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, found = copied("a"), extend.find_images

    def find_while_another_adds(*arguments: Any) -> Any:
        monkeypatch.setattr(extend, "find_images", found)
        galaxtool.index([place / "second/p5.png", place / "second/p6.png"], output=folder, add=True)
        return found(*arguments)

    monkeypatch.setattr(extend, "find_images", find_while_another_adds)
    with pytest.raises(OutputExists, match="has changed the index"):
        galaxtool.index([place / "second"], output=folder, add=True)
    assert len(Index.open(folder)) == 7 and [path.name for path in folder.parent.iterdir()] == ["a"]
    galaxtool.index([place / "second"], output=folder, add=True)
    assert len(Index.open(folder)) == 9


def test_an_image_that_is_in_the_index_by_now_is_not_unreadable(
    place: Path, copied: Callable[[str], Path], tmp_path: Path
) -> None:
    shutil.copytree(place / "second", tmp_path / "images")
    options: dict[str, Any] = {"model": place / "model", "output": tmp_path / "c"}
    record = galaxtool.index([tmp_path / "images"], **options).record
    assert [Path(one["path"]).name for one in record.unreadable] == ["broken.png"]
    shutil.copytree(tmp_path / "c", tmp_path / "old")
    write_png(tmp_path / "images/broken.png", 7)
    grown = galaxtool.index([tmp_path / "images"], output=tmp_path / "c", add=True).record
    assert (grown.count, grown.unreadable) == (record.count + 1, [])
    merged = galaxtool.index([tmp_path / "old", tmp_path / "c"], output=tmp_path / "m", merge=True).record
    assert (merged.count, merged.unreadable) == (record.count + 1, [])


def test_columns_of_other_types_and_units_become_one(place: Path, tmp_path: Path) -> None:
    number = 1237648720693755918  # a float has fewer digits
    first = Table({"path": [str(place / f"first/p{i}.png") for i in range(2)], "specobj": number + np.arange(2)})
    first["size"], first["mag"] = (
        MaskedColumn([1, 2], mask=[False, True], unit="arcmin"),
        Column([0.5, 1.5], unit="mag"),
    )
    first["shape"], first["good"] = np.ones((2, 3)), [True, False]
    second = Table({"path": [str(place / "second/p6.png")], "specobj": [0.5], "shape": [7], "good": ["yes"]})
    second["size"], second["mag"] = Column([90.0], unit="arcsec"), Column([3.5], unit="Jy")
    for name, table in (("a", first), ("b", second)):
        table.write(tmp_path / f"{name}.fits")
        galaxtool.index([tmp_path / f"{name}.fits"], output=tmp_path / name, model=place / "model")
    galaxtool.index([tmp_path / "a", tmp_path / "b"], output=tmp_path / "merged", merge=True)
    galaxtool.index([tmp_path / "a.fits", tmp_path / "b.fits"], output=tmp_path / "both", model=place / "model")
    galaxtool.index([tmp_path / "b.fits"], output=tmp_path / "a", add=True)
    for name in ("merged", "both", "a"):
        found = Index.open(tmp_path / name).to_table()
        assert found["specobj"].tolist() == [str(number), str(number + 1), "0.5"]
        assert found["size"].tolist() == [1, None, 1.5] and found["size"].unit == "arcmin"
        assert found["mag"].tolist() == [0.5, 1.5, 3.5] and found["mag"].unit is None
        assert found["shape"].tolist() == ["[1.0, 1.0, 1.0]", "[1.0, 1.0, 1.0]", "7"]
        assert found["good"].tolist() == ["True", "False", "yes"]


def test_an_index_whose_model_has_a_text_encoder_of_its_own_grows_and_is_replaced(place: Path, tmp_path: Path) -> None:
    model = Path(shutil.copytree(place / "model", tmp_path / "model"))
    (model / "text.onnx").write_bytes(b"a text encoder that nobody asks")
    galaxtool.index([place / "first"], output=tmp_path / "i", model=model)
    galaxtool.index([place / "second"], output=tmp_path / "i", add=True)
    assert len(Index.open(tmp_path / "i")) == 9 and (tmp_path / "i/model/text.onnx").is_file()
    galaxtool.index([place / "first"], output=tmp_path / "i", model=place / "model", overwrite=True)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["i", "model"]
    assert len(Index.open(tmp_path / "i")) == 5 and not (tmp_path / "i/model/text.onnx").exists()


@pytest.mark.parametrize("kind", ["ivf-pq", "opq-ivf-pq"])
def test_too_few_images_for_a_kind_are_told_before_they_are_embedded(place: Path, tmp_path: Path, kind: str) -> None:
    with pytest.raises(ConfigError, match=f"An index of the kind {kind} needs at least 1,000 images; these are 5"):
        galaxtool.index([place / "first"], output=tmp_path / "i", model=place / "model", kind=kind)
    assert list(tmp_path.iterdir()) == []


class Listener(Silent):
    """Keeps the warnings."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def warn(self, message: str) -> None:
        self.warnings.append(message)


def build_backwards(vectors: np.ndarray) -> Any:
    """Return an index that finds what is farthest."""
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(-vectors)
    return index


def test_a_recall_below_the_target_is_told(place: Path, tmp_path: Path) -> None:
    class Backwards:
        @hookimpl
        def register_indexes(self) -> list[IndexSpec]:
            return [IndexSpec(name="backwards", factory=f"{__name__}:build_backwards")]

    for n in range(24):
        write_png(tmp_path / f"images/p{n}.png", n)
    listener, registry = Listener(), get_registry()
    registry.plugins.register(Backwards(), "backwards")
    try:
        kind = {"kind": "backwards", "model": place / "model", "progress": listener}
        galaxtool.index([tmp_path / "images"], output=tmp_path / "i", **kind)
        told = [text for text in listener.warnings if "--target-recall is 0.99" in text]
        galaxtool.index([tmp_path / "images"], output=tmp_path / "j", target_recall=0.01, **kind)
    finally:
        registry.plugins.unregister("backwards")
    assert len(told) == 1 and re.search(r"nearest to an? (object|text|symbol), the index finds 0\.[0-8]\d,", told[0])
    assert not any("--target-recall is 0.01" in text for text in listener.warnings)
