"""The records of the bundled models: the same in both files, and without anything of the machine of the training."""

from __future__ import annotations

import json
from pathlib import Path

import onnx
import pytest

import galaxtool
from galaxtool.models.onnx.metadata import METADATA_KEY

MODELS = Path(galaxtool.__file__).parent / "models"


@pytest.mark.parametrize("name", ["mini", "mini-radio"])
def test_the_onnx_file_of_a_bundled_model_has_the_record_of_its_folder(name: str) -> None:
    written = json.loads((MODELS / name / "model.json").read_text(encoding="utf-8"))
    properties = {entry.key: entry.value for entry in onnx.load(MODELS / name / "model.onnx").metadata_props}
    assert json.loads(properties[METADATA_KEY]) == written


@pytest.mark.parametrize("name", ["mini", "mini-radio"])
def test_the_record_of_a_bundled_model_names_its_ancestor_and_no_path(name: str) -> None:
    record = json.loads((MODELS / name / "model.json").read_text(encoding="utf-8"))
    assert record["backbone"] == "mini@imagenet"
