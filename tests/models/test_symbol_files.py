"""The drawings that a model directory keeps in ``symbols/``."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from support.helpers import make_model

from galaxtool.errors import InputError
from galaxtool.models.directory import load_network, save_model
from galaxtool.models.find import find_model
from galaxtool.taxonomy.symbols import load_symbols

FILES = sorted(f"{slug}{end}.png" for slug in ("merging", "round_smooth") for end in ("", "@2", "@3"))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_model(tmp_path_factory.mktemp("models") / "m", ["merging", "round_smooth"])


def test_a_model_keeps_all_drawings(made: Path) -> None:
    assert sorted(path.name for path in (made / "symbols").iterdir()) == FILES
    model, record = load_network(find_model(made))
    taxonomy = record.make_taxonomy(made / "symbols")
    assert [path.name for path in taxonomy.classes[0].drawings] == FILES[:3]
    drawings = load_symbols(taxonomy, 64)
    assert drawings.shape == (2, 3, 64, 64, 3) and len(np.unique(drawings.reshape(6, -1), axis=0)) == 6
    before = {path.name: path.read_bytes() for path in (made / "symbols").iterdir()}
    again = save_model(made, model, record, taxonomy)
    assert again.taxonomy == record.taxonomy
    assert {path.name: path.read_bytes() for path in (made / "symbols").iterdir()} == before


def test_a_model_with_one_drawing_of_each_class_still_loads(tmp_path: Path) -> None:
    old = make_model(tmp_path / "old", ["merging", "round_smooth"])
    record = json.loads((old / "model.json").read_text())
    for entry in record["taxonomy"]["classes"]:
        for name in entry.pop("variants"):
            (old / "symbols" / name).unlink()
    (old / "model.json").write_text(json.dumps(record))
    _, found = load_network(find_model(old))
    taxonomy = found.make_taxonomy(old / "symbols")
    assert [len(item.drawings) for item in taxonomy.classes] == [1, 1]
    assert load_symbols(taxonomy, 64).shape[:2] == (2, 1)


def test_a_missing_drawing_is_named(made: Path, tmp_path: Path) -> None:
    record = json.loads((made / "model.json").read_text())
    (tmp_path / "merging.png").write_bytes((made / "symbols/merging.png").read_bytes())
    _, found = load_network(find_model(made))
    assert found.taxonomy == record["taxonomy"]
    with pytest.raises(InputError, match=r"merging@2\.png of the class 'merging' is missing"):
        found.make_taxonomy(tmp_path)
