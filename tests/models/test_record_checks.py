"""Records of models from elsewhere: each wrong value is named, before memory is taken or a file is opened."""

from __future__ import annotations

import copy
import json
import os
import random
from pathlib import Path
from typing import Any

import pytest

from galaxtool.errors import GalaxtoolError, ModelError
from galaxtool.models.find import find_model
from galaxtool.models.record import ModelRecord

SOUND = {
    "name": "m", "backbone": "small-resnet@none", "dim": 8, "head": "linear", "temperature": 1.0, "schema": 1,
    "preprocess": {"size": 64, "crop": 1.0, "mean": [0.5] * 3, "std": [0.5] * 3, "stretch": {"name": "asinh"}},
    "taxonomy": {"name": "t", "classes": [{"slug": slug, "name": slug, "prompt": slug} for slug in "ab"]},
}  # fmt: skip
ODD = [
    None, True, -1, 0, 60000, 10**400, 1e308, float("nan"), "x", "", "../../evil", "\x1b[2J", [], [None], [[1]], {},
    {"x": {}}, "A" * 30_000, ["a"] * 100,
]  # fmt: skip
WRONG = [
    (("preprocess", "size"), 60000, "size is 60000"), (("preprocess", "size"), "64", "size is not a whole number"),
    (("preprocess", "std"), [0, 0, 0], "std is 0"), (("preprocess", "mean"), [[1]], "mean is not a number"),
    (("temperature",), float("nan"), "NaN|temperature"), (("temperature",), 0, "temperature is 0"),
    (("temperature",), [1.0, 2.0], "not a factor for the error bars of each quantity"),
    (("temperature",), [1.0, -2.0], "temperature is -2"),
    (("taxonomy", "classes"), [], "classes"), (("taxonomy", "classes"), None, "classes"),
    (("taxonomy", "classes", 0, "slug"), "../x", "class 1 has no slug"),
    (("taxonomy", "classes", 1, "slug"), "a", "slug 'a' of an earlier one"),
    (("taxonomy", "classes", 0, "symbol"), "../x.png", "not the name of a file"),
    (("backbone",), ["mini"], "backbone is not a text"), (("citations",), "x", "citations is not a list"),
    (("dim",), 10**9, "dim is 1e"), (("schema",), 10**400, "newer galaxtool"), (("tta",), 3, "tta is not one of"),
]  # fmt: skip


def put(path: tuple[Any, ...], value: Any) -> dict[str, Any]:
    record = copy.deepcopy(SOUND)
    place: Any = record
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return record


def read(folder: Path, record: Any) -> ModelRecord:
    (folder / "model.json").write_text(json.dumps(record))
    return ModelRecord.read(folder / "model.json")


def test_a_sound_record_is_taken(tmp_path: Path) -> None:
    assert read(tmp_path, SOUND).slugs == ["a", "b"]


@pytest.mark.parametrize(("path", "value", "message"), WRONG)
def test_a_wrong_value_is_named(path: tuple[Any, ...], value: Any, message: str, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=message):
        read(tmp_path, put(path, value))


def test_random_values_never_escape(tmp_path: Path) -> None:
    rng = random.Random(1)
    paths = [(key,) for key in SOUND] + [("preprocess", key) for key in SOUND["preprocess"]]  # type: ignore[attr-defined]
    paths += [("taxonomy", "classes", 0, key) for key in ("slug", "name", "symbol", "variants", "prompt")]
    for _ in range(300):
        record = put(rng.choice(paths), rng.choice(ODD))
        try:
            found = read(tmp_path, record)
        except GalaxtoolError:
            continue
        assert found.make_preprocess().size <= 4096 and all("/" not in slug for slug in found.slugs)


def test_a_pipe_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "model.json")
    with pytest.raises(GalaxtoolError, match="pipe"):
        ModelRecord.read(tmp_path / "model.json")
    with pytest.raises(GalaxtoolError):
        find_model(str(tmp_path / "model.json"))
