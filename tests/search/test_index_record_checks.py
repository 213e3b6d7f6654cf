"""Index directories of strangers: one sentence for what is wrong, before anything is made of it."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from galaxtool.errors import InputError
from galaxtool.search.index.record import IndexRecord
from galaxtool.utils.files.atomic_write import write_json

SOUND: dict[str, Any] = {
    "schema": 1, "kind": "flat", "count": 3, "dim": 4, "model": "mini", "model_at": "bundled", "model_digest": "a" * 64,
    "preprocess_digest": "b" * 64, "recall_at_10": 1.0, "recall_queries": 3, "hdu": 1, "shown": {"bands": ["g", "r"]},
    "unreadable": [{"id": "a", "path": "a.fits", "error": "e"}], "flags": {"BLANK": 1},
    "pairs": {"objects": 3, "pairs": 3, "seed": 0, "percentiles": [0, 100], "similarities": [0.1, 0.9]},
}  # fmt: skip
PAIRS = SOUND["pairs"]
WRONG = [
    ("count", -1), ("count", 10**400), ("count", True), ("count", "3"), ("dim", 0), ("dim", 2.5), ("dim", 10**9),
    ("model_at", "/etc"), ("model", ["mini"]), ("model", "../../elsewhere"), ("tta", 3), ("recall_at_10", 5),
    ("settings", {"nprobe": -1}), ("settings", []), ("unreadable", [1]), ("unreadable", [{"id": 1}]), ("notes", "x"),
    ("flags", {"BLANK": "x"}), ("hdu", [1]), ("shown", {"pixel_scale": -1}), ("shown", {"bands": [[1]]}),
    ("pairs", {"objects": 1}), ("pairs", PAIRS | {"percentiles": [0]}), ("pairs", PAIRS | {"similarities": [0, 9]}),
    ("kind", "k" * 1000),
]  # fmt: skip


def test_a_sound_record_is_read(tmp_path: Path) -> None:
    write_json(tmp_path / "index.json", SOUND)
    assert IndexRecord.read(tmp_path / "index.json").count == 3


@pytest.mark.parametrize(("key", "value"), WRONG, ids=[f"{key}-{n}" for n, (key, _) in enumerate(WRONG)])
def test_wrong_values_are_named(key: str, value: Any, tmp_path: Path) -> None:
    write_json(tmp_path / "index.json", SOUND | {key: value})
    with pytest.raises(InputError, match="option" if key == "shown" else key.rstrip("s")):
        IndexRecord.read(tmp_path / "index.json")


@pytest.mark.parametrize("text", ["[]", "{", "[" * 100_000, '{"schema": "x"}', '{"schema": 1e999}', "null"])
def test_what_is_not_a_record_is_one_sentence(text: str, tmp_path: Path) -> None:
    (tmp_path / "index.json").write_text(text)
    with pytest.raises(InputError):
        IndexRecord.read(tmp_path / "index.json")


def test_a_pipe_is_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "index.json")
    with pytest.raises(InputError, match="pipe"):
        IndexRecord.read(tmp_path / "index.json")
