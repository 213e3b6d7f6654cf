"""An interrupted `index` is resumed, with the same result."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from support.helpers import make_model, write_png

import galaxtool
from galaxtool.errors import InputError, OutputExists
from galaxtool.inference import worker
from galaxtool.search.index.store import Index

N = 12
OPTIONS: dict[str, Any] = {"batch_size": 2, "executor": "threads", "workers": 1}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(make_model(tmp_path_factory.mktemp("models") / "tiny"))


@pytest.fixture
def images(in_an_empty_folder: None, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GALAXTOOL_CACHE", "cache")
    for i in range(N):
        write_png(Path("in") / f"p{i:02}.png", i)
    Path("in/p05.png").write_bytes(b"\x89PNG broken")
    return Path("in")


@pytest.fixture
def stop_after(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Interrupt the work after some images, or at one; returns the names of the images that were read."""
    read: list[str] = []
    original = worker.read_item

    def set_limit(number: int, at: str = "") -> list[str]:
        read.clear()

        def reading(item: Any, options: Any) -> Any:
            if len(read) >= number or item.id == at:
                raise KeyboardInterrupt
            read.append(item.id)
            return original(item, options)

        monkeypatch.setattr(worker, "read_item", reading)
        return read

    return set_limit


def vectors(folder: str) -> np.ndarray:
    index = Index.open(Path(folder))
    return np.stack([index.vector(row) for row in range(len(index))])


def test_an_interrupted_index_is_resumed(images: Path, model: str, stop_after: Any) -> None:
    galaxtool.index([images], output=Path("whole"), model=model, **OPTIONS)
    stop_after(7)
    with pytest.raises(KeyboardInterrupt):
        galaxtool.index([images], output=Path("idx"), model=model, **OPTIONS)
    assert Path("idx.unfinished").is_dir() and not Path("idx").exists()
    read = stop_after(99)
    with pytest.raises(OutputExists, match="unfinished work") as caught:
        galaxtool.index([images], output=Path("idx"), model=model, **OPTIONS)
    assert "resume" in caught.value.hint and "--overwrite" in caught.value.hint
    with pytest.raises(InputError, match="different"):
        galaxtool.index([images], output=Path("idx"), model=model, stretch="linear", resume=True, **OPTIONS)
    galaxtool.index([images], output=Path("idx"), model=model, resume=True, **OPTIONS)
    assert 0 < len(read) < N - 2 and read[-1] == "p11"
    assert (vectors("idx") == vectors("whole")).all() and not Path("idx.unfinished").exists()
    records = [json.loads((Path(name) / "index.json").read_text()) for name in ("idx", "whole")]
    for record in records:
        assert record["count"] == N - 1 and record["unreadable"][0]["id"] == "p05"
        del record["created"]
    assert records[0] == records[1]


def test_an_index_that_was_to_be_replaced_is_there_until_the_new_one_is(
    images: Path, model: str, stop_after: Any
) -> None:
    galaxtool.index([images / "p00.png"], output=Path("idx"), model=model)
    stop_after(5)
    with pytest.raises(KeyboardInterrupt):
        galaxtool.index([images], output=Path("idx"), model=model, overwrite=True, **OPTIONS)
    assert len(Index.open(Path("idx"))) == 1
    stop_after(99)
    galaxtool.index([images], output=Path("idx"), model=model, resume=True, **OPTIONS)
    assert len(Index.open(Path("idx"))) == N - 1
    with pytest.raises(OutputExists, match="already contains an index"):
        galaxtool.index([images], output=Path("idx"), model=model, resume=True, **OPTIONS)


def test_nothing_is_kept_where_no_image_can_be_read(in_an_empty_folder: None, model: str) -> None:
    Path("broken.png").write_bytes(b"\x89PNG broken")
    with pytest.raises(InputError, match="cannot be read"):
        galaxtool.index(["broken.png"], output=Path("idx"), model=model)
    assert [path.name for path in Path().iterdir()] == ["broken.png"]


def test_an_index_on_demand_is_resumed_unless_its_images_changed(images: Path, model: str, stop_after: Any) -> None:
    for i in range(N, 200):
        write_png(images / f"p{i:03}.png", i)
    ask: dict[str, Any] = {"among": [images], "model": model, "top_k": 1}
    stop_after(10**6, at="p199")  # in the last part: threads may read the parts before it at the same time
    with pytest.raises(KeyboardInterrupt):
        galaxtool.similar(images / "p01.png", **ask)
    (left,) = (path for path in Path("cache/among").iterdir())
    assert list(left.glob("part-*"))
    read = stop_after(10**6)
    galaxtool.similar(images / "p01.png", **ask, resume=True)
    assert len(read) < 190 and [path.suffix for path in Path("cache/among").iterdir()] == [""]
    read.clear()
    galaxtool.similar(images / "p01.png", **ask)
    assert read == []
    galaxtool.similar(images / "p01.png", **ask, overwrite=True)
    assert len(read) == 200
